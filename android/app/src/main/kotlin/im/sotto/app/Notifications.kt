package im.sotto.app

import android.content.Context
import android.content.Intent
import im.sotto.android.NotificationStyle
import im.sotto.android.NotificationTexts

/** How notifications look, and where they lead. */
fun notificationStyle(context: Context) = NotificationStyle(
    icon = R.drawable.ic_chat,
    color = context.getColor(R.color.accent),
    openConversation = ::conversationIntent,
    openRequests = { Intent(it, RequestsActivity::class.java) },
    openApp = { Intent(it, StartActivity::class.java) },
    texts = ::textsOf,
)

private fun textsOf(context: Context) = NotificationTexts(
    messagesChannel = context.getString(R.string.notify_messages),
    silentChannel = context.getString(R.string.notify_silent),
    requestsChannel = context.getString(R.string.notify_requests),
    serviceChannel = context.getString(R.string.notify_service),
    hidden = context.getString(R.string.notify_hidden),
    request = { context.getString(R.string.notify_request, it) },
    reply = context.getString(R.string.notify_reply),
    markRead = context.getString(R.string.notify_read),
    you = context.getString(R.string.notify_you),
    picture = context.getString(R.string.notify_picture),
    voice = context.getString(R.string.notify_voice),
    video = context.getString(R.string.notify_video),
    file = context.getString(R.string.notify_file),
    newer = context.getString(R.string.chat_newer),
    unsent = context.getString(R.string.notify_unsent),
    serviceTitle = context.getString(R.string.notify_connected),
)
