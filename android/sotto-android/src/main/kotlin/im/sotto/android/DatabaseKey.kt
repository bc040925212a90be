package im.sotto.android

import android.content.Context
import android.content.pm.PackageManager
import android.os.Build
import android.provider.Settings
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.KeyProperties
import im.sotto.SottoCode
import im.sotto.SottoException
import java.io.File
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.StandardOpenOption
import java.security.GeneralSecurityException
import java.security.KeyStore
import java.security.ProviderException
import java.security.SecureRandom
import java.security.UnrecoverableKeyException
import javax.crypto.BadPaddingException
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * The 32 bytes that encrypt the account's database: random, made once, and kept wrapped by an AES-256-GCM key of the
 * AndroidKeyStore that never leaves the phone's secure hardware. StrongBox is used where the phone has it.
 *
 * The wrapped key stands in [Context.getNoBackupFilesDir]. The phone needs no unlocked screen, so that sync works in
 * the background; a phone that is switched on and was never unlocked cannot read it (credential-encrypted storage).
 *
 * All calls block for some ten milliseconds, so call them from a background thread.
 *
 * @param name of the file and of the key in the key store, so that several accounts have several keys.
 */
public class DatabaseKey(context: Context, private val name: String = "sotto") {
    private val hasStrongBox = Build.VERSION.SDK_INT >= Build.VERSION_CODES.P &&
        context.packageManager.hasSystemFeature(PackageManager.FEATURE_STRONGBOX_KEYSTORE)
    private val folder = context.noBackupFilesDir
    private val file = File(folder, "$name.key")

    /** The number of the phone's start at which the key store began to fail. */
    private val failure = File(folder, "$name.key.failure")
    private val settings = context.contentResolver
    private val alias = "im.sotto.$name"

    /**
     * The key. It is made only when [databaseExists] is false and none is there: a new key could not open an old
     * database. Overwrite the bytes (`fill(0)`) when the core is open.
     *
     * @throws SottoException.Key with [SottoCode.KEY_LOST] if the database has no key any more: the phone's key store
     * was reset, or the data came from another phone. With [SottoCode.KEY_UNAVAILABLE] if the key store did not answer
     * or the disk failed: the key may still be there. A failure of the key store that says nothing of its cause, and
     * that two restarts of the phone did not heal, is [SottoCode.KEY_LOST].
     */
    @Synchronized
    public fun read(databaseExists: Boolean): ByteArray = try {
        val key = guarded(::mayPass) { unwrap(if (file.exists()) file.readBytes() else throw lost()) }
        failure.delete()
        key
    } catch (e: SottoException.Key) {
        if (databaseExists || e.code != SottoCode.KEY_LOST) throw e else guarded { make() }
    }

    /** Deletes the key, in the file and in the key store. A database encrypted with it is unreadable from then on. */
    @Synchronized
    public fun forget(): Unit = guarded {
        if (file.exists() && !file.delete()) throw IOException("cannot delete the wrapped key")
        failure.delete()
        keyStore().deleteEntry(alias)
    }

    private fun make(): ByteArray {
        val key = ByteArray(KEY).also { SecureRandom().nextBytes(it) }
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.ENCRYPT_MODE, newWrapper())
        val wrapped = byteArrayOf(VERSION) + cipher.iv + cipher.doFinal(key)
        val draft = File(file.path + ".new")
        draft.outputStream().use {
            it.write(wrapped)
            it.fd.sync()
        }
        if (!draft.renameTo(file)) throw IOException("cannot keep the wrapped key")
        syncFolder()
        return key
    }

    /** Else a power cut could take the new name back, after the database was made. Not every file system can. */
    private fun syncFolder() = try {
        FileChannel.open(folder.toPath(), StandardOpenOption.READ).use { it.force(true) }
    } catch (_: IOException) {
    }

    private fun unwrap(wrapped: ByteArray): ByteArray {
        if (wrapped.size != 1 + IV + KEY + TAG || wrapped[0] != VERSION) throw lost()
        val wrapper = keyStore().getKey(alias, null) as? SecretKey ?: throw lost()
        val cipher = Cipher.getInstance(CIPHER)
        cipher.init(Cipher.DECRYPT_MODE, wrapper, GCMParameterSpec(8 * TAG, wrapped, 1, IV))
        return cipher.doFinal(wrapped, 1 + IV, KEY + TAG)
    }

    /** Where the phone has a secure chip that takes the key, there; else in the main processor's secure part. */
    private fun newWrapper(): SecretKey = (if (hasStrongBox) Newer.inStrongBox(::generate) else null) ?: generate {}

    private fun generate(more: KeyGenParameterSpec.Builder.() -> Unit): SecretKey {
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val spec = KeyGenParameterSpec.Builder(alias, purposes)
            .setKeySize(8 * KEY)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .apply(more)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, STORE).apply { init(spec) }.generateKey()
    }

    private fun keyStore(): KeyStore = KeyStore.getInstance(STORE).apply { load(null) }

    /** From Android 13 on the key store may say whether its failure passes. Else a restart of the phone may help. */
    private fun mayPass(error: Exception): Boolean {
        val said = Newer.isTransient(error)
        val isThere = error !is UnrecoverableKeyException || said ?: guarded { keyStore().containsAlias(alias) }
        return isThere && (said == true || !outlivedRestarts())
    }

    /** Notes the first failure since the key could be read. */
    private fun outlivedRestarts(): Boolean = try {
        val now = Settings.Global.getInt(settings, Settings.Global.BOOT_COUNT, 0)
        val first = if (failure.exists()) failure.readText().toIntOrNull() else null
        if (first == null) failure.writeText("$now")
        first != null && now - first >= RESTARTS
    } catch (_: IOException) {
        false
    }

    private fun lost(cause: Throwable? = null) =
        SottoException.Key(SottoCode.KEY_LOST, "the database key is lost: restore from the phrase", cause)

    private fun unavailable(cause: Throwable) =
        SottoException.Key(SottoCode.KEY_UNAVAILABLE, "the key store does not answer: try again later", cause)

    /** [mayPass] judges failures of the key store that do not say by their class whether the key is lost. */
    private fun <T> guarded(mayPass: (Exception) -> Boolean = { true }, work: () -> T): T = try {
        work()
    } catch (e: KeyPermanentlyInvalidatedException) {
        throw lost(e)
    } catch (e: BadPaddingException) {
        throw lost(e)
    } catch (e: GeneralSecurityException) {
        throw if (mayPass(e)) unavailable(e) else lost(e)
    } catch (e: ProviderException) {
        throw if (mayPass(e)) unavailable(e) else lost(e)
    } catch (e: IOException) {
        throw unavailable(e)
    }

    private companion object {
        const val STORE = "AndroidKeyStore"
        const val CIPHER = "AES/GCM/NoPadding"
        const val VERSION: Byte = 1
        const val KEY = 32
        const val IV = 12
        const val TAG = 16

        /** Of the phone. */
        const val RESTARTS = 2
    }
}
