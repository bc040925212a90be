package im.sotto.android

import android.graphics.Bitmap
import im.sotto.Bytes
import kotlin.math.PI
import kotlin.math.cos
import kotlin.math.max
import kotlin.math.min
import kotlin.math.roundToInt

/**
 * Draws [im.sotto.MessageFile.placeholder], until preview or picture are here: ThumbHash
 * (https://evanw.github.io/thumbhash/), cosine terms of luminance (l), two colour differences (p, q) and transparency
 * (a).
 */
public object ThumbHash {
    private const val SIDE = 32

    /** The blurred picture, at most 32 pixels on its longer side; null if the bytes are none. */
    public fun decode(placeholder: Bytes): Bitmap? {
        val hash = placeholder.toByteArray()
        if (hash.size < 5) return null
        val head = byte(hash, 0) or (byte(hash, 1) shl 8) or (byte(hash, 2) shl 16)
        val tail = byte(hash, 3) or (byte(hash, 4) shl 8)
        val hasAlpha = head shr 23 != 0
        if (hasAlpha && hash.size < 6) return null
        val isWide = tail shr 15 != 0
        val long = if (hasAlpha) 5 else 7
        val wide = max(3, if (isWide) long else tail and 7)
        val high = max(3, if (isWide) tail and 7 else long)
        val reader = Terms(hash, if (hasAlpha) 6 else 5)
        val l = reader.read(wide, high, (head shr 18 and 31) / 31f)
        val p = reader.read(3, 3, (tail shr 3 and 63) / 63f * BOOST)
        val q = reader.read(3, 3, (tail shr 9 and 63) / 63f * BOOST)
        val a = if (hasAlpha) reader.read(5, 5, (byte(hash, 5) shr 4) / 15f) else null
        if (reader.isShort) return null
        val base = floatArrayOf((head and 63) / 63f, (head shr 6 and 63) / 31.5f - 1, (head shr 12 and 63) / 31.5f - 1)
        val opaque = if (hasAlpha) (byte(hash, 5) and 15) / 15f else 1f
        val ratio = (if (isWide) long else max(1, tail and 7)).toFloat() / (if (isWide) max(1, tail and 7) else long)
        val width = if (ratio > 1) SIDE else max(1, (SIDE * ratio).roundToInt())
        val height = if (ratio > 1) max(1, (SIDE / ratio).roundToInt()) else SIDE
        val pixels = IntArray(width * height) { at ->
            val x = (at % width + 0.5) / width
            val y = (at / width + 0.5) / height
            val light = base[0] + l.at(x, y)
            val pink = base[1] + p.at(x, y)
            val yellow = base[2] + q.at(x, y)
            val blue = light - 2f / 3 * pink
            val red = (3 * light - blue + yellow) / 2
            color(red, red - yellow, blue, opaque + (a?.at(x, y) ?: 0f))
        }
        return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
    }

    /** Colours are stored weaker than they are. */
    private const val BOOST = 1.25f

    private fun byte(hash: ByteArray, at: Int) = hash[at].toInt() and 255

    private fun part(value: Float) = (255 * min(1f, max(0f, value))).roundToInt()

    private fun color(red: Float, green: Float, blue: Float, alpha: Float) =
        part(alpha) shl 24 or (part(red) shl 16) or (part(green) shl 8) or part(blue)

    /** The varying terms of one channel. */
    private class Channel(private val wide: Int, private val high: Int, private val terms: FloatArray) {
        fun at(x: Double, y: Double): Float {
            var sum = 0.0
            var next = 0
            for (down in 0 until high) {
                var across = if (down > 0) 0 else 1
                while (across * high < wide * (high - down)) {
                    sum += terms[next++] * cos(PI * x * across) * cos(PI * y * down)
                    across++
                }
            }
            return 2 * sum.toFloat()
        }
    }

    /** Reads terms of 4 bits, one after the other. */
    private class Terms(private val hash: ByteArray, private val start: Int) {
        private var index = 0
        var isShort = false
            private set

        fun read(wide: Int, high: Int, scale: Float): Channel {
            val terms = ArrayList<Float>()
            for (down in 0 until high) {
                var across = if (down > 0) 0 else 1
                while (across * high < wide * (high - down)) {
                    terms += (next() / 7.5f - 1) * scale
                    across++
                }
            }
            return Channel(wide, high, terms.toFloatArray())
        }

        private fun next(): Int {
            val at = start + (index shr 1)
            if (at >= hash.size) isShort = true
            val value = if (isShort) 0 else byte(hash, at) shr ((index and 1) shl 2) and 15
            index++
            return value
        }
    }
}
