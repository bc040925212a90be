package im.sotto.android

import android.graphics.Bitmap
import im.sotto.Bytes
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import java.util.Base64
import kotlin.math.abs

@RunWith(RobolectricTestRunner::class)
class ThumbHashTest {
    private fun decode(hash: String) = ThumbHash.decode(Bytes.of(Base64.getDecoder().decode(hash)))

    /** Corners and middle as the published decoder (npm `thumbhash` 0.1.1) draws them; bitmaps round by up to 3. */
    private fun check(hash: String, width: Int, height: Int, vararg pixels: List<Int>) {
        val picture = checkNotNull(decode(hash))
        assertEquals(width to height, picture.width to picture.height)
        val places = listOf(0 to 0, width - 1 to 0, width / 2 to height / 2, 0 to height - 1, width - 1 to height - 1)
        for ((place, wanted) in places.zip(pixels)) {
            val got = rgba(picture, place.first, place.second)
            assertTrue("$hash at $place: $got, not $wanted", got.zip(wanted).all { (a, b) -> abs(a - b) <= 3 })
        }
    }

    private fun rgba(picture: Bitmap, x: Int, y: Int): List<Int> {
        val color = picture.getPixel(x, y)
        return listOf(color shr 16 and 255, color shr 8 and 255, color and 255, color ushr 24)
    }

    @Test
    fun placeholdersLookAsPublished() {
        check(
            "k0oGLQaSVsN0BVhn2oq2Z5SQUQcZ", 23, 32,
            listOf(27, 53, 52, 255), listOf(42, 60, 36, 255), listOf(160, 94, 6, 255),
            listOf(65, 43, 0, 255), listOf(158, 103, 0, 255),
        )
        check(
            "1QcSHQRnh493V4dIh4eXh1h4kJUI", 23, 32,
            listOf(64, 77, 113, 255), listOf(84, 109, 139, 255), listOf(140, 109, 88, 255),
            listOf(0, 12, 42, 255), listOf(0, 4, 39, 255),
        )
        check(
            "G8eFI5A6YYZQh4dhUBf2io90iIiHiIg=", 32, 19,
            listOf(24, 25, 152, 255), listOf(141, 56, 129, 115), listOf(102, 116, 125, 165),
            listOf(0, 213, 124, 197), listOf(131, 154, 120, 114),
        )
    }

    @Test
    fun whatIsCutShortIsNoPlaceholder() {
        val whole = Base64.getDecoder().decode("k0oGLQaSVsN0BVhn2oq2Z5SQUQcZ")
        for (size in 0 until whole.size) assertNull("$size bytes", ThumbHash.decode(Bytes.of(whole.copyOf(size))))
        for (byte in 0..255) ThumbHash.decode(Bytes.of(ByteArray(32) { byte.toByte() }))
    }
}
