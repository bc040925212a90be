package im.sotto.app.chat

import im.sotto.Message
import im.sotto.MessageId
import im.sotto.app.Times

/** A row of the chat. */
sealed interface Entry {
    /** Stays the same while the row is the same. */
    val key: String

    /** A new day begins. */
    data class Day(val label: String, override val key: String) : Entry

    /** Below are messages that were unread when the chat was opened. */
    data object New : Entry {
        override val key = "new"
    }

    /**
     * A message, and where it stands among messages of one author and one minute. The last one says time and state, and
     * so does one whose state is not that of the next.
     */
    data class One(val message: Message, val isFirst: Boolean, val isLast: Boolean, val isTimed: Boolean) : Entry {
        override val key = message.id.value
    }

    companion object {
        /** The rows of messages, which come newest first; rows come oldest first. */
        fun of(newestFirst: List<Message>, firstUnread: MessageId?, times: Times): List<Entry> {
            val rows = ArrayList<Entry>(newestFirst.size + DAYS)
            val messages = newestFirst.asReversed()
            val days = messages.map { times.day(it.timeMs) }
            fun isSplit(at: Int): Boolean {
                val (one, next) = messages[at - 1] to messages[at]
                return one.isMine != next.isMine || days[at - 1] != days[at] || next.id == firstUnread ||
                    times.clock(one.timeMs) != times.clock(next.timeMs)
            }
            for ((at, message) in messages.withIndex()) {
                if (at == 0 || days[at] != days[at - 1]) rows += Day(days[at], "day ${message.id.value}")
                if (message.id == firstUnread) rows += New
                val isFirst = at == 0 || isSplit(at)
                val isLast = at == messages.lastIndex || isSplit(at + 1)
                val isTimed = isLast || message.isMine && messages[at + 1].state != message.state
                rows += One(message, isFirst, isLast, isTimed)
            }
            return rows
        }

        private const val DAYS = 8
    }
}
