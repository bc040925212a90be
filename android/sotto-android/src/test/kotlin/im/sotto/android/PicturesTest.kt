package im.sotto.android

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.media.ExifInterface
import android.net.Uri
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.util.zip.CRC32
import java.util.zip.DeflaterOutputStream
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.GraphicsMode

@RunWith(RobolectricTestRunner::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class PicturesTest {
    private val context = RuntimeEnvironment.getApplication()

    /** Left half red, right half blue, with the given metadata. */
    private fun photo(width: Int, height: Int, orientation: Int = 1): Uri {
        val picture = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
        Canvas(picture).apply {
            drawColor(Color.BLUE)
            drawRect(0f, 0f, width / 2f, height.toFloat(), Paint().apply { color = Color.RED })
        }
        val jpeg = ByteArrayOutputStream().also { picture.compress(Bitmap.CompressFormat.JPEG, 95, it) }.toByteArray()
        val file = File.createTempFile("photo", ".jpg", context.filesDir)
        file.writeBytes(jpeg.copyOf(2) + exif(orientation) + jpeg.copyOfRange(2, jpeg.size))
        return Uri.fromFile(file)
    }

    /** An Exif segment with an orientation and the name of a place. */
    private fun exif(orientation: Int): ByteArray {
        val place = "$SECRET\u0000".toByteArray()
        val body = ByteArrayOutputStream()
        fun two(value: Int) = body.write(byteArrayOf((value shr 8).toByte(), value.toByte()))
        fun four(value: Int) = repeat(4) { body.write(value shr (24 - 8 * it)) }
        body.write("Exif\u0000\u0000MM".toByteArray())
        two(42)
        four(8)
        two(2)
        two(0x010e)
        two(2)
        four(place.size)
        four(38)
        two(0x0112)
        two(3)
        four(1)
        two(orientation)
        two(0)
        four(0)
        body.write(place)
        val length = body.size() + 2
        return byteArrayOf(-1, 0xe1.toByte(), (length shr 8).toByte(), length.toByte()) + body.toByteArray()
    }

    private fun red(color: Int) = Color.red(color) > 200 && Color.blue(color) < 60

    private fun blue(color: Int) = Color.blue(color) > 200 && Color.red(color) < 60

    @Test
    fun `a picture is scaled, and says nothing of its place`() = runBlocking {
        val photo = photo(3000, 1500)
        assertTrue(SECRET in File(checkNotNull(photo.path)).readBytes().decodeToString())
        val prepared = Pictures.prepare(context, photo)
        val file = prepared.file
        assertEquals(2048 to 1024, file.width to file.height)
        val bytes = file.path.readBytes()
        assertFalse(SECRET in bytes.decodeToString())
        assertFalse("Exif" in bytes.decodeToString())
        val drawn = BitmapFactory.decodeByteArray(bytes, 0, bytes.size)
        assertEquals(2048 to 1024, drawn.width to drawn.height)
        assertTrue(red(drawn.getPixel(500, 500)))
        assertTrue(blue(drawn.getPixel(1500, 500)))

        val preview = checkNotNull(file.preview)
        assertTrue(preview.length() in 1..8142)
        assertFalse(SECRET in preview.readBytes().decodeToString())
        val placeholder = checkNotNull(file.placeholder)
        assertEquals(100 to 50, placeholder.width to placeholder.height)
        assertEquals(4 * 100 * 50, placeholder.pixels.size)
        assertTrue(placeholder.pixels.toByteArray()[0].toInt() and 0xff > 250)

        prepared.close()
        assertEquals(emptyList<String>(), context.cacheDir.list().orEmpty().toList())
    }

    @Test
    fun `a small picture is not made larger`() = runBlocking {
        val file = Pictures.prepare(context, photo(40, 20)).file
        assertEquals(40 to 20, file.width to file.height)
    }

    @Test
    fun `pictures are turned upright as their camera said`() = runBlocking {
        // Where the red left half goes, by the orientation of Exif.
        val places = mapOf(
            ExifInterface.ORIENTATION_NORMAL to "left",
            ExifInterface.ORIENTATION_FLIP_HORIZONTAL to "right",
            ExifInterface.ORIENTATION_ROTATE_180 to "right",
            ExifInterface.ORIENTATION_FLIP_VERTICAL to "left",
            ExifInterface.ORIENTATION_TRANSPOSE to "top",
            ExifInterface.ORIENTATION_ROTATE_90 to "top",
            ExifInterface.ORIENTATION_TRANSVERSE to "bottom",
            ExifInterface.ORIENTATION_ROTATE_270 to "bottom",
        )
        for ((orientation, place) in places) {
            val file = Pictures.prepare(context, photo(200, 100, orientation)).file
            val bytes = file.path.readBytes()
            val drawn = BitmapFactory.decodeByteArray(bytes, 0, bytes.size)
            val isTurned = place == "top" || place == "bottom"
            assertEquals("$orientation", if (isTurned) 100 to 200 else 200 to 100, drawn.width to drawn.height)
            val (x, y) = mapOf(
                "left" to (20 to 50), "right" to (180 to 50), "top" to (50 to 20), "bottom" to (50 to 180),
            ).getValue(place)
            assertTrue("$orientation", red(drawn.getPixel(x, y)))
            assertTrue("$orientation", blue(drawn.getPixel(drawn.width - 1 - x, drawn.height - 1 - y)))
        }
    }

    @Test
    fun `an avatar is the upright middle, small enough for the core, without its place`() = runBlocking {
        val file = File(context.cacheDir, "avatar.jpg")
        // Turned upright, its upper half is red. The middle square has both colours.
        Pictures.avatar(context, photo(600, 300, ExifInterface.ORIENTATION_ROTATE_90), file)
        val bytes = file.readBytes()
        assertTrue(bytes.size <= 32_568 && SECRET !in bytes.decodeToString())
        val drawn = BitmapFactory.decodeByteArray(bytes, 0, bytes.size)
        assertEquals(256 to 256, drawn.width to drawn.height)
        assertTrue(red(drawn.getPixel(128, 20)) && blue(drawn.getPixel(128, 236)))
        assertEquals(listOf("avatar.jpg"), context.cacheDir.list().orEmpty().toList())
        val shown = Pictures.open(context, photo(600, 300), 100)
        assertEquals(100 to 50, shown.width to shown.height)
    }

    @Test
    fun `what is no picture is refused, and leaves nothing behind`() {
        val text = File(context.filesDir, "text.jpg").apply { writeText("no picture") }
        for (bad in listOf(Uri.fromFile(text), Uri.fromFile(File(context.filesDir, "absent.jpg")))) {
            assertThrows(IOException::class.java) { runBlocking { Pictures.prepare(context, bad) } }
        }
        assertEquals(emptyList<String>(), context.cacheDir.list().orEmpty().toList())
    }

    @Test
    fun `another app's provider may fail as it likes`() {
        val authority = "im.sotto.hostile"
        shadowOf(context.contentResolver).registerInputStreamSupplier(Uri.parse("content://$authority/picture")) {
            throw SecurityException("not for you")
        }
        val bad = Uri.parse("content://$authority/picture")
        assertThrows(IOException::class.java) { runBlocking { Pictures.prepare(context, bad) } }
    }

    @Test
    fun `a full disk is said, instead of sending half a picture`() {
        val picture = Bitmap.createBitmap(2000, 2000, Bitmap.Config.ARGB_8888)
        assertThrows(IOException::class.java) {
            File("/dev/full").outputStream().use { Pictures.write(picture, 85, it) }
        }
    }

    @Test
    fun `a cancelled preparation leaves no copy behind`() = runBlocking {
        val photo = photo(1000, 500)
        repeat(20) { round ->
            val job = launch(Dispatchers.Default) { Pictures.prepare(context, photo).close() }
            delay(round * 2L)
            job.cancelAndJoin()
        }
        assertEquals(emptyList<String>(), context.cacheDir.list().orEmpty().toList())
    }

    @Test
    fun `a picture of others is shrunk by powers of two`() {
        val bytes = File(checkNotNull(photo(3000, 1500).path)).readBytes()
        val small = checkNotNull(Pictures.decodeBounded(bytes, 256))
        assertTrue("${small.width}", small.width in 256..511)
        assertTrue(red(small.getPixel(20, 20)) && blue(small.getPixel(small.width - 20, 20)))
        assertEquals(3000, Pictures.decodeBounded(bytes, 5000)?.width)
        // A plain photo of 20 million pixels has few bytes too.
        val large = Bitmap.createBitmap(5000, 4000, Bitmap.Config.ARGB_8888)
        val plain = ByteArrayOutputStream().also { large.compress(Bitmap.CompressFormat.JPEG, 10, it) }.toByteArray()
        assertTrue(checkNotNull(Pictures.decodeBounded(plain, 256)).width in 256..511)
        assertNull(Pictures.decodeBounded("no picture".toByteArray(), 256))
        assertNull(Pictures.decodeBounded(ByteArray(0), 256))
    }

    @Test
    fun `few bytes that claim millions of pixels are not decoded`() {
        val bomb = bomb(8000)
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeByteArray(bomb, 0, bomb.size, bounds)
        assertEquals("the bomb is a picture", 8000 to 8000, bounds.outWidth to bounds.outHeight)
        assertTrue("${bomb.size}", bomb.size < 32_568)
        assertNull(Pictures.decodeBounded(bomb, 256))
        assertNull("also with some more bytes", Pictures.decodeBounded(bomb + ByteArray(2_000_000), 256))
        assertEquals(1000, Pictures.decodeBounded(bomb(1000), 1000)?.width)
    }

    internal companion object {
        private const val SECRET = "Hauptstrasse 12"

        /** A PNG of one bit a pixel, all of them black. */
        fun bomb(side: Int): ByteArray {
            val png = ByteArrayOutputStream()
            val out = DataOutputStream(png)
            fun chunk(name: String, body: ByteArray) {
                out.writeInt(body.size)
                val named = name.toByteArray() + body
                out.write(named)
                out.writeInt(CRC32().apply { update(named) }.value.toInt())
            }
            out.write(byteArrayOf(-119, 80, 78, 71, 13, 10, 26, 10))
            chunk("IHDR", ByteBuffer.allocate(13).putInt(side).putInt(side).put(1).array())
            val rows = ByteArrayOutputStream()
            DeflaterOutputStream(rows).use { it.write(ByteArray(side * (1 + side / 8))) }
            chunk("IDAT", rows.toByteArray())
            chunk("IEND", ByteArray(0))
            return png.toByteArray()
        }
    }
}
