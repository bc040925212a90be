package im.sotto.android

import android.app.RemoteInput
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import im.sotto.ConversationId
import im.sotto.MessageId
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** Answers and marks as read from a notification, without opening the app. Not exported. */
public class NotificationActions : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val conversation = ConversationId(intent.getStringExtra(CONVERSATION) ?: return)
        val message = MessageId(intent.getStringExtra(MESSAGE) ?: return)
        val typed = RemoteInput.getResultsFromIntent(intent)?.getCharSequence(TEXT)?.toString()
        val text = typed?.takeIf { intent.action == REPLY && it.isNotBlank() }
        val pending = goAsync()
        CoroutineScope(Dispatchers.Default).launch {
            try {
                val isSent = text == null || reply(context, conversation, text)
                if (isSent && intent.action in ACTIONS) markRead(context, conversation, message)
            } finally {
                withContext(NonCancellable) { done(context) }
                pending.finish()
            }
        }
    }

    /** False if it could not be sent: it is the conversation's draft then, or waits in the notification. */
    private suspend fun reply(context: Context, conversation: ConversationId, text: String): Boolean = try {
        sendOrDraft(context.host.process.sotto(), conversation, text) { messages.send(conversation, text) }
    } catch (_: SottoException) {
        context.host.notifier.keep(conversation, text)
        false
    }

    /** If it fails, nothing is marked as read: the notification stays. */
    private suspend fun markRead(context: Context, conversation: ConversationId, message: MessageId) = try {
        context.host.process.sotto().conversations.markRead(conversation, message)
    } catch (_: SottoException) {
    }

    /** The message is in the outbox. A job brings it out even if the process ends now. */
    private suspend fun done(context: Context) {
        SyncJob.soon(context)
        try {
            context.host.notifier.update(context.host.process.sotto())
        } catch (_: SottoException) {
        }
    }

    internal companion object {
        const val REPLY = "im.sotto.android.REPLY"
        const val READ = "im.sotto.android.READ"
        const val TEXT = "im.sotto.text"
        const val CONVERSATION = "im.sotto.conversation"
        const val MESSAGE = "im.sotto.message"

        private val ACTIONS = setOf(REPLY, READ)

        /** Sends by [send]. What cannot be sent to this contact, now or ever, is added to the draft; false then. */
        suspend fun sendOrDraft(
            sotto: Sotto,
            place: ConversationId,
            text: String,
            send: suspend Sotto.() -> Unit,
        ): Boolean = withContext(NonCancellable) {
            try {
                sotto.send()
                true
            } catch (e: SottoException) {
                if (e.isRetryable || e.code == SottoCode.CLOSED) throw e
                val now = sotto.conversations.get(place)
                sotto.conversations.setDraft(place, "${now.draft}\n$text".trimStart('\n'), now.draftReplyTo)
                false
            }
        }
    }
}
