package im.sotto.app

import android.graphics.Insets
import android.os.Build
import android.os.Looper
import android.view.View
import android.view.WindowInsets
import android.view.WindowManager
import android.widget.EditText
import android.widget.ListView
import im.sotto.ContactAction
import im.sotto.ConversationId
import im.sotto.android.FakeKeyStore
import im.sotto.app.chat.ChatActivity
import im.sotto.app.chat.ChatStory
import im.sotto.app.search.SearchActivity
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import org.robolectric.util.ReflectionHelpers
import java.security.ProviderException

/** What screens owe each other, the phone's bars, and a text that did not leave. */
class ScreenTest : ChatStory() {
    private fun isSecret() = phone.screen.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0

    @Test
    fun screensThatAreOpenAlreadyAreHiddenToo() {
        alice()
        phone.menu(R.id.settings)
        phone.tap(R.id.screen_security)
        assertTrue("settings", isSecret())
        phone.back()
        phone.on<ChatsActivity>()
        assertTrue("chats", isSecret())
        phone.menu(R.id.settings)
        phone.tap(R.id.screen_security)
        phone.tap(R.id.phrase)
        phone.tap(string(R.string.settings_phrase_show))
        phone.on<PhraseActivity>()
        assertTrue("the phrase always", isSecret())
        phone.back()
        phone.back()
        phone.on<ChatsActivity>()
        assertFalse("chats", isSecret())
        theBarsOfThePhoneCoverNothing()
    }

    private fun theBarsOfThePhoneCoverNothing() {
        cover(0, STATUS_PX, 0, BAR_PX)
        assertTrue(bottom(R.id.add) < height() - BAR_PX)
        @Suppress("DEPRECATION")
        val look = phone.screen.window.decorView.systemUiVisibility
        @Suppress("DEPRECATION")
        assertTrue("dark buttons by day", look and View.SYSTEM_UI_FLAG_LIGHT_NAVIGATION_BAR != 0)
    }

    private fun height() = phone.screen.window.decorView.height

    private fun place(id: Int) = IntArray(2).also { phone.screen.findViewById<View>(id).getLocationInWindow(it) }

    private fun bottom(id: Int) = place(id)[1] + phone.screen.findViewById<View>(id).height

    /** Bars of the system at the edges, and the keyboard. */
    private fun cover(left: Int, top: Int, right: Int, bottom: Int, keyboard: Int = 0) {
        val bars = Insets.of(left, top, right, bottom)
        val insets = WindowInsets.Builder()
            .setInsets(WindowInsets.Type.systemBars(), bars)
            .setInsets(WindowInsets.Type.ime(), Insets.of(0, 0, 0, keyboard))
            .setStableInsets(bars)
            .setSystemWindowInsets(Insets.of(left, top, right, maxOf(bottom, keyboard)))
            .build()
        phone.screen.findViewById<View>(R.id.screen).dispatchApplyWindowInsets(insets)
        phone.settle()
    }

    /** Navigation by three buttons: a bar of 48 dp below the screen, or beside it when the phone lies. */
    @Test
    fun threeButtonsCoverNeitherListsNorTheLine() {
        alice()
        val sdk = Build.VERSION.SDK_INT
        try {
            // Android 11 and later tell the bars apart from the keyboard; older ones say only how much is covered.
            for (version in listOf(sdk, Build.VERSION_CODES.Q)) {
                ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", version)
                cover(0, STATUS_PX, 0, BAR_PX)
                val list = phone.screen.findViewById<View>(R.id.list)
                assertEquals("$version: rows pass below the bar", height(), bottom(R.id.list))
                assertTrue("$version: and the last one stands above it", list.paddingBottom >= BAR_PX)
                assertTrue("$version", place(R.id.toolbar)[1] >= STATUS_PX)
                cover(0, STATUS_PX, BAR_PX, 0)
                val width = phone.screen.window.decorView.width
                assertEquals("$version: beside", width - BAR_PX, place(R.id.list)[0] + list.width)
                cover(BAR_PX, STATUS_PX, 0, 0)
                assertEquals("$version: at the other side", BAR_PX, place(R.id.list)[0])
            }
            ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", sdk)
            befriend(person("Bob", BOB), "It is Bob")
            phone.tap("Bob")
            phone.on<ChatActivity>()
            phone.sees("It is Bob")
            for (version in listOf(sdk, Build.VERSION_CODES.Q)) {
                ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", version)
                cover(0, STATUS_PX, 0, BAR_PX)
                assertEquals("$version: the line stands on the bar", height() - BAR_PX, bottom(R.id.composer))
                cover(0, STATUS_PX, 0, BAR_PX, KEYBOARD_PX)
                assertEquals("$version: and on the keyboard", height() - KEYBOARD_PX, bottom(R.id.composer))
            }
        } finally {
            ReflectionHelpers.setStaticField(Build.VERSION::class.java, "SDK_INT", sdk)
        }
    }

    @Test
    fun deletingIsOfferedOnlyWhereItHelps() {
        app.await { app.sotto().account.create("Alice") }
        app.await { app.process.close() }
        FakeKeyStore.failure = ProviderException("busy")
        phone.open()
        phone.sees(string(R.string.error_key_unavailable))
        assertTrue(isShown(R.id.retry))
        assertFalse("nothing is lost", isShown(R.id.wipe))
        phone.open(ProfileActivity::class.java)
        phone.type(R.id.name, "Alice B.")
        phone.sees(string(R.string.error_key_unavailable))
        phone.back()
        FakeKeyStore.failure = null
        phone.tap(R.id.retry)
        phone.on<PhraseActivity>()
    }

    @Test
    fun aConversationHasOneScreenAndOneDraft() {
        meet()
        phone.type(R.id.text, "hello")
        phone.menu(R.id.chat_search)
        phone.on<SearchActivity>()
        phone.type(R.id.query, "choir")
        val hits = phone.screen.findViewById<ListView>(R.id.list)
        phone.until("a hit") { hits.count == 1 && hits.childCount == 1 }
        hits.performItemClick(hits.getChildAt(0), 0, 0)
        phone.on<ChatActivity>()
        phone.until("the draft") { phone.text(R.id.text) == "hello" }
        phone.tap(R.id.send)
        theirs("hello")
        var screens = 0
        while (phone.screen !is ChatsActivity) {
            if (phone.screen is ChatActivity) {
                screens++
                phone.settle()
                assertEquals("it left", "", phone.text(R.id.text))
            }
            phone.back()
        }
        assertEquals(1, screens)
    }

    @Test
    fun aTextThatDidNotLeaveComesBackToWhatWasTypedSince() {
        meet()
        phone.type(R.id.text, "first")
        app.await { app.sotto().contacts.answer(app.sotto().contacts.all()[0].id, ContactAction.BLOCK) }
        val line = checkNotNull(phone.find(R.id.text)) as EditText
        send(line)
        line.setText("second")
        phone.until("both texts") { line.text.toString() == "first\nsecond" }
        send(line)
        phone.back()
        phone.until("both texts in the draft") { draft() == "first\nsecond" }
    }

    private fun draft() = app.await { app.sotto().conversations.get(ConversationId(place)).draft }

    /** Lets the app begin to send, and no more. */
    private fun send(line: EditText) {
        checkNotNull(phone.find(R.id.send)).performClick()
        while (line.text.isNotEmpty()) shadowOf(Looper.getMainLooper()).runOneTask()
    }

    @Test
    fun longTextsAndOpenQuestionsOutliveTheirScreen() {
        meet()
        val long = "A long letter. ".repeat(20_000)
        phone.type(R.id.text, long)
        phone.recreate()
        phone.until("the letter") { phone.text(R.id.text) == long }
        phone.die()
        phone.until("the letter") { phone.text(R.id.text) == long }
        phone.type(R.id.text, "")
        phone.menu(R.id.chat_contact)
        phone.on<ContactActivity>()
        phone.tap(R.id.nickname)
        phone.type(R.id.nickname_field, "Bob of the choir")
        phone.recreate()
        phone.until("the typed name") {
            (phone.find(R.id.nickname_field) as? EditText)?.text.toString() == "Bob of the choir"
        }
        phone.tap(string(R.string.save))
        phone.sees(string(R.string.contact_own_name, "Bob"))
    }

    private companion object {
        const val STATUS_PX = 63
        const val BAR_PX = 126
        const val KEYBOARD_PX = 800
    }
}
