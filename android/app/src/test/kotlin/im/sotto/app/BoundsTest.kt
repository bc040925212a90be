package im.sotto.app

import android.content.ClipData
import android.content.ClipboardManager
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import android.widget.ImageView
import im.sotto.ConversationId
import im.sotto.FileKind
import im.sotto.NewFile
import im.sotto.app.chat.ChatStory
import im.sotto.app.media.CameraProvider
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import java.util.Random
import kotlin.concurrent.thread

/** Pictures of contacts and of other apps: what they may cost, and which are refused. */
class BoundsTest : ChatStory() {
    /** Looks at what the threads do, while something goes on: those with a frame of [frame], again and again. */
    private fun watch(frame: String, action: () -> Unit): List<Set<Thread>> {
        val seen = ArrayList<Set<Thread>>()
        var isOver = false
        val watcher = thread {
            while (!isOver) {
                val now = Thread.getAllStackTraces().filterValues { stack -> stack.any { frame in it.className } }.keys
                if (now.isNotEmpty()) seen += now
                Thread.sleep(1)
            }
        }
        try {
            action()
        } finally {
            isOver = true
            watcher.join()
        }
        return seen
    }

    private fun noise(name: String, side: Int) = folder.resolve(name).also { file ->
        val random = Random(name.hashCode().toLong())
        val pixels = IntArray(side * side) { random.nextInt() }
        val picture = Bitmap.createBitmap(pixels, side, side, Bitmap.Config.ARGB_8888)
        file.outputStream().use { picture.compress(Bitmap.CompressFormat.JPEG, 90, it) }
    }

    @Test
    fun picturesOfAMessageAreReadOneAtATime() {
        meet()
        val pictures = List(6) { NewFile(noise("$it.jpg", 2_000), FileKind.IMAGE, width = 2_000, height = 2_000) }
        val seen = watch("android.graphics.BitmapFactory") {
            app.await { app.sotto().messages.send(ConversationId(place), "", files = pictures) }
            phone.until("all pictures") {
                val images = phone.views().filter { it.id == R.id.image }.map { it as ImageView }
                images.size == 6 && images.all { (it.drawable?.intrinsicWidth ?: 0) > 400 }
            }
        }
        assertTrue("decoded", seen.isNotEmpty())
        assertEquals("at once", 1, seen.maxOf { it.size })
        assertFalse("on the main thread", seen.any { Thread.currentThread() in it })
    }

    @Test
    fun codesAreSoughtBesideTheMainThreadAndOwnFilesAreRefused() {
        alice()
        phone.tap(R.id.add)
        phone.on<AddActivity>()
        val seen = watch("com.google.zxing.qrcode.detector") {
            phone.tap(R.id.picture)
            phone.answer(Intent().setData(offer(large())))
            phone.sees(string(R.string.add_no_code))
        }
        assertTrue("sought", seen.isNotEmpty())
        assertFalse("on the main thread", seen.any { Thread.currentThread() in it })

        phone.tap(R.id.paste)
        val clip = ClipData.newRawUri("", Uri.parse("content://foreign/1"))
        app.getSystemService(ClipboardManager::class.java).setPrimaryClip(clip)
        phone.tap(R.id.paste)
        phone.sees(string(R.string.add_paste_empty))
        phone.back()

        phone.menu(R.id.settings)
        phone.tap(R.id.profile)
        phone.on<ProfileActivity>()
        CameraProvider.file(app).outputStream().use { large().compress(Bitmap.CompressFormat.JPEG, 80, it) }
        choose(CameraProvider.uri(app))
        assertFalse("the private photo", app.cacheDir.resolve("avatar.jpg").exists())
        val hostile = Uri.parse("content://pictures/hostile")
        shadowOf(app.contentResolver).registerInputStreamSupplier(hostile) { error("hostile") }
        choose(hostile)
        choose(Uri.fromFile(CameraProvider.file(app)))
        assertFalse("its path", app.cacheDir.resolve("avatar.jpg").exists())
        assertEquals("no copy stays", listOf("photo.jpg"), app.cacheDir.list().orEmpty().toList())
    }

    private fun choose(uri: Uri) {
        phone.tap(R.id.picture)
        phone.answer(Intent().setData(uri))
        phone.sees(string(R.string.error_picture))
        phone.sleep(6_000)
    }

    /** Many edges, as a picture of a street has them, and no code. */
    private fun large() = Bitmap.createBitmap(3_000, 2_000, Bitmap.Config.ARGB_8888).apply {
        for (y in 0 until 2_000 step 7) for (x in 0 until 3_000 step 3) setPixel(x, y, Color.rgb(x % 255, y % 255, 128))
    }
}
