package im.sotto.app.chat

import im.sotto.ConversationId
import im.sotto.Sotto
import im.sotto.SottoException
import im.sotto.app.SottoApp
import im.sotto.app.conversationId

/**
 * Sends what was written. Turning the phone or leaving stops no message. One that the core does not take comes back
 * into the line, or into the draft if the screen is gone.
 */
class Sending(private val app: SottoApp, private val chat: ChatActivity, private val composer: Composer) {
    suspend fun send(sotto: Sotto, id: ConversationId) {
        if (composer.saveChange(sotto)) return
        val sent = composer.take() ?: return
        app.carry {
            try {
                it.messages.send(id, sent.text, sent.replyTo, preview = sent.preview, clearsDraft = true)
                inFront(app, id)?.sent()
            } catch (error: SottoException) {
                giveBack(it, id, sent)
                throw error
            }
        }
    }

    private suspend fun giveBack(sotto: Sotto, id: ConversationId, sent: Composer.Sent) {
        val screen = if (chat.isDestroyed) inFront(app, id) else chat
        if (screen != null) return screen.giveBack(sent)
        val now = sotto.conversations.get(id)
        sotto.conversations.setDraft(id, Composer.join(sent.text, now.draft), now.draftReplyTo ?: sent.replyTo)
    }

    companion object {
        /** The screen of a conversation, if the person looks at it now: it may have been made again. */
        fun inFront(app: SottoApp, id: ConversationId): ChatActivity? =
            (app.front as? ChatActivity)?.takeIf { it.conversationId == id }
    }
}
