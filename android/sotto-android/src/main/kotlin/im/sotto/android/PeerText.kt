package im.sotto.android

import android.icu.text.BreakIterator
import android.text.SpannableStringBuilder
import java.net.IDN
import java.net.URI
import java.net.URISyntaxException

/**
 * Texts that other people wrote, made harmless to look at: show no name, text or file name without it. Copy and quote
 * the text itself, not what this returns.
 */
public object PeerText {
    /**
     * A text that may be cut.
     *
     * @property text what is shown.
     * @property isCut whether there is more: offer to show all.
     */
    public class Shown internal constructor(public val text: SpannableStringBuilder, public val isCut: Boolean)

    /** Marks on one letter; the languages of the world need at most 4. */
    private const val MOST_MARKS = 4

    private const val MOST_LINES = 24
    private const val MOST_CHARS = 1_400

    private val MARKS = setOf(Character.NON_SPACING_MARK, Character.ENCLOSING_MARK).map(Byte::toInt)

    /** Characters that turn the direction of what follows. LRM and RLM stay. */
    private val TURNS = ('\u202A'..'\u202E') + ('\u2066'..'\u2069')

    private val LINK = Regex("""\bhttps?://[^\s<>"“”\u0000-\u001F\u202A-\u202E\u2066-\u2069]{1,2000}""")
    private const val AFTER_LINK = ".,;:!?)]}'»…"

    /** Without what disturbs other texts: direction controls, control characters, piles of marks. Its spans stay. */
    public fun clean(text: CharSequence): SpannableStringBuilder {
        val clean = SpannableStringBuilder(text)
        for (bad in bad(text).asReversed()) clean.delete(bad.first, bad.last + 1)
        return clean
    }

    /** For one line, as a name: cleaned, without line breaks, at most 1,400 characters. */
    public fun line(text: String): String =
        clean(text.take(MOST_CHARS)).toString().replace('\n', ' ').replace('\t', ' ')

    /** What stands in a bubble: at most 24 lines and some 1,400 characters, cut between graphemes. */
    public fun shorten(text: SpannableStringBuilder): Shown {
        val end = minOf(endOfLines(text), MOST_CHARS)
        if (end >= text.length) return Shown(text, false)
        val graphemes = BreakIterator.getCharacterInstance().apply { setText(text.toString()) }
        val cut = if (graphemes.isBoundary(end)) end else graphemes.preceding(end)
        return Shown(SpannableStringBuilder(text, 0, cut.coerceIn(0, end)).append("…"), true)
    }

    /** Places of links, without the punctuation that ends a sentence. */
    public fun links(text: CharSequence): List<IntRange> = LINK.findAll(text).map { match ->
        match.range.first..(match.range.first + match.value.trimEnd { it in AFTER_LINK }.length - 1)
    }.toList()

    /** The host of a link in ASCII, so that a look-alike is seen as one. */
    public fun hostOf(url: String): String = try {
        val authority = URI(url.substringBefore('?').substringBefore('#')).rawAuthority.orEmpty()
        IDN.toASCII(authority.substringAfterLast('@'), IDN.ALLOW_UNASSIGNED)
    } catch (_: URISyntaxException) {
        url.substringAfter("//").substringBefore('/')
    } catch (_: IllegalArgumentException) {
        url.substringAfter("//").substringBefore('/')
    }

    private fun bad(text: CharSequence): List<IntRange> {
        val bad = ArrayList<IntRange>()
        var marks = 0
        var at = 0
        while (at < text.length) {
            val code = Character.codePointAt(text, at)
            val size = Character.charCount(code)
            marks = if (Character.getType(code) in MARKS) marks + 1 else 0
            if (marks > MOST_MARKS || code in CONTROLS || code.toChar() in TURNS && size == 1) {
                val last = bad.lastOrNull()
                if (last != null && last.last == at - 1) bad[bad.lastIndex] = last.first..at + size - 1
                else bad += at..at + size - 1
            }
            at += size
        }
        return bad
    }

    /** Controls except tab and line feed. */
    private val CONTROLS = (0x00..0x1F).toSet() + (0x7F..0x9F) - 0x09 - 0x0A

    private fun endOfLines(text: CharSequence): Int {
        var lines = 0
        for (at in text.indices) if (text[at] == '\n' && ++lines == MOST_LINES) return at
        return text.length
    }
}
