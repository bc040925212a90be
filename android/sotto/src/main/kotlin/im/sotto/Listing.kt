package im.sotto

import im.sotto.ffi.SottoEvent
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.drop

/** A list that is read page by page and read again after each change: conversations of a folder, files. */
public class Listing<T> internal constructor(
    bridge: Bridge,
    private val pageSize: Int,
    wants: (SottoEvent) -> Boolean,
    private val idOf: (T) -> Any,
    private val cursorOf: (T) -> String,
    private val page: suspend (limit: Int, before: String?) -> List<T>,
) {
    private val wanted = MutableStateFlow(pageSize)
    private val more = MutableStateFlow(false)

    /** [wanted] as of the last read. */
    @Volatile
    private var served = 0

    /** The entries from the first one on: at first one page, and one more after each [loadMore]. */
    public val items: Flow<List<T>> = bridge.live(wanted.drop(1), wants, ::read).distinctUntilChanged()

    /** Whether [loadMore] would bring more, as of the last read. */
    public val hasMore: StateFlow<Boolean> = more.asStateFlow()

    /** Adds a page. It does nothing without [hasMore], or before the last added page was read. */
    public fun loadMore() {
        if (more.value) wanted.compareAndSet(served, served + pageSize)
    }

    private suspend fun read(): List<T> {
        val count = wanted.value
        val found = ArrayList<T>()
        do {
            val limit = minOf(count + 1 - found.size, MOST)
            val next = page(limit, found.lastOrNull()?.let(cursorOf))
            found += next
        } while (next.size == limit && found.size <= count)
        more.value = found.size > count
        served = count
        // Between two pages an entry may have moved from one to the other.
        return found.take(count).distinctBy(idOf)
    }

    private companion object {
        /** Most entries that the core reads at once. */
        const val MOST = 500
    }
}
