package im.sotto

// Places in a text. The core counts bytes of UTF-8, Kotlin counts chars of UTF-16.

/**
 * The chars of these bytes. Whatever numbers come, the result lies in the text, or is empty: what is outside is left
 * out, and the rest of a character that begins before belongs to no place.
 */
internal fun String.chars(offset: Int, length: Int): IntRange {
    val from = charAt(offset.toLong())
    return from until charAt(offset.toLong() + length).coerceAtLeast(from)
}

/** The first char that does not begin before this byte. */
private fun String.charAt(byte: Long): Int {
    var bytes = 0L
    var at = 0
    while (at < length && bytes < byte) {
        val code = codePointAt(at)
        bytes += when {
            code < 0x80 -> 1
            code < 0x800 -> 2
            code < 0x10000 -> 3
            else -> 4
        }
        at += Character.charCount(code)
    }
    return at
}

/** The byte at which a char begins. A place outside of the text stays outside, and half a character is none's begin. */
internal fun String.byteAt(char: Long): Int {
    if (char <= 0) return char.toInt()
    val inside = minOf(char, length.toLong()).toInt()
    var bytes = char - inside
    for (at in 0 until inside) {
        val one = this[at]
        bytes += when {
            one < '\u0080' -> 1
            one < '\u0800' || one.isSurrogate() -> 2
            else -> 3
        }
    }
    return bytes.coerceAtMost(Int.MAX_VALUE.toLong()).toInt()
}
