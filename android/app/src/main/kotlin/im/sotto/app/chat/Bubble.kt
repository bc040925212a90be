package im.sotto.app.chat

import android.content.Context
import android.graphics.Typeface
import android.graphics.drawable.GradientDrawable
import android.text.SpannableStringBuilder
import android.text.Spanned
import android.text.method.LinkMovementMethod
import android.text.style.ClickableSpan
import android.text.style.ForegroundColorSpan
import android.text.style.StyleSpan
import android.view.Gravity
import android.view.LayoutInflater
import android.view.View
import android.widget.FrameLayout
import android.widget.ImageView
import android.widget.LinearLayout
import android.widget.TextView
import im.sotto.Message
import im.sotto.MessageState
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.Times
import im.sotto.app.locale
import im.sotto.app.media.FileViews
import im.sotto.app.show
import im.sotto.app.showText
import im.sotto.app.textOf

/** What a person does with a message of the chat. */
interface MessageTaps {
    /** Name of the other person, harmless to look at. */
    val theirName: String

    /** Whether messages of this conversation can be answered. */
    val canWrite: Boolean

    fun onMenu(message: Message)

    fun onReply(message: Message)

    fun onQuoted(message: Message)

    fun onAll(message: Message)

    fun onDetails(message: Message)

    fun onRetry(message: Message)

    fun onReact(message: Message, emoji: String, on: Boolean)

    fun onWhoReacted(message: Message)

    fun onVote(message: Message, choice: Int)

    fun onLink(url: String)
}

/** Draws a message. */
class Bubble(
    private val context: Context,
    private val times: Times,
    private val taps: MessageTaps,
    private val files: FileViews,
) {
    private val density = context.resources.displayMetrics.density
    private val polls = PollView(context, taps)

    fun bind(view: View, entry: Entry.One) {
        val message = entry.message
        view as SwipeRow
        view.onSwipe = if (taps.canWrite && message.deletedBy == null) ({ taps.onReply(message) }) else null
        view.setPadding(view.paddingLeft, px(if (entry.isFirst) 8 else 2), view.paddingRight, px(0))
        place(view, message.isMine)
        val bubble = view.findViewById<View>(R.id.bubble)
        bubble.background = shape(entry)
        bubble.setOnLongClickListener { taps.onMenu(message).let { true } }
        label(view.findViewById(R.id.label), message)
        quote(view.findViewById(R.id.quote), message)
        files.bind(view.findViewById(R.id.files), message)
        text(view, message)
        polls.bind(view.findViewById(R.id.poll), message)
        link(view.findViewById(R.id.link), message)
        meta(view, entry)
        reactions(view.findViewById(R.id.reactions), message)
        view.findViewById<TextView>(R.id.again).apply {
            show(message.isMine && message.state == MessageState.FAILED)
            text = again(message)
            setOnClickListener { taps.onRetry(message) }
        }
        bubble.contentDescription = spoken(message)
    }

    /** Why it failed, and below it what a tap does. */
    private fun again(message: Message) = SpannableStringBuilder().apply {
        fun part(text: String, color: Int) =
            append(text, ForegroundColorSpan(context.getColor(color)), Spanned.SPAN_EXCLUSIVE_EXCLUSIVE)
        message.reason?.let { part(context.getString(textOf(it)) + "\n", R.color.danger) }
        part(context.getString(R.string.chat_retry), R.color.accent)
    }

    private fun px(dp: Int) = (dp * density).toInt()

    private fun place(row: View, isMine: Boolean) {
        val column = row.findViewById<LinearLayout>(R.id.column)
        column.gravity = if (isMine) Gravity.END else Gravity.START
        val place = column.layoutParams as FrameLayout.LayoutParams
        place.gravity = column.gravity
        place.marginStart = if (isMine) px(FREE) else 0
        place.marginEnd = if (isMine) 0 else px(FREE)
        column.layoutParams = place
    }

    /** Round, but for the corners where messages of one group meet. */
    private fun shape(entry: Entry.One) = GradientDrawable().apply {
        val isMine = entry.message.isMine
        setColor(context.getColor(if (isMine) R.color.accent_soft else R.color.surface))
        if (!isMine) setStroke(px(1), context.getColor(R.color.outline))
        val isRight = isMine == (context.resources.configuration.layoutDirection == View.LAYOUT_DIRECTION_LTR)
        val round = ROUND * density
        val top = if (entry.isFirst) round else SMALL * density
        val bottom = if (entry.isLast) round else SMALL * density
        cornerRadii =
            if (isRight) floatArrayOf(round, round, top, top, bottom, bottom, round, round)
            else floatArrayOf(top, top, round, round, round, round, bottom, bottom)
    }

    private fun label(label: TextView, message: Message) {
        val text = when {
            message.isForwarded -> R.string.chat_forwarded
            message.isUnconfirmed -> R.string.chat_unconfirmed
            else -> 0
        }
        label.showText(if (text == 0) null else context.getString(text))
        label.setTextColor(context.getColor(if (message.isUnconfirmed) R.color.danger else R.color.text_secondary))
    }

    private fun quote(quote: View, message: Message) {
        val reply = message.reply
        quote.show(reply != null)
        if (reply == null) return
        quote.findViewById<TextView>(R.id.quote_name).showText(
            when (reply.isMine) {
                true -> context.getString(R.string.chat_mine)
                false -> taps.theirName
                null -> null
            },
        )
        quote.findViewById<TextView>(R.id.quote_text).text = when {
            reply.isGone -> context.getString(R.string.chat_quote_gone)
            reply.text.isEmpty() -> context.getString(R.string.chat_file)
            else -> PeerText.line(reply.text)
        }
        quote.setOnClickListener { taps.onQuoted(message) }
        quote.setOnLongClickListener { taps.onMenu(message).let { true } }
    }

    private fun text(view: View, message: Message) {
        val body = view.findViewById<TextView>(R.id.body)
        val all = view.findViewById<View>(R.id.all)
        val standing = standing(message)
        if (standing != 0) {
            body.text = context.getString(standing)
            body.textSize = TEXT_SP
            body.setTextColor(context.getColor(R.color.text_secondary))
            body.show(true)
            all.show(false)
            return
        }
        val shown = PeerText.shorten(rich(message))
        body.setTextColor(context.getColor(R.color.text))
        body.textSize = if (isOnlyEmoji(message)) EMOJI_SP else TEXT_SP
        body.showText(shown.text)
        // Only where links are: a movement method takes the touches of the row.
        val hasLinks = shown.text.getSpans(0, shown.text.length, ClickableSpan::class.java).isNotEmpty()
        body.movementMethod = if (hasLinks) LinkMovementMethod.getInstance() else null
        body.isClickable = false
        body.isLongClickable = false
        body.isFocusable = hasLinks
        all.show(shown.isCut || message.hasMore)
        all.setOnClickListener { taps.onAll(message) }
    }

    private fun standing(message: Message): Int = when {
        message.deletedBy != null -> if (message.isMine) R.string.chat_deleted_mine else R.string.chat_deleted
        message.isNewer -> R.string.chat_newer
        message.isFetching -> R.string.chat_fetching
        else -> 0
    }

    private fun isOnlyEmoji(message: Message): Boolean {
        val text = message.text.orEmpty()
        return text.isNotEmpty() && text.length <= MOST_EMOJI_CHARS && text.codePoints().allMatch { code ->
            code > 0x2190 && !Character.isLetterOrDigit(code) || code == 0x200D
        }
    }

    /** The text with its links and mentions. */
    private fun rich(message: Message) = message.text.orEmpty().let { text ->
        val rich = SpannableStringBuilder(text)
        fun mark(span: Any, from: Int, to: Int) = rich.setSpan(span, from, to, Spanned.SPAN_EXCLUSIVE_EXCLUSIVE)
        for (one in message.mentions) {
            val (from, to) = one.range.first to one.range.last + 1
            mark(StyleSpan(Typeface.BOLD), from, to)
            mark(ForegroundColorSpan(context.getColor(R.color.accent)), from, to)
        }
        for (place in PeerText.links(text)) {
            mark(Link(text.substring(place.first, place.last + 1), taps), place.first, place.last + 1)
        }
        PeerText.clean(rich)
    }

    private class Link(private val url: String, private val taps: MessageTaps) : ClickableSpan() {
        override fun onClick(view: View) = taps.onLink(url)
    }

    private fun link(box: View, message: Message) {
        val preview = message.preview
        box.show(preview != null)
        if (preview == null) return
        box.findViewById<TextView>(R.id.link_title).showText(PeerText.line(preview.title))
        box.findViewById<TextView>(R.id.link_text).showText(PeerText.line(preview.text))
        box.findViewById<TextView>(R.id.link_host).text = PeerText.hostOf(preview.url)
        box.setOnClickListener { taps.onLink(preview.url) }
    }

    private fun meta(view: View, entry: Entry.One) {
        val message = entry.message
        val look = StateLook.of(message)?.takeIf { message.deletedBy == null }
        val meta = view.findViewById<View>(R.id.meta)
        // Within a group only what differs from the rule is said.
        val isShown = entry.isTimed || message.isEdited || message.isPinned
        meta.show(isShown)
        view.findViewById<View>(R.id.meta_pin).show(message.isPinned)
        view.findViewById<View>(R.id.meta_timer).show(message.timerS > 0)
        val time = times.clock(message.timeMs)
        view.findViewById<TextView>(R.id.meta_text).text =
            if (message.isEdited) context.getString(R.string.chat_edited, time) else time
        val icon = view.findViewById<ImageView>(R.id.state)
        icon.show(look != null)
        look?.show(icon)
        val bubble = view.findViewById<View>(R.id.bubble)
        bubble.setOnClickListener { taps.onDetails(message) }
        bubble.isClickable = isShown && (look != null || message.isEdited)
    }

    private fun reactions(box: LinearLayout, message: Message) {
        box.removeAllViews()
        box.show(message.reactions.isNotEmpty())
        for (one in message.reactions.take(MOST_CHIPS)) {
            val chip = LayoutInflater.from(context).inflate(R.layout.chat_chip, box, false) as TextView
            chip.text = if (one.count > 1) String.format(context.locale, "%s %d", one.emoji, one.count) else one.emoji
            chip.isSelected = one.isMine
            chip.contentDescription = context.resources.getQuantityString(
                R.plurals.chat_reaction, one.count, one.emoji, one.count,
            )
            chip.setOnClickListener { taps.onReact(message, one.emoji, !one.isMine) }
            chip.setOnLongClickListener { taps.onWhoReacted(message).let { true } }
            box.addView(chip)
        }
    }

    /** What TalkBack reads: author, text, time, state. */
    private fun spoken(message: Message): String {
        val author = if (message.isMine) context.getString(R.string.chat_mine) else taps.theirName
        val standing = standing(message)
        val text = if (standing != 0) context.getString(standing) else PeerText.line(message.text.orEmpty())
        val state = StateLook.of(message)?.let { context.getString(it.text) }
        return listOfNotNull(author, text.ifEmpty { null }, times.clock(message.timeMs), state).joinToString(", ")
    }

    private companion object {
        const val FREE = 56
        const val ROUND = 18f
        const val SMALL = 5f
        const val TEXT_SP = 16f
        const val EMOJI_SP = 36f
        const val MOST_EMOJI_CHARS = 12
        const val MOST_CHIPS = 8
    }
}
