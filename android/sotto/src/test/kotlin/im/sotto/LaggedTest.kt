package im.sotto

import im.sotto.ffi.SottoCore
import im.sotto.ffi.SottoEvent
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.receiveAsFlow
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch

/** The loop that pulls events got no time, and the core dropped the oldest of them. */
class LaggedTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `a starved loop reads its pages again and goes on`() = test {
        val dir = File(folder, "carol")
        phone(dir, "Carol").use { sotto ->
            val link = phone(File(folder, "dave"), "Dave").use { it.contacts.invite().link }
            sotto.contacts.add(link)
        }
        val core = SottoCore.open(config(dir).lower(), KEY)
        val missed = CopyOnWriteArrayList<Long>()
        val begun = CompletableDeferred<Unit>()
        val gate = CountDownLatch(1)
        val bridge = Bridge(core) { event ->
            begun.complete(Unit)
            gate.await()
            if (event is SottoEvent.Lagged) missed += event.missed
        }
        bridge.start()
        val conversations = Conversations(bridge)
        val messages = Messages(bridge)
        val place = conversations.page(Folder.INBOX, 1).single().id
        val pages = Channel<List<String?>>(Channel.UNLIMITED)
        val reading = launch {
            messages.list(place).items.collect { page -> pages.send(page.map { it.text }) }
        }
        suspend fun reads(vararg texts: String?) = pages.receiveAsFlow()
            .until("the messages ${texts.toList()}") { it == texts.toList() }
        reads()
        conversations.setDraft(place, "first")
        begun.await()

        // The messages' events come first, so that they are the ones that are dropped.
        messages.send(place, "one")
        repeat(DEPTH * 3) { conversations.setDraft(place, "draft $it") }
        assertTrue(pages.isEmpty, "it stands")
        gate.countDown()
        reads("one")
        assertTrue(missed.sum() > DEPTH, "$missed")

        messages.send(place, "two")
        reads("two", "one")
        reading.cancel()
        assertEquals(listOf("two", "one"), messages.page(place, 10).map { it.text })
        bridge.shutdown()
    }

    private companion object {
        /** Most events that wait in the core. */
        const val DEPTH = 1024
    }
}
