package im.sotto.app.media

import android.content.Intent
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.LinearGradient
import android.graphics.Paint
import android.graphics.Shader
import android.view.View
import android.widget.GridView
import android.widget.ImageView
import im.sotto.app.AppTest
import im.sotto.app.R
import im.sotto.app.chat.ChatActivity
import im.sotto.testing.Json
import im.sotto.testing.Node
import im.sotto.testing.Person
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

/** Pictures, voice notes and files, from both sides. */
class MediaTest : AppTest() {
    private val node by lazy { Node(File(folder, "node")) }

    override fun nodes() = listOf(node.address)

    private lateinit var bob: Person
    private lateinit var place: String

    private fun picture(name: String, from: Long, to: Long): File {
        val bitmap = Bitmap.createBitmap(600, 400, Bitmap.Config.ARGB_8888)
        val colors = LinearGradient(0f, 0f, 0f, 400f, from.toInt(), to.toInt(), Shader.TileMode.CLAMP)
        val sky = Paint().apply { shader = colors }
        Canvas(bitmap).apply {
            drawRect(0f, 0f, 600f, 400f, sky)
            drawCircle(430f, 120f, 50f, Paint(Paint.ANTI_ALIAS_FLAG).apply { color = 0xFFFFF2C0.toInt() })
        }
        return File(folder, name).also { file ->
            file.outputStream().use { bitmap.compress(Bitmap.CompressFormat.JPEG, 80, it) }
        }
    }

    private fun decode(file: File) = file.readBytes().let { BitmapFactory.decodeByteArray(it, 0, it.size) }

    private fun send(vararg fields: Pair<String, Any>) =
        bob.call("send", "conversation" to place, "text" to "", "files" to listOf(mapOf(*fields)))

    /** A file of the newest message that Bob sees with one. */
    private fun theirs(name: String, state: String): Json =
        bob.sees("files", "conversation" to place, "limit" to 10) { page ->
            page["files"].list.firstOrNull { it["name"].text == name && it["state"].text == state }
        }

    private fun shown(id: Int) = phone.views().filter { it.id == id && it.isShown }

    @Test
    fun picturesVoiceNotesAndFilesGoBothWays() {
        node.use {
            alice()
            bob = person("Bob", BOB)
            place = befriend(bob, "Pictures are coming")
            phone.tap("Bob")
            phone.on<ChatActivity>()
            phone.sees("Pictures are coming")
            theirPicture()
            theirVoiceNote()
            ownFile()
            underWay()
            mediaOfTheConversation()
        }
    }

    private fun theirPicture() {
        val lake = picture("lake.jpg", 0xFF20506A, 0xFFE8A060)
        val small = picture("small.jpg", 0xFF20506A, 0xFFE8A060)
        val tiny = Bitmap.createScaledBitmap(decode(small), 60, 40, true)
        small.outputStream().use { tiny.compress(Bitmap.CompressFormat.JPEG, 60, it) }
        send("path" to lake.path, "width" to 600, "height" to 400, "preview_path" to small.path)
        phone.until("a placeholder") { shown(R.id.image).isNotEmpty() }
        phone.until("the way to get it") { shown(R.id.play).isNotEmpty() }
        phone.tap(string(R.string.media_picture))
        phone.until("the picture") { shown(R.id.play).isEmpty() && shown(R.id.stop).isEmpty() }
        phone.tap(string(R.string.media_picture))
        phone.on<PictureActivity>()
        phone.until("the picture, large", ::isLarge)
        phone.recreate()
        phone.until("the picture, large", ::isLarge)
        phone.back()
        phone.on<ChatActivity>()
    }

    private fun isLarge() = (phone.find(R.id.image) as ImageView).drawable?.let { it.intrinsicWidth > 300 } == true

    private fun theirVoiceNote() {
        val note = File(folder, "note.m4a").apply { writeBytes(ByteArray(20_000) { it.toByte() }) }
        val wave = List(64) { (16 + 15 * kotlin.math.sin(it / 4.0) * kotlin.math.cos(it / 11.0)).toInt() }
        send(
            "path" to note.path, "kind" to "voice", "mime" to "audio/mp4", "duration_ms" to 14_000, "waveform" to wave,
        )
        phone.until("the note") { shown(R.id.wave).isNotEmpty() }
        phone.tap(string(R.string.media_fetch))
        phone.until("the note is here") { phone.described(string(R.string.media_voice_play)) }
        phone.sees("00:14")
    }

    private fun ownFile() {
        phone.tap(R.id.attach)
        phone.tap(string(R.string.media_pick_pictures))
        val photo = decode(picture("own.jpg", 0xFF1B4332, 0xFFB7E4C7))
        phone.answer(Intent().setData(offer(photo)))
        phone.sees(string(R.string.media_send_to, "Bob"))
        phone.tap(string(R.string.chat_send))
        val sent = bob.sees("files", "conversation" to place, "limit" to 10) { page ->
            page["files"].list.firstOrNull { it["kind"].text == "image" && it["name"].text == "picture.jpg" }
        }
        bob.call("file_fetch", "file" to sent["id"].text)
        theirs("picture.jpg", "here")
        val copies = app.cacheDir.list().orEmpty().filter { it.startsWith("send-") || it.startsWith("sotto-picture") }
        assertEquals("no copy stays", emptyList<String>(), copies)
    }

    private fun underWay() {
        node.kill()
        val plan = File(folder, "Concert plan.pdf").apply { writeBytes(ByteArray(1_500_000) { (it * 7).toByte() }) }
        app.await {
            app.sotto().messages.send(
                im.sotto.ConversationId(place), "",
                files = listOf(im.sotto.NewFile(plan, im.sotto.FileKind.FILE, mime = "application/pdf")),
            )
        }
        phone.sees("Concert plan.pdf")
        phone.until("under way") { shown(R.id.progress).isNotEmpty() }
        draw("chat-files")
        phone.die()
        phone.sees("Concert plan.pdf")
        node.restart()
        theirs("Concert plan.pdf", "remote")
        phone.until("it left") { shown(R.id.progress).isEmpty() }
        phone.hold("Concert plan.pdf")
        phone.tap(string(R.string.media_save))
        val place = folder.resolve("saved.pdf")
        org.robolectric.Shadows.shadowOf(app.contentResolver)
            .registerOutputStream(android.net.Uri.parse("content://documents/1"), place.outputStream())
        phone.answer(Intent().setData(android.net.Uri.parse("content://documents/1")))
        phone.sees(string(R.string.media_saved))
        assertTrue("the same bytes", place.readBytes().contentEquals(plan.readBytes()))
    }

    private fun mediaOfTheConversation() {
        phone.menu(R.id.chat_media)
        phone.on<MediaActivity>()
        phone.until("two sharp pictures", ::isSharp)
        draw("media", isWhole = ::isSharp)
        phone.tap(R.id.voices)
        phone.sees("00:14")
        phone.recreate()
        phone.sees("00:14")
        phone.tap(R.id.files)
        phone.sees("Concert plan.pdf")
        phone.back()
        phone.on<ChatActivity>()
    }

    private fun isSharp() = grid().childCount == 2 && (0 until 2).all { at ->
        val image = grid().getChildAt(at).findViewById<ImageView>(R.id.image)
        (image.drawable?.intrinsicWidth ?: 0) > 100
    }

    private fun grid() = phone.screen.findViewById<GridView>(R.id.list)
}
