package im.sotto.app.chat

import android.content.ClipDescription
import android.content.ClipboardManager
import android.os.SystemClock
import android.view.MotionEvent
import android.view.View
import android.widget.ListView
import android.widget.TextView
import im.sotto.ContactState
import im.sotto.ConversationId
import im.sotto.MessageState
import im.sotto.SottoCode
import im.sotto.app.ChatsActivity
import im.sotto.app.Draw
import im.sotto.app.R
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.RuntimeEnvironment

/** Two people talk: Alice taps and types in the app, Bob is a process. */
class ChatTest : ChatStory() {
    @Test
    fun twoPeopleTalkReplyReactEditAndDelete() {
        meet()
        at(3 * 60_000)
        write("Hello Bob! Rehearsal is on Thursday.")
        phone.until("delivered") { state("Hello Bob! Rehearsal is on Thursday.") == string(R.string.state_delivered) }
        val first = theirs("Hello Bob! Rehearsal is on Thursday.")["id"].text
        bob.call("mark_read", "conversation" to place, "message" to first)
        phone.until("read") { state("Hello Bob! Rehearsal is on Thursday.") == string(R.string.state_read) }
        at(2 * 60_000)
        bob.call("send", "conversation" to place, "text" to "Is the hall warm?", "reply_to" to first)
        phone.sees("Is the hall warm?")
        phone.until("the quote") { phone.views().any { it.id == R.id.quote && it.isShown } }

        phone.hold("Is the hall warm?")
        Draw.compare(phone, "chat-menu")
        phone.tap(string(R.string.chat_reply))
        phone.sees(string(R.string.chat_write_to, "Bob").let { "Is the hall warm?" })
        phone.type(R.id.text, "Yes. I brought a blanket")
        phone.die()
        phone.until("what was typed") { phone.text(R.id.text) == "Yes. I brought a blanket" }
        phone.until("what it replies to") { isShown(R.id.mode) && phone.text(R.id.mode_text) == "Is the hall warm?" }
        phone.tap(R.id.send)
        val reply = theirs("Yes. I brought a blanket")
        assertEquals("Is the hall warm?", reply["reply"]["text"].text)

        phone.hold("Is the hall warm?")
        phone.tap("👍")
        bob.sees("messages", "conversation" to place, "limit" to 50) { page ->
            page["messages"].list.firstOrNull { it["text"].text == "Is the hall warm?" && it.has("reactions") }
        }
        bob.call("react", "message" to reply["id"].text, "emoji" to "❤️", "on" to true)
        phone.until("two chips") { phone.views().count { it.id == R.id.reactions && it.isShown } == 2 }

        phone.hold("Yes. I brought a blanket")
        phone.tap(string(R.string.chat_edit))
        phone.until("the text to change") { phone.find(R.id.mode)?.isShown == true }
        phone.type(R.id.text, "Yes. I brought two blankets")
        phone.die()
        phone.until("the edit goes on") { isShown(R.id.mode) && phone.text(R.id.text) == "Yes. I brought two blankets" }
        phone.tap(R.id.send)
        theirs("Yes. I brought two blankets")
        phone.sees("Yes. I brought two blankets")
        phone.hold("Yes. I brought two blankets")
        phone.tap(string(R.string.chat_versions))
        phone.sees("Yes. I brought a blanket")
        phone.back()

        write("This goes to the wrong person")
        theirs("This goes to the wrong person")
        phone.hold("This goes to the wrong person")
        phone.tap(string(R.string.chat_delete_message))
        phone.tap(string(R.string.chat_delete_both))
        bob.sees("messages", "conversation" to place, "limit" to 50) { page ->
            page["messages"].list.firstOrNull { it.has("deleted_by") }
        }
        phone.sees(string(R.string.chat_deleted_mine))
        phone.until("all delivered") { state("Yes. I brought two blankets") == string(R.string.state_delivered) }
        draw("chat-rich")
        drawWide("chat-rich", R.string.chat_deleted_mine)
        phone.until("English again") { string(R.string.chat_deleted_mine) in phone.texts() }

        phone.hold("Is the hall warm?")
        phone.tap(string(R.string.chat_copy))
        phone.sees(string(R.string.chat_copied))
        val clip = app.getSystemService(ClipboardManager::class.java).primaryClip
        assertEquals("Is the hall warm?", clip?.getItemAt(0)?.text.toString())
        assertEquals(true, clip?.description?.extras?.getBoolean(ClipDescription.EXTRA_IS_SENSITIVE))
        phone.hold("Is the hall warm?")
        phone.tap(string(R.string.chat_message_pin))
        phone.until("the pinned line") { isShown(R.id.pins) && phone.text(R.id.pin_text) == "Is the hall warm?" }
        phone.hold("Hello Bob! Rehearsal is on Thursday.")
        phone.tap(string(R.string.chat_delete_message))
        phone.tap(string(R.string.chat_delete_me))
        phone.until("gone here") { "Hello Bob! Rehearsal is on Thursday." !in bodies() }
        theirs("Hello Bob! Rehearsal is on Thursday.")
    }

    /** What no test can wait for, like a message that was given up, is put on real messages just to be drawn. */
    @Test
    fun everyStateHasItsLook() {
        meet()
        at(7 * 60_000)
        val texts = listOf("Read", "Delivered", "Kept by another node", "Sent", "Waiting", "Given up")
        for (text in texts) {
            write("$text, as the mark says")
            at(texts.size * 60_000L - texts.indexOf(text) * 60_000L)
        }
        theirs("Given up, as the mark says")
        phone.until("delivered") { state("Given up, as the mark says") == string(R.string.state_delivered) }
        showStates()
        Draw.compare(phone, "chat-states")
        for (look in StateLook.entries) phone.until("$look") { phone.described(string(look.text)) }
        phone.views().first { it.id == R.id.bubble && "Waiting" in it.contentDescription }.performClick()
        phone.sees(string(R.string.chat_legend_stored))
        Draw.compare(phone, "chat-legend")
        phone.back()
        RuntimeEnvironment.setQualifiers("w411dp-h846dp-night-420dpi")
        phone.recreate()
        phone.until("the messages") { bodies().size == 7 }
        showStates()
        Draw.compare(phone, "chat-states-dark")
        phone.views().first { it.id == R.id.bubble && "Waiting" in it.contentDescription }.performClick()
        phone.sees(string(R.string.chat_legend_stored))
        Draw.compare(phone, "chat-legend-dark")
    }

    private fun showStates() {
        phone.settle()
        val real = app.await { app.sotto().messages.page(ConversationId(place), 50) }
        val states = listOf(
            MessageState.FAILED, MessageState.QUEUED, MessageState.SENT, MessageState.STORED,
            MessageState.DELIVERED, MessageState.READ,
        )
        val drawn = real.mapIndexed { at, message ->
            if (!message.isMine) message else message.copy(
                state = states[at],
                reason = SottoCode.MESSAGE_NOT_DELIVERED.takeIf { states[at] == MessageState.FAILED },
            )
        }
        (list().adapter as ChatList).show(Entry.of(drawn, null, app.times), true)
        phone.settle()
    }

    @Test
    fun aRequestIsAnsweredInItsChat() {
        alice()
        bob = person("Bob", BOB)
        asks(bob, "May I?")
        phone.until("the request") {
            app.await { app.sotto().contacts.all() }.any { it.state == ContactState.INCOMING }
        }
        val request = app.await { app.sotto().contacts.all() }.first()
        phone.screen.startActivity(
            android.content.Intent(phone.screen, ChatActivity::class.java).putExtra("id", request.conversation.value),
        )
        phone.on<ChatActivity>()
        phone.sees(string(R.string.chat_request_text, "Bob"))
        assertTrue(phone.find(R.id.composer)?.isShown == false)
        draw("chat-request")
        phone.tap(R.id.accept)
        phone.until("the line to write") { phone.find(R.id.composer)?.isShown == true }
        place = bob.contact("accepted")["conversation"].text
        write("You may")
        theirs("You may")
        swipe("You may")
        phone.sees(string(R.string.chat_reply_self))
    }

    @Test
    fun longConversationsAndHostileTextsBreakNothing() {
        meet()
        write("The beginning")
        theirs("The beginning")
        for (number in 1..140) bob.send(place, "Message number $number")
        bob.send(place, "\u202Eevil\u2066 Z" + "\u0300\u0301".repeat(400) + " https://bad.example@evil.example/path.")
        bob.send(place, "line\n".repeat(3_000))
        bob.send(place, "x".repeat(1_000_000))
        phone.until("all came") {
            app.await { app.sotto().messages.page(ConversationId(place), 3) }.count { it.hasMore } == 2
        }
        phone.back()
        phone.on<ChatsActivity>()
        phone.tap("Bob")
        phone.on<ChatActivity>()
        phone.until("rows") { list().childCount > 0 }
        assertTrue("a window, not all", list().adapter.count < 120)
        phone.until("read all") {
            list().setSelection(list().adapter.count - 1)
            phone.views().any { it.id == R.id.all && it.isShown }
        }
        phone.views().last { it.id == R.id.all && it.isShown }.performClick()
        phone.on<TextActivity>()
        phone.until("its parts") { phone.find(R.id.list)?.let { (it as ListView).count > 900 } == true }
        phone.back()
        phone.on<ChatActivity>()
        phone.until("the beginning, page by page") {
            list().setSelection(0)
            "The beginning" in bodies()
        }
        assertTrue("a window, not all", list().adapter.count <= 4 * 50 + 10)
        phone.until("the button to the newest") { phone.find(R.id.jump)?.isShown == true }
        phone.tap(R.id.jump)
        phone.until("the newest") { bodies().any { it.startsWith("xxx") } }
    }

    /** A finger pulls a message towards the end of the line. */
    private fun swipe(text: String) {
        val row = checkNotNull(row(text))
        fun touch(action: Int, x: Float) {
            val event = MotionEvent.obtain(0, SystemClock.uptimeMillis(), action, x, 20f, 0)
            row.dispatchTouchEvent(event)
            event.recycle()
        }
        touch(MotionEvent.ACTION_DOWN, 100f)
        for (x in listOf(150f, 300f, 450f)) touch(MotionEvent.ACTION_MOVE, x)
        touch(MotionEvent.ACTION_UP, 450f)
        phone.settle()
    }
}
