package im.sotto

import java.io.File

/** The own account of an open [Sotto]. */
public class Accounts internal constructor(private val bridge: Bridge) {
    /** The own account, or null before it is made. */
    public suspend fun get(): Account? = bridge.call { account() }?.lift()

    /**
     * Makes an account and its device. [name] has 1 to 40 bytes. Returns the recovery phrase (12 words) for the person
     * to write down; [phrase] returns it again at any time. Errors: [SottoCode.ACCOUNT_EXISTS], [SottoCode.INPUT_NAME].
     */
    public suspend fun create(name: String): String = bridge.call { accountCreate(name.lower()) }

    /**
     * Restores the account of a phrase and takes over from its other installs. Contacts and history do not come back.
     * Errors: `phrase.*`, [SottoCode.ACCOUNT_EXISTS].
     */
    public suspend fun restore(phrase: String): Unit = bridge.call { accountRestore(phrase.lower()) }

    /** The recovery phrase. Everybody who has it has the account. Errors: [SottoCode.ACCOUNT_MISSING]. */
    public suspend fun phrase(): String = bridge.call { phrase() }

    /**
     * Changes the own name (1 to 40 bytes). Each contact learns it after 1 to 6 hours, at random. Errors:
     * [SottoCode.INPUT_NAME], [SottoCode.ACCOUNT_MISSING].
     */
    public suspend fun setName(name: String): Unit = bridge.call { profileSet(name.lower()) }

    /**
     * Sets the own picture, or removes it with null: JPEG, PNG or WebP of at most 32,568 bytes without its metadata,
     * which is removed here. 256 × 256 pixels are enough. Each contact learns it after 1 to 6 hours, at random.
     * Errors: [SottoCode.ACCOUNT_MISSING], [SottoCode.FILE_TOO_LARGE], [SottoCode.FILE_METADATA] for another format,
     * `file.*`.
     */
    public suspend fun setPicture(picture: File?): Unit = bridge.call { avatarSet(picture?.lower()) }

    /**
     * Closes and deletes the account on this device. Then the folder is free for a new account. Delete the key and the
     * counter file too. Contacts are not told, and the phrase still restores the id. If it fails, call
     * [Sotto.databaseWipe]. Cancelling the call does not stop it. Errors: [SottoCode.CLOSED], `storage.*`.
     */
    public suspend fun wipe(): Unit = bridge.wipe()
}
