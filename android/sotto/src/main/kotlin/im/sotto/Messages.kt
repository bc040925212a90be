package im.sotto

import im.sotto.ffi.SottoDelivery
import im.sotto.ffi.SottoEvent
import im.sotto.ffi.SottoHit
import im.sotto.ffi.SottoIncoming
import im.sotto.ffi.SottoMessage
import im.sotto.ffi.SottoMessageId
import im.sotto.ffi.SottoReactionBy
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flow

/** Messages of an open [Sotto]. */
public class Messages internal constructor(private val bridge: Bridge) {
    /**
     * The messages of a conversation as a window that stays up to date, at its newest message or around another one.
     * [pageSize] is 1 to 125.
     */
    public fun list(conversation: ConversationId, pageSize: Int = 50, around: MessageId? = null): MessageList =
        MessageList(bridge, this, conversation, pageSize, around)

    /**
     * One page, newest first, read once, with texts of up to 4,096 bytes ([Message.hasMore]). [limit] is 1 to 500,
     * [before] the cursor of the last message of the previous page. Errors: [SottoCode.INPUT_ID],
     * [SottoCode.INPUT_LIMIT], [SottoCode.CONVERSATION_MISSING].
     */
    public suspend fun page(conversation: ConversationId, limit: Int, before: String? = null): List<Message> =
        bridge.call { messages(conversation.lower(), limit, before?.lower()) }.map(SottoMessage::lift)

    /**
     * A page around one message, newest first. At most half of it is newer; older messages fill the rest. [page]
     * continues it. [limit] is 1 to 500. Errors: [SottoCode.INPUT_ID], [SottoCode.INPUT_LIMIT],
     * [SottoCode.MESSAGE_MISSING].
     */
    public suspend fun around(message: MessageId, limit: Int): List<Message> =
        bridge.call { messagesAround(message.lower(), limit) }.map(SottoMessage::lift)

    /** One message with its whole text. Errors: [SottoCode.MESSAGE_MISSING], [SottoCode.INPUT_ID]. */
    public suspend fun get(message: MessageId): Message = bridge.call { message(message.lower()) }.lift()

    /** One message, now and after each change. It fails as [get] does, also when the message disappears. */
    public fun observe(message: MessageId): Flow<Message> {
        val wants = { event: SottoEvent ->
            event is SottoEvent.MessagesChanged || event is SottoEvent.FileChanged ||
                event is SottoEvent.MessageStateChanged && event.id.lift() == message
        }
        return bridge.live(wants = wants) { get(message) }.distinctUntilChanged()
    }

    /**
     * Sends a text of at most 1 MiB with what belongs to it: the message that it replies to, up to 32 mentions, the
     * preview of a link in the text, up to 10 files (the text may be empty then), and whether the reader's app is asked
     * not to notify. [clearsDraft] says that this is what stood in the conversation's draft, which is empty then; other
     * messages leave the draft as it is. Returns the message's id; the text is encrypted and in the outbox on disk
     * then, and the files are copied. The message leaves when nodes have its files. Errors: `file.*`, `input.*`,
     * [SottoCode.CONVERSATION_MISSING], [SottoCode.MESSAGE_MISSING], [SottoCode.CONTACT_STATE],
     * [SottoCode.STORAGE_FULL].
     */
    public suspend fun send(
        conversation: ConversationId,
        text: String,
        replyTo: MessageId? = null,
        mentions: List<NewMention> = emptyList(),
        preview: LinkPreview? = null,
        isSilent: Boolean = false,
        files: List<NewFile> = emptyList(),
        clearsDraft: Boolean = false,
    ): MessageId = bridge.call {
        val named = mentions.map { it.lower(text) }
        val attached = files.map(NewFile::lower)
        val link = preview?.lower()
        send(conversation.lower(), text.lower(), replyTo?.lower(), named, link, isSilent, attached, clearsDraft)
    }.lift()

    /**
     * Messages of accepted contacts in the order of arrival, whole, after the number [after]. Passing the highest
     * handled number skips no message and repeats none, even after restarts. [limit] is 1 to 500. Errors:
     * [SottoCode.INPUT_LIMIT].
     */
    public suspend fun incoming(limit: Int, after: Long = 0): List<Incoming> =
        bridge.call { incoming(limit, after) }.map(SottoIncoming::lift)

    /**
     * [incoming] one by one after the number [after], also those still to come; 0 begins with the first message ever.
     * It waits for its collector, and so does what comes meanwhile. For bots: keep the number of the last handled
     * message, and begin there after a restart.
     */
    public fun arrivals(after: Long): Flow<Incoming> = flow {
        var last = after
        val wants = { event: SottoEvent -> event is SottoEvent.MessagesChanged || event is SottoEvent.ContactsChanged }
        bridge.live(wants = wants) {}.collect {
            while (true) {
                val came = try {
                    incoming(ARRIVALS, last)
                } catch (error: SottoException) {
                    if (error.code == SottoCode.CLOSED) return@collect
                    throw error
                }
                if (came.isEmpty()) return@collect
                for (one in came) {
                    emit(one)
                    last = one.arrival
                }
            }
        }
    }

    /**
     * Answers an incoming message by its number. A second answer to the same message sends nothing and returns the id
     * of the first. Errors: those of [send], [SottoCode.MESSAGE_MISSING].
     */
    public suspend fun answer(arrival: Long, text: String): MessageId =
        bridge.call { answer(arrival, text.lower()) }.lift()

    /**
     * Sends a failed message again, under its id. Errors: [SottoCode.MESSAGE_MISSING], [SottoCode.CONTACT_STATE],
     * [SottoCode.FILE_UNREADABLE] if the own copy of a file that nodes do not have is damaged.
     */
    public suspend fun retry(message: MessageId): Unit = bridge.call { retry(message.lower()) }

    /**
     * Changes the text of an own message for both sides, up to 24 hours after it was written. Errors:
     * [SottoCode.MESSAGE_MISSING], [SottoCode.MESSAGE_NOT_YOURS], [SottoCode.MESSAGE_TOO_OLD],
     * [SottoCode.CONTACT_STATE], `input.*`.
     */
    public suspend fun edit(message: MessageId, text: String, mentions: List<NewMention> = emptyList()): Unit =
        bridge.call { edit(message.lower(), text.lower(), mentions.map { it.lower(text) }) }

    /** The versions of a message's text, the first one first: at most 11. Errors: [SottoCode.MESSAGE_MISSING]. */
    public suspend fun history(message: MessageId): List<Version> =
        bridge.call { history(message.lower()) }.map { Version(it.text, it.timeMs) }

    /**
     * Deletes an own message for everybody: honest devices remove its text and show its place as deleted. What others
     * have copied stays. Errors: [SottoCode.MESSAGE_MISSING], [SottoCode.MESSAGE_NOT_YOURS],
     * [SottoCode.CONTACT_STATE].
     */
    public suspend fun deleteForEveryone(message: MessageId): Unit =
        bridge.call { deleteForEveryone(message.lower()) }

    /**
     * Deletes a message on this device only. The other side is not told and keeps its copy. An own message that no node
     * has taken yet is not sent. Errors: [SottoCode.MESSAGE_MISSING].
     */
    public suspend fun deleteForMe(message: MessageId): Unit = bridge.call { deleteForMe(message.lower()) }

    /**
     * Sets an emoji at a message, or takes it back. One person has at most 6 at one message. Errors:
     * [SottoCode.MESSAGE_MISSING], [SottoCode.CONTACT_STATE], [SottoCode.INPUT_EMOJI], [SottoCode.INPUT_TOO_MANY].
     */
    public suspend fun react(message: MessageId, emoji: String, on: Boolean = true): Unit =
        bridge.call { react(message.lower(), emoji.lower(), on) }

    /** Who set which emoji at a message, in the order in which they came. Errors: [SottoCode.MESSAGE_MISSING]. */
    public suspend fun reactions(message: MessageId): List<ReactionBy> =
        bridge.call { reactions(message.lower()) }.map(SottoReactionBy::lift)

    /**
     * Pins a message for both sides, or unpins it. Errors: [SottoCode.MESSAGE_MISSING], [SottoCode.CONTACT_STATE].
     */
    public suspend fun pin(message: MessageId, on: Boolean): Unit = bridge.call { pin(message.lower(), on) }

    /** The pinned messages, at most 5, the last pinned first. Errors: [SottoCode.CONVERSATION_MISSING]. */
    public suspend fun pins(conversation: ConversationId): List<Message> =
        bridge.call { pins(conversation.lower()) }.map(SottoMessage::lift)

    /**
     * Sends a message's text and files to up to 5 conversations, marked as forwarded, without its author. Returns the
     * new messages. Errors: those of [send], [SottoCode.MESSAGE_MISSING], [SottoCode.MESSAGE_EXPIRES],
     * [SottoCode.INPUT_TOO_MANY].
     */
    public suspend fun forward(message: MessageId, to: List<ConversationId>): List<MessageId> =
        bridge.call { forward(message.lower(), to.map(ConversationId::lower)) }.map(SottoMessageId::lift)

    /**
     * Asks a question with choices. Votes are shown with names. Errors: [SottoCode.CONVERSATION_MISSING],
     * [SottoCode.CONTACT_STATE], [SottoCode.INPUT_POLL].
     */
    public suspend fun createPoll(conversation: ConversationId, poll: NewPoll): MessageId =
        bridge.call { pollCreate(conversation.lower(), poll.lower()) }.lift()

    /**
     * Votes in a poll: places of the choices, from 0. The last vote counts; an empty one takes it back. Errors:
     * [SottoCode.MESSAGE_MISSING], [SottoCode.MESSAGE_TOO_OLD] after the end, [SottoCode.CONTACT_STATE],
     * [SottoCode.INPUT_POLL].
     */
    public suspend fun vote(message: MessageId, choices: List<Int>): Unit =
        bridge.call { vote(message.lower(), choices.toBytes(SottoCode.INPUT_POLL)) }

    /**
     * Messages that have all words of [query] in their text or in the names of their files, in one conversation or all;
     * the last word may be the beginning of one. Case and accents do not matter. The latest stored come first; [before]
     * is the cursor of the last hit of the previous page. [limit] is 1 to 50. Nothing leaves the device. Errors:
     * [SottoCode.INPUT_QUERY], [SottoCode.INPUT_LIMIT], [SottoCode.INPUT_ID], [SottoCode.SEARCH_OFF].
     */
    public suspend fun search(
        query: String,
        limit: Int = 50,
        conversation: ConversationId? = null,
        before: String? = null,
    ): List<Hit> = bridge.call {
        search(query.lower(), limit, conversation?.lower(), before?.lower())
    }.map(SottoHit::lift)

    /**
     * How far an own message came with each reader: the contact, or the members of now, by name. What is not known is
     * false. Errors: [SottoCode.MESSAGE_MISSING], [SottoCode.MESSAGE_NOT_YOURS].
     */
    public suspend fun deliveries(message: MessageId): List<Delivery> =
        bridge.call { deliveries(message.lower()) }.map(SottoDelivery::lift)

    private companion object {
        /** Messages that [arrivals] reads at once. */
        const val ARRIVALS = 50
    }
}
