package im.sotto.android

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.app.RemoteInput
import android.content.Context
import android.content.Intent
import android.graphics.drawable.Icon
import android.net.Uri
import android.os.Build
import android.os.Bundle
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.FileKind
import im.sotto.Message

/** Draws notifications; knows no core and keeps no state. */
internal class NotificationDrawing(private val context: Context, private val style: NotificationStyle) {
    private val texts get() = style.texts(context)

    /** Makes the channels, or gives them the names of the language of now. The person's settings of them stay. */
    fun channels() {
        val texts = texts
        context.getSystemService(NotificationManager::class.java).createNotificationChannels(
            listOf(
                channel(MESSAGES, texts.messagesChannel, NotificationManager.IMPORTANCE_HIGH),
                channel(SILENT, texts.silentChannel, NotificationManager.IMPORTANCE_LOW),
                channel(REQUESTS, texts.requestsChannel, NotificationManager.IMPORTANCE_DEFAULT),
                channel(SERVICE, texts.serviceChannel, NotificationManager.IMPORTANCE_MIN),
            ),
        )
    }

    private fun channel(id: String, name: String, importance: Int) = NotificationChannel(id, name, importance).apply {
        setShowBadge(id == MESSAGES || id == REQUESTS)
        lockscreenVisibility = Notification.VISIBILITY_PRIVATE
    }

    /** A hash of all that [messages] would show. */
    fun content(conversation: Conversation, unread: List<Message>): Int =
        listOf(conversation.name, conversation.unread, unread.map { it.id to text(it) }).hashCode()

    /** @param number the highest incoming number in it. */
    fun messages(
        conversation: Conversation,
        unread: List<Message>,
        channel: String,
        isLoud: Boolean,
        number: Long,
    ): Notification {
        val id = conversation.id
        val builder = builder(channel)
            .setCategory(Notification.CATEGORY_MESSAGE)
            .setShortcutId(id.value)
            .setStyle(messaging(conversation, unread))
            .setWhen(unread.last().timeMs)
            .setNumber(conversation.unread)
            .setOnlyAlertOnce(!isLoud)
            .setContentIntent(activity(style.openConversation(context, id), id.value))
            .addAction(reply(id, unread.last()))
            .addAction(markRead(id, unread.last()))
            .addExtras(
                Bundle().apply {
                    putLong(NUMBER, number)
                    putInt(CONTENT, content(conversation, unread))
                },
            )
        Newer.place(builder, id.value)
        return builder.build()
    }

    /** A notification with answers that could not be sent yet: the one that stands, or a new one. */
    fun kept(id: ConversationId, now: Notification?, texts: List<String>): Notification {
        val text = texts.joinToString("\n")
        val builder = now?.let { Notification.Builder.recoverBuilder(context, it) } ?: builder(MESSAGES)
            .setContentText(text)
            .setContentIntent(activity(style.openConversation(context, id), id.value))
        return builder
            .setSubText(this.texts.unsent)
            .setRemoteInputHistory(arrayOf(text))
            .setOnlyAlertOnce(true)
            .setOngoing(true)
            .addExtras(Bundle().apply { putString(REPLY, text) })
            .build()
    }

    fun request(request: Conversation): Notification = builder(REQUESTS)
        .setCategory(Notification.CATEGORY_SOCIAL)
        .setContentTitle(texts.request(PeerText.line(request.name)))
        .setContentText(request.last?.text?.let(::shown).orEmpty())
        .setContentIntent(activity(style.openRequests(context), "requests"))
        .setOnlyAlertOnce(true)
        .build()

    fun service(): Notification = Notification.Builder(context, SERVICE)
        .setSmallIcon(style.icon)
        .setColor(style.color)
        .setContentTitle(texts.serviceTitle)
        .setOngoing(true)
        .setContentIntent(activity(style.openApp(context), "app"))
        .build()

    /** A locked screen shows that something came, and neither who wrote nor the text. */
    private fun builder(channel: String): Notification.Builder {
        val hidden = Notification.Builder(context, channel)
            .setSmallIcon(style.icon)
            .setColor(style.color)
            .setContentTitle(texts.hidden)
            .build()
        return Notification.Builder(context, channel)
            .setSmallIcon(style.icon)
            .setColor(style.color)
            .setAutoCancel(true)
            .setVisibility(Notification.VISIBILITY_PRIVATE)
            .setPublicVersion(hidden)
    }

    private fun messaging(conversation: Conversation, unread: List<Message>): Notification.MessagingStyle {
        val name = PeerText.line(conversation.name)
        val lines = unread.map { text(it) to it.timeMs }
        Newer.messaging(texts.you, name, conversation.id.value, lines)?.let { return it }
        @Suppress("DEPRECATION") // People came with Android 9.
        return Notification.MessagingStyle(texts.you).also { old ->
            lines.forEach { (text, time) -> old.addMessage(text, time, name) }
        }
    }

    private fun shown(text: String): String = PeerText.shorten(PeerText.clean(text)).text.toString()

    /** In a group a line says who wrote it. */
    private fun text(message: Message): String {
        val name = message.author?.name?.let(PeerText::line).orEmpty()
        return if (name.isEmpty()) said(message) else "$name: ${said(message)}"
    }

    private fun said(message: Message): String = message.text?.takeIf { it.isNotEmpty() }?.let(::shown) ?: when {
        message.isNewer -> texts.newer
        else -> when (message.files.firstOrNull()?.kind) {
            FileKind.IMAGE, FileKind.STICKER, FileKind.GIF -> texts.picture
            FileKind.VOICE -> texts.voice
            FileKind.VIDEO -> texts.video
            FileKind.FILE -> texts.file
            null -> texts.newer
        }
    }

    private fun reply(id: ConversationId, last: Message): Notification.Action {
        val input = RemoteInput.Builder(NotificationActions.TEXT).setLabel(texts.reply).build()
        // Mutable, because the system adds the text.
        val flags = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) PendingIntent.FLAG_MUTABLE else 0
        val intent = broadcast(NotificationActions.REPLY, id, last, flags)
        return Newer.unlocked(Notification.Action.Builder(icon(), texts.reply, intent))
            .addRemoteInput(input)
            .setAllowGeneratedReplies(false) // The texts stay on this phone's keyboard.
            .build()
    }

    private fun markRead(id: ConversationId, last: Message): Notification.Action {
        val intent = broadcast(NotificationActions.READ, id, last, PendingIntent.FLAG_IMMUTABLE)
        return Newer.unlocked(Notification.Action.Builder(icon(), texts.markRead, intent)).build()
    }

    private fun icon(): Icon = Icon.createWithResource(context, style.icon)

    private fun broadcast(action: String, id: ConversationId, last: Message, flags: Int): PendingIntent {
        val intent = Intent(context, NotificationActions::class.java)
            .setAction(action)
            .setData(address(id.value)) // Makes the intents of two conversations two.
            .putExtra(NotificationActions.CONVERSATION, id.value)
            .putExtra(NotificationActions.MESSAGE, last.id.value)
        return PendingIntent.getBroadcast(context, 0, intent, PendingIntent.FLAG_UPDATE_CURRENT or flags)
    }

    private fun activity(intent: Intent, name: String): PendingIntent {
        val single = Intent(intent).apply { if (data == null) data = address(name) }
        val flags = PendingIntent.FLAG_UPDATE_CURRENT or PendingIntent.FLAG_IMMUTABLE
        return PendingIntent.getActivity(context, 0, single, flags)
    }

    private fun address(name: String): Uri = Uri.fromParts("sotto", name, null)

    internal companion object {
        const val MESSAGES = "sotto.messages"
        const val SILENT = "sotto.silent"
        const val REQUESTS = "sotto.requests"
        const val SERVICE = "sotto.service"

        /** Extra of a notification: the highest incoming number in it. */
        const val NUMBER = "im.sotto.number"

        /** Extra of a notification: [content] when it was drawn. */
        const val CONTENT = "im.sotto.content"

        /** Extra of a notification: what the person typed into it and is not sent yet. */
        const val REPLY = "im.sotto.reply"
    }
}
