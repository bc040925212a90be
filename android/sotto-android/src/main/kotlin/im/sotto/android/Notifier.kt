package im.sotto.android

import android.app.Notification
import android.app.NotificationManager
import android.content.Context
import im.sotto.Change
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.Folder
import im.sotto.GroupState
import im.sotto.Incoming
import im.sotto.Message
import im.sotto.MessageState
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/**
 * Notifies of messages and contact requests: each once, none left out, whatever ended the process in between.
 *
 * What is new comes from the core's incoming numbers. The highest number that was handled stands on disk, and each
 * notification carries its own. A notification is then drawn from the database, so edited and deleted texts are true,
 * and it goes when its messages are read. Muted conversations, silent authors and the conversation on screen make no
 * sound.
 *
 * Where the person allowed no notifications, nothing is shown and nothing is lost: the app asks for
 * `POST_NOTIFICATIONS` (Android 13).
 */
public class Notifier(context: Context, style: NotificationStyle) {
    private val manager: NotificationManager = context.getSystemService(NotificationManager::class.java)
    private val place = context.getSharedPreferences("im.sotto.notified", Context.MODE_PRIVATE)
    private val drawing = NotificationDrawing(context, style)
    internal val shortcuts: Shortcuts = Shortcuts(context, style)
    private val turn = Mutex()

    /** The conversation that the person looks at now, or null. It makes no notifications. */
    @Volatile
    public var visible: ConversationId? = null
        set(value) {
            field = value
            if (value != null) manager.cancel(value.value, MESSAGES)
        }

    /** Keeps the notifications true until the core is closed. */
    internal suspend fun follow(sotto: Sotto) =
        sotto.observe(Change.CONVERSATIONS, Change.MESSAGES, Change.CONTACTS) { update(this) }.collect {}

    /**
     * Brings the notifications to the state of the database. Calls take turns, so any number of them shows a message
     * once. [SottoProcess] calls it after each change, and [SyncJob] after each sync.
     *
     * @throws SottoException if the database cannot be read; the next call shows what this one could not.
     */
    public suspend fun update(sotto: Sotto): Unit = turn.withLock {
        withContext(Dispatchers.Default) {
            drawing.channels()
            kept(sotto)
            messages(sotto)
            requests(sotto)
        }
    }

    /**
     * Keeps an answer while the core cannot open: in the notification, which shows it as not sent. That is the memory
     * of the system: it outlives this process, not the phone's restart, and nothing is written to disk in plaintext.
     */
    internal suspend fun keep(conversation: ConversationId, text: String): Unit = turn.withLock {
        val now = manager.activeNotifications.firstOrNull { it.tag == conversation.value && it.id == MESSAGES }
        val all = listOfNotNull(now?.notification?.extras?.getString(NotificationDrawing.REPLY), text)
        drawing.channels()
        manager.notify(conversation.value, MESSAGES, drawing.kept(conversation, now?.notification, all))
    }

    /** Sends what [keep] kept. */
    internal suspend fun handOver(sotto: Sotto): Unit = turn.withLock { kept(sotto) }

    /** Takes all notifications away and forgets what was shown: another account counts its messages from 1. */
    public suspend fun forget(): Unit = turn.withLock {
        val ours = manager.activeNotifications.filter { it.id == MESSAGES || it.id == REQUEST }
        ours.forEach { manager.cancel(it.tag, it.id) }
        shortcuts.clear()
        place.edit().clear().commit()
    }

    /** The silent notification of [AlwaysOn]. */
    public fun serviceNotification(): Notification {
        drawing.channels()
        return drawing.service()
    }

    /**
     * Sends by the number of the message that is answered, so that a process that ends in between sends nothing twice.
     */
    private suspend fun kept(sotto: Sotto) {
        for ((id, one) in shown()) {
            val text = one.reply ?: continue
            try {
                val isSent = NotificationActions.sendOrDraft(sotto, id, text) {
                    val answer = orNull { messages.answer(one.number, text) }
                    // The message is gone, or has this answer's first part.
                    if (answer == null || messages.get(answer).text != text) messages.send(id, text)
                }
                if (isSent) markRead(sotto, id, one.number)
            } catch (e: SottoException) {
                if (e.code != SottoCode.CONVERSATION_MISSING) continue // The next update tries again.
            }
            manager.cancel(id.value, MESSAGES)
        }
    }

    private suspend fun markRead(sotto: Sotto, place: ConversationId, number: Long) {
        val one = sotto.messages.incoming(1, number - 1).firstOrNull { it.arrival == number } ?: return
        sotto.conversations.markRead(place, one.message.id)
    }

    private suspend fun messages(sotto: Sotto) {
        val before = place.getLong(ARRIVAL, 0)
        val fresh = LinkedHashMap<ConversationId, MutableList<Incoming>>()
        var last = before
        do {
            val page = sotto.messages.incoming(PAGE, last)
            page.forEach { fresh.getOrPut(it.message.conversation, ::mutableListOf) += it }
            last = page.lastOrNull()?.arrival ?: last
        } while (page.size == PAGE)
        val shown = shown()
        for (id in fresh.keys + shown.keys) conversation(sotto, id, fresh[id].orEmpty(), shown[id])
        // After the notifications: a process that ends between shows nothing twice, because they carry their numbers.
        if (last != before) place.edit().putLong(ARRIVAL, last).commit()
    }

    private suspend fun conversation(sotto: Sotto, id: ConversationId, fresh: List<Incoming>, shown: Shown?) {
        val conversation = sotto.orNull { conversations.get(id) }
        val unread = if (conversation == null) emptyList() else unread(sotto, conversation)
        if (conversation == null || unread.isEmpty() || id == visible) {
            if (shown?.reply == null) manager.cancel(id.value, MESSAGES)
            return
        }
        val new = fresh.filter { isUnread(it.message) && it.arrival > (shown?.number ?: 0) }
        // Without anything new, one that the person wiped away stays away, and one that says the same stays as it is.
        if (shown == null && (new.isEmpty() || conversation.isMuted)) return
        val content = drawing.content(conversation, unread)
        if (new.isEmpty() && content == shown?.content) return
        if (new.isNotEmpty()) shortcuts.push(sotto, conversation)
        val isLoud = !conversation.isMuted && new.any { !it.message.isSilent }
        val channel = if (isLoud) NotificationDrawing.MESSAGES else shown?.channel ?: NotificationDrawing.SILENT
        val number = new.lastOrNull()?.arrival ?: shown?.number ?: 0
        val drawn = drawing.messages(conversation, unread, channel, isLoud, number)
        val reply = shown?.reply
        manager.notify(id.value, MESSAGES, if (reply == null) drawn else drawing.kept(id, drawn, listOf(reply)))
    }

    /** The newest unread messages of the other side, oldest first. */
    private suspend fun unread(sotto: Sotto, conversation: Conversation): List<Message> {
        val isHeard = conversation.state == ContactState.ACCEPTED || conversation.group?.state in HEARD
        if (!isHeard) return emptyList()
        val lines = ArrayList<Message>()
        var left = conversation.unread
        var before: String? = null
        // Own messages that wait in the outbox may stand above any number of unread ones.
        while (left > 0 && lines.size < LINES) {
            val page = sotto.messages.page(conversation.id, if (before == null) LINES else PAGE, before)
            lines += page.filter(::isUnread)
            left -= page.count { !it.isMine && it.state == MessageState.RECEIVED }
            before = page.lastOrNull()?.cursor ?: break
        }
        return lines.take(LINES).reversed()
    }

    private fun isUnread(message: Message): Boolean = !message.isMine && message.state == MessageState.RECEIVED &&
        message.deletedBy == null && !message.isFetching

    private suspend fun requests(sotto: Sotto) {
        val told = place.getStringSet(REQUESTS, null).orEmpty()
        val waiting = sotto.conversations.page(Folder.REQUESTS, MOST_REQUESTS).filter { it.contact != null }
        for (request in waiting.filter { it.id.value !in told }) {
            manager.notify(request.id.value, REQUEST, drawing.request(request))
        }
        val now = waiting.mapTo(HashSet()) { it.id.value }
        for (answered in told - now) manager.cancel(answered, REQUEST)
        if (now != told) place.edit().putStringSet(REQUESTS, now).commit()
    }

    private class Shown(val number: Long, val content: Int, val channel: String, val reply: String?)

    /** The notifications of conversations that stand now. */
    private fun shown(): Map<ConversationId, Shown> = manager.activeNotifications.filter { it.id == MESSAGES }
        .associate {
            val extras = it.notification.extras
            val number = extras.getLong(NotificationDrawing.NUMBER)
            val content = extras.getInt(NotificationDrawing.CONTENT)
            val reply = extras.getString(NotificationDrawing.REPLY)
            ConversationId(it.tag) to Shown(number, content, it.notification.channelId, reply)
        }

    private suspend fun <T> Sotto.orNull(read: suspend Sotto.() -> T): T? = try {
        read()
    } catch (_: SottoException.NotFound) {
        null
    }

    internal companion object {
        const val MESSAGES = 1
        const val REQUEST = 2
        private const val PAGE = 100
        private val HEARD = setOf<GroupState?>(GroupState.MEMBER, GroupState.JOINING)
        private const val LINES = 20

        /** More than the core keeps. All in one page: one that is missing counts as answered. */
        private const val MOST_REQUESTS = 500
        private const val ARRIVAL = "arrival"
        private const val REQUESTS = "requests"
    }
}
