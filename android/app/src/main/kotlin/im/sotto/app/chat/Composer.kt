package im.sotto.app.chat

import android.app.Activity
import android.os.Bundle
import android.view.View
import android.widget.EditText
import android.widget.ImageView
import android.widget.TextView
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.LinkPreview
import im.sotto.Message
import im.sotto.MessageId
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.onText
import im.sotto.app.show

/**
 * The line in which a message is written, answered or changed. It never loses what was typed.
 *
 * @param shared what another app shared: it comes after the draft.
 */
class Composer(
    private val activity: Activity,
    private var shared: String,
    private val links: LinkOffer,
    private val onTyping: () -> Unit,
    private val onSend: () -> Unit,
) {
    private val input: EditText = activity.findViewById(R.id.text)
    private var replyTo: MessageId? = null
    private var editing: MessageId? = null

    /** What was being written when the editing began. */
    private var aside = ""
    private var isFilled = false
    private var isOwnChange = false

    /** Whether the text that was being changed was too long to be saved with the screen. */
    private var isLong = false

    init {
        input.onText {
            input.isSaveEnabled = input.text.length <= MOST_SAVED
            showButtons()
            links.look(if (editing == null) input.text.toString() else "")
            if (!isOwnChange && input.text.isNotBlank()) onTyping()
        }
        activity.findViewById<View>(R.id.send).setOnClickListener { onSend() }
        activity.findViewById<View>(R.id.mode_end).setOnClickListener { endMode() }
        showButtons()
    }

    /** What to send, or null. */
    val text: String? get() = input.text.toString().takeIf(String::isNotBlank)

    /** Keeps what stands here as the draft of the conversation, behind the one that was never read. */
    fun keep(): suspend (Sotto, ConversationId) -> Unit {
        val now = if (editing != null) aside to null else input.text.toString() to replyTo
        val isWhole = isFilled
        return { sotto, id ->
            if (isWhole) sotto.conversations.setDraft(id, now.first, now.second)
            else if (now.first.isNotEmpty()) {
                val before = sotto.conversations.get(id)
                sotto.conversations.setDraft(id, before.draft + now.first, before.draftReplyTo)
            }
        }
    }

    /** What is long stands in the draft alone, or in the message: a screen that saves more than some 500 kB crashes. */
    fun save(state: Bundle) {
        state.putBoolean(FILLED, isFilled && (if (editing != null) aside else input.text).length <= MOST_SAVED)
        state.putBoolean(TAKEN, isFilled)
        state.putString(REPLY, replyTo?.value)
        state.putString(EDIT, editing?.value)
        state.putString(ASIDE, aside.takeIf { it.length <= MOST_SAVED })
        state.putBoolean(LONG, input.text.length > MOST_SAVED)
        links.save(state)
    }

    fun restore(state: Bundle) {
        isFilled = state.getBoolean(FILLED)
        replyTo = state.getString(REPLY)?.let(::MessageId)
        editing = state.getString(EDIT)?.let(::MessageId)
        aside = state.getString(ASIDE).orEmpty()
        links.restore(state)
        isLong = state.getBoolean(LONG)
        if (state.getBoolean(TAKEN)) shared = ""
    }

    /** Takes the kept draft and what is shared the first time, and shows what is answered or changed. */
    suspend fun fill(sotto: Sotto, now: Conversation) {
        input.hint = activity.getString(R.string.chat_write_to, PeerText.line(now.name))
        if (!isFilled) {
            // Whoever is quick typed before the draft was read.
            if (editing == null) write(join(now.draft + input.text, shared)) else aside = now.draft
            if (editing == null) replyTo = now.draftReplyTo
            isFilled = true
        }
        val about = (editing ?: replyTo) ?: return
        try {
            val message = sotto.messages.get(about)
            if (editing != null && isLong) edit(message) else showMode(message)
        } catch (error: SottoException) {
            if (error.code == SottoCode.MESSAGE_MISSING) gone()
        }
    }

    fun reply(message: Message) {
        if (editing != null) endMode()
        replyTo = message.id
        showMode(message)
        input.requestFocus()
    }

    /** Takes the whole text of an own message to change it. */
    fun edit(message: Message) {
        if (editing == null) aside = input.text.toString()
        isLong = false
        editing = message.id
        replyTo = null
        write(message.text.orEmpty())
        showMode(message)
        input.requestFocus()
    }

    /** What [take] took out of the line. */
    class Sent(val text: String, val replyTo: MessageId?, val preview: LinkPreview?)

    /** Saves the change of an own message; false if none is being changed. */
    suspend fun saveChange(sotto: Sotto): Boolean {
        val changed = editing ?: return false
        try {
            sotto.messages.edit(changed, text ?: return true)
        } catch (error: SottoException) {
            if (error.code == SottoCode.MESSAGE_MISSING) gone()
            throw error
        }
        endMode()
        return true
    }

    /** Empties the line at once. */
    fun take(): Sent? {
        val sent = Sent(text ?: return null, replyTo, links.preview)
        links.forget()
        endMode()
        write("")
        return sent
    }

    /** It did not leave: it comes back, before what was typed since. */
    fun giveBack(sent: Sent) {
        if (editing != null) {
            aside = join(sent.text, aside)
            return
        }
        sent.preview?.let(links::give)
        write(join(sent.text, input.text.toString()))
        if (replyTo == null) replyTo = sent.replyTo
    }

    /** Takes what another app shares. */
    fun add(shared: String) {
        if (shared.isEmpty()) return
        if (editing != null) endMode()
        write(join(input.text.toString(), shared))
    }

    /** The message that was being changed is gone; the text is not. */
    private fun gone() {
        val typed = if (editing == null) null else input.text.toString()
        endMode()
        if (typed != null) write(join(input.text.toString(), typed))
    }

    private fun endMode() {
        if (editing != null) write(aside)
        editing = null
        replyTo = null
        aside = ""
        activity.findViewById<View>(R.id.mode).show(false)
        showButtons()
    }

    private fun write(text: String) {
        isOwnChange = true
        input.setText(text)
        input.setSelection(input.text.length)
        isOwnChange = false
    }

    private fun showMode(message: Message) {
        val isEditing = editing != null
        activity.findViewById<View>(R.id.mode).show(true)
        activity.findViewById<ImageView>(R.id.mode_icon)
            .setImageResource(if (isEditing) R.drawable.ic_edit else R.drawable.chat_reply)
        activity.findViewById<TextView>(R.id.mode_title).setText(
            when {
                isEditing -> R.string.chat_editing
                message.isMine -> R.string.chat_reply_self
                else -> R.string.chat_reply
            },
        )
        val text = PeerText.line(message.text.orEmpty())
        activity.findViewById<TextView>(R.id.mode_text).text =
            text.ifEmpty { activity.getString(R.string.chat_file) }
        showButtons()
    }

    private fun showButtons() {
        val canSend = text != null
        val isIdle = !canSend && editing == null
        activity.findViewById<View>(R.id.send).apply {
            show(!isIdle)
            isEnabled = canSend
            contentDescription = activity.getString(if (editing != null) R.string.save else R.string.chat_send)
        }
        activity.findViewById<View>(R.id.voice).show(isIdle)
        activity.findViewById<View>(R.id.attach).show(editing == null)
    }

    companion object {
        private const val FILLED = "filled"
        private const val TAKEN = "taken"
        private const val REPLY = "reply"
        private const val EDIT = "edit"
        private const val ASIDE = "aside"
        private const val LONG = "long"

        /** Characters. */
        private const val MOST_SAVED = 50_000

        /** Two texts in one line. */
        fun join(first: String, second: String) = listOf(first, second).filter(String::isNotEmpty).joinToString("\n")
    }
}
