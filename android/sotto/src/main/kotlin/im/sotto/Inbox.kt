package im.sotto

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.isActive

/** A bounded queue: for one entry too many the oldest is dropped. */
internal class Inbox<T>(private val most: Int) {
    private val entries = ArrayDeque<T>()

    @Synchronized
    fun put(entry: T) {
        if (entries.size == most) entries.removeFirst()
        entries.addLast(entry)
    }

    /** Gives all entries. One that a cancelled receiver had is kept for the next, because it may not have been seen. */
    suspend fun drain(give: suspend (T) -> Unit) {
        while (true) {
            val entry = take() ?: return
            try {
                give(entry)
            } catch (error: CancellationException) {
                if (!currentCoroutineContext().isActive) putBack(entry)
                throw error
            }
        }
    }

    @Synchronized
    private fun take(): T? = entries.removeFirstOrNull()

    @Synchronized
    private fun putBack(entry: T) {
        if (entries.size < most) entries.addFirst(entry)
    }
}
