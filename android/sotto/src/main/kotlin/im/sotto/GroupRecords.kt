package im.sotto

/** What a member of a group may do. */
public enum class GroupRole {
    /** Writes, and does more as the settings allow. */
    MEMBER,

    /** Adds and removes members, and changes settings. */
    ADMIN,

    /** Made the group: can do everything, and nobody can remove them. */
    OWNER,
}

/** Who has a right in a group. */
public enum class GroupWho {
    /** The owner and admins. */
    ADMINS,

    /** All members. */
    MEMBERS,
}

/** What this account is to a group. */
public enum class GroupState {
    /** Somebody invites it: [Groups.accept] or [Groups.decline]. */
    INVITED,

    /** It accepted, and waits until it is added. */
    ANSWERED,

    /** It reads. It writes when other members confirmed the group. */
    JOINING,

    /** It reads and writes. */
    MEMBER,

    /** It left. */
    LEFT,

    /** Somebody removed it. */
    REMOVED,

    /** The owner ended the group. */
    CLOSED,

    /** It declined the invitation. */
    DECLINED,
}

/**
 * What a conversation says of its group.
 *
 * @property state what this account is to it.
 * @property members number of members. Before it is a member: as the invitation says.
 */
public data class GroupRow(public val state: GroupState, public val members: Int)

/**
 * A group.
 *
 * @property conversation id of its conversation.
 * @property state what this account is to it.
 * @property name at most 60 bytes. Before it is a member: as the invitation says.
 * @property text its description, at most 500 bytes.
 * @property members number of members. Before it is a member: as the invitation says.
 * @property role the own role, while it is a member.
 * @property inviter who invited this account.
 * @property timerS how long new messages live after they were read, seconds; 0 for ever.
 * @property whoAdds who adds members.
 * @property whoSets who changes name, text and timer, and pins.
 * @property whoWrites who writes.
 * @property hasHistory whether joiners get what was written before.
 */
public data class Group(
    public val conversation: ConversationId,
    public val state: GroupState,
    public val name: String,
    public val text: String,
    public val members: Int,
    public val role: GroupRole?,
    public val inviter: ContactId?,
    public val timerS: Int,
    public val whoAdds: GroupWho,
    public val whoSets: GroupWho,
    public val whoWrites: GroupWho,
    public val hasHistory: Boolean,
)

/**
 * A member of a group.
 *
 * @property id id of the member in this group.
 * @property contact the account that the member says to be.
 * @property name the name that this device shows for the contact; empty for somebody who is no contact, and for this
 * account.
 * @property role what the member may do.
 * @property isOwn whether it is this account.
 * @property isConfirmed whether its device proved to this one that it is the account's. Until then say "not confirmed
 * by their device": whoever added the member may have made it up.
 * @property cursor the place among the members: `before` of the next page.
 */
public data class GroupMember(
    public val id: MemberId,
    public val contact: ContactId,
    public val name: String,
    public val role: GroupRole,
    public val isOwn: Boolean,
    public val isConfirmed: Boolean,
    public val cursor: String,
)

/**
 * Who wrote a message.
 *
 * @property contact id of the account.
 * @property name the name that this device shows for them; empty for somebody who is no contact.
 */
public data class Author(public val contact: ContactId, public val name: String)

/**
 * How far an own message came with one of its readers, as far as this device knows.
 *
 * @property contact id of the reader's account.
 * @property name the name that this device shows for them; empty for somebody who is no contact.
 * @property isDelivered whether their device has it.
 * @property isRead whether they marked it read and told so.
 */
public data class Delivery(
    public val contact: ContactId,
    public val name: String,
    public val isDelivered: Boolean,
    public val isRead: Boolean,
)
