package im.sotto.app.chat

import android.app.AlertDialog
import android.content.ClipData
import android.content.ClipDescription
import android.content.ClipboardManager
import android.os.PersistableBundle
import android.view.LayoutInflater
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import im.sotto.ContactState
import im.sotto.Folder
import im.sotto.Message
import im.sotto.MessageState
import im.sotto.android.PeerText
import im.sotto.app.Form
import im.sotto.app.R

/** What can be done with a message: six emoji, and the actions that are possible now. */
class MessageMenu(private val chat: ChatActivity) {
    fun offer(message: Message) {
        val content = LayoutInflater.from(chat).inflate(R.layout.chat_menu, null)
        val box = content.findViewById<LinearLayout>(R.id.actions)
        val dialog = AlertDialog.Builder(chat).setView(content).create()
        val form = Form(box)
        val isThere = message.deletedBy == null
        if (isThere && chat.canWrite) bar(box, message, dialog::dismiss)
        fun item(icon: Int, title: Int, danger: Boolean = false, action: () -> Unit) {
            form.row(icon, chat.getString(title), danger = danger) {
                dialog.dismiss()
                action()
            }
        }
        val text = message.text.orEmpty()
        if (message.isMine && message.state == MessageState.FAILED) {
            item(R.drawable.chat_history, R.string.retry) { chat.onRetry(message) }
        }
        if (isThere && chat.canWrite) item(R.drawable.chat_reply, R.string.chat_reply) { chat.onReply(message) }
        if (canEdit(message)) item(R.drawable.ic_edit, R.string.chat_edit) { chat.edit(message) }
        if (text.isNotEmpty()) {
            item(R.drawable.ic_copy, R.string.chat_copy) { copy(message) }
            item(R.drawable.chat_text, R.string.chat_select) { chat.onAll(message) }
        }
        for (file in message.files) chat.attachments.offer(file, ::item)
        if (text.isNotEmpty() && message.timerS == 0 && message.poll == null) {
            item(R.drawable.chat_forward, R.string.chat_forward) { forward(message) }
        }
        if (isThere && chat.canWrite) {
            val title = if (message.isPinned) R.string.chat_message_unpin else R.string.chat_message_pin
            item(R.drawable.ic_pin, title) { chat.perform { it.messages.pin(message.id, !message.isPinned) } }
        }
        if (message.reactions.isNotEmpty()) {
            item(R.drawable.chat_smile, R.string.chat_who_reacted) { chat.onWhoReacted(message) }
        }
        if (message.isEdited) item(R.drawable.chat_history, R.string.chat_versions) { versions(message) }
        if (message.isMine && isThere) item(R.drawable.chat_info, R.string.chat_details) { chat.onDetails(message) }
        item(R.drawable.ic_delete, R.string.chat_delete_message, danger = true) { delete(message) }
        chat.present(dialog)
    }

    private fun bar(box: LinearLayout, message: Message, close: () -> Unit) {
        val inflater = LayoutInflater.from(chat)
        val bar = inflater.inflate(R.layout.chat_emoji_bar, box, false) as LinearLayout
        for (emoji in chat.resources.getStringArray(R.array.chat_emoji)) {
            val button = inflater.inflate(R.layout.chat_emoji, bar, false) as TextView
            val isSet = message.reactions.any { it.emoji == emoji && it.isMine }
            button.text = emoji
            button.isSelected = isSet
            button.setOnClickListener {
                close()
                chat.onReact(message, emoji, !isSet)
            }
            bar.addView(button)
        }
        box.addView(bar)
    }

    private fun canEdit(message: Message) = message.isMine && chat.canWrite && message.deletedBy == null &&
        !message.text.isNullOrEmpty() && message.poll == null &&
        System.currentTimeMillis() - message.timeMs < EDIT_MS

    private fun copy(message: Message) = chat.perform { sotto ->
        val whole = sotto.messages.get(message.id).text.orEmpty()
        val short = whole.take(MOST_CLIPBOARD)
        val clip = ClipData.newPlainText("", short)
        // Else Android 13 shows the text on the screen.
        clip.description.extras = PersistableBundle().apply { putBoolean(ClipDescription.EXTRA_IS_SENSITIVE, true) }
        chat.getSystemService(ClipboardManager::class.java).setPrimaryClip(clip)
        chat.tell(if (short.length < whole.length) R.string.chat_copied_part else R.string.chat_copied)
    }

    /** The versions of a text. */
    fun versions(message: Message) = chat.perform { sotto ->
        val versions = sotto.messages.history(message.id).asReversed()
        fun shown(text: String) = PeerText.shorten(PeerText.clean(text.take(MOST_SHOWN))).text
        lines(R.string.chat_versions, versions.map { chat.times.full(it.timeMs) to shown(it.text) })
    }

    fun whoReacted(message: Message) = chat.perform { sotto ->
        lines(
            R.string.chat_who_reacted,
            sotto.messages.reactions(message.id).map { PeerText.line(it.name) to it.emoji },
        )
    }

    private fun lines(title: Int, lines: List<Pair<String, CharSequence>>) {
        val content = LayoutInflater.from(chat).inflate(R.layout.chat_menu, null)
        val form = Form(content.findViewById<LinearLayout>(R.id.actions))
        for ((head, text) in lines) form.row(0, text.toString(), head)
        chat.present(
            AlertDialog.Builder(chat).setTitle(title).setView(content).setPositiveButton(android.R.string.ok, null),
        )
    }

    private fun delete(message: Message) {
        val canRecall = message.isMine && message.deletedBy == null && chat.canWrite
        val text = if (canRecall) R.string.chat_delete_both_text else R.string.chat_delete_me_text
        val builder = AlertDialog.Builder(chat)
            .setTitle(R.string.chat_delete_message_title)
            .setMessage(chat.getString(text, chat.theirName))
            .setNeutralButton(R.string.cancel, null)
            .setNegativeButton(R.string.chat_delete_me) { _, _ -> chat.perform { it.messages.deleteForMe(message.id) } }
        if (canRecall) {
            builder.setPositiveButton(R.string.chat_delete_both) { _, _ ->
                chat.perform { it.messages.deleteForEveryone(message.id) }
            }
        }
        chat.present(builder)
    }

    private fun forward(message: Message) = chat.perform { sotto ->
        val to = sotto.conversations.page(Folder.INBOX, MOST_OFFERED).filter { it.state == ContactState.ACCEPTED }
        val chosen = LinkedHashSet<Int>()
        val builder = AlertDialog.Builder(chat)
            .setTitle(R.string.chat_forward_to)
            .setMultiChoiceItems(to.map { PeerText.line(it.name) }.toTypedArray(), null) { dialog, at, on ->
                if (!on) chosen -= at else if (chosen.size < MOST_FORWARDS) chosen += at
                else (dialog as AlertDialog).listView.setItemChecked(at, false)
                (dialog as AlertDialog).getButton(AlertDialog.BUTTON_POSITIVE).isEnabled = chosen.isNotEmpty()
            }
            .setNegativeButton(R.string.cancel, null)
            .setPositiveButton(R.string.chat_send) { _, _ ->
                chat.perform {
                    it.messages.forward(message.id, chosen.map { at -> to[at].id })
                    chat.tell(R.string.chat_forward_done)
                }
            }
        chat.present(builder)?.getButton(AlertDialog.BUTTON_POSITIVE)?.isEnabled = false
    }

    private companion object {
        const val EDIT_MS = 86_400_000L
        const val MOST_FORWARDS = 5
        const val MOST_OFFERED = 200

        /** Characters of a version; each may be 1 MiB, and there may be eleven. */
        const val MOST_SHOWN = 5_000

        /** A clipboard entry crosses processes, which take less than 1 MB. */
        const val MOST_CLIPBOARD = 200_000
    }
}
