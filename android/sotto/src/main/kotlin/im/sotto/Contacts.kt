package im.sotto

import im.sotto.ffi.SottoContact
import im.sotto.ffi.SottoEvent
import im.sotto.ffi.SottoInvite
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.distinctUntilChanged

/** Invites and contacts of an open [Sotto]. */
public class Contacts internal constructor(private val bridge: Bridge) {
    /**
     * Makes an invite for one contact, valid for 7 days: who comes second by the same link gets
     * [SottoCode.INVITE_USED]. At most 8 are open. Errors: [SottoCode.INVITE_TOO_MANY], [SottoCode.ACCOUNT_MISSING],
     * [SottoCode.CLOCK_SKEWED], [SottoCode.NETWORK_ADDRESS] for a node that no link can carry.
     */
    public suspend fun invite(): Invite = bridge.call { invite() }.lift()

    /** The open invites, oldest first. Errors: [SottoCode.ACCOUNT_MISSING]. */
    public suspend fun invites(): List<Invite> = bridge.call { invites() }.map(SottoInvite::lift)

    /** Closes an open invite; it admits nobody from now on. Errors: [SottoCode.INVITE_MISSING]. */
    public suspend fun closeInvite(invite: InviteId): Unit = bridge.call { inviteClose(invite.lower()) }

    /** Reads an invite's link and sends nothing. Errors: `invite.*`. */
    public suspend fun previewInvite(link: String): InvitePreview = bridge.call { invitePreview(link.lower()) }.lift()

    /**
     * Sends a contact request to the inviter of [link], with a [text] of at most 400 bytes. Returns the contact's id.
     * The request is on disk then, and leaves when the inviter's cards are found. Errors: `invite.*`,
     * [SottoCode.CONTACT_SELF], [SottoCode.CONTACT_STATE], [SottoCode.INPUT_TOO_LONG].
     */
    public suspend fun add(link: String, text: String? = null): ContactId =
        bridge.call { contactAdd(link.lower(), text?.lower()) }.lift()

    /** All contacts and requests, in any state, by name. */
    public suspend fun all(): List<Contact> = bridge.call { contacts() }.map(SottoContact::lift)

    /** [all], now and after each change. */
    public fun observeAll(): Flow<List<Contact>> = live { all() }

    /** One contact. Errors: [SottoCode.CONTACT_MISSING], [SottoCode.INPUT_ID]. */
    public suspend fun get(contact: ContactId): Contact = bridge.call { contact(contact.lower()) }.lift()

    /** One contact, now and after each change. It fails as [get] does, also when the contact is removed. */
    public fun observe(contact: ContactId): Flow<Contact> = live { get(contact) }

    /** Accepts a request. Errors: [SottoCode.CONTACT_MISSING], [SottoCode.CONTACT_STATE]. */
    public suspend fun accept(contact: ContactId): Unit = answer(contact, ContactAction.ACCEPT)

    /** Declines a request; nothing is sent. Errors: [SottoCode.CONTACT_MISSING], [SottoCode.CONTACT_STATE]. */
    public suspend fun decline(contact: ContactId): Unit = answer(contact, ContactAction.DECLINE)

    /** Refuses messages and handshakes of a contact, who is not told. Errors: [SottoCode.CONTACT_MISSING]. */
    public suspend fun block(contact: ContactId): Unit = answer(contact, ContactAction.BLOCK)

    /** Ends [block]: the earlier state returns. Errors: [SottoCode.CONTACT_MISSING], [SottoCode.CONTACT_STATE]. */
    public suspend fun unblock(contact: ContactId): Unit = answer(contact, ContactAction.UNBLOCK)

    /** [accept], [decline], [block] or [unblock], by a value. */
    public suspend fun answer(contact: ContactId, action: ContactAction): Unit =
        bridge.call { contactAnswer(contact.lower(), action.lift()) }

    /**
     * Sets a nickname, 1 to 40 bytes, on this device only; null removes it. Errors: [SottoCode.CONTACT_MISSING],
     * [SottoCode.INPUT_NAME].
     */
    public suspend fun setNickname(contact: ContactId, nickname: String?): Unit =
        bridge.call { nicknameSet(contact.lower(), nickname?.lower()) }

    /**
     * Deletes a contact with its conversation, sessions and keys. Nothing more is sent to the contact, and it is not
     * told. It is then a stranger, who may ask again by an invite. A blocked contact stays blocked and keeps its name.
     * Errors: [SottoCode.CONTACT_MISSING].
     */
    public suspend fun remove(contact: ContactId): Unit = bridge.call { contactRemove(contact.lower()) }

    /**
     * Begins a new session with a contact, for a person who reports trouble with it. Messages without a receipt are
     * sent again in it. Nothing happens if the session is younger than an hour or was not answered yet. Errors:
     * [SottoCode.CONTACT_MISSING], [SottoCode.CONTACT_STATE].
     */
    public suspend fun resetSession(contact: ContactId): Unit = bridge.call { sessionReset(contact.lower()) }

    /**
     * The values that two people compare to know that they talk to each other. Errors: [SottoCode.ACCOUNT_MISSING],
     * [SottoCode.CONTACT_MISSING].
     */
    public suspend fun safetyNumber(contact: ContactId): SafetyNumber =
        bridge.call { safetyNumber(contact.lower()) }.lift()

    /**
     * Records that the person compared the safety number for these [devices] ([SafetyNumber.devices]). With null the
     * contact is no longer verified. Errors: [SottoCode.CONTACT_MISSING], [SottoCode.CONTACT_DEVICES_CHANGED].
     */
    public suspend fun verify(contact: ContactId, devices: DevicesId?): Unit =
        bridge.call { contactVerify(contact.lower(), devices?.lower()) }

    /**
     * Verifies by the QR code scanned from the contact's phone ([SafetyNumber.qr] there). Errors:
     * [SottoCode.CONTACT_MISSING], [SottoCode.VERIFY_QR], [SottoCode.VERIFY_ACCOUNT], [SottoCode.VERIFY_DEVICES],
     * [SottoCode.VERIFY_OWN_DEVICES].
     */
    public suspend fun scan(contact: ContactId, qr: Bytes): Unit =
        bridge.call { contactScan(contact.lower(), qr.toByteArray()) }

    /**
     * Records that the person saw the contact's changed [devices] ([SafetyNumber.devices]) and goes on without
     * comparing; [Contact.isVerified] does not cover them. Errors: [SottoCode.CONTACT_MISSING],
     * [SottoCode.CONTACT_DEVICES_CHANGED].
     */
    public suspend fun devicesSeen(contact: ContactId, devices: DevicesId): Unit =
        bridge.call { devicesSeen(contact.lower(), devices.lower()) }

    private fun <T> live(read: suspend () -> T): Flow<T> =
        bridge.live(wants = { it is SottoEvent.ContactsChanged }, read = read).distinctUntilChanged()
}
