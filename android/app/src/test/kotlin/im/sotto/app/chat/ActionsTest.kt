package im.sotto.app.chat

import android.content.Intent
import android.text.Spanned
import android.text.style.ClickableSpan
import android.view.View
import android.widget.TextView
import im.sotto.app.R
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** What can be done with a message besides answering it. */
class ActionsTest : ChatStory() {
    @Test
    fun messagesAreForwardedAndLeadToEachOther() {
        meet()
        val carol = person("Carol", CAROL)
        val there = befriend(carol, "It is Carol")
        bob.send(place, "Rehearsal moves to Friday")
        phone.sees("Rehearsal moves to Friday")
        phone.hold("Rehearsal moves to Friday")
        phone.tap(string(R.string.chat_forward))
        phone.tap("Carol")
        phone.tap(string(R.string.chat_send))
        phone.sees(string(R.string.chat_forward_done))
        carol.sees("messages", "conversation" to there, "limit" to 10) { page ->
            val forwarded = page["messages"].list.filter { it["forwarded"].isTrue }
            forwarded.firstOrNull { it["text"].text == "Rehearsal moves to Friday" }
        }

        val first = theirs("Rehearsal moves to Friday")["id"].text
        for (number in 1..60) bob.send(place, "And $number")
        bob.call("send", "conversation" to place, "text" to "I meant this", "reply_to" to first)
        phone.sees("I meant this")
        assertTrue("Rehearsal moves to Friday" !in bodies())
        phone.views().first { it.id == R.id.quote && it.isShown }.performClick()
        phone.until("the quoted message") { "Rehearsal moves to Friday" in bodies() }
        phone.tap(R.id.jump)
        phone.until("the newest again") { "I meant this" in bodies() }
    }

    @Test
    fun pollsReactionsLinksAndTheTimer() {
        meet()
        val choices = listOf("Soup", "Bread")
        bob.call("poll_create", "conversation" to place, "question" to "What do we eat?", "choices" to choices)
        phone.sees("What do we eat?")
        phone.tap("Soup")
        voted("Soup")
        phone.tap("Bread")
        voted("Bread")
        phone.tap("Bread")
        voted()

        val poll = theirs("What do we eat?")["id"].text
        bob.call("react", "message" to poll, "emoji" to "👍", "on" to true)
        phone.sees("👍")
        phone.hold("What do we eat?")
        phone.tap(string(R.string.chat_who_reacted))
        phone.until("who reacted") { phone.dialog() != null && phone.texts().containsAll(listOf("Bob", "👍")) }
        phone.back()

        bob.send(place, "The notes: https://example.org/notes?page=2")
        phone.sees("The notes")
        phone.until("its row") { linked() != null }
        val body = checkNotNull(linked())
        val link = (body.text as Spanned).getSpans(0, body.length(), ClickableSpan::class.java).single()
        link.onClick(body)
        phone.sees(string(R.string.chat_link_title, "example.org"))
        assertEquals("nothing opens before the answer", 0, phone.left.size)
        phone.tap(string(R.string.chat_link_open))
        val opened = phone.left.removeLast()
        assertEquals(Intent.ACTION_VIEW to "https://example.org/notes?page=2", opened.action to opened.dataString)

        phone.menu(R.id.chat_timer)
        phone.tap(string(R.string.chat_timer_minutes))
        phone.sees(string(R.string.chat_timer_on, string(R.string.chat_timer_minutes)))
        bob.sees("conversation", "conversation" to place) { one ->
            one.takeIf { it.has("timer_s") && it["timer_s"].int == 300 }
        }
        write("Gone in five minutes")
        val gone = theirs("Gone in five minutes")
        assertEquals(300, gone["timer_s"].int)
        assertTrue(row("Gone in five minutes")?.findViewById<View>(R.id.meta_timer)?.isShown == true)
    }

    /** The message with a link. */
    private fun linked() = phone.views().filter { it.id == R.id.body && it.isShown }.map { it as TextView }
        .firstOrNull { "The notes" in it.text }

    /** Both see just this choice of Alice, or none. */
    private fun voted(vararg chosen: String) {
        theirs("What do we eat?") { message ->
            val voted = message["poll"]["choices"].list.filter { it["voters"].list.isNotEmpty() }
            voted.map { it["text"].text } == chosen.toList()
        }
        phone.until("the counts") {
            val shown = phone.texts().zipWithNext()
            listOf("Soup", "Bread").all { (it to if (it in chosen) "1" else "0") in shown }
        }
    }
}
