package im.sotto

import im.sotto.testing.Node
import im.sotto.testing.PATIENCE_S
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.fail
import java.io.File

/** The repository. */
val REPO: File = File(System.getProperty("sotto.repo")).canonicalFile

/** A database key. */
val KEY = ByteArray(32) { it.toByte() }

/** The form of an id, and nobody's. */
val NO_ID: String = "A".repeat(43)

/** A test whose waits are bounded one by one ([until]). */
fun test(steps: suspend CoroutineScope.() -> Unit): Unit = runBlocking { steps() }

fun config(dir: File, vararg nodes: Node) = SottoConfig(dir, Preset.LOCAL, nodes.map { it.address }, receipts = true)

suspend fun open(dir: File, vararg nodes: Node): Sotto = Sotto.open(config(dir, *nodes), KEY)

/** A phone with an account, whose receipts leave at once. */
suspend fun phone(dir: File, name: String, vararg nodes: Node): Sotto = open(dir, *nodes).apply {
    account.create(name)
    updateSettings(receiptDelayMs = 0)
}

/** Makes two phones contacts of each other; their conversation. */
suspend fun befriend(alice: Sotto, bob: Sotto): ConversationId {
    alice.contacts.add(bob.contacts.invite().link, "it is me")
    val request = bob.contacts.observeAll().until("a request") { it.isNotEmpty() }.single()
    bob.contacts.accept(request.id)
    val isAccepted = { all: List<Contact> -> all.any { it.state == ContactState.ACCEPTED } }
    return alice.contacts.observeAll().until("the answer", isAccepted).single().conversation
}

/** The first value that fits, within a minute. */
suspend fun <T> Flow<T>.until(what: String, fits: suspend (T) -> Boolean): T {
    var last: T? = null
    val found = withTimeoutOrNull(PATIENCE_S * 1000) {
        first {
            last = it
            fits(it)
        }.let(::listOf)
    }
    return found?.single() ?: fail("waited in vain for $what; last was $last")
}

/** Waits until a message of the other side is here. */
suspend fun Sotto.meets(place: ConversationId, message: MessageId): Message =
    observe(Change.MESSAGES) { messages.page(place, 100).firstOrNull { it.id == message } }
        .until("$message") { it != null } ?: error("unreachable")

/** Waits until the page of a conversation, oldest first, has these texts. */
suspend fun Sotto.shows(place: ConversationId, texts: List<String>) {
    val read: suspend Sotto.() -> List<String> = { messages.page(place, 500).reversed().mapNotNull { it.text } }
    observe(Change.MESSAGES, read = read).until("$texts") { it == texts }
}

/** The call fails with this class and code. */
inline fun <reified T : SottoException> fails(code: SottoCode, call: () -> Any?): T {
    val answer = try {
        call()
    } catch (error: SottoException) {
        assertEquals(code, error.code)
        assertEquals(T::class, error::class)
        assertEquals("${code.text}: ${error.detail}", error.message)
        return error as T
    }
    fail<Any>("$code expected, not $answer")
    error("unreachable")
}
