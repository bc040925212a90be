package im.sotto

import im.sotto.testing.Node
import kotlinx.coroutines.async
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.random.Random

/** Two people meet, talk, and use every call. The steps are those of `contract.py`. */
class TalkTest {
    @TempDir
    lateinit var folder: File

    private lateinit var alice: Sotto
    private lateinit var bob: Sotto
    private var place = ConversationId("")

    @Test
    fun `two people use every call`() = test {
        Node(File(folder, "node")).use { node ->
            alice = phone(File(folder, "alice"), "Alice", node)
            bob = phone(File(folder, "bob"), "Bob", node)
            meet()
            talk()
            keepTheList()
            verify()
            sendFile()
            doThingsWithMessages()
            speakOfTheHost()
            part()
            alice.shutdown()
            bob.shutdown()
        }
    }

    private suspend fun meet() {
        val spare = alice.contacts.invite()
        assertEquals(listOf(spare), alice.contacts.invites())
        alice.contacts.closeInvite(spare.id)
        fails<SottoException.NotFound>(SottoCode.INVITE_MISSING) { alice.contacts.closeInvite(spare.id) }
        val link = bob.contacts.invite().link
        val preview = alice.contacts.previewInvite(link)
        assertEquals(bob.account.get()?.id, preview.id)
        assertEquals(14, preview.emojiHash.size)
        fails<SottoException.InvalidInput>(SottoCode.CONTACT_SELF) { bob.contacts.add(link) }
        assertEquals(preview.id, alice.contacts.add(link, "it is me"))
        val asked = bob.contacts.observeAll().until("a request") { it.isNotEmpty() }.single()
        assertEquals("it is me", asked.requestText)
        assertEquals(1, bob.conversations.unread().requests)
        assertEquals(asked.id, bob.conversations.page(Folder.REQUESTS, 10).single().contact)
        bob.contacts.accept(asked.id)
        alice.contacts.observe(preview.id).until("the answer") { it.state == ContactState.ACCEPTED }
        place = alice.contacts.get(preview.id).conversation
        assertEquals(place, bob.contacts.get(asked.id).conversation)
    }

    private suspend fun talk() {
        val first = alice.messages.send(place, "hello 🌿")
        val question = bob.messages.arrivals(after = 0).first { it.message.text == "hello 🌿" }
        assertEquals(first, question.message.id)
        assertEquals(2, bob.conversations.observeUnread().first().messages)
        bob.conversations.markRead(place, first)
        alice.messages.observe(first).until("read") { it.state == MessageState.READ }
        val answer = bob.messages.answer(question.arrival, "long ".repeat(2000))
        assertEquals(answer, bob.messages.answer(question.arrival, "again"))
        alice.meets(place, answer)
        alice.messages.observe(answer).until("the whole answer") { it.text?.length == 10_000 }
        val cut = alice.messages.page(place, 1).single()
        assertTrue(cut.hasMore && cut.text?.length == 4096)
        assertEquals(listOf(answer, first), alice.messages.around(first, 2).map { it.id })
        assertEquals(listOf(answer), alice.messages.incoming(10).map { it.message.id })
        assertTrue(alice.connectivity.value.isOnline)
    }

    private suspend fun keepTheList() {
        val contact = bob.contacts.all().single().id
        bob.contacts.setNickname(contact, "Alice from the choir")
        bob.conversations.pin(place, true)
        bob.conversations.mute(place)
        bob.conversations.markUnread(place, true)
        bob.conversations.setDraft(place, "not yet")
        val kept = bob.conversations.observe(place).first()
        assertEquals("Alice from the choir" to "Alice", kept.name to kept.ownName)
        assertTrue(kept.isPinned && kept.isMuted && kept.isMarkedUnread && kept.mutedUntilMs == null)
        assertEquals("not yet", kept.draft)
        bob.conversations.archive(place, true)
        assertEquals(place, bob.conversations.page(Folder.ARCHIVED, 1).single().id)
        bob.conversations.archive(place, false)
        bob.conversations.mute(place, 0)
        bob.conversations.markUnread(place, false)
        bob.conversations.setDraft(place, "")
        bob.contacts.setNickname(contact, null)
        assertEquals("Alice", bob.conversations.get(place).name)
    }

    private suspend fun verify() {
        val contact = alice.contacts.all().single().id
        val number = alice.contacts.safetyNumber(contact)
        val theirs = bob.contacts.safetyNumber(bob.contacts.all().single().id)
        assertEquals(number.digits, theirs.digits)
        assertEquals(129, number.qr.size)
        fails<SottoException.Crypto>(SottoCode.VERIFY_ACCOUNT) { alice.contacts.scan(contact, number.qr) }
        alice.contacts.scan(contact, theirs.qr)
        assertTrue(alice.contacts.get(contact).isVerified)
        alice.contacts.verify(contact, null)
        assertFalse(alice.contacts.get(contact).isVerified)
        alice.contacts.verify(contact, number.devices)
        alice.contacts.devicesSeen(contact, number.devices)
        assertTrue(alice.contacts.get(contact).isVerified)
    }

    private suspend fun sendFile() {
        val content = Random(7).nextBytes(150_000)
        val source = File(folder, "notes.jpg").apply { writeBytes(content) }
        val picture = listOf(NewFile(source))
        fails<SottoException.State>(SottoCode.FILE_METADATA) { alice.messages.send(place, "", files = picture) }
        val tiny = Rgba(2, 2, Bytes.of(ByteArray(16) { if (it % 4 == 0 || it % 4 == 3) -1 else 10 }))
        val file = NewFile(
            source, FileKind.VOICE, "../notes.bin", "audio/x", durationMs = 3000, waveform = listOf(0, 31),
            placeholder = tiny, isFresh = true,
        )
        val sent = alice.messages.send(place, "", files = listOf(file))
        val there = bob.files.list(place).items.until("the file") { it.isNotEmpty() }.single()
        assertEquals(listOf(there), bob.messages.get(sent).files)
        assertEquals("notes.bin" to FileKind.VOICE, there.name to there.kind)
        assertEquals(listOf(0, 31), there.waveform.take(2))
        assertTrue(!there.placeholder.isEmpty() && there.color != null)
        fails<SottoException.Network>(SottoCode.FILE_WAITING) { bob.files.read(there.id, 0, 1) }
        bob.files.fetch(there.id)
        bob.files.cancel(there.id)
        bob.files.fetch(there.id)
        val whole = bob.files.observe(there.id).until("the whole file") { it.state == FileState.HERE }
        assertEquals(150_000L, whole.have)
        assertArrayEquals(content, bob.files.read(there.id, 0, 1 shl 20))
        val copy = File(folder, "copy")
        bob.files.export(there.id, copy)
        assertArrayEquals(content, copy.readBytes())
        fails<SottoException.InvalidInput>(SottoCode.FILE_EXISTS) { bob.files.export(there.id, copy) }
        assertEquals(FileKind.VOICE, bob.files.storage().parts.single().kind)
        assertEquals(150_000L, bob.files.freeStorage(place))
        assertEquals(FileState.REMOTE, bob.files.get(there.id).state)
        val limits = bob.files.autoDownload().copy(image = NetworkLimits(1, 2, 3))
        bob.files.setAutoDownload(limits)
        assertEquals(limits, bob.files.autoDownload())
    }

    private suspend fun doThingsWithMessages() {
        val contact = alice.contacts.all().single().id
        val last = bob.messages.send(place, "soup at noon?")
        alice.meets(place, last)
        val named = listOf(NewMention(6..8, contact))
        val reply = alice.messages.send(place, "Hi 🙂 Bob", last, named, isSilent = true)
        alice.messages.observe(reply).until("delivered") { it.state == MessageState.DELIVERED }
        val seen = bob.messages.get(reply)
        assertEquals(Reply(last, "soup at noon?", isMine = true, author = null, isGone = false), seen.reply)
        assertTrue(seen.isSilent)
        assertEquals(6..8 to contact, seen.mentions.single().let { it.range to it.contact })
        bob.messages.react(reply, "👍")
        bob.messages.pin(reply, true)
        alice.messages.edit(reply, "🧑‍🚀 Hello Bob", listOf(NewMention(12..14, contact)))
        val poll = alice.messages.createPoll(place, NewPoll("Soup?", listOf("yes", "no")))
        assertEquals(listOf("yes", "no"), bob.meets(place, poll).poll?.choices?.map { it.text })
        bob.messages.vote(poll, listOf(1))
        alice.messages.observe(poll).until("the vote") { it.poll?.choices?.get(1)?.voters?.size == 1 }
        alice.messages.observe(reply).until("the pin") { it.isPinned && it.reactions.singleOrNull()?.emoji == "👍" }
        bob.messages.observe(reply).until("the edit") { it.isEdited }
        assertEquals(listOf("Hi 🙂 Bob", "🧑‍🚀 Hello Bob"), bob.messages.history(reply).map { it.text })
        assertEquals("Bob", alice.messages.reactions(reply).single().name)
        assertEquals(listOf(reply), alice.observe(Change.MESSAGES) { messages.pins(place) }.first().map { it.id })
        val hit = bob.messages.search("hello bo").single()
        assertEquals(listOf("Hello", "Bob"), hit.marks.map(hit.text::substring))
        assertEquals("Bob", bob.messages.get(reply).let { it.text?.substring(it.mentions.single().range) })
        fails<SottoException.State>(SottoCode.MESSAGE_NOT_YOURS) { bob.messages.edit(reply, "not mine") }
        bob.conversations.setTimer(place, 3600)
        alice.conversations.observe(place).until("the timer") { it.timerS == 3600 }
        val copy = bob.messages.forward(last, listOf(place)).single()
        bob.messages.deleteForEveryone(copy)
        assertEquals(bob.account.get()?.id, bob.messages.get(copy).deletedBy)
        fails<SottoException.NotFound>(SottoCode.MESSAGE_MISSING) { bob.messages.retry(MessageId(NO_ID)) }
        bob.messages.deleteForMe(copy)
    }

    private suspend fun speakOfTheHost() = kotlinx.coroutines.coroutineScope {
        assertEquals(alice.settings().copy(typing = true, log = LogLevel.OFF), run {
            alice.updateSettings(typing = true, log = LogLevel.OFF)
            alice.settings()
        })
        bob.updateSettings(typing = true)
        val typing = async { bob.conversations.observeTyping(place).until("typing") { it } }
        alice.setForeground(true)
        alice.conversations.typing(place)
        assertTrue(typing.await())
        alice.networkChanged(NetworkState(emptyList(), isMetered = false))
        alice.powerChanged(true)
        assertEquals(emptyList<String>(), alice.serving())
        bob.syncOnce(60_000)
        val numbers = alice.diagnostics()
        assertEquals(Sotto.version to 66, numbers.version to numbers.cluster)
        alice.account.setName("Alicia")
        alice.account.setPicture(null)
        assertEquals("Alicia", alice.account.get()?.name)
        assertNull(alice.account.get()?.picture)
    }

    private suspend fun part() {
        val contact = alice.contacts.all().single().id
        alice.contacts.resetSession(contact)
        alice.conversations.delete(place)
        assertEquals(emptyList<Message>(), alice.messages.page(place, 10))
        alice.contacts.remove(contact)
        assertEquals(emptyList<Contact>(), alice.contacts.all())
    }
}
