package im.sotto.app

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import android.util.LruCache
import im.sotto.FileId
import im.sotto.Sotto
import im.sotto.SottoException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import im.sotto.android.Pictures as SdkPictures

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

        private fun decode(bytes: ByteArray): Bitmap? = SdkPictures.decodeBounded(bytes, AVATAR_PX)

        /** A picture that the person chose; `null` if it is none. */
        suspend fun open(context: Context, uri: Uri): Bitmap? = try {
            SdkPictures.open(context, uri)
        } catch (_: IOException) {
            null
        }

        /** Keeps the middle of a picture as an avatar; false if it is none. */
        suspend fun keepAvatar(context: Context, uri: Uri, to: File): Boolean = try {
            SdkPictures.avatar(context, uri, to)
            true
        } catch (_: IOException) {
            false
        }

        /** An avatar that [keepAvatar] kept. */
        suspend fun read(avatar: File): Bitmap? = withContext(Dispatchers.IO) { decode(avatar.readBytes()) }
    }
}
