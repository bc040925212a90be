package im.sotto.app

import android.content.ClipData
import android.content.Context
import android.content.Intent
import android.net.Uri
import im.sotto.ConversationId
import im.sotto.android.Documents
import im.sotto.android.PeerText
import im.sotto.android.Shortcuts

/**
 * What another app shares, as far as it can be used. Any app can say anything here, so nothing of it is trusted: files
 * of this app, which only this app can read, are left out, and what cannot be read counts as absent.
 *
 * @property conversation the conversation that the person chose in the phone's own list, by its word.
 * @property text for the line in which messages are written.
 * @property isCut whether there was more text.
 * @property files addresses of other apps' files.
 */
class Shared private constructor(
    val conversation: ConversationId?,
    val text: String,
    val isCut: Boolean,
    val files: List<Uri>,
) {
    val isEmpty get() = text.isBlank() && files.isEmpty()

    /** Hands text and files on to a screen of this app, with the right to read the files. */
    fun addTo(intent: Intent): Intent {
        intent.putExtra(TEXT, text).putParcelableArrayListExtra(FILES, ArrayList(files))
        if (files.isEmpty()) return intent
        intent.clipData = ClipData("", arrayOf("*/*"), ClipData.Item(files.first())).also { clip ->
            files.drop(1).forEach { clip.addItem(ClipData.Item(it)) }
        }
        return intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
    }

    companion object {
        private const val TEXT = "text"
        private const val FILES = "files"

        /** Characters: what a screen keeps crosses processes, which take less than 1 MB. */
        private const val MOST_TEXT = 50_000

        /** Enough to tell that there are more than can be sent. */
        private const val MOST_FILES = 50

        /** Of an intent of another app. */
        fun of(context: Context, intent: Intent): Shared {
            val isOne = intent.action == Intent.ACTION_SEND
            if (!isOne && intent.action != Intent.ACTION_SEND_MULTIPLE) return Shared(null, "", false, emptyList())
            val whole = intent.read { getCharSequenceExtra(Intent.EXTRA_TEXT) } ?: ""
            val begin = whole.subSequence(0, minOf(whole.length, MOST_TEXT)).toString()
            // A character of two halves is not cut in the middle.
            val text = if (begin.lastOrNull()?.isHighSurrogate() == true) begin.dropLast(1) else begin
            @Suppress("DEPRECATION")
            val stream = intent.read { extras?.get(Intent.EXTRA_STREAM) }
            val files = ((stream as? List<*>) ?: listOf(stream)).asSequence().filterIsInstance<Uri>()
                .filter { Documents.isForeign(context, it) }.take(MOST_FILES).toList()
            return Shared(
                intent.read(Shortcuts::conversation),
                PeerText.clean(text).toString(),
                whole.length > text.length,
                files,
            )
        }

        /** The text that [addTo] handed on. */
        fun textOf(intent: Intent): String = intent.getStringExtra(TEXT).orEmpty()

        /** The files that [addTo] handed on. */
        fun filesOf(intent: Intent): List<Uri> {
            @Suppress("DEPRECATION")
            return intent.getParcelableArrayListExtra<Uri>(FILES).orEmpty()
        }

        /** Reads an extra. A parcel can be broken, or have objects of classes that are not here. */
        private fun <T> Intent.read(extra: Intent.() -> T?): T? = try {
            extra()
        } catch (_: RuntimeException) {
            null
        }
    }
}
