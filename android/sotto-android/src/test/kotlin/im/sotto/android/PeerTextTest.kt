package im.sotto.android

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

@RunWith(RobolectricTestRunner::class)
class PeerTextTest {
    @Test
    fun whatDisturbsIsNotShown() {
        assertEquals("abcdef", PeerText.clean("abc\u202Edef\u2066").toString())
        assertEquals("a\u0301\u0301\u0301\u0301b", PeerText.clean("a" + "\u0301".repeat(500) + "b").toString())
        assertEquals("a\tb\nc", PeerText.clean("a\tb\u0000\nc\u0007").toString())
        val family = "👨‍👩‍👧‍👦 ❤️ 🇩🇪 نَصٌّ עִבְרִית"
        assertEquals(family, PeerText.clean(family).toString())
        assertEquals("one two", PeerText.line("one\ntwo"))
    }

    @Test
    fun aLongTextIsCutBetweenGraphemes() {
        val family = "👨‍👩‍👧‍👦"
        val shown = PeerText.shorten(PeerText.clean(family.repeat(1_000)))
        assertTrue(shown.isCut)
        assertEquals(family, shown.text.toString().removeSuffix("…").takeLast(family.length))
        assertTrue(PeerText.shorten(PeerText.clean("a\n".repeat(100))).text.lines().size <= 25)
        assertFalse(PeerText.shorten(PeerText.clean("short")).isCut)
    }

    @Test
    fun aLinkShowsWhereItLeads() {
        val text = "See https://sotto.im/a(b), or (http://x.example/)."
        assertEquals(listOf("https://sotto.im/a(b", "http://x.example/"), PeerText.links(text).map(text::substring))
        assertEquals("evil.example", PeerText.hostOf("https://bank.example@evil.example/login"))
        assertEquals("xn--pple-43d.com", PeerText.hostOf("https://аpple.com/"))
        assertEquals("x.example:8080", PeerText.hostOf("http://x.example:8080/?q=a b"))
    }
}
