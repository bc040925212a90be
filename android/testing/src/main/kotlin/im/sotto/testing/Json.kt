package im.sotto.testing

/** A JSON value: small enough to need no library. */
class Json private constructor(private val value: Any?) {
    val isNull: Boolean get() = value == null
    val text: String get() = value as String
    val int: Int get() = (value as Number).toInt()
    val long: Long get() = (value as Number).toLong()
    val isTrue: Boolean get() = value == true
    val list: List<Json> get() = (value as List<*>).map(::Json)

    fun has(key: String): Boolean = (value as? Map<*, *>)?.containsKey(key) == true

    /** A field; null in JSON's sense if there is none. */
    operator fun get(key: String): Json = Json((value as Map<*, *>)[key])

    operator fun get(place: Int): Json = Json((value as List<*>)[place])

    override fun toString(): String = write(value)

    companion object {
        fun parse(text: String): Json = Json(Parser(text).whole())

        fun write(value: Any?): String = when (value) {
            null -> "null"
            is Json -> write(value.value)
            is String -> quote(value)
            is Map<*, *> -> value.entries.joinToString(",", "{", "}") { (key, it) -> "${quote("$key")}:${write(it)}" }
            is Iterable<*> -> value.joinToString(",", "[", "]") { write(it) }
            else -> value.toString()
        }

        private fun quote(text: String) = buildString {
            append('"')
            for (char in text) {
                when {
                    char == '"' || char == '\\' -> append('\\').append(char)
                    char < ' ' -> append("\\u%04x".format(char.code))
                    else -> append(char)
                }
            }
            append('"')
        }
    }

    private class Parser(private val text: String) {
        private var at = 0

        fun whole(): Any? = value().also {
            space()
            check(at == text.length) { "more after the end: $text" }
        }

        private fun value(): Any? {
            space()
            return when (val char = text[at]) {
                '{' -> fields()
                '[' -> items()
                '"' -> string()
                't' -> word("true", true)
                'f' -> word("false", false)
                'n' -> word("null", null)
                else -> number(char)
            }
        }

        private fun fields(): Map<String, Any?> {
            val found = LinkedHashMap<String, Any?>()
            each('}') {
                space()
                val key = string()
                space()
                check(text[at++] == ':') { text }
                found[key] = value()
            }
            return found
        }

        private fun items(): List<Any?> {
            val found = ArrayList<Any?>()
            each(']') { found.add(value()) }
            return found
        }

        private fun each(end: Char, one: () -> Unit) {
            at++
            space()
            if (text[at] == end) {
                at++
                return
            }
            while (true) {
                one()
                space()
                if (text[at++] == end) return
            }
        }

        private fun string(): String = buildString {
            at++
            while (text[at] != '"') {
                val char = text[at++]
                append(if (char == '\\') escaped() else char)
            }
            at++
        }

        private fun escaped(): Char = when (val char = text[at++]) {
            'n' -> '\n'
            't' -> '\t'
            'r' -> '\r'
            'b' -> '\b'
            'f' -> '\u000c'
            'u' -> text.substring(at, at + 4).toInt(16).toChar().also { at += 4 }
            else -> char
        }

        private fun word(word: String, value: Any?): Any? {
            check(text.startsWith(word, at)) { text }
            at += word.length
            return value
        }

        private fun number(first: Char): Number {
            check(first == '-' || first.isDigit()) { text }
            val begin = at
            while (at < text.length && text[at] in "+-.eE0123456789") at++
            val digits = text.substring(begin, at)
            return digits.toLongOrNull() ?: digits.toDouble()
        }

        private fun space() {
            while (at < text.length && text[at] in " \t\r\n") at++
        }
    }
}
