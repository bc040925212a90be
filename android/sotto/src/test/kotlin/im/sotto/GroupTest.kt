package im.sotto

import im.sotto.testing.Node
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** Three people have a group: two know each other, the third is known to its maker alone. */
class GroupTest {
    @TempDir
    lateinit var folder: File

    private lateinit var alice: Sotto
    private lateinit var bob: Sotto
    private lateinit var carol: Sotto
    private var place = ConversationId("")

    @Test
    fun `three people have a group`() = test {
        Node(File(folder, "node")).use { node ->
            alice = phone(File(folder, "alice"), "Alice", node)
            bob = phone(File(folder, "bob"), "Bob", node)
            carol = phone(File(folder, "carol"), "Carol", node)
            for (friend in listOf(bob, carol)) meet(friend)
            join()
            talk()
            rule()
            part()
            for (one in listOf(alice, bob, carol)) one.shutdown()
        }
    }

    private suspend fun meet(friend: Sotto) {
        friend.contacts.add(alice.contacts.invite().link)
        val asks = { one: Contact -> one.state == ContactState.INCOMING }
        alice.contacts.accept(alice.contacts.observeAll().until("a request") { it.any(asks) }.first(asks).id)
        friend.contacts.observeAll().until("the answer") { it.single().state == ContactState.ACCEPTED }
    }

    private suspend fun Sotto.id() = checkNotNull(account.get()).id

    private suspend fun Sotto.becomes(state: GroupState) =
        observe(Change.CONVERSATIONS) { conversation(place)?.group?.state }.until("$state") { it == state }

    private suspend fun Sotto.conversation(id: ConversationId) =
        Folder.entries.flatMap { conversations.page(it, 50) }.firstOrNull { it.id == id }

    private suspend fun Sotto.hears(text: String): Message =
        checkNotNull(observe(Change.MESSAGES) { said(text) }.until(text) { it != null })

    private suspend fun Sotto.said(text: String) = messages.page(place, 50).firstOrNull { it.text == text }

    private suspend fun join() {
        place = alice.groups.create("Lake", listOf(bob.id(), carol.id()))
        assertEquals(GroupRole.OWNER, alice.groups.get(place).role)
        bob.becomes(GroupState.INVITED)
        val asked = bob.conversations.page(Folder.REQUESTS, 10).single { it.group != null }
        assertEquals("Lake" to GroupRow(GroupState.INVITED, 1), asked.name to asked.group)
        assertTrue(asked.contact == null && asked.state == null && asked.last == null)
        assertEquals(alice.id(), bob.groups.get(place).inviter)
        fails<SottoException.State>(SottoCode.GROUP_REMOVED) { bob.messages.send(place, "early") }
        carol.becomes(GroupState.INVITED)
        carol.groups.decline(place)
        assertEquals(listOf(place), carol.conversations.page(Folder.CLOSED, 10).map { it.id })
        bob.groups.accept(place)
        bob.becomes(GroupState.MEMBER)
        fails<SottoException.State>(SottoCode.GROUP_NOT_INVITED) { bob.groups.accept(place) }

        alice.groups.invite(place, listOf(carol.id()))
        carol.becomes(GroupState.INVITED)
        carol.groups.accept(place)
        bob.groups.observe(place).until("Carol") { it.members == 3 }
        // With two others, one who did not add her confirms to Carol that this is the group.
        bob.messages.send(place, "welcome")
        carol.becomes(GroupState.MEMBER)
    }

    private suspend fun talk() {
        val sent = alice.messages.send(place, "where to?")
        assertEquals(Author(alice.id(), "Alice"), carol.hears("where to?").author)
        carol.messages.send(place, "to the lake", replyTo = sent)
        val answer = bob.hears("to the lake")
        assertEquals(Author(carol.id(), ""), answer.author, "no contact of Bob's")
        assertEquals(Author(alice.id(), "Alice"), answer.reply?.author)
        assertEquals(answer.author, bob.conversations.get(place).last?.author)
        assertEquals(answer.author, bob.messages.search("lake").single().author)
        assertTrue(bob.messages.incoming(50).any { it.message.id == answer.id })
        assertNull(carol.messages.get(answer.id).author)
        bob.messages.send(place, "I have it")
        val far = alice.observe(Change.MESSAGES) { messages.deliveries(sent) }
            .until("Bob's word") { all -> all.any { it.name == "Bob" && it.isDelivered } }
        assertEquals(listOf("Bob", "Carol"), far.map { it.name })
        fails<SottoException.State>(SottoCode.MESSAGE_NOT_YOURS) { bob.messages.deliveries(sent) }
        bob.conversations.markRead(place, answer.id)
    }

    private suspend fun rule() {
        val (first, second, third) = alice.groups.members(place, 10)
        assertEquals(listOf("", "Bob", "Carol"), listOf(first, second, third).map { it.name })
        assertTrue(first.isOwn && first.isConfirmed && first.role == GroupRole.OWNER)
        assertEquals(listOf(second), alice.groups.members(place, 1, first.cursor))
        fails<SottoException.State>(SottoCode.GROUP_NOT_ALLOWED) { bob.groups.remove(place, third.id) }
        alice.groups.setRole(place, second.id, GroupRole.ADMIN)
        bob.groups.observe(place).until("a role") { it.role == GroupRole.ADMIN }
        bob.groups.set(place, name = "Sea", timerS = 3600)
        val group = alice.groups.observe(place).until("a name") { it.name == "Sea" && it.timerS == 3600 }
        assertEquals(GroupWho.ADMINS to GroupWho.MEMBERS, group.whoSets to group.whoWrites)
        assertEquals(3600, alice.conversations.observe(place).first().timerS)
        bob.groups.remove(place, third.id)
        carol.becomes(GroupState.REMOVED)
        fails<SottoException.State>(SottoCode.GROUP_REMOVED) { carol.messages.send(place, "still here") }
    }

    private suspend fun part() {
        bob.groups.leave(place)
        bob.becomes(GroupState.LEFT)
        alice.groups.observe(place).until("one member") { it.members == 1 }
        alice.groups.close(place)
        fails<SottoException.State>(SottoCode.GROUP_CLOSED) { alice.messages.send(place, "late") }
        assertEquals(GroupState.CLOSED, alice.groups.get(place).state)
    }
}
