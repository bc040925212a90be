package im.sotto.android

import android.app.Notification
import android.content.Context
import android.content.Intent
import im.sotto.ConversationId

/**
 * How an app's notifications look, and where they lead. Without an own activity they lead to the app's first one.
 *
 * @property icon the small icon: a drawable of the app, white on transparent.
 * @property openConversation an intent for the app's activity that shows a conversation. Shortcuts use it too.
 * @property openRequests an intent for the activity that shows contact requests.
 * @property openApp an intent for the app's first activity.
 * @property color the app's accent, ARGB; the phone's without it.
 * @property texts the words, in the person's language; asked for at each use, because the language may change. English
 * without it.
 */
public class NotificationStyle(
    public val icon: Int,
    public val openConversation: (Context, ConversationId) -> Intent = { context, _ -> launch(context) },
    public val openRequests: (Context) -> Intent = ::launch,
    public val openApp: (Context) -> Intent = ::launch,
    public val color: Int = Notification.COLOR_DEFAULT,
    public val texts: (Context) -> NotificationTexts = { NotificationTexts() },
)

private fun launch(context: Context): Intent =
    context.packageManager.getLaunchIntentForPackage(context.packageName) ?: Intent().setPackage(context.packageName)

/**
 * The words of the notifications.
 *
 * @property messagesChannel name of the channel of messages.
 * @property silentChannel name of the channel of messages whose author asked for no sound.
 * @property requestsChannel name of the channel of contact requests.
 * @property serviceChannel name of the channel of [AlwaysOn].
 * @property hidden what a locked screen shows instead of names and texts.
 * @property request title of a contact request, of a name.
 * @property reply label of the action that answers.
 * @property markRead label of the action that marks as read.
 * @property you what this person is called.
 * @property picture stands for a picture, sticker or animated picture without text; the next ones likewise.
 * @property newer stands for a message that a newer version of the app can show.
 * @property unsent stands with an answer that waits, because the core could not be opened.
 * @property serviceTitle title of the notification of [AlwaysOn].
 */
public data class NotificationTexts(
    public val messagesChannel: String = "Messages",
    public val silentChannel: String = "Silent messages",
    public val requestsChannel: String = "Contact requests",
    public val serviceChannel: String = "Always connected",
    public val hidden: String = "New message",
    public val request: (name: String) -> String = { "$it wants to talk with you" },
    public val reply: String = "Reply",
    public val markRead: String = "Mark as read",
    public val you: String = "You",
    public val picture: String = "Photo",
    public val voice: String = "Voice note",
    public val video: String = "Video",
    public val file: String = "File",
    public val newer: String = "Needs a newer version of the app",
    public val unsent: String = "Not sent yet",
    public val serviceTitle: String = "Connected for messages",
)
