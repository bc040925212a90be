package im.sotto.app

import im.sotto.Connectivity
import im.sotto.Folder
import im.sotto.app.chat.ChatActivity
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

/** The list of conversations: what each row says, and what can be done with it. */
class ChatsTest : AppTest() {
    private fun inbox() = app.await { app.sotto().conversations.page(Folder.INBOX, 50) }

    @Test
    fun theListShowsWhatIsTrueAndKeepsItsOrder() {
        alice()
        val bob = person("Bob", BOB)
        val carol = person("Carol Ølgaard", CAROL)
        app.times.at(6 * DAY_MS)
        val choir = befriend(bob, "Bob, from the choir")
        app.times.at(DAY_MS)
        val other = befriend(carol, "We met at the lake")
        app.times.at(10 * 60_000)
        phone.tap("Carol Ølgaard")
        phone.on<ChatActivity>()
        phone.type(R.id.text, "See you on Friday then")
        phone.tap(R.id.send)
        carol.sees("messages", "conversation" to other, "limit" to 10) { page ->
            page["messages"].list.firstOrNull { it["text"].text == "See you on Friday then" }?.let { it["id"].text }
        }
        phone.back()
        phone.on<ChatsActivity>()
        phone.until("delivered") { phone.described(app.getString(R.string.state_delivered)) }
        app.times.at(0)
        bob.send(choir, "Rehearsal is at seven. Bring the second book, and tell Carol if you see her before.")
        asks(person("Dora", DORA), "Hello, it is Dora. Do you remember me?")
        phone.sees(app.resources.getQuantityString(R.plurals.requests_wait, 1, 1))
        phone.until("two unread") { phone.described(app.resources.getQuantityString(R.plurals.chat_unread, 2, 2)) }
        phone.until("a quiet line") { !phone.find(R.id.link)!!.isShown }
        draw("chats")
        drawWide("chats", R.string.chats_search)

        phone.hold("Carol Ølgaard")
        phone.tap(app.getString(R.string.chat_pin))
        phone.until("pinned") { inbox().first().let { it.name == "Carol Ølgaard" && it.isPinned } }
        phone.hold("Bob")
        phone.tap(app.getString(R.string.chat_mute))
        phone.tap(app.getString(R.string.mute_ever))
        phone.until("muted") { inbox().last().isMuted }
        phone.tap("Bob")
        phone.on<ChatActivity>()
        phone.type(R.id.text, "I will bring")
        phone.die()
        phone.until("the typed text") { phone.text(R.id.text) == "I will bring" }
        phone.back()
        phone.sees(app.getString(R.string.chat_draft, "I will bring"))
        phone.until("read") { inbox().all { it.unread == 0 } }
        draw("chats-marked")

        phone.hold("Bob")
        phone.tap(app.getString(R.string.chat_archive))
        phone.until("archived") { inbox().size == 1 && "Bob" !in phone.texts() }
        phone.menu(R.id.archived)
        phone.sees("Bob")
        draw("chats-archived")
        phone.hold("Bob")
        phone.tap(app.getString(R.string.chat_unarchive))
        phone.sees(app.getString(R.string.archived_empty))
        phone.back()
        phone.hold("Bob")
        phone.tap(app.getString(R.string.chat_mark_unread))
        phone.until("marked") { inbox().any { it.isMarkedUnread } }
        phone.hold("Bob")
        phone.tap(app.getString(R.string.chat_delete))
        phone.tap(app.getString(R.string.chat_delete_yes))
        phone.until("deleted") { inbox().size == 1 }
    }

    @Test
    fun theConnectionLineSaysWhatIsTrue() {
        fun line(publish: Int, receive: Int, store: Boolean, subscribed: Boolean, relay: Int = 0) =
            ChatsActivity.textOf(Connectivity(publish, receive, store, subscribed, relay))
        assertNull(line(1, 1, true, true))
        assertNull(line(0, 0, false, false, relay = 2))
        assertEquals(R.string.link_offline, line(0, 0, false, false))
        assertEquals(R.string.link_receive_only, line(0, 1, true, true))
        assertEquals(R.string.link_send_only, line(1, 1, true, false))
        assertEquals(R.string.link_no_store, line(1, 1, false, true))

        app.nodes = listOf("/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmTUbnxLGT9JvV6mu9oPyDjqHK4Phs1VDJNUgESgNSkuby")
        alice()
        phone.sleep(ChatsActivity.LINK_PATIENCE_MS)
        phone.sees(app.getString(R.string.link_offline))
        assertTrue(phone.texts().any { it == app.getString(R.string.chats_empty_title) })
        draw("chats-offline")
    }

    private companion object {
        const val DAY_MS = 86_400_000L
    }
}
