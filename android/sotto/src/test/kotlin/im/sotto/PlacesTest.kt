package im.sotto

import im.sotto.ffi.SottoHit
import im.sotto.ffi.SottoMark
import im.sotto.ffi.SottoMention
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Places in texts: bytes of the core, chars of Kotlin. */
class PlacesTest {
    private val text = "aä€🙂é👨‍👩‍👧b"

    @Test
    fun `each part of a text is found in bytes, and again in chars`() {
        val starts = text.indices.filterNot { text[it].isLowSurrogate() } + text.length
        for (from in starts) for (to in starts.filter { it > from }) {
            val range = from until to
            val lowered = NewMention(range, null).lower(text)
            assertEquals(text.substring(0, from).toByteArray().size, lowered.offset)
            assertEquals(text.substring(range).toByteArray().size, lowered.length)
            assertEquals(range, text.chars(lowered.offset, lowered.length))
        }
    }

    @Test
    fun `whatever bytes a peer names, the chars lie in the text`() {
        val numbers = (-3..text.toByteArray().size + 3) + listOf(Int.MIN_VALUE, Int.MAX_VALUE)
        for (some in listOf(text, "")) for (offset in numbers) for (length in numbers) {
            val range = some.chars(offset, length)
            assertTrue(range.first in 0..some.length && range.last < some.length, "$offset, $length: $range")
            some.substring(range)
            assertTrue(range.isEmpty() || !some[range.first].isLowSurrogate(), "$offset, $length: $range")
        }
        // A text that was cut before the name.
        val mention = SottoMention(40, 3, null, "Bob").lift("short")
        assertTrue(mention.range.isEmpty())
    }

    /** So that the core refuses them: a mention lies in the text and on whole characters. */
    @Test
    fun `places outside of a text, or in a character, stay so`() {
        val bytes = "🙂".toByteArray().size
        fun lowered(range: IntRange) = NewMention(range, null).lower("🙂").let { it.offset to it.length }
        assertEquals(-1 to 1, lowered(-1..-1))
        assertEquals(2 to 2, lowered(1..1))
        assertEquals(0 to bytes + 1, lowered(0..2))
        assertEquals(bytes + 1 to 1, lowered(3..3))
        assertEquals(0, lowered(IntRange.EMPTY).second)
        assertEquals(0 to Int.MAX_VALUE, lowered(0..Int.MAX_VALUE))
        assertTrue(lowered(Int.MIN_VALUE..-2).first < 0)
    }

    @Test
    fun `a hit marks chars`() {
        val id = im.sotto.ffi.SottoMessageId("m")
        val place = im.sotto.ffi.SottoConversationId("c")
        val marks = listOf(SottoMark(8, 4), SottoMark(99, 1))
        val hit = SottoHit(id, place, false, null, "🙂 ü soup", marks, 0, "").lift()
        assertEquals(listOf("soup", ""), hit.marks.map(hit.text::substring))
    }

    @Test
    fun `a ring has the colours of its numbers, and no number fails`() {
        val white = 0xFFFFFFFF.toInt()
        assertEquals(white, RingSegment(1, 4).argb)
        assertEquals(0xFF00F0B6.toInt(), RingSegment(1, 31).argb)
        for (number in listOf(-1, 32, Int.MAX_VALUE)) assertEquals(0xFF000000.toInt(), RingSegment(1, number).argb)
    }
}
