package im.sotto.app

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import android.util.LruCache
import im.sotto.FileId
import im.sotto.Sotto
import im.sotto.SottoException
import im.sotto.android.Documents
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import im.sotto.android.Pictures as SdkPictures

/** Pictures of people, decoded once. */
class Pictures {
    private val cache = object : LruCache<String, Bitmap>(MOST_CACHED_BYTES) {
        override fun sizeOf(key: String, value: Bitmap) = value.byteCount
    }

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
        private const val MOST_CACHED_BYTES = 16 shl 20
        private const val MOST_AVATAR_BYTES = 32_568
        private const val AVATAR_PX = 256

        private fun decode(bytes: ByteArray): Bitmap? = SdkPictures.decodeBounded(bytes, AVATAR_PX)

        /** A picture that the person chose in another app; `null` if it is none, or one of this app. */
        suspend fun open(context: Context, uri: Uri, maxSide: Int = SdkPictures.SIDE): Bitmap? = try {
            if (Documents.isForeign(context, uri)) SdkPictures.open(context, uri, maxSide) else null
        } catch (_: IOException) {
            null
        }

        /** A picture in a file of this app. */
        suspend fun own(context: Context, file: File): Bitmap? = try {
            SdkPictures.open(context, Uri.fromFile(file))
        } catch (_: IOException) {
            null
        }

        /** Keeps the middle of a picture of another app as an avatar; false if it is none. */
        suspend fun keepAvatar(context: Context, uri: Uri, to: File): Boolean = try {
            val isForeign = Documents.isForeign(context, uri)
            if (isForeign) SdkPictures.avatar(context, uri, to)
            isForeign
        } catch (_: IOException) {
            false
        }

        /** An avatar that [keepAvatar] kept. */
        suspend fun read(avatar: File): Bitmap? = withContext(Dispatchers.IO) {
            if (avatar.exists()) decode(avatar.readBytes()) else null
        }
    }
}
