package im.sotto.app

import android.Manifest
import android.content.ClipData
import android.content.ContentProvider
import android.content.ContentValues
import android.content.Intent
import android.database.Cursor
import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import android.os.Bundle
import im.sotto.ContactAction
import im.sotto.ConversationId
import im.sotto.FileKind
import im.sotto.NewFile
import im.sotto.android.AlwaysOn
import im.sotto.app.chat.ChatActivity
import im.sotto.app.chat.ChatStory
import im.sotto.app.media.CameraProvider
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.OutputStream
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch

/** Screens that are left, or made again, in the middle of something. */
class LeavingTest : ChatStory() {
    @Test
    fun thePhraseIsShownUntilItIsWrittenDown() {
        app.await { app.sotto().account.create("Alice") }
        phone.open()
        phone.on<PhraseActivity>()
        phone.close()
        phone.open()
        phone.on<PhraseActivity>()
        phone.tap(R.id.written)
        phone.on<ChatsActivity>()
        phone.close()
        phone.open()
        phone.on<ChatsActivity>()
    }

    @Test
    fun theAccountIsDeletedAlthoughTheScreenIsLeft() {
        alice()
        AlwaysOn.set(app, true)
        phone.menu(R.id.settings)
        phone.tap(R.id.delete)
        phone.tap(string(R.string.start_wipe_yes))
        phone.screen.finish()
        phone.on<StartActivity>()
        phone.sees(string(R.string.start_title))
        assertNull(app.await { app.sotto().account.get() })
        assertFalse(AlwaysOn.isOn(app))
    }

    private fun choose(kind: Int, vararg files: Uri) {
        phone.tap(R.id.attach)
        phone.tap(string(kind))
        val clip = ClipData.newRawUri("", files[0])
        files.drop(1).forEach { clip.addItem(ClipData.Item(it)) }
        phone.answer(Intent().apply { clipData = clip })
    }

    private fun photo(color: Int) = Bitmap.createBitmap(1600, 1200, Bitmap.Config.ARGB_8888).apply { eraseColor(color) }

    private fun kinds() = bob.call("files", "conversation" to place, "limit" to 20)["files"].list
        .map { it["kind"].text }.sorted()

    private fun copies() = app.cacheDir.list().orEmpty().filter { name ->
        listOf("sotto-file", "sotto-picture", "photo", "voice").any(name::startsWith)
    }

    @Test
    fun whatIsSentLeavesAlthoughTheScreenIsTurnedOrLeft() {
        meet()
        val pictures = listOf(Color.RED, Color.GREEN, Color.BLUE).map { offer(photo(it)) }
        choose(R.string.media_pick_pictures, *pictures.toTypedArray())
        phone.sees(string(R.string.media_send_to, "Bob"))
        phone.tap(string(R.string.chat_send))
        phone.recreate()
        assertEquals("the question was answered", null, phone.dialog())
        phone.until("three pictures at Bob's") { kinds() == List(3) { "image" } }

        val slow = Uri.parse("content://documents/slow")
        val gate = CountDownLatch(1)
        shadowOf(app.contentResolver).registerInputStreamSupplier(slow) {
            gate.await()
            ByteArrayInputStream(ByteArray(300_000))
        }
        choose(R.string.media_pick_files, slow)
        phone.tap(string(R.string.chat_send))
        phone.back()
        phone.on<ChatsActivity>()
        gate.countDown()
        phone.until("the file at Bob's") { kinds() == listOf("file", "image", "image", "image") }

        val broken = Uri.parse("content://documents/broken")
        shadowOf(app.contentResolver).registerInputStreamSupplier(broken) { throw IOException("torn") }
        phone.tap("Bob")
        phone.on<ChatActivity>()
        choose(R.string.media_pick_files, broken)
        phone.tap(string(R.string.chat_send))
        phone.recreate()
        phone.sees(string(R.string.media_unreadable))
        phone.until("no copy stays") { copies().isEmpty() }
        assertEquals("nothing went twice", 4, kinds().size)
    }

    @Test
    fun aPhotoStaysUntilItLeftOrWasRefused() {
        meet()
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        shoot()
        phone.sees(string(R.string.media_send_to, "Bob"))
        phone.tap(string(R.string.cancel))
        assertFalse("refused", CameraProvider.file(app).exists())

        shoot()
        phone.sees(string(R.string.media_send_to, "Bob"))
        phone.tap(string(R.string.chat_send))
        phone.recreate()
        phone.until("the photo at Bob's") { kinds() == listOf("image") }
        phone.until("no copy stays") { copies().isEmpty() }

        shoot()
        phone.sees(string(R.string.media_send_to, "Bob"))
        val people = app.await { app.sotto().contacts.all() }
        app.await { app.sotto().contacts.answer(people[0].id, ContactAction.BLOCK) }
        phone.tap(string(R.string.chat_send))
        phone.until("why") { isShown(R.id.notice) }
        phone.until("the photo is not lost") { "photo.jpg" in copies() }
    }

    private fun shoot() {
        phone.tap(R.id.attach)
        phone.tap(string(R.string.media_take_photo))
        phone.until("the camera") { phone.left.isNotEmpty() }
        CameraProvider.file(app).outputStream().use { photo(Color.GRAY).compress(Bitmap.CompressFormat.JPEG, 80, it) }
        phone.answer(Intent())
    }

    @Test
    fun aFileIsSavedWholeOrNotAtAll() {
        meet()
        val plan = folder.resolve("plan.pdf").apply { writeBytes(ByteArray(2_500_000) { (it * 7).toByte() }) }
        app.await {
            app.sotto().messages.send(ConversationId(place), "", files = listOf(NewFile(plan, FileKind.FILE)))
        }
        val saved = ByteArrayOutputStream()
        val gate = CountDownLatch(1)
        save(object : OutputStream() {
            override fun write(byte: Int) = error("in parts")

            override fun write(bytes: ByteArray, from: Int, count: Int) {
                gate.await()
                saved.write(bytes, from, count)
            }
        })
        phone.recreate()
        gate.countDown()
        phone.sees(string(R.string.media_saved))
        assertTrue("the same bytes", saved.toByteArray().contentEquals(plan.readBytes()))

        Robolectric.buildContentProvider(Documents::class.java).create("documents")
        save(object : OutputStream() {
            override fun write(byte: Int) = throw IOException("full")
        })
        phone.sees(string(R.string.media_not_saved))
        assertEquals(listOf(TARGET), deleted)
    }

    private fun save(to: OutputStream) {
        shadowOf(app.contentResolver).registerOutputStream(TARGET, to)
        phone.hold("plan.pdf")
        phone.tap(string(R.string.media_save))
        phone.answer(Intent().setData(TARGET))
    }

    @Test
    fun noPlaintextStaysInTheCache() {
        val now = System.currentTimeMillis()
        val stale = listOf("send-1", "sotto-picture-1.jpg", "voice-1.m4a", "photo.jpg", "avatar.jpg")
        fun put(name: String, ageMs: Long) =
            app.cacheDir.resolve(name).apply { writeText("private") }.setLastModified(now - ageMs)
        stale.forEach { put(it, 7_200_000) }
        app.onCreate()
        assertEquals(emptyList<String>(), app.cacheDir.list().orEmpty().toList())

        put("send-2", 0)
        put("photo.jpg", 60_000)
        app.onCreate()
        assertEquals("the camera may still be open", listOf("photo.jpg"), app.cacheDir.list().orEmpty().toList())
        put("voice-2.m4a", 0)
        app.await { app.wipe() }
        assertEquals(emptyList<String>(), app.cacheDir.list().orEmpty().toList())
    }

    /** The phone's documents: told what to delete. */
    class Documents : ContentProvider() {
        override fun onCreate() = true

        override fun call(method: String, argument: String?, extras: Bundle?): Bundle? {
            val uri = extras?.getParcelable("uri", Uri::class.java)
            if (method == "android:deleteDocument") deleted += checkNotNull(uri)
            return null
        }

        override fun getType(uri: Uri): String? = null

        override fun query(
            uri: Uri, columns: Array<String>?, where: String?, args: Array<String>?, order: String?,
        ): Cursor? = null

        override fun insert(uri: Uri, values: ContentValues?): Uri? = null

        override fun update(uri: Uri, values: ContentValues?, where: String?, args: Array<String>?) = 0

        override fun delete(uri: Uri, where: String?, args: Array<String>?) = 0
    }

    private companion object {
        val TARGET: Uri = Uri.parse("content://documents/document/1")
        val deleted = CopyOnWriteArrayList<Uri>()
    }
}
