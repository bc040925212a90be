package im.sotto.android

import android.content.Context
import android.net.Uri
import android.provider.OpenableColumns
import im.sotto.FileId
import im.sotto.FileKind
import im.sotto.NewFile
import im.sotto.Sotto
import java.io.Closeable
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.withContext

/**
 * What a person chose, ready for `Messages.send`. Its copies stand in the cache folder until [close]; the core copies
 * them while it sends, so close it when that call returned.
 *
 * @property file what to send.
 */
public class PreparedFile internal constructor(public val file: NewFile) : Closeable {
    /** Deletes the copies. */
    override fun close() {
        file.path.delete()
        file.preview?.delete()
    }
}

/** Makes copies. If nobody waits for them any more, nobody else knows of them, and they are deleted. */
internal suspend fun preparing(make: suspend () -> PreparedFile): PreparedFile {
    var made: PreparedFile? = null
    try {
        return withContext(Dispatchers.IO) { make().also { made = it } }
    } catch (e: CancellationException) {
        made?.close()
        throw e
    }
}

/**
 * Files between other apps and the core. On Android another app serves them by a [Uri]; the core takes files. Another
 * app may answer late, wrongly or without an end, so its failures are an [IOException] here.
 */
public object Documents {
    /** The file has over 100 MB. */
    public class TooLarge internal constructor() : IOException("the file is too large")

    private const val MOST_BYTES = 100_000_000L
    private const val MOST_MIME = 100
    private const val PART = 1 shl 16

    /**
     * Copies a file that the person chose, to send it as it is. [Pictures.prepare] is for pictures.
     *
     * @param name the name that the reader sees.
     * @throws TooLarge if the core would not take it.
     * @throws IOException if it cannot be read.
     */
    public suspend fun prepare(context: Context, document: Uri, name: String? = null): PreparedFile = preparing {
        val mime = ask { context.contentResolver.getType(document) }
            ?.takeIf { type -> type.length <= MOST_MIME && type.all { it in '!'..'~' } }
        val shown = name ?: nameOf(context, document)
        val copy = File.createTempFile("sotto-file-", "", context.cacheDir)
        var isWhole = false
        try {
            open { context.contentResolver.openInputStream(document) }.use { from ->
                copy.outputStream().use { copy(from, it) }
            }
            isWhole = true
        } finally {
            if (!isWhole) copy.delete()
        }
        PreparedFile(NewFile(copy, FileKind.FILE, name = shown.ifEmpty { null }, mime = mime))
    }

    /** The name of a file by the word of the app that serves it, else the end of its address; no path. */
    public suspend fun nameOf(context: Context, document: Uri): String = withContext(Dispatchers.IO) {
        val columns = arrayOf(OpenableColumns.DISPLAY_NAME)
        val told = ask {
            context.contentResolver.query(document, columns, null, null, null)
                ?.use { if (it.moveToFirst()) it.getString(0) else null }
        }
        told?.substringAfterLast('/')?.ifBlank { null } ?: document.lastPathSegment.orEmpty().substringAfterLast('/')
    }

    /**
     * Writes a file of a message, decrypted, to where the person wants it (`ACTION_CREATE_DOCUMENT`).
     *
     * @throws IOException if that place takes no file.
     * @throws im.sotto.SottoException as `Files.writeTo` does.
     */
    public suspend fun save(context: Context, sotto: Sotto, file: FileId, to: Uri): Unit = withContext(Dispatchers.IO) {
        open { context.contentResolver.openOutputStream(to) }.use { sotto.files.writeTo(file, it) }
    }

    /**
     * Whether another app serves a file. Ask it of each address that an intent brings: an address of this app, or a
     * path, would send this app's own files to whom the sender of the intent likes.
     */
    public fun isForeign(context: Context, document: Uri): Boolean {
        // `content://0@…` names a user of the phone before the provider.
        val authority = document.authority?.substringAfterLast('@')?.ifEmpty { null } ?: return false
        val provider = context.packageManager.resolveContentProvider(authority, 0)
        return document.scheme == "content" && provider?.packageName != context.packageName
    }

    private fun <T> ask(question: () -> T?): T? = try {
        question()
    } catch (_: RuntimeException) {
        null
    }

    private fun <T : Closeable> open(stream: () -> T?): T = try {
        stream() ?: throw IOException("there is no such file")
    } catch (e: RuntimeException) {
        throw IOException("the app that serves the file failed", e)
    }

    private suspend fun copy(from: InputStream, to: OutputStream) {
        val part = ByteArray(PART)
        var size = 0L
        while (true) {
            currentCoroutineContext().ensureActive()
            val count = from.read(part)
            if (count < 0) return
            size += count
            if (size > MOST_BYTES) throw TooLarge()
            to.write(part, 0, count)
        }
    }
}
