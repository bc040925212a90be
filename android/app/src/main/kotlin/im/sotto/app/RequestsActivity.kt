package im.sotto.app

import android.graphics.Bitmap
import android.os.Bundle
import android.view.View
import android.widget.ListView
import android.widget.TextView
import im.sotto.Contact
import im.sotto.ContactAction
import im.sotto.ContactState
import im.sotto.Sotto

/** People who ask for contact. Only accepting tells them anything. */
class RequestsActivity : Screen(R.layout.requests, R.string.requests_title) {
    private lateinit var rows: Rows<Pair<Contact, Bitmap?>>

    override fun build(state: Bundle?) {
        val list = findViewById<ListView>(R.id.list)
        list.addHeaderView(layoutInflater.inflate(R.layout.requests_header, list, false), null, false)
        rows = Rows(list, R.layout.request_row, { it.first.id }) { view, (one, picture) -> bind(view, one, picture) }
    }

    override suspend fun follow(sotto: Sotto) = sotto.contacts.observeAll().collect { all ->
        val waiting = all.filter { it.state == ContactState.INCOMING }
        rows.show(waiting.map { it to app.pictures.of(sotto, it.picture) })
        findViewById<View>(R.id.empty).show(waiting.isEmpty())
        findViewById<View>(R.id.list).show(waiting.isNotEmpty())
    }

    private fun bind(view: View, one: Contact, picture: Bitmap?) {
        view.findViewById<AvatarView>(R.id.avatar).show(one.name, one.id.value, picture, one.colorRing)
        view.findViewById<TextView>(R.id.name).text = one.name
        view.findViewById<TextView>(R.id.emoji).text = AvatarView.emoji(one.emojiHash)
        view.findViewById<TextView>(R.id.text).apply {
            val words = one.requestText
            text = if (words.isNullOrBlank()) getString(R.string.request_no_text) else words
            setTextColor(getColor(if (words.isNullOrBlank()) R.color.text_secondary else R.color.text))
        }
        view.findViewById<View>(R.id.accept).setOnClickListener {
            act { sotto ->
                sotto.contacts.answer(one.id, ContactAction.ACCEPT)
                toConversation(one.conversation)
            }
        }
        view.findViewById<View>(R.id.decline).setOnClickListener { answer(one, ContactAction.DECLINE) }
        view.findViewById<View>(R.id.block).setOnClickListener {
            confirm(
                getString(R.string.contact_block_title, one.name),
                getString(R.string.contact_block_text),
                R.string.request_block,
            ) { answer(one, ContactAction.BLOCK) }
        }
    }

    private fun answer(one: Contact, action: ContactAction) = act { it.contacts.answer(one.id, action) }
}
