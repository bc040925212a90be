package im.sotto

import im.sotto.testing.Node
import im.sotto.testing.Person
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.random.Random

/** What is cancelled, killed or cut off happens once. */
class LossTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `a cancelled send happens once`() = test {
        Node(File(folder, "node")).use { node ->
            val alice = phone(File(folder, "alice"), "Alice", node)
            val bob = phone(File(folder, "bob"), "Bob", node)
            val place = befriend(alice, bob)
            val dice = Random(7)
            var cut = 0

            /** Makes a call, and cancels it soon after. */
            suspend fun torn(call: suspend () -> Unit) = withContext(Dispatchers.Default) {
                val begun = launch(start = CoroutineStart.UNDISPATCHED) { call() }
                if (dice.nextBoolean()) delay(dice.nextLong(4))
                begun.cancelAndJoin()
                if (begun.isCancelled) cut++
            }

            val texts = List(30) { "text $it" }
            for (text in texts) torn { alice.messages.send(place, text) }
            alice.shows(place, listOf("it is me") + texts)
            bob.shows(place, listOf("it is me") + texts)

            val content = Random(7).nextBytes(3_000_000)
            val source = File(folder, "film").apply { writeBytes(content) }
            val films = List(4) { "film $it" }
            val files = listOf(NewFile(source, isFresh = true))
            for (film in films) torn { alice.messages.send(place, film, files = files) }
            val page = bob.observe(Change.MESSAGES) { messages.page(place, 100) }
            page.until("the films") { all -> all.mapNotNull { it.text }.containsAll(films) }
            assertTrue(cut > 10, "only $cut calls were cut short")
            // What comes last proves that nothing comes twice.
            val end = alice.messages.send(place, "the end")
            val there = page.until("the end") { all -> all.any { it.id == end } }.mapNotNull { it.text }
            assertEquals((listOf("it is me", "the end") + texts + films).sorted(), there.sorted())
            for (file in bob.files.page(place, 10)) {
                bob.files.fetch(file.id)
                bob.files.observe(file.id).until("the film") { it.state == FileState.HERE }
                assertTrue(content.copyOf(1000).contentEquals(bob.files.read(file.id, 0, 1000)))
            }
            alice.shutdown()
            bob.shutdown()
        }
    }

    @Test
    fun `a node is killed and comes back while both chat`() = test {
        Node(File(folder, "node")).use { node ->
            Person("Bob", File(folder, "bob"), listOf(node.address)).use { bob ->
                val alice = phone(File(folder, "alice"), "Alice", node)
                alice.setForeground(true)
                bob.call("set_foreground", "on" to true)
                alice.contacts.add(bob.invite())
                val theirs = bob.accept()
                val isAccepted = { all: List<Contact> -> all.any { it.state == ContactState.ACCEPTED } }
                val place = alice.contacts.observeAll().until("the answer", isAccepted).single().conversation
                assertEquals(theirs, place.value)
                alice.messages.send(place, "before")
                bob.send(theirs, "also before")
                val texts = alice.observe(Change.MESSAGES) { messages.page(place, 10).mapNotNull { it.text }.sorted() }
                texts.until("both texts") { it == listOf("also before", "before") }

                node.kill()
                alice.connectivity.until("that it is off line") { !it.isOnline }
                val waiting = alice.messages.send(place, "meanwhile")
                bob.send(theirs, "meanwhile too")
                assertEquals(MessageState.QUEUED, alice.messages.get(waiting).state)
                node.restart()
                alice.connectivity.until("that it is on line") { it.isOnline }
                alice.messages.observe(waiting).until("delivered") { it.state == MessageState.DELIVERED }
                texts.until("all texts") { it == listOf("also before", "before", "meanwhile", "meanwhile too") }
                alice.shutdown()
                bob.leave()
            }
        }
    }
}
