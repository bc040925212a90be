package im.sotto.app

import android.app.Activity
import android.content.Context
import android.content.Intent
import android.text.Editable
import android.text.TextWatcher
import android.widget.EditText
import im.sotto.ContactId
import im.sotto.ConversationId
import im.sotto.MessageId
import im.sotto.app.chat.ChatActivity
import im.sotto.app.chat.PollActivity
import im.sotto.app.media.MediaActivity
import im.sotto.app.media.leave
import im.sotto.app.search.SearchActivity
import java.util.Locale

private const val ID = "id"
private const val MESSAGE = "message"

/** The language that the person reads. */
val Context.locale: Locale get() = resources.configuration.locales[0]

/** To a conversation, at its newest message or at another one. */
fun Activity.toConversation(id: ConversationId, message: MessageId? = null) =
    startActivity(conversationIntent(this, id).putExtra(MESSAGE, message?.value))

fun Activity.toMedia(id: ConversationId) = startActivity(Intent(this, MediaActivity::class.java).putExtra(ID, id.value))

/** To the search in one conversation. */
fun Activity.toSearch(id: ConversationId) =
    startActivity(Intent(this, SearchActivity::class.java).putExtra(ID, id.value))

/** The one screen of a conversation: two would show, and send, the same draft. */
fun conversationIntent(context: Context, id: ConversationId) = Intent(context, ChatActivity::class.java)
    .putExtra(ID, id.value)
    .addFlags(Intent.FLAG_ACTIVITY_CLEAR_TOP or Intent.FLAG_ACTIVITY_SINGLE_TOP)

/** The screen that asks a question in a conversation. */
fun pollIntent(context: Context, id: ConversationId) =
    Intent(context, PollActivity::class.java).putExtra(ID, id.value)

fun Activity.toContact(id: ContactId) = startActivity(Intent(this, ContactActivity::class.java).putExtra(ID, id.value))

fun Activity.toSafetyNumber(id: ContactId) =
    startActivity(Intent(this, SafetyActivity::class.java).putExtra(ID, id.value))

/** The contact of a screen that [toContact] or [toSafetyNumber] opened. */
val Activity.contactId get() = ContactId(intent.getStringExtra(ID).orEmpty())

/** The conversation of a screen that [toConversation] opened. */
val Activity.conversationId get() = conversationOf(intent)

fun conversationOf(intent: Intent) = ConversationId(intent.getStringExtra(ID).orEmpty())

/** The message at which [toConversation] opened it. */
val Activity.messageId get() = intent.getStringExtra(MESSAGE)?.let(::MessageId)

/** To the start, with nothing to go back to: it knows what comes next. */
fun Activity.toStart() = startActivity(
    Intent(this, StartActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK or Intent.FLAG_ACTIVITY_CLEAR_TASK),
)

/** Lets the person choose one picture; no permission is needed. The result has its address. */
fun Activity.pickPicture(request: Int) =
    leave(Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*"), request)

fun EditText.onText(action: () -> Unit) = addTextChangedListener(
    object : TextWatcher {
        override fun afterTextChanged(text: Editable) = action()

        override fun beforeTextChanged(text: CharSequence, start: Int, count: Int, after: Int) = Unit

        override fun onTextChanged(text: CharSequence, start: Int, before: Int, count: Int) = Unit
    },
)
