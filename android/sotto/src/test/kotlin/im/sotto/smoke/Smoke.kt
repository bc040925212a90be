package im.sotto.smoke

import im.sotto.MessageId
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoConfig
import im.sotto.SottoException
import java.nio.file.Files
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking

/**
 * An app as small as it can be: scripts/check-mobile shrinks it together with the SDK, and runs it on the real core.
 * It goes through all that a shrinker breaks: calls, futures, records, enums, errors, flows, bytes.
 */
public fun main(): Unit = runBlocking {
    val dir = Files.createTempDirectory("sotto-smoke").toFile()
    try {
        Sotto.open(SottoConfig(dir, Preset.LOCAL), ByteArray(32) { it.toByte() }).use { sotto ->
            val phrase = sotto.account.create("Smoke")
            check(Sotto.phraseCheck(phrase).code == null)
            check(sotto.account.get()?.name == "Smoke")
            check(sotto.contacts.previewInvite(sotto.contacts.invite().link).name == "Smoke")
            check(sotto.contacts.observeAll().first().isEmpty())
            check(!sotto.connectivity.value.isOnline)
            check(sotto.diagnostics().messages == 0L)
            try {
                sotto.messages.get(MessageId("none"))
                error("an id that nobody made was taken")
            } catch (e: SottoException.InvalidInput) {
                check(e.code == SottoCode.INPUT_ID)
            }
        }
    } finally {
        dir.deleteRecursively()
    }
    println("smoke: ok")
}
