package im.sotto

/**
 * The own account.
 *
 * @property id id of the account.
 * @property name own name, at most 40 bytes.
 * @property emojiHash 14 emoji that follow from [id].
 * @property colorRing segments of the ring around a picture; they follow from [id].
 * @property picture the own picture; [Files.read] reads it.
 */
public data class Account(
    public val id: ContactId,
    public val name: String,
    public val emojiHash: List<String>,
    public val colorRing: List<RingSegment>,
    public val picture: FileId?,
)

/**
 * A segment of a colour ring.
 *
 * @property length 1 to 5.
 * @property color number of the colour, 0 to 31.
 */
public data class RingSegment(public val length: Int, public val color: Int) {
    /** The colour itself, 0xAARRGGBB: the same in all apps that show the ring. */
    public val argb: Int get() = RING.getOrElse(color) { 0 } or OPAQUE

    private companion object {
        const val OPAQUE = 0xFF shl 24
        val RING = intArrayOf(
            0x000000, 0x726F6F, 0xC4C4C4, 0xE7E7E7, 0xFFFFFF, 0x00FF00, 0x009800, 0xB8FFBB,
            0xFFC413, 0x9F5947, 0xFFFF00, 0xA8AC00, 0xFFFFB0, 0xFF5733, 0xFF0000, 0x9A0000,
            0xFF9D9D, 0xFF0099, 0xC80078, 0xFF00FF, 0x900090, 0xFFB0FF, 0x9E00FF, 0x0000FF,
            0x000086, 0x9B81FF, 0x3FAEF9, 0x9A6600, 0x00FFFF, 0x008694, 0xC2FFFF, 0x00F0B6,
        )
    }
}

/**
 * Result of checking a phrase.
 *
 * @property code why it cannot be restored: [SottoCode.PHRASE_WORD], [SottoCode.PHRASE_LENGTH] or
 * [SottoCode.PHRASE_CHECKSUM]; null if it can.
 * @property wrong the words that the list does not have.
 */
public data class PhraseCheck(public val code: SottoCode?, public val wrong: List<WrongWord>)

/**
 * A word that the BIP39 list does not have.
 *
 * @property index its place in the phrase, from 1.
 * @property nearest similar words of the list, at most 3, the nearest first.
 */
public data class WrongWord(public val index: Int, public val nearest: List<String>)

/** State of a contact. */
public enum class ContactState {
    /** We sent a request and wait for the answer. */
    REQUESTED,

    /** They sent a request and wait for the answer. */
    INCOMING,

    /** Both sides accepted. */
    ACCEPTED,

    /** We declined their request. */
    DECLINED,

    /** We blocked them. */
    BLOCKED,
}

/** An answer to a request or contact. */
public enum class ContactAction {
    /** Accept a request. */
    ACCEPT,

    /** Decline a request; nothing is sent. */
    DECLINE,

    /** Refuse messages and handshakes; the sessions are kept. */
    BLOCK,

    /** End the block: the earlier state returns. */
    UNBLOCK,
}

/**
 * One contact.
 *
 * @property id id of their account.
 * @property conversation id of the conversation with them.
 * @property name the nickname set here, else [ownName].
 * @property ownName the name they chose, without control characters.
 * @property emojiHash 14 emoji that follow from [id].
 * @property colorRing segments of the ring around a picture; they follow from [id].
 * @property state state of the contact.
 * @property requestText the text of their request, while [state] is [ContactState.INCOMING].
 * @property isVerified whether the safety number was compared for the confirmed device.
 * @property devicesChanged whether their devices changed since they were last verified or accepted as seen.
 * @property waiting why no session with them can begin now.
 * @property picture their picture, once it is here; [Files.read] reads it.
 */
public data class Contact(
    public val id: ContactId,
    public val conversation: ConversationId,
    public val name: String,
    public val ownName: String,
    public val emojiHash: List<String>,
    public val colorRing: List<RingSegment>,
    public val state: ContactState,
    public val requestText: String?,
    public val isVerified: Boolean,
    public val devicesChanged: Boolean,
    public val waiting: SottoCode?,
    public val picture: FileId?,
)

/**
 * An open invite.
 *
 * @property id id of the invite.
 * @property link the link; its fragment is also the QR payload.
 * @property expiresMs when the invite expires, Unix milliseconds.
 */
public data class Invite(public val id: InviteId, public val link: String, public val expiresMs: Long)

/**
 * Content of a link, before anything is sent.
 *
 * @property id id of the inviter.
 * @property name the inviter's name in the link, unproven.
 * @property emojiHash 14 emoji that follow from [id].
 * @property colorRing segments of the ring around a picture; they follow from [id].
 * @property expiresMs when the invite expires, Unix milliseconds.
 */
public data class InvitePreview(
    public val id: ContactId,
    public val name: String,
    public val emojiHash: List<String>,
    public val colorRing: List<RingSegment>,
    public val expiresMs: Long,
)

/**
 * The values that two people compare to know that they talk to each other.
 *
 * @property digits 60 digits in 12 groups of 5, equal on both sides.
 * @property qr the 129 bytes of the QR code that the other phone scans.
 * @property devices the contact's devices that these stand for; [Contacts.verify] takes them.
 */
public data class SafetyNumber(public val digits: String, public val qr: Bytes, public val devices: DevicesId)
