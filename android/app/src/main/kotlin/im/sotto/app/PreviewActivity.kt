package im.sotto.app

import android.content.Intent
import android.os.Bundle
import android.widget.EditText
import android.widget.TextView
import im.sotto.Sotto

/** Whom an invite leads to, before anything is sent. */
class PreviewActivity : Screen(R.layout.preview, R.string.preview_title) {
    private val link get() = intent.getStringExtra(LINK).orEmpty()

    override fun build(state: Bundle?) = onTap(R.id.send, ::send)

    override suspend fun follow(sotto: Sotto) {
        val found = sotto.contacts.previewInvite(link)
        findViewById<AvatarView>(R.id.avatar).show(found.name, found.id.value, null, found.colorRing)
        findViewById<TextView>(R.id.name).text = found.name
        findViewById<TextView>(R.id.emoji).text = AvatarView.emoji(found.emojiHash)
    }

    private fun send() = act { sotto ->
        val text = findViewById<EditText>(R.id.message).text.toString().trim()
        val contact = sotto.contacts.add(link, text.ifEmpty { null })
        val conversation = sotto.contacts.get(contact).conversation
        setResult(RESULT_OK, Intent().putExtra(CONVERSATION, conversation.value))
        finish()
    }

    companion object {
        /** The invite's link. */
        const val LINK = "link"

        /** The conversation with the person, in the result. */
        const val CONVERSATION = "conversation"
    }
}
