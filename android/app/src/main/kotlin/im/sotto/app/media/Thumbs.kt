package im.sotto.app.media

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.util.LruCache
import im.sotto.FileId
import im.sotto.FileState
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.SottoException
import im.sotto.android.ThumbHash
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.ByteArrayOutputStream
import kotlin.math.max

/** Pictures of messages, decoded at the size in which they are shown, read through the core. */
object Thumbs {
    private const val MOST_BYTES = 32 shl 20
    private const val PART = 1 shl 20

    /** A larger picture is shown by its preview. */
    private const val MOST_FILE = 32L shl 20

    private val cache = object : LruCache<String, Bitmap>(MOST_BYTES) {
        override fun sizeOf(key: String, value: Bitmap) = value.byteCount
    }

    private fun key(file: FileId, side: Int) = "${file.value} $side"

    /** What can be shown at once: the picture if it was read before, its preview, its placeholder. */
    fun now(file: MessageFile, side: Int): Bitmap? = cache.get(key(file.id, side)) ?: rough(file)

    private fun rough(file: MessageFile): Bitmap? {
        val key = "${file.id.value} rough ${file.preview.size}"
        cache.get(key)?.let { return it }
        val preview = if (file.preview.isEmpty()) null else decode(file.preview.toByteArray(), PREVIEW)
        return (preview ?: ThumbHash.decode(file.placeholder))?.also { cache.put(key, it) }
    }

    /** The picture itself, with at least [side] pixels on its longer side if it has them; null if it is not here. */
    suspend fun read(sotto: Sotto, file: MessageFile, side: Int): Bitmap? {
        if (file.state != FileState.HERE && file.state != FileState.GOING || file.total > MOST_FILE) return null
        cache.get(key(file.id, side))?.let { return it }
        val bytes = try {
            whole(sotto, file)
        } catch (_: SottoException) {
            return null
        }
        return withContext(Dispatchers.Default) { decode(bytes, side) }?.also { cache.put(key(file.id, side), it) }
    }

    private suspend fun whole(sotto: Sotto, file: MessageFile): ByteArray {
        val bytes = ByteArrayOutputStream()
        while (bytes.size() < file.total) {
            val part = sotto.files.read(file.id, bytes.size().toLong(), PART)
            if (part.isEmpty()) break
            bytes.write(part)
        }
        return bytes.toByteArray()
    }

    private fun decode(bytes: ByteArray, side: Int): Bitmap? {
        val options = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
        val longer = max(options.outWidth, options.outHeight)
        // A few bytes can claim to be a huge picture.
        if (longer <= 0 || longer > MOST_PIXELS) return null
        options.inJustDecodeBounds = false
        options.inSampleSize = Integer.highestOneBit(max(1, longer / side))
        return BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
    }

    fun clear() = cache.evictAll()

    private const val PREVIEW = 480
    private const val MOST_PIXELS = 30_000
}
