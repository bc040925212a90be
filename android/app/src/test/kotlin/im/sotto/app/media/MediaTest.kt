package im.sotto.app.media

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.LinearGradient
import android.graphics.Paint
import android.graphics.Shader
import android.widget.ImageView
import im.sotto.app.AppTest
import im.sotto.app.R
import im.sotto.app.chat.ChatActivity
import im.sotto.testing.Node
import im.sotto.testing.Person
import org.junit.Test
import java.io.File

/** A picture of the other side: placeholder, transfer, viewer. */
class MediaTest : AppTest() {
    private val node by lazy { Node(File(folder, "node")) }
    private lateinit var bob: Person
    private lateinit var place: String

    private fun string(id: Int, vararg values: Any) = app.getString(id, *values)

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

    private fun shown(id: Int) = phone.views().filter { it.id == id && it.isShown }

    @Test
    fun aPictureComesWhenItIsTappedAndOpens() {
        app.nodes = listOf(node.address)
        node.use {
            alice()
            bob = person("Bob", BOB)
            place = befriend(bob, "Pictures are coming")
            phone.tap("Bob")
            phone.on<ChatActivity>()
            phone.sees("Pictures are coming")
            theirPicture()
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
}
