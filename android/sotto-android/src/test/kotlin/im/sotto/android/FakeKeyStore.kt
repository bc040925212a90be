package im.sotto.android

import android.security.keystore.KeyGenParameterSpec
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.ProviderException
import java.security.SecureRandom
import java.security.Security
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey
import javax.crypto.spec.SecretKeySpec

/** AndroidKeyStore in memory: Robolectric has none. Its keys are real AES keys, so all ciphers are real. */
object FakeKeyStore {
    val keys = mutableMapOf<String, SecretKey>()
    val specs = mutableListOf<KeyGenParameterSpec>()

    /** What the secure chip fails with. */
    var strongBoxFailure: ProviderException? = null

    /** What reading a key fails with. */
    var failure: Exception? = null

    fun install() {
        keys.clear()
        specs.clear()
        strongBoxFailure = null
        failure = null
        Security.removeProvider("AndroidKeyStore")
        Security.addProvider(FakeProvider())
    }
}

@Suppress("DEPRECATION")
class FakeProvider : Provider("AndroidKeyStore", 1.0, "keys in memory") {
    // The sandbox loads these classes. The security framework, which does not know its loader, asks for them here.
    override fun getService(type: String, algorithm: String): Service? = when (type to algorithm) {
        "KeyStore" to "AndroidKeyStore" -> made(type, algorithm) { FakeKeyStoreSpi() }
        "KeyGenerator" to "AES" -> made(type, algorithm) { FakeKeyGeneratorSpi() }
        else -> null
    }

    private fun made(type: String, algorithm: String, make: () -> Any): Service =
        object : Service(this, type, algorithm, "fake", null, null) {
            override fun newInstance(parameter: Any?): Any = make()
        }
}

class FakeKeyGeneratorSpi : KeyGeneratorSpi() {
    private lateinit var spec: KeyGenParameterSpec

    override fun engineInit(random: SecureRandom?) = error("a key needs its parameters")

    override fun engineInit(keysize: Int, random: SecureRandom?) = error("a key needs its parameters")

    override fun engineInit(params: AlgorithmParameterSpec, random: SecureRandom?) {
        spec = params as KeyGenParameterSpec
    }

    override fun engineGenerateKey(): SecretKey {
        FakeKeyStore.specs += spec
        if (spec.isStrongBoxBacked) FakeKeyStore.strongBoxFailure?.let { throw it }
        val key = SecretKeySpec(ByteArray(spec.keySize / 8).also { SecureRandom().nextBytes(it) }, "AES")
        FakeKeyStore.keys[spec.keystoreAlias] = key
        return key
    }
}

class FakeKeyStoreSpi : KeyStoreSpi() {
    override fun engineGetKey(alias: String, password: CharArray?): Key? {
        FakeKeyStore.failure?.let { throw it }
        return FakeKeyStore.keys[alias]
    }

    override fun engineDeleteEntry(alias: String) {
        FakeKeyStore.keys.remove(alias)
    }

    override fun engineAliases(): Enumeration<String> = Collections.enumeration(FakeKeyStore.keys.keys)

    override fun engineContainsAlias(alias: String): Boolean = alias in FakeKeyStore.keys

    override fun engineSize(): Int = FakeKeyStore.keys.size

    override fun engineIsKeyEntry(alias: String): Boolean = alias in FakeKeyStore.keys

    override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit

    override fun engineStore(stream: OutputStream?, password: CharArray?) = Unit

    override fun engineGetCertificate(alias: String): Certificate? = null

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = null

    override fun engineGetCreationDate(alias: String): Date = Date(0)

    override fun engineIsCertificateEntry(alias: String): Boolean = false

    override fun engineGetCertificateAlias(cert: Certificate): String? = null

    override fun engineSetKeyEntry(alias: String, key: Key, password: CharArray?, chain: Array<Certificate>?) = Unit

    override fun engineSetKeyEntry(alias: String, key: ByteArray, chain: Array<Certificate>?) = Unit

    override fun engineSetCertificateEntry(alias: String, cert: Certificate) = Unit
}
