package im.sotto.docs

import im.sotto.ContactState
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoConfig
import kotlinx.coroutines.flow.first
import java.io.File

/** The quickstart of README.md. */
suspend fun quickstart(folder: File, node: String, key: ByteArray): String? {
    // README begins
    val alice = Sotto.open(SottoConfig(File(folder, "alice"), Preset.LOCAL, listOf(node)), key)
    val bob = Sotto.open(SottoConfig(File(folder, "bob"), Preset.LOCAL, listOf(node)), key)
    alice.account.create("Alice") // returns the recovery phrase; account.phrase() does so later
    bob.account.create("Bob")
    alice.contacts.add(bob.contacts.invite().link)
    val request = bob.contacts.observeAll().first { it.isNotEmpty() }.single()
    bob.contacts.accept(request.id)
    val contact = alice.contacts.observeAll().first { it.single().state == ContactState.ACCEPTED }.single()
    alice.messages.send(contact.conversation, "hello")
    val hello = bob.messages.arrivals(after = 0).first().message.text
    listOf(alice, bob).forEach { it.shutdown() }
    // README ends
    return hello
}
