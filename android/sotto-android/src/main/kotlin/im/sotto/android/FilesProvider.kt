package im.sotto.android

import android.app.Application
import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.Binder
import android.os.Handler
import android.os.HandlerThread
import android.os.ParcelFileDescriptor
import android.os.Process
import android.os.ProxyFileDescriptorCallback
import android.os.storage.StorageManager
import android.provider.OpenableColumns
import android.system.ErrnoException
import android.system.OsConstants
import im.sotto.FileId
import im.sotto.FileState
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.SottoException
import java.io.FileNotFoundException
import kotlin.math.min
import kotlinx.coroutines.runBlocking

/**
 * Lets other apps read a file of a message, after the person chose it ("open with", "share"): the other app gets a
 * `content:` address and reads through the core. No plaintext copy is written to disk.
 *
 * In the manifest the provider is not exported and grants addresses one by one: give an intent with [uri] the flag
 * `FLAG_GRANT_READ_URI_PERMISSION`.
 */
public class FilesProvider : ContentProvider() {
    private val thread = lazy { HandlerThread("sotto-files").apply { start() } }

    /** The first of the app that the system makes in a process. */
    override fun onCreate(): Boolean {
        (hostContext().applicationContext as? Application)?.let(Screens::watch)
        return true
    }

    override fun getType(uri: Uri): String = (if (mayRead(uri)) file(uri)?.let { passive(it.mime) } else null) ?: OCTETS

    /** Android guards all other calls. Before Android 14 any app may ask for a type, which would open the database. */
    private fun mayRead(uri: Uri): Boolean = Binder.getCallingUid() == Process.myUid() || PERMISSION_GRANTED ==
        hostContext().checkCallingUriPermission(uri, Intent.FLAG_GRANT_READ_URI_PERMISSION)

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        selectionArgs: Array<String>?,
        sortOrder: String?,
    ): Cursor {
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val cursor = MatrixCursor(columns)
        val file = file(uri) ?: return cursor
        cursor.addRow(
            columns.map {
                when (it) {
                    OpenableColumns.DISPLAY_NAME -> file.name.ifEmpty { "file" }
                    OpenableColumns.SIZE -> file.total
                    else -> null
                }
            },
        )
        return cursor
    }

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        if (mode != "r") throw FileNotFoundException("files of messages are only read")
        val file = file(uri)?.takeIf { it.state == FileState.HERE || it.state == FileState.GOING }
            ?: throw FileNotFoundException("no such file is here")
        val storage = hostContext().getSystemService(StorageManager::class.java)
        return storage.openProxyFileDescriptor(
            ParcelFileDescriptor.MODE_READ_ONLY,
            FileReader(file.total) { offset, length -> sotto().files.read(file.id, offset, length) },
            Handler(thread.value.looper),
        )
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun update(uri: Uri, values: ContentValues?, selection: String?, args: Array<String>?): Int = 0

    override fun delete(uri: Uri, selection: String?, selectionArgs: Array<String>?): Int = 0

    private fun hostContext(): Context = context ?: error("the provider is not attached")

    private suspend fun sotto(): Sotto = hostContext().host.process.sotto()

    /** The row of an address; null if the address is none of ours or the file is gone. */
    private fun file(uri: Uri): MessageFile? {
        val id = uri.pathSegments.singleOrNull() ?: return null
        return try {
            // Other apps call on threads of binder. This app must not ask here on its main thread: see `Files.get`.
            runBlocking { sotto().files.get(FileId(id)) }
        } catch (_: SottoException) {
            null
        }
    }

    public companion object {
        private val MIME = Regex("[a-z0-9.+-]+/[a-z0-9.+-]+")

        /** Pages, all that is XML (it may name a style sheet with scripts), and mails and archives that hold pages. */
        private val ACTIVE = Regex("text/html|.*(xml|xsl|xslt|xhtml|mhtml|mimearchive)|(multipart|message)/.*")

        private const val OCTETS = "application/octet-stream"

        /** The type by the sender's word, but never one that a reader would run as a page with scripts. */
        internal fun passive(mime: String): String =
            mime.lowercase().takeIf { MIME.matches(it) && !ACTIVE.matches(it) } ?: OCTETS

        /** The address of a file. The provider's authority is the app's package with `.sotto.files`. */
        public fun uri(context: Context, file: FileId): Uri = Uri.Builder()
            .scheme("content")
            .authority("${context.packageName}.sotto.files")
            .appendPath(file.value)
            .build()
    }
}

/** Serves a file descriptor from reads of at most 1 MiB. It has [size] bytes and cannot be written. */
internal class FileReader(
    private val size: Long,
    private val read: suspend (offset: Long, length: Int) -> ByteArray,
) : ProxyFileDescriptorCallback() {
    override fun onGetSize(): Long = size

    override fun onRead(offset: Long, size: Int, data: ByteArray): Int {
        var done = 0
        val wanted = min(size.toLong(), this.size - offset).toInt()
        try {
            while (done < wanted) {
                val part = runBlocking { read(offset + done, min(wanted - done, PART)) }
                if (part.isEmpty()) break
                part.copyInto(data, done)
                done += part.size
            }
        } catch (e: SottoException) {
            throw ErrnoException("read", OsConstants.EIO, e)
        }
        return done
    }

    override fun onWrite(offset: Long, size: Int, data: ByteArray): Int =
        throw ErrnoException("write", OsConstants.EBADF)

    override fun onFsync(): Unit = Unit

    override fun onRelease(): Unit = Unit

    private companion object {
        const val PART = 1 shl 20
    }
}
