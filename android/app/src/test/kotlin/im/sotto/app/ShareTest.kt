package im.sotto.app

import android.app.NotificationManager
import android.content.ContentProvider
import android.content.ContentValues
import android.content.Intent
import android.content.pm.ShortcutManager
import android.database.Cursor
import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import im.sotto.ContactAction
import im.sotto.ConversationId
import im.sotto.android.SottoProcess
import im.sotto.app.chat.ChatActivity
import im.sotto.testing.Person
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.InputStream

/** What comes from other apps and goes to the phone: shares, shortcuts, notifications. */
class ShareTest : AppTest() {
    private lateinit var bob: Person
    private lateinit var place: String

    private fun meet() {
        alice()
        bob = person("Bob", BOB)
        place = befriend(bob, "It is Bob")
        phone.sees("Bob")
    }

    private fun share(type: String = "text/plain", action: String = Intent.ACTION_SEND) =
        Intent(action).setClass(app, ShareActivity::class.java).setType(type)

    /** What Bob has of Alice. */
    private fun got() = bob.call("messages", "conversation" to place, "limit" to 50)["messages"].list
        .filter { !it["text"].isNull && it["text"].text != "It is Bob" }.map { it["text"].text }

    private fun copies() = app.cacheDir.list().orEmpty().filter { "sotto-file" in it || "sotto-picture" in it }

    @Test
    fun aSharedTextWaitsInTheLineOfTheChosenConversation() {
        meet()
        befriend(person("Carol Ølgaard", CAROL), "We met at the lake")
        asks(person("Dora", DORA), "It is Dora")
        app.await { app.sotto().conversations.setDraft(ConversationId(place), "Look:") }
        phone.open(share().putExtra(Intent.EXTRA_TEXT, "A sentence \u202Eworth reading"))
        phone.on<ShareActivity>()
        phone.sees("We met at the lake")
        assertTrue("who asks is not offered", "Dora" !in phone.texts())
        draw("share")
        phone.tap("Bob")
        phone.on<ChatActivity>()
        val line = "Look:\nA sentence worth reading"
        phone.until("the shared text") { phone.text(R.id.text) == line }
        phone.die()
        phone.until("the shared text, once") { phone.text(R.id.text) == line }
        assertEquals(emptyList<String>(), got())
        phone.tap(R.id.send)
        phone.until("it at Bob's") { line in got() }
    }

    @Test
    fun aSharedPictureIsConfirmedInTheConversationOfItsShortcut() {
        meet()
        phone.until("a shortcut") { shortcuts().map { it.id to it.shortLabel } == listOf(place to "Bob") }
        Robolectric.buildContentProvider(Gallery::class.java).create("pictures")
        val picture = Bitmap.createBitmap(600, 400, Bitmap.Config.ARGB_8888)
        picture.eraseColor(Color.rgb(40, 120, 90))
        val other = Bitmap.createBitmap(300, 400, Bitmap.Config.ARGB_8888)
        val both = arrayListOf(offer(picture), offer(other))
        phone.open(
            share("image/*", Intent.ACTION_SEND_MULTIPLE).putParcelableArrayListExtra(Intent.EXTRA_STREAM, both)
                .putExtra(Intent.EXTRA_SHORTCUT_ID, place),
        )
        phone.on<ChatActivity>()
        phone.sees(app.getString(R.string.media_send_to, "Bob"))
        phone.recreate()
        phone.sees(app.getString(R.string.media_send_to, "Bob"))
        phone.die()
        phone.sees(app.getString(R.string.media_send_to, "Bob"))
        phone.sees(app.resources.getQuantityString(R.plurals.media_count, 2, 2))
        phone.tap(app.getString(R.string.chat_send))
        phone.until("both pictures at Bob's") {
            bob.call("files", "conversation" to place, "limit" to 10)["files"].list
                .count { it["name"].text == "picture.jpg" } == 2
        }
        assertEquals(emptyList<String>(), copies())
        phone.recreate()
        phone.until("the chat") { phone.find(R.id.composer)?.isShown == true }
        assertNull("what was sent is not offered again", phone.dialog())
    }

    @Test
    fun hostileSharesCrashNothingLeakNothingAndSendNothing() {
        meet()
        val database = SottoProcess.dir(app).walk().first { it.isFile && it.length() > 0 }
        val refused = listOf(
            Uri.fromFile(database),
            Uri.parse("content://im.sotto.app.camera/photo.jpg"),
            Uri.parse("content://0@im.sotto.app.camera/photo.jpg"),
            Uri.parse("content://im.sotto%2Eapp.camera/photo.jpg"),
            Uri.parse("content://im.sotto.app.sotto.files/abc"),
            Uri.parse("content:opaque"),
            Uri.parse("/data/data"),
            Uri.EMPTY,
        )
        val nothing = refused.map { share("*/*").putExtra(Intent.EXTRA_STREAM, it) } + listOf(
            share("*/*", Intent.ACTION_SEND_MULTIPLE)
                .putParcelableArrayListExtra(Intent.EXTRA_STREAM, ArrayList(refused)),
            share(),
            share().putExtra(Intent.EXTRA_TEXT, null as String?).putExtra(Intent.EXTRA_STREAM, null as Uri?),
            share().putExtra(Intent.EXTRA_TEXT, 7).putExtra(Intent.EXTRA_STREAM, "text"),
            share(action = Intent.ACTION_SEND_MULTIPLE).putExtra(Intent.EXTRA_STREAM, arrayListOf("text")),
            share("*/*").putExtra(Intent.EXTRA_STREAM, Intent("parcelable")).putExtra(Intent.EXTRA_SHORTCUT_ID, 5),
            share(action = Intent.ACTION_VIEW).putExtra(Intent.EXTRA_TEXT, "text"),
            Intent().setClass(app, ShareActivity::class.java),
        )
        for (intent in nothing) {
            phone.open(intent)
            phone.on<ShareActivity>()
            phone.sees(app.getString(R.string.share_nothing))
            phone.back()
        }
        phone.open(
            share().putExtra(Intent.EXTRA_TEXT, "\u202E😀".repeat(3_500_000))
                .putExtra(Intent.EXTRA_SHORTCUT_ID, "x".repeat(1_000_000)),
        )
        phone.on<ShareActivity>()
        phone.tap("Bob")
        phone.on<ChatActivity>()
        phone.until("its beginning") { phone.text(R.id.text).length in 30_000..50_000 }
        assertTrue(phone.text(R.id.text).codePoints().allMatch { it == "😀".codePointAt(0) })
        phone.type(R.id.text, "")
        phone.back()

        Robolectric.buildContentProvider(Rogue::class.java).create("rogue")
        shadowOf(app.contentResolver).registerInputStreamSupplier(Uri.parse("content://endless/1"), ::Endless)
        for ((file, sign) in listOf(
            "content://rogue/../../1" to R.string.media_unreadable,
            "content://endless/1" to R.string.error_file_too_large,
        )) {
            phone.open(
                share("*/*").putExtra(Intent.EXTRA_STREAM, Uri.parse(file)).putExtra(Intent.EXTRA_SHORTCUT_ID, place),
            )
            phone.on<ChatActivity>()
            phone.tap(app.getString(R.string.chat_send))
            phone.sees(app.getString(sign))
            phone.back()
        }
        assertEquals(emptyList<String>(), got())
        assertEquals(0, bob.call("files", "conversation" to place, "limit" to 10)["files"].list.size)
        assertEquals(emptyList<String>(), copies())
    }

    @Test
    fun beforeThereIsAnAccountOrAContactASharedTextLeadsOn() {
        phone.open(share().putExtra(Intent.EXTRA_TEXT, "text"))
        phone.sees(app.getString(R.string.start_title))
        phone.on<StartActivity>()
        alice()
        phone.open(share().putExtra(Intent.EXTRA_TEXT, "text"))
        phone.sees(app.getString(R.string.share_nobody))
    }

    @Test
    fun thePhoneKnowsWhatIsOnScreenAndWhomToOffer() {
        meet()
        phone.until("a shortcut") { shortcuts().map { it.shortLabel } == listOf("Bob") }
        assertNull(app.notifier.visible)
        bob.send(place, "Are you there?")
        phone.until("a notification") { place in notified() }
        phone.tap("Bob")
        phone.on<ChatActivity>()
        assertEquals(ConversationId(place), app.notifier.visible)
        phone.until("none of what is on screen") { place !in notified() }
        bob.send(place, "Now you are")
        phone.sees("Now you are")
        app.await { app.notifier.update(app.sotto()) }
        assertEquals(emptyList<String>(), notified())
        app.notifier.visible = ConversationId("another")
        phone.back()
        assertEquals(ConversationId("another"), app.notifier.visible)
        phone.tap("Bob")
        phone.back()
        assertNull(app.notifier.visible)

        app.await { app.sotto().run { contacts.setNickname(contacts.all().single().id, "Bobby") } }
        phone.until("the nickname") { shortcuts().map { it.shortLabel } == listOf("Bobby") }
        app.await { app.sotto().run { contacts.answer(contacts.all().single().id, ContactAction.BLOCK) } }
        phone.until("nobody") { shortcuts().isEmpty() }
        app.await { app.sotto().run { contacts.answer(contacts.all().single().id, ContactAction.UNBLOCK) } }
        phone.until("Bobby again") { shortcuts().size == 1 }
        app.await { app.wipe() }
        assertTrue("names are gone", shortcuts().isEmpty())
        phone.sleep(5_000)
        assertTrue("and stay so", shortcuts().isEmpty())
    }

    private fun shortcuts() = app.getSystemService(ShortcutManager::class.java).dynamicShortcuts

    private fun notified() =
        app.getSystemService(NotificationManager::class.java).activeNotifications.mapNotNull { it.tag }

    /** Serves pictures by the book. */
    open class Gallery : ContentProvider() {
        override fun onCreate() = true

        override fun getType(uri: Uri): String? = "image/png"

        override fun query(uri: Uri, a: Array<String>?, b: String?, c: Array<String>?, d: String?): Cursor? = null

        override fun insert(uri: Uri, values: ContentValues?): Uri? = null

        override fun update(uri: Uri, values: ContentValues?, a: String?, b: Array<String>?) = 0

        override fun delete(uri: Uri, a: String?, b: Array<String>?) = 0
    }

    /** Fails at every call, as a provider may that lives in another app. */
    class Rogue : Gallery() {
        override fun getType(uri: Uri): String? = throw SecurityException()

        override fun query(uri: Uri, a: Array<String>?, b: String?, c: Array<String>?, d: String?): Cursor? =
            throw IllegalStateException()
    }

    private class Endless : InputStream() {
        override fun read() = 0

        override fun read(into: ByteArray, from: Int, count: Int) = count
    }
}
