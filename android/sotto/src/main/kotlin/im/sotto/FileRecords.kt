package im.sotto

import java.io.File

/** What a file is. */
public enum class FileKind {
    /** Any file. */
    FILE,

    /** A picture. */
    IMAGE,

    /** A voice note. */
    VOICE,

    /** A video. */
    VIDEO,

    /** A sticker. */
    STICKER,

    /** An animated picture. */
    GIF,
}

/** What is known of a file. */
public enum class FileState {
    /** Elsewhere; [Files.fetch] gets it. */
    REMOTE,

    /** It waits for its time or is being fetched; the reason says why it rests. */
    COMING,

    /** Whole on this device. */
    HERE,

    /** Whole on this device, and being sent. */
    GOING,

    /** Nobody has it any more, or the own copy cannot be read. */
    GONE,

    /** What came is not what its author named. */
    CORRUPT,
}

/**
 * A file of a message.
 *
 * @property id its id on this device.
 * @property message the message that has it.
 * @property conversation the message's conversation.
 * @property kind what it is.
 * @property name its name: no path, nothing that hides what it is; may be empty.
 * @property mime media type by its sender's word; may be empty.
 * @property width width, pixels.
 * @property height height, pixels.
 * @property durationMs length in time, milliseconds.
 * @property waveform loudness of a voice note, values from 0 to 31.
 * @property placeholder ThumbHash; may be empty.
 * @property color average colour of the placeholder, 0xRRGGBB.
 * @property preview the preview (WebP or JPEG by its sender's word), once it is here.
 * @property state what is known of it.
 * @property reason why it rests or cannot be had.
 * @property have bytes that are here, or, of an own file, with nodes.
 * @property total bytes in all.
 * @property nextMs when the next try is, Unix milliseconds, if it waits.
 * @property availableUntilMs until when stores keep it, Unix milliseconds.
 * @property cursor the place in its conversation: `before` of the next page.
 */
public data class MessageFile(
    public val id: FileId,
    public val message: MessageId,
    public val conversation: ConversationId,
    public val kind: FileKind,
    public val name: String,
    public val mime: String,
    public val width: Int,
    public val height: Int,
    public val durationMs: Int,
    public val waveform: List<Int>,
    public val placeholder: Bytes,
    public val color: Int?,
    public val preview: Bytes,
    public val state: FileState,
    public val reason: SottoCode?,
    public val have: Long,
    public val total: Long,
    public val nextMs: Long?,
    public val availableUntilMs: Long,
    public val cursor: String,
)

/**
 * How far a transfer is.
 *
 * @property file id of the file.
 * @property state what is known of it.
 * @property have bytes that are here, or, of an own file, with nodes.
 * @property total bytes in all.
 * @property reason why it rests.
 */
public data class Transfer(
    public val file: FileId,
    public val state: FileState,
    public val have: Long,
    public val total: Long,
    public val reason: SottoCode?,
)

/**
 * A file to send.
 *
 * @property path the file on this device; 1 byte to 100 MB. It is copied before the call returns.
 * @property kind what it is; without it a picture or video is told by [mime] or the name.
 * @property name name that the reader sees; without it the one of [path].
 * @property mime media type, at most 100 bytes.
 * @property width width of a picture or video, pixels.
 * @property height its height, pixels.
 * @property durationMs length of a voice note or video, milliseconds.
 * @property waveform loudness of a voice note: at most 64 values from 0 to 31.
 * @property preview a small picture (WebP or JPEG, at most 8,142 bytes) that readers see before the file.
 * @property placeholder a tiny picture, of which the placeholder is made.
 * @property asIs send a picture or video as it is. Otherwise what it says about place, time and camera is removed
 * (JPEG, PNG and WebP), and one of which it cannot be removed is refused. Voice notes and files of [FileKind.FILE] are
 * always sent as they are.
 * @property isFresh send it under a new key, so that nobody can tell that it was sent before.
 */
public data class NewFile(
    public val path: File,
    public val kind: FileKind? = null,
    public val name: String? = null,
    public val mime: String? = null,
    public val width: Int = 0,
    public val height: Int = 0,
    public val durationMs: Int = 0,
    public val waveform: List<Int> = emptyList(),
    public val preview: File? = null,
    public val placeholder: Rgba? = null,
    public val asIs: Boolean = false,
    public val isFresh: Boolean = false,
)

/**
 * A tiny picture.
 *
 * @property width at most 100 pixels.
 * @property height at most 100 pixels.
 * @property pixels red, green, blue, alpha of each pixel.
 */
public data class Rgba(public val width: Int, public val height: Int, public val pixels: Bytes)

/**
 * What is fetched without being asked for, from contacts.
 *
 * @property voice voice notes.
 * @property image pictures, stickers, animated pictures.
 * @property video videos.
 * @property file other files.
 */
public data class AutoDownload(
    public val voice: NetworkLimits,
    public val image: NetworkLimits,
    public val video: NetworkLimits,
    public val file: NetworkLimits,
)

/**
 * The largest file that is fetched by itself, bytes, by network; 0 for none.
 *
 * @property unmetered traffic costs nothing.
 * @property metered traffic costs money.
 * @property roaming abroad.
 */
public data class NetworkLimits(public val unmetered: Long, public val metered: Long, public val roaming: Long)

/**
 * Bytes of files on this device.
 *
 * @property bytes in all.
 * @property parts by conversation and kind. A file that several conversations have counts in each of them.
 */
public data class Storage(public val bytes: Long, public val parts: List<StoragePart>)

/**
 * Bytes of one kind in one conversation.
 *
 * @property conversation id of the conversation.
 * @property kind kind of the files.
 * @property bytes their bytes.
 */
public data class StoragePart(
    public val conversation: ConversationId,
    public val kind: FileKind,
    public val bytes: Long,
)
