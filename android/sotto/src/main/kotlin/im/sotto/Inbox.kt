package im.sotto

/** A bounded queue: for one entry too many the oldest is dropped. */
internal class Inbox<T>(private val most: Int) {
    private val entries = ArrayDeque<T>()

    @Synchronized
    fun put(entry: T) {
        if (entries.size == most) entries.removeFirst()
        entries.addLast(entry)
    }

    @Synchronized
    fun take(): T? = entries.removeFirstOrNull()
}
