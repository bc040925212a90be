package im.sotto.app.chat

import android.widget.TextView
import im.sotto.android.LocalPages
import im.sotto.app.AppTest
import im.sotto.app.R
import im.sotto.testing.Person
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit

/** A link gets its preview when the person taps, and not before. */
class LinkTest : AppTest() {
    private val site = LocalPages()
    private lateinit var bob: Person
    private lateinit var place: String

    @After
    fun closeTheSite() = site.close()

    private fun meet() {
        app.linkPreviews = LocalPages.previews
        alice()
        bob = person("Bob", BOB)
        app.times.at(TimeUnit.HOURS.toMillis(2))
        place = befriend(bob, "Where do we sing?")
        phone.tap("Bob")
        phone.sees("Where do we sing?")
    }

    private fun isOffered() = isShown(R.id.offer)

    private fun title() = phone.text(R.id.offer_title)

    private fun offer() = string(R.string.link_offer, "localhost:${site.port}")

    private fun previewAtBob(text: String) = bob.sees("messages", "conversation" to place, "limit" to 50) { page ->
        page["messages"].list.firstOrNull { !it["text"].isNull && it["text"].text == text }
    }["preview"]

    @Test
    fun aPreviewIsOfferedFetchedAfterATapAndSent() {
        meet()
        site.page(
            "/hall",
            "<title>Hall</title><meta property=og:title content='The old hall by the lake &amp; its garden'>" +
                "<meta name=description content='Warm in winter. Ten minutes from the station, with a piano.'>",
        )
        phone.type(R.id.text, "Here: https://sotto.im/hall")
        phone.until("the offer") { isOffered() && title() == string(R.string.link_offer, "sotto.im") }
        phone.sees(string(R.string.link_offer_text))
        draw("chat-link-offer")
        drawWide("chat-link-offer", R.string.link_offer_text)
        phone.until("English again") { title() == string(R.string.link_offer, "sotto.im") }

        val text = "Here: ${site.link("/hall")}."
        phone.type(R.id.text, text)
        assertFalse("it is still being written", isOffered())
        phone.until("the offer") { isOffered() && title() == offer() }
        phone.sleep(5_000)
        assertEquals("nothing is fetched before the tap", 0, site.connections.get())
        phone.tap(R.id.offer)
        phone.until("the preview") { title() == "The old hall by the lake & its garden" }
        draw("chat-link-preview", R.id.text)
        phone.die()
        phone.until("the preview") { isOffered() && title() == "The old hall by the lake & its garden" }
        assertEquals("fetched once", 1, site.connections.get())
        app.times.at(TimeUnit.MINUTES.toMillis(1))
        phone.tap(R.id.send)
        val preview = previewAtBob(text)
        assertEquals(site.link("/hall"), preview["url"].text)
        assertEquals("The old hall by the lake & its garden", preview["title"].text)
        assertEquals("Warm in winter. Ten minutes from the station, with a piano.", preview["text"].text)
        phone.until("the preview in the bubble") {
            val titles = phone.views().filter { it.id == R.id.link_title && it.isShown }
            titles.any { (it as TextView).text == preview["title"].text }
        }
        assertFalse(isOffered())
        assertEquals("the own app shows what was sent", 1, site.connections.get())
    }

    @Test
    fun whatThePersonRefusesIsNeitherFetchedNorSent() {
        meet()
        site.page("/a", "<title>A</title>")
        site.page("/b", "<title>B</title>")
        phone.type(R.id.text, site.link("/a"))
        phone.until("the offer", ::isOffered)
        phone.tap(R.id.offer_end)
        assertFalse(isOffered())
        phone.type(R.id.text, site.link("/a") + " still")
        phone.sleep(5_000)
        phone.recreate()
        phone.sleep(5_000)
        assertFalse("not offered again", isOffered())
        phone.type(R.id.text, site.link("/b") + " instead")
        phone.until("another offer", ::isOffered)
        phone.tap(R.id.offer)
        phone.until("the preview") { title() == "B" }
        phone.type(R.id.text, site.link("/b") + "/more")
        phone.until("an offer for what it says now") { isOffered() && title() == offer() }
        phone.type(R.id.text, site.link("/b"))
        phone.until("the preview") { title() == "B" }
        phone.tap(R.id.offer_end)
        phone.tap(R.id.send)
        assertTrue("sent without", previewAtBob(site.link("/b")).isNull)
        assertEquals(1, site.connections.get())

        app.preferences.linkPreviews = false
        phone.type(R.id.text, "Off: " + site.link("/a"))
        phone.sleep(5_000)
        assertFalse(isOffered())
    }

    @Test
    fun aPageThatFailsOrIsSlowLosesNothing() {
        meet()
        phone.type(R.id.text, site.link("/missing"))
        phone.tap(R.id.offer)
        phone.sees(string(R.string.link_failed))
        phone.until("the offer, to try again") { title() == offer() }
        site.page("/missing", "<title>Found</title>")
        phone.tap(R.id.offer)
        phone.until("the preview") { title() == "Found" }
        site.page("/mute", "<title></title>")
        phone.type(R.id.text, site.link("/mute"))
        phone.until("the offer") { title() == offer() }
        phone.tap(R.id.offer)
        phone.until("no offer of what has none") { !isOffered() }

        val gate = CountDownLatch(1)
        site.raw("/slow") {
            gate.await()
            it.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Slow</title>".toByteArray())
        }
        phone.type(R.id.text, site.link("/slow"))
        phone.until("the offer") { isOffered() && title() == offer() }
        phone.tap(R.id.offer)
        phone.until("its loading") { title() == string(R.string.link_loading, "localhost:${site.port}") }
        phone.recreate()
        phone.until("its loading") { title() == string(R.string.link_loading, "localhost:${site.port}") }
        gate.countDown()
        phone.until("the preview") { title() == "Slow" }
        phone.hold("Where do we sing?")
        phone.tap(string(R.string.chat_reply))
        assertTrue("a reply has it too", isOffered())
        phone.tap(R.id.send)
        assertEquals("Slow", previewAtBob(site.link("/slow"))["title"].text)
    }
}
