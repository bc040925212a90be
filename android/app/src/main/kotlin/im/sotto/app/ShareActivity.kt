package im.sotto.app

import android.content.Intent
import android.graphics.Bitmap
import android.os.Bundle
import android.widget.ListView
import android.widget.Toast
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.Folder
import im.sotto.Sotto
import im.sotto.SottoException

/** Takes what another app shares, and asks to whom it goes. It sends nothing: that takes a tap in the conversation. */
class ShareActivity : Screen(R.layout.share, R.string.share_title) {
    private lateinit var rows: Rows<Pair<Conversation, Bitmap?>>
    private val shared by lazy { Shared.of(this, intent) }

    override fun build(state: Bundle?) {
        val row = ConversationRow(app.times)
        rows = Rows(findViewById<ListView>(R.id.list), R.layout.chat_row, { it.first.id }) { view, (one, picture) ->
            row.bind(view, one, picture)
        }
        rows.onTap { (one) -> open(one.id) }
    }

    override suspend fun follow(sotto: Sotto) {
        if (sotto.account.get() == null) {
            toStart()
            return finish()
        }
        if (shared.isEmpty) return setText(R.id.nothing, getString(R.string.share_nothing))
        shared.conversation?.takeIf { isOpen(sotto, it) }?.let { return open(it) }
        val chats = sotto.conversations.list(Folder.INBOX)
        rows.onEnd(chats::loadMore)
        chats.items.collect { all ->
            val now = all.filter { it.state == ContactState.ACCEPTED }
            rows.show(now.map { it to app.pictures.of(sotto, it.picture) })
            setText(R.id.nothing, if (now.isEmpty()) getString(R.string.share_nobody) else null)
        }
    }

    /** Whether it is a conversation in which one can write: the phone's list may be old, and an app may make one up. */
    private suspend fun isOpen(sotto: Sotto, id: ConversationId) = try {
        sotto.conversations.get(id).state == ContactState.ACCEPTED
    } catch (_: SottoException.NotFound) {
        false
    } catch (_: SottoException.InvalidInput) {
        false
    }

    private fun open(id: ConversationId) {
        if (isFinishing) return
        try {
            // In the task of this app, where the conversation may be open.
            startActivity(shared.addTo(conversationIntent(this, id)).addFlags(Intent.FLAG_ACTIVITY_NEW_TASK))
        } catch (_: SecurityException) {
            // An address that the other app gave no right to read.
            return setText(R.id.nothing, getString(R.string.media_unreadable))
        }
        if (shared.isCut) Toast.makeText(this, R.string.share_cut, Toast.LENGTH_LONG).show()
        finish()
    }
}
