package im.sotto.android

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.media.ExifInterface
import android.net.Uri
import im.sotto.Bytes
import im.sotto.FileKind
import im.sotto.NewFile
import im.sotto.Rgba
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.OutputStream
import kotlin.math.max
import kotlin.math.min
import kotlin.math.roundToInt
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Scales pictures and leaves out what they say about place, time and camera, by drawing them anew. */
public object Pictures {
    /** The default of `maxSide`: sharp on each phone, some 400 kB. */
    public const val SIDE: Int = 2048

    private const val NO_PICTURE = "no picture that this phone can draw"
    private const val QUALITY = 85
    private const val AVATAR_SIDE = 256
    private const val AVATAR_BYTES = 32_568
    private const val PREVIEW_SIDE = 240
    private const val PREVIEW_BYTES = 8_142
    private const val PLACEHOLDER_SIDE = 100

    /** Pixels that any picture may have, and further ones for each of its bytes. */
    private const val FREE_PIXELS = 4_000_000L
    private const val BYTE_PIXELS = 200L

    /** Most pixels of a JPEG, and of another format. */
    private const val JPEG_PIXELS = 64_000_000L
    private const val OTHER_PIXELS = 24_000_000L

    /**
     * Decodes a picture that somebody else made, a file, a preview or an avatar: shrunk by a power of two, so that at
     * least [side] pixels are left on its longer side if it has them, and fewer than twice as many. It takes the time
     * of a decoding: call it from a background thread.
     *
     * Null if it is no picture that this phone can draw, or larger than a phone's memory allows: few bytes can claim
     * millions of pixels. Refused are more than 64 million pixels of a JPEG, 24 million of another format, and
     * 4 million plus 200 for each byte.
     */
    public fun decodeBounded(bytes: ByteArray, side: Int): Bitmap? {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeByteArray(bytes, 0, bytes.size, bounds)
        // A JPEG is shrunk while it is decoded. Other formats may need all of their pixels in memory at once.
        val most = if (bounds.outMimeType == "image/jpeg") JPEG_PIXELS else OTHER_PIXELS
        val pixels = bounds.outWidth.toLong() * bounds.outHeight
        if (pixels <= 0 || pixels > minOf(most, FREE_PIXELS + BYTE_PIXELS * bytes.size)) return null
        return try {
            BitmapFactory.decodeByteArray(bytes, 0, bytes.size, shrunk(bounds, side))
        } catch (_: OutOfMemoryError) {
            null
        }
    }

    /** So that at least [side] pixels are left on the longer side, if it has them. */
    private fun shrunk(bounds: BitmapFactory.Options, side: Int) = BitmapFactory.Options().apply {
        inSampleSize = Integer.highestOneBit(max(1, max(bounds.outWidth, bounds.outHeight) / max(1, side)))
    }

    /**
     * Reads a picture that the person chose or took, turns it upright, scales it to at most [maxSide] pixels on its
     * longer side (never larger), and writes it as a JPEG without metadata, with preview and placeholder.
     *
     * @throws IOException if it cannot be read, is no picture that this phone can draw, or finds no room on the disk.
     */
    public suspend fun prepare(context: Context, picture: Uri, maxSide: Int = SIDE): PreparedFile =
        preparing { prepared(context, picture, maxSide) }

    private fun prepared(context: Context, picture: Uri, maxSide: Int): PreparedFile {
        val upright = upright(context, picture, maxSide)
        val base = File.createTempFile("sotto-picture-", "", context.cacheDir)
        val path = File(base.path + ".jpg")
        val preview = File(base.path + ".preview.jpg")
        try {
            path.outputStream().use { write(upright, QUALITY, it) }
            preview.writeBytes(preview(upright))
            val file = NewFile(
                path = path,
                kind = FileKind.IMAGE,
                name = "picture.jpg",
                mime = "image/jpeg",
                width = upright.width,
                height = upright.height,
                preview = preview,
                placeholder = placeholder(upright),
            )
            return PreparedFile(file)
        } catch (e: IOException) {
            path.delete()
            preview.delete()
            throw e
        } finally {
            base.delete()
            upright.recycle()
        }
    }

    /**
     * Reads a picture as [prepare] does, to show it or to find a QR code in it.
     *
     * @throws IOException if it cannot be read, or is no picture that this phone can draw.
     */
    public suspend fun open(context: Context, picture: Uri, maxSide: Int = SIDE): Bitmap =
        withContext(Dispatchers.IO) { upright(context, picture, maxSide) }

    /**
     * Writes the middle of a picture to a file, as a square that `Accounts.setPicture` takes: a JPEG of 256 pixels. The
     * file is whole, or as it was.
     *
     * @throws IOException as [prepare] does.
     */
    public suspend fun avatar(context: Context, picture: Uri, to: File): Unit = withContext(Dispatchers.IO) {
        val upright = upright(context, picture, SIDE)
        val side = min(upright.width, upright.height)
        val middle = Bitmap.createBitmap(upright, (upright.width - side) / 2, (upright.height - side) / 2, side, side)
        val small = Bitmap.createScaledBitmap(middle, AVATAR_SIDE, AVATAR_SIDE, true)
        val bytes = (QUALITY downTo 10 step 15).asSequence().map { jpeg(small, it) }.first { it.size <= AVATAR_BYTES }
        val part = File("$to.part").apply { writeBytes(bytes) }
        if (!part.renameTo(to)) throw IOException("the picture cannot be kept")
    }

    private fun upright(context: Context, picture: Uri, maxSide: Int): Bitmap = try {
        fun open() = context.contentResolver.openInputStream(picture) ?: throw IOException("the picture is not there")
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open().use { BitmapFactory.decodeStream(it, null, bounds) }
        if (bounds.outWidth <= 0 || bounds.outHeight <= 0) throw IOException(NO_PICTURE)
        // The decoder shrinks, so that a huge picture never stands in memory whole.
        val raw = open().use { BitmapFactory.decodeStream(it, null, shrunk(bounds, maxSide)) }
            ?: throw IOException(NO_PICTURE)
        val orientation = open().use { ExifInterface(it) }
            .getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL)
        drawn(raw, orientation, maxSide).also { if (it !== raw) raw.recycle() }
    } catch (e: RuntimeException) {
        // The picture is another app's, and its provider may fail in any way.
        throw IOException(NO_PICTURE, e)
    } catch (e: OutOfMemoryError) {
        throw IOException(NO_PICTURE, e)
    }

    /** The framework swallows what a full disk says, and leaves a cut picture. */
    internal fun write(picture: Bitmap, quality: Int, to: OutputStream) {
        if (!picture.compress(Bitmap.CompressFormat.JPEG, quality, to)) throw IOException("the picture is not written")
    }

    private fun jpeg(picture: Bitmap, quality: Int): ByteArray =
        ByteArrayOutputStream().also { write(picture, quality, it) }.toByteArray()

    /** On white, because a JPEG has no transparency. */
    private fun drawn(raw: Bitmap, orientation: Int, maxSide: Int): Bitmap {
        val scale = minOf(1f, maxSide.toFloat() / max(raw.width, raw.height))
        val width = max(1, (raw.width * scale).roundToInt())
        val height = max(1, (raw.height * scale).roundToInt())
        val isTurned = orientation >= ExifInterface.ORIENTATION_TRANSPOSE
        val result = if (isTurned) bitmap(height, width) else bitmap(width, height)
        val matrix = Matrix().apply {
            setScale(width.toFloat() / raw.width, height.toFloat() / raw.height)
            postTranslate(-width / 2f, -height / 2f)
            turn(orientation)
            postTranslate(result.width / 2f, result.height / 2f)
        }
        Canvas(result).apply {
            drawColor(Color.WHITE)
            drawBitmap(raw, matrix, Paint(Paint.FILTER_BITMAP_FLAG))
        }
        return result
    }

    private fun Matrix.turn(orientation: Int) {
        when (orientation) {
            ExifInterface.ORIENTATION_FLIP_HORIZONTAL -> postScale(-1f, 1f)
            ExifInterface.ORIENTATION_ROTATE_180 -> postRotate(180f)
            ExifInterface.ORIENTATION_FLIP_VERTICAL -> postScale(1f, -1f)
            ExifInterface.ORIENTATION_TRANSPOSE -> {
                postRotate(90f)
                postScale(-1f, 1f)
            }
            ExifInterface.ORIENTATION_ROTATE_90 -> postRotate(90f)
            ExifInterface.ORIENTATION_TRANSVERSE -> {
                postRotate(-90f)
                postScale(-1f, 1f)
            }
            ExifInterface.ORIENTATION_ROTATE_270 -> postRotate(-90f)
        }
    }

    private fun bitmap(width: Int, height: Int) = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)

    private fun scaled(picture: Bitmap, side: Int): Bitmap {
        val scale = minOf(1f, side.toFloat() / max(picture.width, picture.height))
        val width = max(1, (picture.width * scale).roundToInt())
        val height = max(1, (picture.height * scale).roundToInt())
        return Bitmap.createScaledBitmap(picture, width, height, true)
    }

    /** As good as fits into the bytes of a preview. */
    private fun preview(picture: Bitmap): ByteArray {
        var side = PREVIEW_SIDE
        while (true) {
            val small = scaled(picture, side)
            for (quality in 70 downTo 10 step 20) {
                val bytes = jpeg(small, quality)
                if (bytes.size <= PREVIEW_BYTES) return bytes
            }
            side /= 2
        }
    }

    private fun placeholder(picture: Bitmap): Rgba {
        val tiny = scaled(picture, PLACEHOLDER_SIDE)
        val colors = IntArray(tiny.width * tiny.height)
        tiny.getPixels(colors, 0, tiny.width, 0, 0, tiny.width, tiny.height)
        val pixels = ByteArray(4 * colors.size)
        colors.forEachIndexed { at, color ->
            pixels[4 * at] = Color.red(color).toByte()
            pixels[4 * at + 1] = Color.green(color).toByte()
            pixels[4 * at + 2] = Color.blue(color).toByte()
            pixels[4 * at + 3] = Color.alpha(color).toByte()
        }
        return Rgba(tiny.width, tiny.height, Bytes.of(pixels))
    }
}
