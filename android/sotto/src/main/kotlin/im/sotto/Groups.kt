package im.sotto

import im.sotto.ffi.SottoEvent
import im.sotto.ffi.SottoGroupMember
import im.sotto.ffi.SottoGroupPatch
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.distinctUntilChanged

/**
 * Groups of an open [Sotto]. A group is a conversation with a [Conversation.group]; messages, files, search and drafts
 * work in it as between two. Each call about one fails with [SottoCode.CONVERSATION_MISSING] if there is no such group.
 */
public class Groups internal constructor(private val bridge: Bridge) {
    /**
     * Makes a group and invites contacts to it. [name] has 1 to 60 bytes. Returns its conversation. Members are those
     * who accept. Errors: [SottoCode.INPUT_GROUP], [SottoCode.CONTACT_MISSING], [SottoCode.CONTACT_STATE],
     * [SottoCode.GROUP_FULL].
     */
    public suspend fun create(name: String, members: List<ContactId> = emptyList()): ConversationId =
        bridge.call { groupCreate(name.lower(), members.map(ContactId::lower)) }.lift()

    /** The group of a conversation. Errors: [SottoCode.INPUT_ID]. */
    public suspend fun get(conversation: ConversationId): Group = bridge.call { group(conversation.lower()) }.lift()

    /** A group, now and after each change. */
    public fun observe(conversation: ConversationId): Flow<Group> =
        bridge.live(wants = { it is SottoEvent.ConversationsChanged }) { get(conversation) }.distinctUntilChanged()

    /**
     * A page of members: the owner, admins, then the others, each by name. Of a group that this account is not in yet,
     * nobody is known. [limit] is 1 to 500, [before] the cursor of the last member of the previous page. Errors:
     * [SottoCode.INPUT_ID], [SottoCode.INPUT_LIMIT].
     */
    public suspend fun members(conversation: ConversationId, limit: Int, before: String? = null): List<GroupMember> =
        bridge.call { groupMembers(conversation.lower(), limit, before?.lower()) }.map(SottoGroupMember::lift)

    /**
     * Invites contacts. Who is a member already is passed over. Errors: [SottoCode.CONTACT_MISSING],
     * [SottoCode.CONTACT_STATE], `group.*`.
     */
    public suspend fun invite(conversation: ConversationId, contacts: List<ContactId>): Unit =
        bridge.call { groupInvite(conversation.lower(), contacts.map(ContactId::lower)) }

    /**
     * Accepts an invitation. [Group.state] says how far joining is. Errors: [SottoCode.GROUP_NOT_INVITED],
     * [SottoCode.GROUP_FULL].
     */
    public suspend fun accept(conversation: ConversationId): Unit = answer(conversation, accept = true)

    /** Declines an invitation; the inviter is told. Errors: [SottoCode.GROUP_NOT_INVITED]. */
    public suspend fun decline(conversation: ConversationId): Unit = answer(conversation, accept = false)

    /** [accept] or [decline], by a value. */
    public suspend fun answer(conversation: ConversationId, accept: Boolean): Unit =
        bridge.call { groupAnswer(conversation.lower(), accept) }

    /** Makes a member an admin, or an admin a member. The owner stays the owner. Errors: `group.*`. */
    public suspend fun setRole(conversation: ConversationId, member: MemberId, role: GroupRole): Unit =
        bridge.call { groupRole(conversation.lower(), member.lower(), role.lift()) }

    /**
     * Changes settings for all members; those that are null keep their value. Errors: [SottoCode.INPUT_GROUP],
     * [SottoCode.INPUT_TIMER], `group.*`.
     */
    public suspend fun set(
        conversation: ConversationId,
        name: String? = null,
        text: String? = null,
        timerS: Int? = null,
        whoAdds: GroupWho? = null,
        whoSets: GroupWho? = null,
        whoWrites: GroupWho? = null,
        hasHistory: Boolean? = null,
    ): Unit = bridge.call {
        val rights = listOf(whoAdds, whoSets, whoWrites).map { it?.lift<im.sotto.ffi.SottoGroupWho>() }
        val (adds, sets, writes) = rights
        val patch = SottoGroupPatch(name?.lower(), text?.lower(), timerS, adds, sets, writes, hasHistory)
        groupSet(conversation.lower(), patch)
    }

    /**
     * Removes a member: it reads nothing that is written later. With [ban] no link admits the account again. Errors:
     * `group.*`.
     */
    public suspend fun remove(conversation: ConversationId, member: MemberId, ban: Boolean = false): Unit =
        bridge.call { groupRemove(conversation.lower(), member.lower(), ban) }

    /** Ends a group for all members: nobody writes in it again. Only its owner can. Errors: `group.*`. */
    public suspend fun close(conversation: ConversationId): Unit = bridge.call { groupClose(conversation.lower()) }

    /** Leaves a group. Its messages stay on this device until [Conversations.delete]. */
    public suspend fun leave(conversation: ConversationId): Unit = bridge.call { groupLeave(conversation.lower()) }
}
