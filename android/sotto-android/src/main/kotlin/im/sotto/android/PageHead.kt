package im.sotto.android

import android.text.Html
import java.nio.charset.Charset
import java.text.BreakIterator

/**
 * What the head of a page says of it.
 *
 * @property title at most 120 bytes.
 * @property text at most 300 bytes.
 */
internal class PageHead private constructor(val title: String, val text: String) {
    companion object {
        private const val MOST_TITLE = 120
        private const val MOST_TEXT = 300

        fun of(page: Page): PageHead {
            val found = HeadReader(decode(page)).read()
            fun first(vararg names: String) = names.firstNotNullOfOrNull { found[it]?.let(::plain)?.ifEmpty { null } }
            return PageHead(
                cut(first("og:title", "twitter:title", HeadReader.TITLE).orEmpty(), MOST_TITLE),
                cut(first("og:description", "twitter:description", "description").orEmpty(), MOST_TEXT),
            )
        }

        private val MARKS = listOf(
            byteArrayOf(0xEF.toByte(), 0xBB.toByte(), 0xBF.toByte()) to Charsets.UTF_8,
            byteArrayOf(0xFE.toByte(), 0xFF.toByte()) to Charsets.UTF_16BE,
            byteArrayOf(0xFF.toByte(), 0xFE.toByte()) to Charsets.UTF_16LE,
        )
        private val DECLARED =
            Regex("""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?([\w.:-]{1,40})""", RegexOption.IGNORE_CASE)
        private const val DECLARED_WITHIN = 1024

        /** By its byte order mark, else its header, else its own word, else as UTF-8. */
        private fun decode(page: Page): String {
            val bytes = page.bytes
            val mark = MARKS.firstOrNull { (mark) ->
                bytes.size >= mark.size && mark.indices.all { mark[it] == bytes[it] }
            }
            if (mark != null) {
                val (begin, charset) = mark
                return String(bytes, begin.size, bytes.size - begin.size, charset)
            }
            val start = String(bytes, 0, minOf(bytes.size, DECLARED_WITHIN), Charsets.ISO_8859_1)
            // A page that can be read so far is not in UTF-16.
            val declared = known(DECLARED.find(start)?.groupValues?.get(1))
                ?.takeUnless { it.name().startsWith("UTF-16") || it.name().startsWith("UTF-32") }
            return String(bytes, known(page.charset) ?: declared ?: Charsets.UTF_8)
        }

        private fun known(charset: String?): Charset? = try {
            charset?.let(Charset::forName)
        } catch (_: IllegalArgumentException) {
            null
        }

        /** Longest text in the page that is looked at. */
        private const val MOST_RAW = 4_000

        /** The entities of HTML as characters, blanks joined, and nothing that turns or hides what follows. */
        private fun plain(raw: String): String {
            val escaped = raw.take(MOST_RAW).replace("<", "&lt;")
            val text = Html.fromHtml(escaped, Html.FROM_HTML_MODE_LEGACY).toString()
            val shown = StringBuilder()
            text.codePoints().forEach { code ->
                when (Character.getType(code).toByte()) {
                    Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> shown.append(' ')
                    Character.FORMAT -> if (code in JOINERS) shown.appendCodePoint(code)
                    Character.SURROGATE -> {}
                    else -> shown.appendCodePoint(code)
                }
            }
            return shown.split(Regex("\\s+")).joinToString(" ").trim()
        }

        /** Scripts and emoji need them. */
        private val JOINERS = 0x200C..0x200D

        /** At most [most] bytes of UTF-8, cut between characters as people see them. */
        private fun cut(text: String, most: Int): String {
            if (text.toByteArray().size <= most) return text
            val room = most - "…".toByteArray().size
            val characters = BreakIterator.getCharacterInstance().apply { setText(text) }
            var end = 0
            while (true) {
                val next = characters.next()
                if (next == BreakIterator.DONE || text.substring(0, next).toByteArray().size > room) break
                end = next
            }
            return text.substring(0, end).trimEnd() + "…"
        }
    }
}

/** Reads the texts of a page's head, however broken it is, in one pass. */
internal class HeadReader(private val html: String) {
    private val found = HashMap<String, String>()
    private var at = 0

    /** [TITLE] and the `meta` elements by name; the first of each counts. */
    fun read(): Map<String, String> {
        while (true) {
            at = html.indexOf('<', at)
            if (at < 0) return found
            if (html.startsWith("<!--", at)) {
                if (!skip("-->")) return found
                continue
            }
            at++
            val name = name()
            when (name) {
                "meta" -> meta()
                TITLE -> title()
                "script", "style", "noscript", "template" -> if (!skip("</$name")) return found
                "/head", "body" -> return found
            }
        }
    }

    private fun name(): String {
        val begin = at
        while (at < html.length && at - begin < MOST_NAME && (html[at].isLetterOrDigit() || html[at] == '/')) at++
        return html.substring(begin, at).lowercase()
    }

    /** Goes behind the next [end]; false if there is none. */
    private fun skip(end: String): Boolean {
        val place = html.indexOf(end, at, ignoreCase = true)
        at = place + end.length
        return place >= 0
    }

    private fun title() {
        // None from here to the end, and so none for the next tag either.
        val begin = html.indexOf('>', at).let { if (it < 0) html.length - 1 else it }
        val end = html.indexOf("</title", begin, ignoreCase = true).let { if (it < 0) html.length else it }
        found.putIfAbsent(TITLE, html.substring(begin + 1, minOf(end, begin + 1 + MOST_TAG)))
        at = end
    }

    private fun meta() {
        val end = minOf(html.length, at + MOST_TAG)
        val attributes = HashMap<String, String>()
        while (at < end && html[at] != '>') {
            if (html[at].isWhitespace() || html[at] == '/' || html[at] == '=') {
                at++
                continue
            }
            val key = until(end) { it.isWhitespace() || it in "=>/" }.lowercase()
            until(end) { !it.isWhitespace() }
            attributes.putIfAbsent(key, if (at < end && html[at] == '=') value(end) else "")
        }
        // A tag without an end is none.
        if (at >= end) return
        val name = attributes["property"] ?: attributes["name"] ?: return
        attributes["content"]?.let { found.putIfAbsent(name.trim().lowercase(), it) }
    }

    private fun value(end: Int): String {
        at++
        until(end) { !it.isWhitespace() }
        if (at >= end) return ""
        val quote = html[at]
        if (quote != '"' && quote != '\'') return until(end) { it.isWhitespace() || it == '>' }
        at++
        return until(end) { it == quote }.also { at = minOf(at + 1, end) }
    }

    private fun until(end: Int, isEnd: (Char) -> Boolean): String {
        val begin = at
        while (at < end && !isEnd(html[at])) at++
        return html.substring(begin, at)
    }

    companion object {
        const val TITLE = "title"
        private const val MOST_NAME = 16
        private const val MOST_TAG = 8_192
    }
}
