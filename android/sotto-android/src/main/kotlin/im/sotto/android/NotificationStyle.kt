package im.sotto.android

import android.content.Context
import android.content.Intent
import im.sotto.ConversationId

/**
 * How an app's notifications look, and where they lead.
 *
 * @property icon the small icon: a drawable of the app, white on transparent.
 * @property color the app's accent, ARGB.
 * @property openConversation an intent for the app's activity that shows a conversation. Shortcuts use it too.
 * @property openRequests an intent for the activity that shows contact requests.
 * @property openApp an intent for the app's first activity.
 * @property texts the words, in the person's language; asked for at each use, because the language may change.
 */
public class NotificationStyle(
    public val icon: Int,
    public val color: Int,
    public val openConversation: (Context, ConversationId) -> Intent,
    public val openRequests: (Context) -> Intent,
    public val openApp: (Context) -> Intent,
    public val texts: (Context) -> NotificationTexts,
)

/**
 * The words of the notifications.
 *
 * @property messagesChannel name of the channel of messages.
 * @property silentChannel name of the channel of messages whose author asked for no sound.
 * @property requestsChannel name of the channel of contact requests.
 * @property serviceChannel name of the channel of [AlwaysOn].
 * @property hidden what a locked screen shows instead of names and texts: "New message".
 * @property request title of a contact request, of a name.
 * @property reply label of the action that answers.
 * @property markRead label of the action that marks as read.
 * @property you what this person is called.
 * @property picture stands for a picture, sticker or animated picture without text; the next ones likewise.
 * @property newer stands for a message that a newer version of the app can show.
 * @property serviceTitle title of the notification of [AlwaysOn].
 */
public data class NotificationTexts(
    public val messagesChannel: String,
    public val silentChannel: String,
    public val requestsChannel: String,
    public val serviceChannel: String,
    public val hidden: String,
    public val request: (name: String) -> String,
    public val reply: String,
    public val markRead: String,
    public val you: String,
    public val picture: String,
    public val voice: String,
    public val video: String,
    public val file: String,
    public val newer: String,
    public val serviceTitle: String,
)
