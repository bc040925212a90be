package im.sotto

import im.sotto.ffi.SottoEvent
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.drop
import kotlinx.coroutines.flow.update

/**
 * A window on the messages of one conversation. It follows the newest message, or stands around another one. It grows
 * to at most four pages and then slides, so that a conversation of any length costs the same.
 */
public class MessageList internal constructor(
    bridge: Bridge,
    private val messages: Messages,
    private val conversation: ConversationId,
    private val pageSize: Int,
    around: MessageId?,
) {
    /** Where the window stands: around [center], or at the newest message without it. */
    private data class Place(val center: MessageId?, val size: Int)

    private class Seen(val place: Place, val items: List<Message>)

    private val place = MutableStateFlow(Place(around, pageSize))
    private val older = MutableStateFlow(false)
    private val newer = MutableStateFlow(around != null)

    @Volatile
    private var seen: Seen? = null

    /** The messages in the window, newest first. It fails with [SottoCode.CONVERSATION_MISSING]. */
    public val items: Flow<List<Message>> = bridge.live(place.drop(1), ::concerns, ::read).distinctUntilChanged()

    /** Whether [loadOlder] would bring more, as of the last read. */
    public val hasOlder: StateFlow<Boolean> = older.asStateFlow()

    /** Whether there are newer messages than those in the window, as of the last read. */
    public val hasNewer: StateFlow<Boolean> = newer.asStateFlow()

    /** Adds a page of older messages. It does nothing without [hasOlder], or before the last move was read. */
    public fun loadOlder() {
        if (older.value) move { it.lastOrNull() }
    }

    /** Adds a page of newer messages. It does nothing without [hasNewer], or before the last move was read. */
    public fun loadNewer() {
        if (newer.value) move { it.firstOrNull() }
    }

    /** Moves the window to a message, for example a found one. Errors: [SottoCode.MESSAGE_MISSING]. */
    public suspend fun jumpTo(message: MessageId) {
        val id = messages.get(message).id
        place.update { Place(id, it.size) }
    }

    /** Moves the window to the newest message and follows it from then on. */
    public fun jumpToNewest() {
        place.value = Place(null, pageSize)
    }

    /** Grows the window, or puts its center at one of its ends. */
    private fun move(end: (List<Message>) -> Message?) {
        val last = seen ?: return
        val size = minOf(last.place.size + pageSize, pageSize * MOST_PAGES)
        val center = if (size > last.place.size && last.place.center == null) null else end(last.items)?.id
        place.compareAndSet(last.place, Place(center, size))
    }

    private fun concerns(event: SottoEvent): Boolean = when (event) {
        is SottoEvent.MessagesChanged -> event.conversation.lift() == conversation
        is SottoEvent.MessageStateChanged -> event.conversation.lift() == conversation
        is SottoEvent.FileChanged -> has(event.now.file.lift())
        else -> false
    }

    private fun has(file: FileId): Boolean = seen?.items.orEmpty().any { one -> one.files.any { it.id == file } }

    private suspend fun read(): List<Message> {
        while (true) {
            val now = place.value
            val items = if (now.center == null) {
                messages.page(conversation, now.size)
            } else {
                around(now.center, now.size) ?: continue
            }
            val above = items.indexOfFirst { it.id == now.center }.coerceAtLeast(0)
            // Less than half above the center: the newest message is in the window, so the window follows it.
            val atNewest = now.center == null || above < now.size / 2
            val next = if (atNewest) Place(null, now.size) else now
            place.compareAndSet(now, next)
            older.value = items.size == now.size
            newer.value = !atNewest
            seen = Seen(next, items)
            return items
        }
    }

    /** A page around [center]. If it is gone, the window moves to the nearest known message that is not, and null. */
    private suspend fun around(center: MessageId, size: Int): List<Message>? = try {
        messages.around(center, size)
    } catch (error: SottoException) {
        if (error.code != SottoCode.MESSAGE_MISSING) throw error
        val known = seen?.items.orEmpty().map { it.id }
        val at = known.indexOf(center)
        val rest = (known - center).sortedBy { kotlin.math.abs(known.indexOf(it) - at) }
        place.compareAndSet(Place(center, size), Place(rest.firstOrNull { exists(it) }, size))
        null
    }

    private suspend fun exists(message: MessageId): Boolean = try {
        messages.get(message)
        true
    } catch (error: SottoException) {
        if (error.code != SottoCode.MESSAGE_MISSING) throw error
        false
    }

    private companion object {
        /** Most pages in the window. */
        const val MOST_PAGES = 4
    }
}
