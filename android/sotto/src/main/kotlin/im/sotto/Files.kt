package im.sotto

import im.sotto.ffi.SottoEvent
import im.sotto.ffi.SottoFile
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import java.io.OutputStream

/** Files of messages of an open [Sotto]. Each call about one fails with [SottoCode.FILE_MISSING]. */
public class Files internal constructor(private val bridge: Bridge) {
    /**
     * The files of a conversation as a list that stays up to date, newest first, of one kind or all. [pageSize] is 1 to
     * 500.
     */
    public fun list(conversation: ConversationId, kind: FileKind? = null, pageSize: Int = 50): Listing<MessageFile> =
        Listing(
            bridge = bridge,
            pageSize = pageSize,
            wants = { it is SottoEvent.FileChanged || it is SottoEvent.MessagesChanged },
            idOf = MessageFile::id,
            cursorOf = MessageFile::cursor,
            page = { limit, before -> page(conversation, limit, kind, before) },
        )

    /**
     * One page of a conversation's files, read once. [limit] is 1 to 500, [before] the cursor of the last file of the
     * previous page. Errors: [SottoCode.INPUT_ID], [SottoCode.INPUT_LIMIT].
     */
    public suspend fun page(
        conversation: ConversationId,
        limit: Int,
        kind: FileKind? = null,
        before: String? = null,
    ): List<MessageFile> = bridge.call {
        files(conversation.lower(), limit, kind?.lift(), before?.lower())
    }.map(SottoFile::lift)

    /**
     * One file of a message. The picture of an account is in no message: only [read], [export] and [writeTo] take its
     * id. Errors: [SottoCode.INPUT_ID].
     */
    public suspend fun get(file: FileId): MessageFile = bridge.call { file(file.lower()) }.lift()

    /**
     * How far a file's transfer is, now and at most four times a second while it goes on. It does not end with the
     * transfer: take what is wanted with `first { it.state == FileState.HERE }`.
     */
    public fun observe(file: FileId): Flow<Transfer> {
        val wants = { event: SottoEvent -> event is SottoEvent.FileChanged && event.now.file.lift() == file }
        val read = suspend {
            val now = get(file)
            Transfer(file, now.state, now.have, now.total, now.reason)
        }
        return bridge.live(wants = wants, read = read).distinctUntilChanged()
    }

    /** Fetches a file now, or continues a fetch that rests. [observe] reports progress. */
    public suspend fun fetch(file: FileId): Unit = bridge.call { fileFetch(file.lower()) }

    /**
     * Ends a transfer. The fetched parts of a download stay, and [fetch] continues with them. The message of an upload
     * that readers cannot have yet is deleted and never sent. Of one that they can have, the parts against losses are
     * not sent.
     */
    public suspend fun cancel(file: FileId): Unit = bridge.call { fileCancel(file.lower()) }

    /**
     * Reads up to [length] bytes of a file that is here, at most 1 MiB, from byte [offset] on, for players and viewers;
     * nothing past its end. Errors: [SottoCode.FILE_WAITING] if it is not here, [SottoCode.FILE_UNREADABLE],
     * [SottoCode.FILE_CORRUPT] if these bytes are damaged on this device ([fetch] gets another copy),
     * [SottoCode.INPUT_SETTING] for negative numbers.
     */
    public suspend fun read(file: FileId, offset: Long, length: Int): ByteArray =
        bridge.call { fileRead(file.lower(), offset, length) }

    /**
     * Writes a file that is here, decrypted, to a new file. Nothing is overwritten, and [to] names the whole file or
     * none. A killed process leaves a file `.sotto-….part` in the same folder. Errors: [SottoCode.FILE_WAITING],
     * [SottoCode.FILE_EXISTS], [SottoCode.FILE_NO_SPACE], [SottoCode.FILE_UNREADABLE], [SottoCode.FILE_CORRUPT],
     * [SottoCode.STORAGE_READ_ONLY] if no file can be made there.
     */
    public suspend fun export(file: FileId, to: File): Unit = bridge.call { fileExport(file.lower(), to.lower()) }

    /**
     * Writes a file that is here, decrypted, to a stream, and leaves the stream open. Errors: those of [read].
     *
     * @throws IOException if the stream cannot be written.
     */
    public suspend fun writeTo(file: FileId, out: OutputStream): Unit = withContext(Dispatchers.IO) {
        var at = 0L
        while (true) {
            val part = read(file, at, PART)
            if (part.isEmpty()) break
            out.write(part)
            at += part.size
        }
    }

    /** What is fetched without being asked for. */
    public suspend fun autoDownload(): AutoDownload = bridge.call { autoDownload() }.lift()

    /**
     * Sets what is fetched without being asked for. Nothing is ever fetched so from requests and blocked people.
     * Errors: [SottoCode.ACCOUNT_MISSING], [SottoCode.INPUT_SETTING] for a negative limit.
     */
    public suspend fun setAutoDownload(all: AutoDownload): Unit = bridge.call { autoDownloadSet(all.lower()) }

    /** Bytes of files on this device, by conversation and kind. */
    public suspend fun storage(): Storage = bridge.call { storage() }.lift()

    /**
     * Removes the bytes of files from this device: of one conversation or all, of messages older than [olderThanMs]
     * (milliseconds; all without it). Their messages stay, and [fetch] gets the files again while stores or their
     * author have them. Returns the number of freed bytes. Errors: [SottoCode.ACCOUNT_MISSING], [SottoCode.INPUT_ID].
     */
    public suspend fun freeStorage(conversation: ConversationId? = null, olderThanMs: Long? = null): Long =
        bridge.call { storageFree(conversation?.lower(), olderThanMs) }

    private companion object {
        /** Most bytes of one read. */
        const val PART = 1 shl 20
    }
}
