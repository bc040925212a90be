package im.sotto

/** Folder of conversations; each conversation is in one folder. */
public enum class Folder {
    /** Conversations with contacts, with people we asked, and groups. */
    INBOX,

    /** Archived conversations of the inbox. */
    ARCHIVED,

    /** Conversations with people who wait for our answer, and groups that we are invited to. */
    REQUESTS,

    /** Conversations with declined or blocked people, and groups that we declined, left, or are out of. */
    CLOSED,
}

/**
 * One conversation.
 *
 * @property id id of the conversation.
 * @property contact id of the contact; null for a group.
 * @property name the nickname set here, else [ownName].
 * @property ownName the name they chose, or the group's.
 * @property picture their picture, once it is here.
 * @property state state of the contact; null for a group.
 * @property group of a group: its state and size; null between two.
 * @property unread number of unread messages.
 * @property isMarkedUnread whether the person marked it as unread, whatever [unread] says.
 * @property isPinned whether its folder lists it first.
 * @property isArchived whether it is in [Folder.ARCHIVED] instead of the inbox.
 * @property isMuted whether it is muted: the app notifies nobody of its messages.
 * @property mutedUntilMs when the mute ends, Unix milliseconds; null if it has no end, or there is no mute.
 * @property draft unsent text. A list carries at most its first 200 characters, cut at a grapheme.
 * @property draftReplyTo the message that the draft replies to.
 * @property timerS how long new messages live after they were read, seconds; 0 for ever.
 * @property last the newest message, if there is one.
 * @property lastMs time of the newest message, or of the conversation's beginning, Unix milliseconds.
 * @property cursor the place in its folder: `before` of the next page.
 */
public data class Conversation(
    public val id: ConversationId,
    public val contact: ContactId?,
    public val name: String,
    public val ownName: String,
    public val picture: FileId?,
    public val state: ContactState?,
    public val group: GroupRow?,
    public val unread: Int,
    public val isMarkedUnread: Boolean,
    public val isPinned: Boolean,
    public val isArchived: Boolean,
    public val isMuted: Boolean,
    public val mutedUntilMs: Long?,
    public val draft: String,
    public val draftReplyTo: MessageId?,
    public val timerS: Int,
    public val last: LastMessage?,
    public val lastMs: Long,
    public val cursor: String,
)

/**
 * The newest message of a conversation, for lists.
 *
 * @property id id of the message.
 * @property isMine whether this account wrote it.
 * @property author who wrote it, in a group; null for an own message, and between two.
 * @property text its first 200 characters at most, cut at a grapheme; missing as in [Message].
 * @property isNewer whether a newer version wrote it: show "needs a newer version".
 * @property isFetching whether a long text is still being fetched.
 * @property isDeleted whether it was deleted for everybody.
 * @property state state of the message.
 */
public data class LastMessage(
    public val id: MessageId,
    public val isMine: Boolean,
    public val author: Author?,
    public val text: String?,
    public val isNewer: Boolean,
    public val isFetching: Boolean,
    public val isDeleted: Boolean,
    public val state: MessageState,
)

/**
 * Counts of what is unread, without muted and archived conversations.
 *
 * @property messages unread messages in the inbox.
 * @property conversations conversations of the inbox with unread messages, or marked as unread.
 * @property requests requests that wait for an answer.
 */
public data class Unread(public val messages: Int, public val conversations: Int, public val requests: Int)
