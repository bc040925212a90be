package im.sotto.app

import android.os.Bundle
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import im.sotto.Message
import im.sotto.Sotto
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/** One conversation: reads, writes, and keeps what is not sent yet as its draft. */
class ChatActivity : Screen(R.layout.chat) {
    private val text: EditText get() = findViewById(R.id.text)
    private lateinit var rows: Rows<Message>
    private var isFilled = false

    override fun build(state: Bundle?) {
        isFilled = state != null
        rows = Rows(findViewById<ListView>(R.id.messages), R.layout.chat_message, { it.id }) { view, one ->
            (view as TextView).text = if (one.isMine) getString(R.string.chat_you, one.text.orEmpty()) else one.text
        }
        onTap(R.id.send) {
            act { sotto ->
                sotto.messages.send(conversationId, text.text.toString())
                text.setText("")
            }
        }
        toolbar.setOnClickListener { act { toContact(it.conversations.get(conversationId).contact) } }
    }

    override suspend fun follow(sotto: Sotto) = coroutineScope {
        val now = sotto.conversations.get(conversationId)
        if (!isFilled) text.setText(now.draft)
        isFilled = true
        launch { sotto.conversations.observe(conversationId).collect { title = it.name } }
        val messages = sotto.messages.list(conversationId)
        messages.items.collect { all ->
            rows.show(all.asReversed())
            all.firstOrNull { !it.isMine }?.let { sotto.conversations.markRead(conversationId, it.id) }
        }
    }

    override fun onPause() {
        val draft = text.text.toString()
        if (isFilled) app.finish { it.conversations.setDraft(conversationId, draft) }
        super.onPause()
    }
}
