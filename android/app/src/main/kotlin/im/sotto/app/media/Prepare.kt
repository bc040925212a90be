package im.sotto.app.media

import android.content.Context
import android.net.Uri
import im.sotto.FileKind
import im.sotto.NewFile
import im.sotto.android.Pictures
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/** Copies of what a person chose, ready for the core. They stand in the cache folder until [discard]. */
object Prepare {
    /** A picture without what it says about place, time and camera, with its preview and placeholder. */
    suspend fun picture(context: Context, uri: Uri): NewFile = Pictures.prepare(context, uri).file

    /** A file as it is. */
    suspend fun file(context: Context, uri: Uri, name: String): NewFile {
        val mime = context.contentResolver.getType(uri)
        return NewFile(copy(context, uri), FileKind.FILE, name = name.ifEmpty { null }, mime = mime)
    }

    fun discard(file: NewFile) {
        file.path.delete()
        file.preview?.delete()
    }

    private suspend fun copy(context: Context, uri: Uri): File = withContext(Dispatchers.IO) {
        val copy = File.createTempFile("send-", "", context.cacheDir)
        try {
            val input = context.contentResolver.openInputStream(uri) ?: throw IOException("nothing there")
            input.use { from -> copy.outputStream().use { from.copyTo(it) } }
            copy
        } catch (error: IOException) {
            copy.delete()
            throw error
        } catch (error: SecurityException) {
            copy.delete()
            throw IOException(error)
        }
    }
}
