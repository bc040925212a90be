package im.sotto.app

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Rect
import android.net.Uri
import android.util.LruCache
import im.sotto.FileId
import im.sotto.Sotto
import im.sotto.SottoException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import kotlin.math.max
import kotlin.math.min

/** Pictures of people, decoded once. */
class Pictures {
    private val cache = LruCache<String, Bitmap>(MOST_CACHED)

    fun clear() = cache.evictAll()

    /** The picture, or `null` if it is not here. */
    suspend fun of(sotto: Sotto, id: FileId?): Bitmap? {
        if (id == null) return null
        cache.get(id.value)?.let { return it }
        val bytes = try {
            sotto.files.read(id, 0, MOST_AVATAR_BYTES)
        } catch (_: SottoException) {
            return null
        }
        return withContext(Dispatchers.Default) { decode(bytes) }?.also { cache.put(id.value, it) }
    }

    companion object {
        private const val MOST_CACHED = 256
        private const val MOST_AVATAR_BYTES = 32_568
        private const val AVATAR_PX = 256
        private const val MOST_PX = 2048

        private fun decode(bytes: ByteArray): Bitmap? {
            val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
            BitmapFactory.decodeByteArray(bytes, 0, bytes.size, bounds)
            val options = BitmapFactory.Options().apply { inSampleSize = sample(bounds, AVATAR_PX) }
            return BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
        }

        /** How much smaller to decode, so that at most twice [target] pixels are left on the longer side. */
        private fun sample(bounds: BitmapFactory.Options, target: Int): Int {
            var by = 1
            while (max(bounds.outWidth, bounds.outHeight) / by > 2 * target) by *= 2
            return by
        }

        /** A picture that the person chose, at most [MOST_PX] × 2 on a side; `null` if it is none. */
        suspend fun open(resolver: ContentResolver, uri: Uri): Bitmap? = withContext(Dispatchers.IO) {
            try {
                val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
                resolver.openInputStream(uri)?.use { BitmapFactory.decodeStream(it, null, bounds) }
                val options = BitmapFactory.Options().apply { inSampleSize = sample(bounds, MOST_PX) }
                resolver.openInputStream(uri)?.use { BitmapFactory.decodeStream(it, null, options) }
            } catch (_: IOException) {
                null
            } catch (_: SecurityException) {
                null
            }
        }

        /** An avatar that [writeAvatar] wrote. */
        suspend fun read(avatar: File): Bitmap? = withContext(Dispatchers.IO) { decode(avatar.readBytes()) }

        /** Writes the middle of a picture as an avatar: a square of 256 pixels that the core takes. */
        suspend fun writeAvatar(picture: Bitmap, to: File) = withContext(Dispatchers.IO) {
            val side = min(picture.width, picture.height)
            val left = (picture.width - side) / 2
            val top = (picture.height - side) / 2
            val square = Bitmap.createBitmap(AVATAR_PX, AVATAR_PX, Bitmap.Config.ARGB_8888)
            Canvas(square).drawBitmap(
                picture,
                Rect(left, top, left + side, top + side),
                Rect(0, 0, AVATAR_PX, AVATAR_PX),
                Paint(Paint.FILTER_BITMAP_FLAG),
            )
            val part = File("$to.part")
            var quality = BEST_QUALITY
            do {
                part.outputStream().use { square.compress(Bitmap.CompressFormat.JPEG, quality, it) }
                quality -= QUALITY_STEP
            } while (part.length() > MOST_AVATAR_BYTES && quality > 0)
            part.renameTo(to)
        }

        private const val BEST_QUALITY = 85
        private const val QUALITY_STEP = 15
    }
}
