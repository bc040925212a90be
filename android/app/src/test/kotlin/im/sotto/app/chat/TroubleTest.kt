package im.sotto.app.chat

import im.sotto.ConversationId
import im.sotto.MessageId
import im.sotto.app.FailingCore
import im.sotto.app.R
import im.sotto.ffi.SottoCode
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNotSame
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowToast

/** What a conversation does when something of it fails or is gone. */
class TroubleTest : ChatStory() {
    @Test
    fun onePartThatCannotBeReadStopsNoOther() {
        meet()
        val core = FailingCore.of(app.await { app.sotto() })
        core.pins = SottoCode.STORAGE_IO
        bob.send(place, "one")
        phone.sees(string(R.string.error_storage))
        bob.send(place, "two")
        phone.until("all messages") { "two" in bodies() }
        val pinned = theirs("two")["id"].text
        bob.call("pin", "message" to pinned, "on" to true)
        assertFalse(isShown(R.id.pins))
        core.pins = null
        phone.until("the pinned one, once it can be read") { isShown(R.id.pins) }
    }

    @Test
    fun whatIsTypedOutlivesTheMessageThatIsChanged() {
        meet()
        for (name in listOf("first", "second")) {
            write(name)
            theirs(name)
            phone.type(R.id.text, "aside ")
            phone.hold(name)
            phone.tap(string(R.string.chat_edit))
            phone.until("the text to change") { phone.text(R.id.text) == name }
            phone.type(R.id.text, "$name, a long time ago")
            val changed = id(name)
            app.await { app.sotto().messages.deleteForMe(changed) }
            if (name == "first") phone.tap(R.id.send) else phone.die()
            phone.until("a line for a new message") { isShown(R.id.send) && !isShown(R.id.mode) }
            assertEquals("aside \n$name, a long time ago", phone.text(R.id.text))
            phone.tap(R.id.send)
            theirs("aside \n$name, a long time ago")
        }
    }

    private fun id(text: String): MessageId = app.await {
        app.sotto().messages.page(ConversationId(place), 20).first { it.text == text }.id
    }

    @Test
    fun longVersionsAreReadBesideTheMainThread() {
        meet()
        app.await {
            val messages = app.sotto().messages
            messages.send(ConversationId(place), "0 ".repeat(LONG)).also { messages.edit(it, "short") }
        }
        phone.sees("short")
        val core = FailingCore.of(app.await { app.sotto() })
        phone.hold("short")
        phone.tap(string(R.string.chat_versions))
        phone.until("both versions") { phone.texts().any { it.startsWith("0 0") } && "short" in phone.texts() }
        assertNotNull("read", core.reader)
        assertNotSame("on the main thread", Thread.currentThread(), core.reader)
    }

    @Test
    fun aPhoneWithoutAnyOtherAppSaysSo() {
        meet()
        shadowOf(app).checkActivities(true)
        for (choice in listOf(R.string.media_pick_pictures, R.string.media_pick_files)) {
            phone.tap(R.id.attach)
            phone.tap(string(choice))
            assertEquals(string(R.string.chat_no_app), ShadowToast.getTextOfLatestToast())
            ShadowToast.reset()
        }
        assertEquals(0, phone.left.size)
    }

    private companion object {
        /** Words of two bytes; a text has at most 1 MiB. */
        const val LONG = 500_000
    }
}
