package im.sotto

/**
 * A failed call. The class says the kind, [code] the exact failure. It holds no names, texts, keys, addresses or ids,
 * so apps may log it.
 *
 * @property code the exact failure, see `docs/errors.md`.
 * @property detail what happened and, if something helps, what to do: a sentence for developers, in English.
 */
public sealed class SottoException(
    public val code: SottoCode,
    public val detail: String,
    cause: Throwable? = null,
) : Exception("${code.text}: $detail", cause) {
    /** Whether the same call may succeed later with the same arguments. */
    public val isRetryable: Boolean get() = code.isRetryable

    /** The caller's input cannot be used. */
    public class InvalidInput internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)

    /** The named contact, conversation, message, file or invite does not exist. */
    public class NotFound internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)

    /** Not allowed in this state: no account, not a contact, closed. */
    public class State internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)

    /** The network could not be reached. */
    public class Network internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)

    /** The database failed. */
    public class Storage internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)

    /** A cryptographic check failed. */
    public class Crypto internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)

    /**
     * The database's key cannot be had from the phone's key store: [SottoCode.KEY_LOST], [SottoCode.KEY_UNAVAILABLE].
     * Only `im.sotto.android` throws it.
     */
    public class Key(code: SottoCode, detail: String, cause: Throwable? = null) : SottoException(code, detail, cause)

    /** A bug of ours. */
    public class Internal internal constructor(code: SottoCode, detail: String, cause: Throwable? = null) :
        SottoException(code, detail, cause)
}
