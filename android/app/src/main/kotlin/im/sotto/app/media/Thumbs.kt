package im.sotto.app.media

import android.graphics.Bitmap
import android.util.LruCache
import im.sotto.FileId
import im.sotto.FileState
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.SottoException
import im.sotto.android.Pictures
import im.sotto.android.ThumbHash
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/**
 * Pictures of messages, decoded at the size in which they are shown, read through the core. One at a time: each takes
 * as much memory as its file and its pixels, and a message may have ten.
 */
object Thumbs {
    private const val MOST_BYTES = 32 shl 20
    private const val PART = 1 shl 20

    /** A larger picture is shown by its preview. */
    private const val MOST_FILE = 32L shl 20
    private const val PREVIEW = 480

    private val turn = Mutex()
    private val cache = object : LruCache<String, Bitmap>(MOST_BYTES) {
        override fun sizeOf(key: String, value: Bitmap) = value.byteCount
    }

    /** Files that are no pictures, or too large ones: reading them again is of no use. */
    private val refused = LruCache<FileId, Unit>(MOST_REFUSED)

    private fun key(file: FileId, side: Int) = "${file.value} $side"

    private fun roughKey(file: MessageFile) = "${file.id.value} rough ${file.preview.size}"

    /** What was decoded before: the picture, else its preview or placeholder. */
    fun now(file: MessageFile, side: Int): Bitmap? = cache.get(key(file.id, side)) ?: cache.get(roughKey(file))

    /** The preview, else the placeholder. */
    suspend fun rough(file: MessageFile): Bitmap? {
        val key = roughKey(file)
        cache.get(key)?.let { return it }
        return withContext(Dispatchers.Default) {
            val preview = if (file.preview.isEmpty()) null
            else Pictures.decodeBounded(file.preview.toByteArray(), PREVIEW)
            preview ?: ThumbHash.decode(file.placeholder)
        }?.also { cache.put(key, it) }
    }

    /**
     * The picture itself, with at least [side] pixels on its longer side if it has them; null if it is not here, or if
     * it is not wanted any more when its turn has come.
     */
    suspend fun read(sotto: Sotto, file: MessageFile, side: Int, isWanted: () -> Boolean): Bitmap? {
        if (!FileViews.isHere(file) || file.total > MOST_FILE || refused.get(file.id) != null) return null
        return turn.withLock {
            cache.get(key(file.id, side)) ?: if (isWanted()) decode(sotto, file, side) else null
        }
    }

    private suspend fun decode(sotto: Sotto, file: MessageFile, side: Int): Bitmap? {
        val bytes = try {
            whole(sotto, file)
        } catch (_: SottoException) {
            return null
        } catch (_: OutOfMemoryError) {
            return null
        }
        val picture = withContext(Dispatchers.Default) { Pictures.decodeBounded(bytes, side) }
        if (picture == null) refused.put(file.id, Unit) else cache.put(key(file.id, side), picture)
        return picture
    }

    private suspend fun whole(sotto: Sotto, file: MessageFile): ByteArray {
        val bytes = ByteArray(file.total.toInt())
        var at = 0
        while (at < bytes.size) {
            val part = sotto.files.read(file.id, at.toLong(), minOf(PART, bytes.size - at))
            if (part.isEmpty()) break
            part.copyInto(bytes, at)
            at += part.size
        }
        return bytes
    }

    fun clear() {
        cache.evictAll()
        refused.evictAll()
    }

    private const val MOST_REFUSED = 1_000
}
