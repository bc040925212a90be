package im.sotto.app.chat

import android.app.Activity
import android.os.Bundle
import android.view.View
import android.widget.EditText
import android.widget.ImageView
import android.widget.TextView
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.Message
import im.sotto.MessageId
import im.sotto.Sotto
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
    private val shared: String,
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

    init {
        input.onText {
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

    fun save(state: Bundle) {
        state.putBoolean(FILLED, isFilled)
        state.putString(REPLY, replyTo?.value)
        state.putString(EDIT, editing?.value)
        state.putString(ASIDE, aside)
        links.save(state)
    }

    fun restore(state: Bundle) {
        isFilled = state.getBoolean(FILLED)
        replyTo = state.getString(REPLY)?.let(::MessageId)
        editing = state.getString(EDIT)?.let(::MessageId)
        aside = state.getString(ASIDE).orEmpty()
        links.restore(state)
    }

    /** Takes the kept draft and what is shared the first time, and shows what is answered or changed. */
    suspend fun fill(sotto: Sotto, now: Conversation) {
        input.hint = activity.getString(R.string.chat_write_to, PeerText.line(now.name))
        if (!isFilled) {
            // Whoever is quick typed before the draft was read.
            write(listOf(now.draft + input.text, shared).filter(String::isNotEmpty).joinToString("\n"))
            replyTo = now.draftReplyTo
            isFilled = true
        }
        val about = (editing ?: replyTo) ?: return
        try {
            showMode(sotto.messages.get(about))
        } catch (_: SottoException) {
            endMode()
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
        editing = message.id
        replyTo = null
        write(message.text.orEmpty())
        showMode(message)
        input.requestFocus()
    }

    /** Sends, or saves the change, and empties the line at once. If it fails, the text comes back. */
    suspend fun send(sotto: Sotto, now: Conversation) {
        val sent = text ?: return
        val (reply, changed) = replyTo to editing
        val preview = links.preview
        if (changed != null) {
            sotto.messages.edit(changed, sent)
            endMode()
            return
        }
        endMode()
        write("")
        try {
            sotto.messages.send(now.id, sent, reply, preview = preview)
            links.forget()
        } catch (error: SottoException) {
            if (input.text.isEmpty()) write(sent)
            replyTo = reply
            fill(sotto, now)
            throw error
        }
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

    private companion object {
        const val FILLED = "filled"
        const val REPLY = "reply"
        const val EDIT = "edit"
        const val ASIDE = "aside"
    }
}
