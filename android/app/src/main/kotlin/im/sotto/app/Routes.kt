package im.sotto.app

import android.app.Activity
import android.content.Context
import android.content.Intent
import android.text.Editable
import android.text.TextWatcher
import android.widget.EditText
import im.sotto.ContactId
import im.sotto.ConversationId
import java.util.Locale

private const val ID = "id"

/** The language that the person reads. */
val Context.locale: Locale get() = resources.configuration.locales[0]

fun Activity.toConversation(id: ConversationId) =
    startActivity(Intent(this, ChatActivity::class.java).putExtra(ID, id.value))

fun Activity.toContact(id: ContactId) = startActivity(Intent(this, ContactActivity::class.java).putExtra(ID, id.value))

fun Activity.toSafetyNumber(id: ContactId) =
    startActivity(Intent(this, SafetyActivity::class.java).putExtra(ID, id.value))

/** The contact of a screen that [toContact] or [toSafetyNumber] opened. */
val Activity.contactId get() = ContactId(intent.getStringExtra(ID).orEmpty())

/** The conversation of a screen that [toConversation] opened. */
val Activity.conversationId get() = ConversationId(intent.getStringExtra(ID).orEmpty())

/** To the start, with nothing to go back to: it knows what comes next. */
fun Activity.toStart() = startActivity(
    Intent(this, StartActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK or Intent.FLAG_ACTIVITY_CLEAR_TASK),
)

/** Lets the person choose one picture; no permission is needed. The result has its address. */
fun Activity.pickPicture(request: Int) = startActivityForResult(
    Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*"),
    request,
)

fun EditText.onText(action: () -> Unit) = addTextChangedListener(
    object : TextWatcher {
        override fun afterTextChanged(text: Editable) = action()

        override fun beforeTextChanged(text: CharSequence, start: Int, count: Int, after: Int) = Unit

        override fun onTextChanged(text: CharSequence, start: Int, before: Int, count: Int) = Unit
    },
)
