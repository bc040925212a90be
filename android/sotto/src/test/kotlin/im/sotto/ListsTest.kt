package im.sotto

import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** Lists that stay up to date, on a phone without a network. */
class ListsTest {
    @TempDir
    lateinit var folder: File

    private lateinit var carol: Sotto

    @BeforeEach
    fun begin() = test { carol = phone(File(folder, "carol"), "Carol") }

    @AfterEach
    fun end() = carol.close()

    /** Requests to new people: conversations without a network. */
    private suspend fun ask(count: Int): List<ConversationId> = List(count) { n ->
        val dir = File(folder, "person")
        val link = phone(dir, "Person $n").use { it.contacts.invite().link }
        Sotto.databaseWipe(dir)
        carol.contacts.get(carol.contacts.add(link)).conversation
    }

    private suspend fun names(items: List<Conversation>) = items.map { it.name }

    @Test
    fun `a folder grows page by page`() = test {
        ask(5)
        val list = carol.conversations.list(Folder.INBOX, pageSize = 2)
        val whole = carol.conversations.page(Folder.INBOX, 10)
        assertEquals(whole.take(2), list.items.first())
        assertTrue(list.hasMore.value)
        repeat(5) { list.loadMore() }
        assertEquals(whole.take(4), list.items.first())
        list.loadMore()
        assertEquals(whole, list.items.first())
        assertFalse(list.hasMore.value)
        list.loadMore()
        assertEquals(whole, list.items.first())
        // It is read again after a change.
        val last = whole.last()
        val watch = launch { list.items.until("the pinned one") { it.first().id == last.id } }
        carol.conversations.pin(last.id, true)
        watch.join()
    }

    /** Drafts make events without a network. Whatever a slow collector skips, the last state is not among it. */
    @Test
    fun `a slow collector sees the end of 10,000 changes`() = test {
        val (place) = ask(1)
        var seen = 0
        val slow = launch {
            carol.conversations.list(Folder.INBOX).items.until("the last draft") { all ->
                delay(200)
                seen++
                all.single().draft == "draft 9999"
            }
        }
        val quick = launch { carol.conversations.observe(place).until("the last draft") { it.draft == "draft 9999" } }
        for (n in 0 until 10_000) carol.conversations.setDraft(place, "draft $n")
        joinAll(slow, quick)
        assertTrue(seen < 5_000, "$seen")
    }

    /** One thread, so that the window moves after the first read has begun and before anything else. */
    @Test
    fun `a move during the first read is not lost`() = test {
        val (place) = ask(1)
        val sent = List(30) { carol.messages.send(place, "text $it") }
        val list = carol.messages.list(place, pageSize = 5, around = sent[3])
        val reading = launch { list.items.until("the newest text") { it.first().text == "text 29" } }
        launch { list.jumpToNewest() }
        reading.join()
    }

    @Test
    fun `a draft stays until it is the message`() = test {
        val (here, there) = ask(2)
        val message = carol.messages.send(here, "news")
        carol.conversations.setDraft(there, "half a thought")
        carol.messages.forward(message, listOf(there))
        assertEquals("news", carol.messages.page(there, 1).single().text)
        carol.messages.send(there, "more news")
        assertEquals("half a thought", carol.conversations.get(there).draft)
        carol.messages.send(there, "a whole thought", clearsDraft = true)
        assertEquals("", carol.conversations.get(there).draft)
    }

    @Test
    fun `a window slides over a long conversation`() = test {
        val (place) = ask(1)
        val sent = List(60) { carol.messages.send(place, "text $it") }.reversed()
        val list = carol.messages.list(place, pageSize = 5)
        suspend fun texts() = list.items.first().map { it.text?.removePrefix("text ")?.toInt() }
        assertEquals((59 downTo 55).toList(), texts())
        assertTrue(list.hasOlder.value && !list.hasNewer.value)
        list.loadOlder()
        list.loadOlder()
        assertEquals((59 downTo 50).toList(), texts())
        // At four pages it slides: what was at its end stays in it.
        repeat(3) {
            list.loadOlder()
            texts()
        }
        assertEquals((50 downTo 31).toList(), texts())
        assertTrue(list.hasNewer.value)
        while (list.hasOlder.value) {
            val end = texts().last()
            list.loadOlder()
            assertTrue(end in texts(), "the place on screen stays")
        }
        assertEquals(0, texts().last())
        while (list.hasNewer.value) {
            val begin = texts().first()
            list.loadNewer()
            assertTrue(begin in texts(), "the place on screen stays")
        }
        assertEquals(59, texts().first())

        list.jumpTo(sent[30])
        assertTrue(29 in texts() && 59 !in texts())
        // Its center is deleted: the window stands at a neighbour.
        carol.messages.deleteForMe(sent[30])
        val around = texts()
        assertTrue(29 !in around && 28 in around && 30 in around, "$around")
        fails<SottoException.NotFound>(SottoCode.MESSAGE_MISSING) { list.jumpTo(sent[30]) }
        list.jumpToNewest()
        val next = launch { list.items.until("a new text") { it.first().text == "text 60" } }
        carol.messages.send(place, "text 60")
        next.join()
        assertEquals((60 downTo 56).toList(), texts())
        // Near the newest message the window follows it at once.
        val late = carol.messages.list(place, pageSize = 10, around = sent[1])
        assertEquals("text 60", late.items.first().first().text)
        assertFalse(late.hasNewer.value)
    }
}
