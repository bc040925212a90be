package im.sotto

import im.sotto.ffi.SottoConversation
import im.sotto.ffi.SottoEvent
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.channelFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.flow
import java.util.concurrent.atomic.AtomicBoolean

/** Conversations of an open [Sotto]. Each call about one fails with [SottoCode.CONVERSATION_MISSING]. */
public class Conversations internal constructor(private val bridge: Bridge) {
    /**
     * The conversations of a folder as a list that stays up to date: pinned ones first, then the latest activity.
     * [pageSize] is 1 to 500. Drafts are cut.
     */
    public fun list(folder: Folder, pageSize: Int = 50): Listing<Conversation> = Listing(
        bridge = bridge,
        pageSize = pageSize,
        wants = ::isOfList,
        idOf = Conversation::id,
        cursorOf = Conversation::cursor,
        page = { limit, before -> page(folder, limit, before) },
    )

    /**
     * One page of a folder, read once. [limit] is 1 to 500, [before] the cursor of the last conversation of the
     * previous page. Errors: [SottoCode.INPUT_ID], [SottoCode.INPUT_LIMIT].
     */
    public suspend fun page(folder: Folder, limit: Int, before: String? = null): List<Conversation> =
        bridge.call { conversations(folder.lift(), limit, before?.lower()) }.map(SottoConversation::lift)

    /** One conversation with its whole draft. Errors: [SottoCode.INPUT_ID]. */
    public suspend fun get(conversation: ConversationId): Conversation =
        bridge.call { conversation(conversation.lower()) }.lift()

    /** One conversation, now and after each change. It fails as [get] does, also when its contact is removed. */
    public fun observe(conversation: ConversationId): Flow<Conversation> =
        bridge.live(wants = ::isOfList) { get(conversation) }.distinctUntilChanged()

    /** Counts of unread messages, conversations and requests. Muted and archived conversations do not count. */
    public suspend fun unread(): Unread = bridge.call { unread() }.lift()

    /** [unread], now and after each change. */
    public fun observeUnread(): Flow<Unread> = bridge.live(wants = ::isOfList) { unread() }.distinctUntilChanged()

    /**
     * Marks all messages up to [message] as read; a contact is told if read receipts are on. A long text that is
     * still being fetched stays unread: mark it when it is whole. Errors: [SottoCode.MESSAGE_MISSING].
     */
    public suspend fun markRead(conversation: ConversationId, message: MessageId): Unit =
        bridge.call { markRead(conversation.lower(), message.lower()) }

    /** Marks a conversation as unread, or removes the mark; [markRead] removes it too. Nobody is told. */
    public suspend fun markUnread(conversation: ConversationId, on: Boolean): Unit =
        bridge.call { markUnread(conversation.lower(), on) }

    /** Saves unsent text and what it replies to; an empty text clears it. Errors: [SottoCode.INPUT_TOO_LONG]. */
    public suspend fun setDraft(conversation: ConversationId, text: String, replyTo: MessageId? = null): Unit =
        bridge.call { draftSet(conversation.lower(), text.lower(), replyTo?.lower()) }

    /**
     * Deletes all messages of a conversation on this device, and its draft. No folder lists it before the next
     * message, or until its contact's state changes.
     */
    public suspend fun delete(conversation: ConversationId): Unit =
        bridge.call { conversationDelete(conversation.lower()) }

    /**
     * Mutes a conversation until [untilMs] (Unix milliseconds), or without an end: the app notifies nobody of its
     * messages. A past time unmutes.
     */
    public suspend fun mute(conversation: ConversationId, untilMs: Long? = null): Unit =
        bridge.call { mute(conversation.lower(), untilMs) }

    /**
     * Archives a conversation and unpins it, or returns it to the inbox. A sent message returns it too, and so does a
     * received one unless it is muted.
     */
    public suspend fun archive(conversation: ConversationId, on: Boolean): Unit =
        bridge.call { archive(conversation.lower(), on) }

    /** Pins a conversation, so that its folder lists it first, or unpins it. Pinning ends archiving. */
    public suspend fun pin(conversation: ConversationId, on: Boolean): Unit =
        bridge.call { conversationPin(conversation.lower(), on) }

    /**
     * Sets how long new messages live, for both sides: 5 seconds to 4 weeks after they were read, at their author's
     * after they were sent; 0 ends the timer. Honest devices delete them then. In a group this is [Groups.set]. Errors:
     * [SottoCode.CONTACT_STATE], [SottoCode.INPUT_TIMER], `group.*`.
     */
    public suspend fun setTimer(conversation: ConversationId, seconds: Int): Unit =
        bridge.call { timerSet(conversation.lower(), seconds) }

    /** Says that the person is writing. It is sent at most every 15 s, with [Settings.typing], to no group. */
    public suspend fun typing(conversation: ConversationId): Unit = bridge.call { typing(conversation.lower()) }

    /** Whether the contact is writing: false at first, true for 20 s after each sign, false once a message came. */
    public fun observeTyping(conversation: ConversationId): Flow<Boolean> = flow {
        val heard = AtomicBoolean()
        var isTyping = false
        val wants = { event: SottoEvent ->
            when (event) {
                is SottoEvent.Typing -> (event.conversation.lift() == conversation).also { if (it) heard.set(true) }
                is SottoEvent.MessagesChanged -> event.conversation.lift() == conversation
                else -> false
            }
        }
        val signs = bridge.live(wants = wants) {
            isTyping = heard.getAndSet(false) || (isTyping && get(conversation).last?.isMine == true)
            isTyping
        }
        val ending = channelFlow {
            signs.collectLatest { now ->
                send(now)
                if (now) {
                    delay(TYPING_MS)
                    send(false)
                }
            }
        }
        emitAll(ending.distinctUntilChanged())
    }

    private fun isOfList(event: SottoEvent): Boolean = when (event) {
        is SottoEvent.ConversationsChanged, is SottoEvent.ContactsChanged -> true
        is SottoEvent.MessagesChanged, is SottoEvent.MessageStateChanged -> true
        else -> false
    }

    private companion object {
        /** A sign comes every 15 s while somebody writes. */
        const val TYPING_MS = 20_000L
    }
}
