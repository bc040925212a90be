package im.sotto.app.search

import android.widget.ListView
import im.sotto.app.AppTest
import im.sotto.app.R
import im.sotto.app.chat.ChatActivity
import org.junit.Assert.assertEquals
import org.junit.Test

/** Words are found, marked, and lead to their message. */
class SearchTest : AppTest() {
    @Test
    fun aHitLeadsToItsMessage() {
        alice()
        val bob = person("Bob", BOB)
        app.times.at(5 * 86_400_000L)
        Thread.sleep(1_000)
        val place = befriend(bob, "The rehearsal is on Thursday")
        app.times.at(3 * 86_400_000L)
        Thread.sleep(1_000)
        for (number in 1..80) bob.send(place, "Note $number of the second voice")
        bob.send(place, "No rehearsal next week, the hall is closed")
        phone.until("all came") { app.await { app.sotto().messages.search("week") }.isNotEmpty() }
        phone.tap(R.id.search)
        phone.on<SearchActivity>()
        phone.type(R.id.query, "rehears")
        phone.until("two hits") { list().count == 2 }
        draw("search")
        phone.type(R.id.query, "xylophone")
        phone.sees(app.getString(R.string.search_none))
        phone.type(R.id.query, "bób")
        phone.until("the person") { list().count == 1 && phone.text(R.id.name) == "Bob" && !isShown(R.id.text) }
        phone.type(R.id.query, "voice")
        phone.until("all pages") {
            list().setSelection(list().count - 1)
            list().count == 80
        }
        phone.type(R.id.query, "rehearsal thurs")
        phone.until("one hit") { list().count == 1 && phone.texts().any { "Thursday" in it } }
        phone.die()
        phone.until("the words and the hit") { phone.text(R.id.query) == "rehearsal thurs" && list().count == 1 }
        list().performItemClick(list().getChildAt(0), 0, 0)
        phone.on<ChatActivity>()
        phone.until("the found message") { bodies().contains("The rehearsal is on Thursday") }
        phone.menu(R.id.chat_search)
        phone.on<SearchActivity>()
        phone.type(R.id.query, "closed")
        phone.until("one hit") { list().count == 1 }
        assertEquals("Bob", phone.text(R.id.name))
    }

    private fun list() = phone.screen.findViewById<ListView>(R.id.list)
}
