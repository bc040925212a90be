package im.sotto

/** State of a message. */
public enum class MessageState {
    /** On this device's disk, in the outbox. */
    QUEUED,

    /** A relay accepted it. */
    SENT,

    /** Another node has it in its store. */
    STORED,

    /** A device of the receiver has it on disk. */
    DELIVERED,

    /** The receiver's app marked it read. For a message of the other side: it was marked read here. */
    READ,

    /** Refused, or given up after 30 days; [Messages.retry] sends it again. */
    FAILED,

    /** A message of the other side, not yet marked read. */
    RECEIVED,
}

/**
 * One message.
 *
 * @property id id of the message.
 * @property conversation id of the conversation.
 * @property isMine whether this account wrote it.
 * @property author who wrote it, in a group; null for an own message, and between two.
 * @property text the text; missing while a long text is being fetched, and for a kind that this version does not know.
 * @property hasMore whether the text continues: in a page it has at most 4,096 bytes, cut at a grapheme.
 * [Messages.get] returns the whole text.
 * @property isNewer whether a newer version wrote it: show "needs a newer version".
 * @property isUnconfirmed whether it came from a device that was not the contact's confirmed one, or in a group from
 * one that had not proved itself. Somebody else may have written it.
 * @property isFetching whether a long text is still being fetched.
 * @property state state of the message.
 * @property reason why it failed.
 * @property timeMs the author's clock, Unix milliseconds (whole seconds).
 * @property reply what it replies to.
 * @property mentions people named in the text, in the order of their places.
 * @property files its files, in their order.
 * @property preview the preview of a link in the text.
 * @property poll the poll; [text] is its question.
 * @property reactions emoji at it, in the order in which they came first.
 * @property isEdited whether its author changed the text; [Messages.history] has the versions.
 * @property deletedBy who deleted it for everybody; there is no text then.
 * @property isPinned whether it is pinned.
 * @property isForwarded whether it was written elsewhere.
 * @property isSilent whether its author asked for no notification.
 * @property timerS how long it lives after it was read, seconds; 0 for ever.
 * @property expiresMs when it disappears, Unix milliseconds, once that is known.
 * @property cursor the place in its conversation: `before` of the next page.
 */
public data class Message(
    public val id: MessageId,
    public val conversation: ConversationId,
    public val isMine: Boolean,
    public val author: Author?,
    public val text: String?,
    public val hasMore: Boolean,
    public val isNewer: Boolean,
    public val isUnconfirmed: Boolean,
    public val isFetching: Boolean,
    public val state: MessageState,
    public val reason: SottoCode?,
    public val timeMs: Long,
    public val reply: Reply?,
    public val mentions: List<Mention>,
    public val files: List<MessageFile>,
    public val preview: LinkPreview?,
    public val poll: Poll?,
    public val reactions: List<Reaction>,
    public val isEdited: Boolean,
    public val deletedBy: ContactId?,
    public val isPinned: Boolean,
    public val isForwarded: Boolean,
    public val isSilent: Boolean,
    public val timerS: Int,
    public val expiresMs: Long?,
    public val cursor: String,
)

/**
 * What a message replies to.
 *
 * @property message id of the message.
 * @property text at most the first 200 characters of its text as it is now. Of a message that is not here, the words
 * that the author of the reply quoted. Empty if it was deleted or disappeared.
 * @property isMine whether this account wrote it; null if it is not here.
 * @property author who wrote it, in a group, if it is here.
 * @property isGone whether it was deleted or disappeared.
 */
public data class Reply(
    public val message: MessageId,
    public val text: String,
    public val isMine: Boolean?,
    public val author: Author?,
    public val isGone: Boolean,
)

/**
 * A person named in a text.
 *
 * @property range place of the name in the text; empty if the text was cut before it.
 * @property contact who; null for everybody.
 * @property name the name that this device shows for them; empty for everybody and for strangers.
 */
public data class Mention(public val range: IntRange, public val contact: ContactId?, public val name: String)

/**
 * A person named in a text to send.
 *
 * @property range place of the name in the text. It holds whole characters, and no other mention.
 * @property contact who; null for everybody.
 */
public data class NewMention(public val range: IntRange, public val contact: ContactId?)

/**
 * What a link leads to, by its sender's word.
 *
 * @property url the link; it stands in the text.
 * @property title at most 120 bytes.
 * @property text at most 300 bytes.
 */
public data class LinkPreview(public val url: String, public val title: String, public val text: String)

/**
 * A poll with its votes; the message's text is the question.
 *
 * @property choices in their order.
 * @property isMultiple whether one vote may name several.
 * @property endMs when it ends, Unix milliseconds; null for never.
 */
public data class Poll(public val choices: List<PollChoice>, public val isMultiple: Boolean, public val endMs: Long?)

/**
 * A choice of a poll.
 *
 * @property text its text.
 * @property voters who voted for it.
 * @property isMine whether this account did.
 */
public data class PollChoice(public val text: String, public val voters: List<ContactId>, public val isMine: Boolean)

/**
 * A question to ask.
 *
 * @property question 1 to 300 bytes.
 * @property choices 2 to 10, each 1 to 100 bytes.
 * @property isMultiple whether one vote may name several.
 * @property endMs when it ends, Unix milliseconds (whole seconds); null for never.
 */
public data class NewPoll(
    public val question: String,
    public val choices: List<String>,
    public val isMultiple: Boolean = false,
    public val endMs: Long? = null,
)

/**
 * An emoji at a message.
 *
 * @property emoji the emoji.
 * @property count number of people who set it.
 * @property isMine whether this account did.
 */
public data class Reaction(public val emoji: String, public val count: Int, public val isMine: Boolean)

/**
 * Who set an emoji at a message.
 *
 * @property emoji the emoji.
 * @property contact who.
 * @property name the name that this device shows for them; the own name for this account.
 * @property timeMs when, by their clock, Unix milliseconds.
 */
public data class ReactionBy(
    public val emoji: String,
    public val contact: ContactId,
    public val name: String,
    public val timeMs: Long,
)

/**
 * A version of a text.
 *
 * @property text the text.
 * @property timeMs when it was written, by the author's clock, Unix milliseconds.
 */
public data class Version(public val text: String, public val timeMs: Long)

/**
 * A message that a search found, by its text or by the names of its files.
 *
 * @property message id of the message.
 * @property conversation id of its conversation.
 * @property isMine whether this account wrote it.
 * @property author who wrote it, in a group; null for an own message, and between two.
 * @property text the part of the text around the first match, at most 200 characters, and names of files on lines of
 * their own.
 * @property marks where the words are in [text]: at most 8 places.
 * @property timeMs the author's clock, Unix milliseconds.
 * @property cursor `before` of the next page.
 */
public data class Hit(
    public val message: MessageId,
    public val conversation: ConversationId,
    public val isMine: Boolean,
    public val author: Author?,
    public val text: String,
    public val marks: List<IntRange>,
    public val timeMs: Long,
    public val cursor: String,
)

/**
 * A message of the other side, in the order of arrival.
 *
 * @property arrival its number: later messages have higher numbers, and no number is used twice.
 * @property message the message with its whole text.
 */
public data class Incoming(public val arrival: Long, public val message: Message)
