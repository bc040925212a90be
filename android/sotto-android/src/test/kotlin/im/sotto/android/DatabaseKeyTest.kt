package im.sotto.android

import android.content.pm.PackageManager
import android.provider.Settings
import android.security.KeyStoreException
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.StrongBoxUnavailableException
import im.sotto.SottoCode
import im.sotto.SottoException
import java.io.File
import java.security.InvalidKeyException
import java.security.ProviderException
import java.security.UnrecoverableKeyException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

@RunWith(RobolectricTestRunner::class)
class DatabaseKeyTest {
    private val context = RuntimeEnvironment.getApplication()
    private val file = File(context.noBackupFilesDir, "sotto.key")

    @Before
    fun keyStore() = FakeKeyStore.install()

    private fun strongBox() =
        shadowOf(context.packageManager).setSystemFeature(PackageManager.FEATURE_STRONGBOX_KEYSTORE, true)

    @Test
    fun `a key is made once and read again by the next process`() {
        val key = DatabaseKey(context).read(databaseExists = false)
        assertEquals(32, key.size)
        assertArrayEquals(key, DatabaseKey(context).read(databaseExists = true))
        assertArrayEquals(key, DatabaseKey(context).read(databaseExists = false))
        assertEquals(1, FakeKeyStore.specs.size)
    }

    @Test
    fun `the disk holds the key only wrapped, outside of backups`() {
        val key = DatabaseKey(context).read(databaseExists = false)
        assertEquals(listOf("sotto.key"), context.noBackupFilesDir.list()?.toList())
        val disk = file.readBytes()
        assertEquals(1 + 12 + 32 + 16, disk.size)
        assertFalse(disk.asList().windowed(8).any { it == key.asList().take(8) })
    }

    @Test
    fun `the wrapping key is AES-256 for GCM and needs no unlocked screen`() {
        DatabaseKey(context).read(databaseExists = false)
        val spec = FakeKeyStore.specs.single()
        assertEquals(256, spec.keySize)
        assertEquals(listOf("GCM"), spec.blockModes.toList())
        assertTrue(spec.isRandomizedEncryptionRequired)
        assertFalse(spec.isUserAuthenticationRequired)
        assertFalse(spec.isStrongBoxBacked)
    }

    @Test
    fun `strongbox is used where the phone has it, and left where it refuses`() {
        strongBox()
        DatabaseKey(context).read(databaseExists = false)
        assertEquals(listOf(true), FakeKeyStore.specs.map { it.isStrongBoxBacked })
        for (failure in listOf(StrongBoxUnavailableException(), ProviderException("a bad chip"))) {
            FakeKeyStore.install()
            FakeKeyStore.strongBoxFailure = failure
            val name = failure.javaClass.simpleName
            val key = DatabaseKey(context, name).read(databaseExists = false)
            assertEquals(listOf(true, false), FakeKeyStore.specs.map { it.isStrongBoxBacked })
            assertArrayEquals(key, DatabaseKey(context, name).read(databaseExists = true))
        }
    }

    @Test
    fun `a database without its key is lost, and no new key is made for it`() {
        fails(SottoCode.KEY_LOST) { DatabaseKey(context).read(databaseExists = true) }
        assertFalse(file.exists())
    }

    @Test
    fun `each way to lose the key is told as lost, and only without a database a new key is made`() {
        val losses = listOf<Pair<String, () -> Unit>>(
            "the key store was reset" to { FakeKeyStore.keys.clear() },
            "another key has its name" to { FakeKeyStore.keys.putAll(otherKey()) },
            "invalidated" to { FakeKeyStore.failure = invalidated() },
            "unrecoverable, says Android 13" to { FakeKeyStore.failure = unrecoverable() },
            "unrecoverable, because it is gone" to {
                FakeKeyStore.failure = UnrecoverableKeyException()
                FakeKeyStore.keys.clear()
            },
            "the file was cut" to { file.writeBytes(file.readBytes().copyOf(40)) },
            "the file was changed" to { file.writeBytes(file.readBytes().also { it[20] = (it[20] + 1).toByte() }) },
        )
        for ((name, lose) in losses) {
            FakeKeyStore.install()
            file.delete()
            val old = DatabaseKey(context).read(databaseExists = false)
            lose()
            fails(SottoCode.KEY_LOST, name) { DatabaseKey(context).read(databaseExists = true) }
            val new = DatabaseKey(context).read(databaseExists = false)
            assertFalse(name, old.contentEquals(new))
            FakeKeyStore.failure = null
            assertArrayEquals(name, new, DatabaseKey(context).read(databaseExists = true))
        }
    }

    @Test
    fun `a key store that does not answer loses nothing`() {
        val key = DatabaseKey(context).read(databaseExists = false)
        // Before Android 13 the second one says nothing of its reason.
        for (failure in listOf(ProviderException("keystore daemon restarts"), UnrecoverableKeyException())) {
            FakeKeyStore.failure = failure
            for (exists in listOf(true, false)) {
                fails(SottoCode.KEY_UNAVAILABLE) { DatabaseKey(context).read(exists) }
            }
        }
        FakeKeyStore.failure = null
        assertArrayEquals(key, DatabaseKey(context).read(databaseExists = true))
    }

    private fun restart() {
        val count = Settings.Global.BOOT_COUNT
        val before = Settings.Global.getInt(context.contentResolver, count, 0)
        Settings.Global.putInt(context.contentResolver, count, before + 1)
    }

    /** Before Android 13 a key store does not say why it fails, and a damaged key would be "unavailable" for ever. */
    @Test
    fun `a key store that fails after two restarts of the phone too has lost the key`() {
        val silent = listOf(UnrecoverableKeyException(), InvalidKeyException("?"), ProviderException("no daemon"))
        for (failure in silent) {
            FakeKeyStore.install()
            file.delete()
            val old = DatabaseKey(context).read(databaseExists = false)
            repeat(2) {
                FakeKeyStore.failure = failure
                repeat(3) { fails(SottoCode.KEY_UNAVAILABLE) { DatabaseKey(context).read(databaseExists = true) } }
                restart()
            }
            fails(SottoCode.KEY_LOST, "$failure") { DatabaseKey(context).read(databaseExists = true) }
            FakeKeyStore.failure = null
            assertArrayEquals("it is still taken", old, DatabaseKey(context).read(databaseExists = true))
            assertEquals("nothing stays", listOf("sotto.key"), context.noBackupFilesDir.list()?.toList())
        }
    }

    @Test
    fun `a failure that passes between restarts, or that says that it will pass, loses nothing`() {
        DatabaseKey(context).read(databaseExists = false)
        val passing = UnrecoverableKeyException().apply { initCause(KeyStoreException(HARDWARE_BUSY, "busy")) }
        for (failure in listOf(ProviderException("it starts"), passing)) {
            repeat(4) {
                FakeKeyStore.failure = failure
                fails(SottoCode.KEY_UNAVAILABLE) { DatabaseKey(context).read(databaseExists = true) }
                restart()
                FakeKeyStore.failure = if (failure === passing) passing else null
                if (failure !== passing) DatabaseKey(context).read(databaseExists = true)
            }
        }
    }

    @Test
    fun `a forgotten key is gone from file and key store`() {
        val key = DatabaseKey(context).read(databaseExists = false)
        DatabaseKey(context).forget()
        DatabaseKey(context).forget()
        assertFalse(file.exists())
        assertTrue(FakeKeyStore.keys.isEmpty())
        assertFalse(key.contentEquals(DatabaseKey(context).read(databaseExists = false)))
    }

    private fun unrecoverable(): Exception =
        UnrecoverableKeyException().apply { initCause(KeyStoreException(INVALID_KEY_BLOB, "the blob is damaged")) }

    private fun fails(code: SottoCode, name: String = "", call: () -> Unit) {
        val error = assertThrows(name, SottoException.Key::class.java) { call() }
        assertEquals(name, code, error.code)
        assertEquals(name, code == SottoCode.KEY_UNAVAILABLE, error.isRetryable)
    }

    private fun invalidated(): Exception = KeyPermanentlyInvalidatedException()

    private fun otherKey(): Map<String, javax.crypto.SecretKey> {
        val name = FakeKeyStore.keys.keys.single()
        return mapOf(name to javax.crypto.spec.SecretKeySpec(ByteArray(32) { 7 }, "AES"))
    }

    private companion object {
        /** Of KeyMint. */
        const val INVALID_KEY_BLOB = -33

        /** Of KeyMint: SECURE_HW_BUSY. */
        const val HARDWARE_BUSY = -48
    }
}
