package im.sotto.app

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Typeface
import android.view.View
import android.widget.ImageView
import android.widget.TextView
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.LastMessage
import im.sotto.MessageState
import im.sotto.Sotto

/** Draws a conversation in a list. */
class ConversationRow(private val times: Times) {
    fun bind(view: View, one: Conversation, picture: Bitmap?) {
        val isUnread = one.unread > 0 || one.isMarkedUnread
        view.findViewById<AvatarView>(R.id.avatar).show(one.name, one.face, picture)
        view.findViewById<TextView>(R.id.name).text = one.name
        view.findViewById<TextView>(R.id.time).apply {
            text = times.short(one.lastMs)
            setTextColor(context.getColor(if (isUnread && !one.isMuted) R.color.accent else R.color.text_secondary))
        }
        view.findViewById<View>(R.id.pin).show(one.isPinned)
        view.findViewById<View>(R.id.mute).show(one.isMuted)
        showState(view.findViewById(R.id.state), one)
        view.findViewById<TextView>(R.id.preview).apply {
            text = previewOf(view, one)
            setTextColor(context.getColor(if (one.draft.isNotEmpty()) R.color.accent else R.color.text_secondary))
            typeface = Typeface.create(if (isUnread) "sans-serif-medium" else "sans-serif", Typeface.NORMAL)
        }
        view.findViewById<TextView>(R.id.unread).apply {
            show(isUnread)
            text = if (one.unread > 0) String.format(context.locale, "%d", one.unread) else ""
            contentDescription =
                if (one.unread == 0) resources.getString(R.string.chat_marked_unread)
                else resources.getQuantityString(R.plurals.chat_unread, one.unread, one.unread)
            setBackgroundResource(if (one.isMuted) R.drawable.badge_muted else R.drawable.badge)
            setTextColor(context.getColor(if (one.isMuted) R.color.background else R.color.on_accent))
        }
    }

    private fun showState(icon: ImageView, one: Conversation) {
        val last = one.last
        val isTalk = one.state in TALKING || one.group != null
        val isShown = last != null && last.isMine && !last.isDeleted && one.draft.isEmpty() && isTalk
        icon.show(isShown)
        if (last == null || !isShown) return
        val look = STATES[last.state] ?: return icon.show(false)
        icon.setImageResource(look.icon)
        icon.contentDescription = icon.resources.getString(look.text)
        icon.setColorFilter(icon.context.getColor(look.color))
    }

    private fun previewOf(view: View, one: Conversation): String {
        val resources = view.resources
        val last = one.last
        return when {
            one.draft.isNotEmpty() -> resources.getString(R.string.chat_draft, one.draft)
            one.state in STANDING -> resources.getString(STANDING.getValue(one.state))
            last == null -> resources.getString(R.string.chat_nothing)
            else -> textOf(view, last)
        }
    }

    private fun textOf(view: View, last: LastMessage): String = when {
        last.isDeleted -> view.resources.getString(R.string.chat_deleted)
        last.isNewer -> view.resources.getString(R.string.chat_newer)
        last.isFetching -> view.resources.getString(R.string.chat_fetching)
        else -> {
            val text = last.text?.ifEmpty { null } ?: view.resources.getString(R.string.chat_file)
            last.author?.name?.ifEmpty { null }?.let { "$it: $text" } ?: text
        }
    }

    /** How a state of an own message looks. */
    private class Look(val icon: Int, val text: Int, val color: Int = R.color.text_secondary)

    private companion object {
        val TALKING = setOf<ContactState?>(ContactState.ACCEPTED, ContactState.REQUESTED)
        val STANDING = mapOf<ContactState?, Int>(
            ContactState.REQUESTED to R.string.chat_requested,
            ContactState.BLOCKED to R.string.chat_blocked,
            ContactState.DECLINED to R.string.chat_declined,
        )
        val STATES = mapOf(
            MessageState.QUEUED to Look(R.drawable.ic_state_queued, R.string.state_queued),
            MessageState.SENT to Look(R.drawable.ic_state_sent, R.string.state_sent),
            MessageState.STORED to Look(R.drawable.ic_state_sent, R.string.state_stored),
            MessageState.DELIVERED to Look(R.drawable.ic_state_delivered, R.string.state_delivered),
            MessageState.READ to Look(R.drawable.ic_state_delivered, R.string.state_read, R.color.accent),
            MessageState.FAILED to Look(R.drawable.ic_state_failed, R.string.state_failed, R.color.danger),
        )
    }
}

/** What the colours of a conversation's face follow from. */
val Conversation.face: String get() = contact?.value ?: id.value

/** What can be done with a conversation of a list. */
class ConversationActions(
    private val activity: Activity,
    private val choose: (String?, List<Pair<Int, () -> Unit>>) -> Unit,
    private val confirm: (String, String, Int, () -> Unit) -> Unit,
    private val act: (suspend (Sotto) -> Unit) -> Unit,
) {
    fun offer(one: Conversation) {
        val isUnread = one.unread > 0 || one.isMarkedUnread
        choose(
            one.name,
            listOfNotNull(
                if (one.isArchived) null
                else if (one.isPinned) R.string.chat_unpin to { act { it.conversations.pin(one.id, false) } }
                else R.string.chat_pin to { act { it.conversations.pin(one.id, true) } },
                if (one.isMuted) R.string.chat_unmute to { act { it.conversations.mute(one.id, 0) } }
                else R.string.chat_mute to { offerMute(one) },
                if (isUnread) R.string.chat_mark_read to { markRead(one) }
                else R.string.chat_mark_unread to { act { it.conversations.markUnread(one.id, true) } },
                if (one.isArchived) R.string.chat_unarchive to { act { it.conversations.archive(one.id, false) } }
                else R.string.chat_archive to { act { it.conversations.archive(one.id, true) } },
                one.contact?.let { contact -> R.string.chat_contact to { activity.toContact(contact) } },
                R.string.chat_delete to { offerDelete(one) },
            ),
        )
    }

    private fun markRead(one: Conversation) = act { sotto ->
        val last = one.last
        if (last == null) {
            sotto.conversations.markUnread(one.id, false)
        } else {
            sotto.conversations.markRead(one.id, last.id)
        }
    }

    private fun offerMute(one: Conversation) = choose(
        one.name,
        listOf(
            R.string.mute_hour to { act { it.conversations.mute(one.id, System.currentTimeMillis() + HOUR_MS) } },
            R.string.mute_day to { act { it.conversations.mute(one.id, System.currentTimeMillis() + DAY_MS) } },
            R.string.mute_ever to { act { it.conversations.mute(one.id, null) } },
        ),
    )

    private fun offerDelete(one: Conversation) = confirm(
        activity.getString(R.string.chat_delete_title),
        activity.getString(R.string.chat_delete_text, one.name),
        R.string.chat_delete_yes,
    ) { act { it.conversations.delete(one.id) } }

    private companion object {
        const val HOUR_MS = 3_600_000L
        const val DAY_MS = 86_400_000L
    }
}
