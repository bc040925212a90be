package im.sotto.android

import android.app.RemoteInput
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import im.sotto.ConversationId
import im.sotto.MessageId
import im.sotto.Sotto
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
        val text = RemoteInput.getResultsFromIntent(intent)?.getCharSequence(TEXT)?.toString()
        val pending = goAsync()
        CoroutineScope(Dispatchers.Default).launch {
            try {
                val sotto = context.host.process.sotto()
                if (intent.action == REPLY && !text.isNullOrBlank()) reply(sotto, conversation, text)
                if (intent.action == REPLY || intent.action == READ) sotto.conversations.markRead(conversation, message)
            } catch (_: SottoException) {
                // Nothing is marked as read: the notification stays.
            } catch (_: DatabaseKeyException) {
            } finally {
                withContext(NonCancellable) { done(context) }
                pending.finish()
            }
        }
    }

    /** What cannot be sent becomes the draft of its conversation: nothing typed is lost. */
    private suspend fun reply(sotto: Sotto, conversation: ConversationId, text: String) {
        try {
            sotto.messages.send(conversation, text)
        } catch (e: SottoException) {
            sotto.conversations.setDraft(conversation, text)
            throw e
        }
    }

    /** The message is in the outbox. A job brings it out even if the process ends now. */
    private suspend fun done(context: Context) {
        SyncJob.soon(context)
        try {
            context.host.notifier.update(context.host.process.sotto())
        } catch (_: SottoException) {
        } catch (_: DatabaseKeyException) {
        }
    }

    internal companion object {
        const val REPLY = "im.sotto.android.REPLY"
        const val READ = "im.sotto.android.READ"
        const val TEXT = "im.sotto.text"
        const val CONVERSATION = "im.sotto.conversation"
        const val MESSAGE = "im.sotto.message"
    }
}
