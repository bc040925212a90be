package im.sotto.app.media

import android.app.Activity
import android.content.Context
import android.graphics.Bitmap
import android.graphics.drawable.ColorDrawable
import android.graphics.Outline
import android.text.format.DateUtils
import android.text.format.Formatter
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.view.ViewOutlineProvider
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.ProgressBar
import android.widget.TextView
import im.sotto.FileKind
import im.sotto.FileState
import im.sotto.Message
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.show
import im.sotto.app.textOf
import kotlinx.coroutines.CoroutineScope
import kotlin.math.roundToInt

/** Draws the files of messages: pictures, voice notes, and rows for all else, with the transfers that go on. */
class FileViews(
    private val activity: Activity,
    private val scope: CoroutineScope,
    private val perform: (suspend (Sotto) -> Unit) -> Unit,
) {
    private val density = activity.resources.displayMetrics.density
    private val voices = HashMap<View, MessageFile>()
    private val player = Player(scope) { voices.forEach(::showPlaying) }

    fun pause() = player.pause()

    fun end() = player.stop()

    fun bind(box: LinearLayout, message: Message) {
        val files = if (message.deletedBy == null) message.files else emptyList()
        box.show(files.isNotEmpty())
        val kinds = files.map(::layoutOf)
        if (box.tag != kinds) {
            voices.keys.removeAll { it.parent === box }
            box.removeAllViews()
            kinds.forEach { LayoutInflater.from(activity).inflate(it, box, true) }
            box.tag = kinds
        }
        files.forEachIndexed { at, file ->
            val view = box.getChildAt(at)
            when (layoutOf(file)) {
                R.layout.media_picture -> picture(view, file)
                R.layout.media_voice -> voice(view, file)
                else -> file(view, file)
            }
        }
    }

    private fun layoutOf(file: MessageFile) = when (file.kind) {
        FileKind.IMAGE, FileKind.GIF, FileKind.STICKER -> R.layout.media_picture
        FileKind.VOICE -> R.layout.media_voice
        FileKind.FILE, FileKind.VIDEO -> R.layout.media_file
    }

    private fun picture(view: View, file: MessageFile) {
        val image = view.findViewById<ImageView>(R.id.image)
        val (width, height) = frame(file)
        image.layoutParams = image.layoutParams.apply {
            this.width = width
            this.height = height
        }
        round(image, CORNER * density)
        showPicture(image, file, maxOf(width, height), perform)
        image.contentDescription = activity.getString(R.string.media_picture)
        image.setOnClickListener { tapped(file) { activity.startActivity(PictureActivity.of(activity, file)) } }
        transfer(view, file)
    }

    private fun frame(file: MessageFile): Pair<Int, Int> {
        val ratio = if (file.width > 0 && file.height > 0) file.width.toFloat() / file.height else 1f
        val shown = ratio.coerceIn(NARROWEST, WIDEST)
        val width = if (shown >= 1) SIDE else SIDE * shown
        return (width * density).roundToInt() to (width / shown * density).roundToInt()
    }

    private fun voice(view: View, file: MessageFile) {
        voices[view] = file
        val button = view.findViewById<ImageView>(R.id.play)
        button.setOnClickListener { tapped(file) { perform { player.toggle(it, file) } } }
        view.findViewById<WaveView>(R.id.wave).onSeek = { part ->
            if (isHere(file)) perform { player.toggle(it, file, part) }
        }
        showPlaying(view, file)
        transfer(view, file)
    }

    private fun showPlaying(view: View, file: MessageFile) {
        val isMine = player.file == file.id
        val isPlaying = isMine && player.isPlaying
        val at = if (isMine) player.positionMs else 0
        val part = if (file.durationMs > 0) at.toFloat() / file.durationMs else 0f
        view.findViewById<WaveView>(R.id.wave).show(file.waveform, part)
        val left = if (isMine) at else file.durationMs
        view.findViewById<TextView>(R.id.time).text = DateUtils.formatElapsedTime((left / SECOND_MS).toLong())
        val button = view.findViewById<ImageView>(R.id.play)
        if (!isHere(file)) return
        button.setImageResource(if (isPlaying) R.drawable.media_pause else R.drawable.media_play)
        button.contentDescription =
            activity.getString(if (isPlaying) R.string.media_voice_pause else R.string.media_voice_play)
    }

    private fun file(view: View, file: MessageFile) {
        view.findViewById<TextView>(R.id.name).text = nameOf(activity, file)
        view.findViewById<ImageView>(R.id.play).setImageResource(R.drawable.media_file)
        view.setOnClickListener { tapped(file) { activity.open(file) } }
        transfer(view, file)
    }

    /** A tap shows what is here, stops what is under way, and fetches what is elsewhere. */
    private fun tapped(file: MessageFile, open: () -> Unit) {
        when (file.state) {
            FileState.HERE -> open()
            FileState.REMOTE, FileState.CORRUPT, FileState.GONE -> perform { it.files.fetch(file.id) }
            FileState.COMING -> perform { if (isMoving(file)) it.files.cancel(file.id) else it.files.fetch(file.id) }
            FileState.GOING -> open()
        }
    }

    /** The line about the transfer, its progress, and its button. */
    private fun transfer(view: View, file: MessageFile) {
        val line = view.findViewById<TextView>(R.id.line)
        line.text = lineOf(activity, file)
        line.show(line.text.isNotEmpty())
        val bar = view.findViewById<ProgressBar>(R.id.progress)
        val isMoving = isMoving(file)
        bar.show(isMoving)
        bar.progress = if (file.total > 0) (file.have * bar.max / file.total).toInt() else 0
        val stop = view.findViewById<View>(R.id.stop)
        stop.show(isMoving)
        stop.setOnClickListener { perform { it.files.cancel(file.id) } }
        val button = view.findViewById<ImageView>(R.id.play)
        val icon = when {
            file.state == FileState.REMOTE || file.state == FileState.COMING -> R.drawable.media_fetch
            file.state == FileState.GONE || file.state == FileState.CORRUPT -> R.drawable.media_gone
            else -> 0
        }
        if (icon != 0) {
            button.setImageResource(icon)
            button.contentDescription = activity.getString(R.string.media_fetch)
        }
        if (file.kind != FileKind.VOICE && file.kind !in ROWS) {
            button.show(icon != 0 && !isMoving)
            button.setOnClickListener { tapped(file) {} }
        }
    }

    companion object {
        private const val SIDE = 240f
        private const val NARROWEST = 0.6f
        private const val WIDEST = 1.9f
        private const val CORNER = 12f
        private const val SECOND_MS = 1_000

        /** Kinds that are shown as a row with name and size. */
        private val ROWS = setOf(FileKind.FILE, FileKind.VIDEO)

        /** Whether bytes go or come now; a file that waits for its time does not. */
        private fun isMoving(file: MessageFile) = file.state == FileState.GOING ||
            file.state == FileState.COMING && file.reason == null && file.nextMs == null

        fun isHere(file: MessageFile) = file.state == FileState.HERE || file.state == FileState.GOING

        fun nameOf(context: Context, file: MessageFile): String =
            PeerText.line(file.name).ifEmpty { context.getString(R.string.media_file) }

        /** Size and state in words: "2.1 MB", "0.4 of 2.1 MB", why it rests. */
        fun lineOf(context: Context, file: MessageFile): String {
            fun size(bytes: Long) = Formatter.formatShortFileSize(context, bytes)
            val reason = file.reason?.let { context.getString(textOf(it)) }
            return when (file.state) {
                FileState.GOING -> reason ?: context.getString(R.string.media_going, size(file.have), size(file.total))
                FileState.COMING -> reason ?: when (file.nextMs) {
                    null -> context.getString(R.string.media_coming, size(file.have), size(file.total))
                    else -> context.getString(R.string.media_waits, size(file.total))
                }
                FileState.REMOTE -> reason ?: context.getString(R.string.media_remote, size(file.total))
                FileState.GONE -> context.getString(R.string.media_gone)
                FileState.CORRUPT -> context.getString(R.string.media_corrupt)
                FileState.HERE -> if (file.kind in ROWS) size(file.total) else ""
            }
        }

        /** Shows what there is at once, and more when it is read: once for each state of the file. */
        fun showPicture(image: ImageView, file: MessageFile, side: Int, perform: (suspend (Sotto) -> Unit) -> Unit) {
            val wanted = listOf(file.id, file.state, file.preview.size, side)
            if (image.tag == wanted) return
            image.tag = wanted
            val now = Thumbs.now(file, side)
            show(image, now, file)
            perform { sotto ->
                fun isWanted() = image.tag == wanted
                if (now == null) Thumbs.rough(file)?.let { if (isWanted()) show(image, it, file) }
                Thumbs.read(sotto, file, side, ::isWanted)?.let { if (isWanted()) show(image, it, file) }
            }
        }

        private fun show(image: ImageView, picture: Bitmap?, file: MessageFile) {
            if (picture != null) return image.setImageBitmap(picture)
            val color = file.color ?: (image.context.getColor(R.color.sunken) and 0xFFFFFF)
            image.setImageDrawable(ColorDrawable(color or (0xFF shl 24)))
        }

        fun round(view: View, radius: Float) {
            view.outlineProvider = object : ViewOutlineProvider() {
                override fun getOutline(view: View, outline: Outline) =
                    outline.setRoundRect(0, 0, view.width, view.height, radius)
            }
            view.clipToOutline = true
        }
    }
}
