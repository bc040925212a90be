package im.sotto

/** Id of an account, `zQ3sh…`: a contact's, or the own one. */
@JvmInline
public value class ContactId(public val value: String)

/** Id of a conversation, the same on both sides. */
@JvmInline
public value class ConversationId(public val value: String)

/** Id of a message, the same on both sides. */
@JvmInline
public value class MessageId(public val value: String)

/** Id of a file on this device. */
@JvmInline
public value class FileId(public val value: String)

/** Id of an invite. It does not reveal the link. */
@JvmInline
public value class InviteId(public val value: String)

/** Id of a member of one group, the same on all phones. */
@JvmInline
public value class MemberId(public val value: String)

/** Names a contact's set of devices, as [SafetyNumber.devices] showed it. */
@JvmInline
public value class DevicesId(public val value: String)

/** Bytes that do not change. Two of them are equal if their content is. */
public class Bytes internal constructor(private val content: ByteArray) {
    /** Number of bytes. */
    public val size: Int get() = content.size

    /** Whether there are none. */
    public fun isEmpty(): Boolean = content.isEmpty()

    /** A copy of the bytes. */
    public fun toByteArray(): ByteArray = content.copyOf()

    override fun equals(other: Any?): Boolean = other is Bytes && content.contentEquals(other.content)

    override fun hashCode(): Int = content.contentHashCode()

    /** The number of bytes, and none of them: they may be secret. */
    override fun toString(): String = "Bytes($size)"

    public companion object {
        /** No bytes. */
        public val EMPTY: Bytes = Bytes(ByteArray(0))

        /** A copy of these bytes. */
        public fun of(bytes: ByteArray): Bytes = Bytes(bytes.copyOf())
    }
}
