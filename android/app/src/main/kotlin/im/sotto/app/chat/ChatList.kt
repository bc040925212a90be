package im.sotto.app.chat

import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.AbsListView
import android.widget.BaseAdapter
import android.widget.ListView
import android.widget.TextView
import im.sotto.Message
import im.sotto.MessageId
import im.sotto.app.R

/**
 * The messages on screen. When they change, what the person looks at stays where it is; at the newest message the list
 * follows.
 */
class ChatList(private val list: ListView, private val bubble: Bubble, private val onMove: () -> Unit) : BaseAdapter() {
    private var rows = emptyList<Entry>()
    private var target: MessageId? = null
    private var isOpened = false
    private var isFollowing = true
    private var flashing: MessageId? = null

    /** The first unread message when the chat was opened. */
    var firstUnread: MessageId? = null

    /** Whether the newest message of the window is on screen. */
    val isAtBottom: Boolean
        get() {
            if (count == 0) return true
            val last = list.getChildAt(list.childCount - 1) ?: return true
            val end = list.height - list.paddingBottom + last.height / 2
            return list.lastVisiblePosition >= count - 1 && last.bottom <= end
        }

    /** Whether rows changed that are not laid out yet: places are not known. */
    val isChanging get() = list.isLayoutRequested || list.childCount == 0 && count > 0
    val isNearStart get() = list.firstVisiblePosition <= NEAR
    val isNearEnd get() = list.lastVisiblePosition >= count - NEAR

    /** The newest unread message of the other side on screen. */
    val newestSeen: Message?
        get() = (list.lastVisiblePosition downTo list.firstVisiblePosition)
            .mapNotNull { (rows.getOrNull(it) as? Entry.One)?.message }
            .firstOrNull { !it.isMine && it.state == im.sotto.MessageState.RECEIVED && !it.isFetching }

    /** The message at the top, to come back to; null at the newest one. */
    val anchor: MessageId?
        get() = if (isAtBottom) null else (list.firstVisiblePosition until count).firstNotNullOfOrNull {
            (rows.getOrNull(it) as? Entry.One)?.message?.id
        }

    init {
        list.adapter = this
        list.setOnScrollListener(
            object : AbsListView.OnScrollListener {
                override fun onScroll(view: AbsListView, first: Int, visible: Int, total: Int) = onMove()

                override fun onScrollStateChanged(view: AbsListView, state: Int) = Unit
            },
        )
        // The keyboard came: the newest message stays above it.
        list.addOnLayoutChangeListener { _, _, top, _, bottom, _, oldTop, _, oldBottom ->
            val isSmaller = bottom - top < oldBottom - oldTop
            if (isSmaller && wasAtBottom && count > 0) list.post { if (pending == null) toBottom() }
            wasAtBottom = isAtBottom
            pending = null
            // Its places are known when it is done.
            list.post(onMove)
        }
    }

    private var wasAtBottom = true

    /** Where a row goes with the next layout: its key and top. */
    private var pending: Pair<String, Int>? = null

    /** Shows rows. [isNewest] says that they end with the newest message. */
    fun show(now: List<Entry>, isNewest: Boolean) {
        // Before the last rows are laid out, places are not known: what was decided then still holds.
        if (!list.isLayoutRequested) isFollowing = isAtBottom
        val (key, top) = pending ?: place()
        rows = now
        notifyDataSetChanged()
        val wanted = rows.indexOfFirst { it is Entry.One && it.message.id == target }
        val kept = rows.indexOfFirst { it.key == key }
        when {
            wanted >= 0 -> reveal(wanted)
            isNewest && isFollowing || !isOpened -> toBottom()
            kept >= 0 -> put(kept, top)
        }
        isOpened = true
    }

    /** Shows a message as soon as it is among the rows; whether it is now. */
    fun goTo(message: MessageId): Boolean {
        target = message
        val at = rows.indexOfFirst { it is Entry.One && it.message.id == message }
        if (at >= 0) reveal(at)
        return at >= 0
    }

    /** Lights up a message for a moment. */
    fun flash(message: MessageId?) {
        flashing = message
        notifyDataSetChanged()
    }

    fun toBottom() {
        target = null
        isFollowing = true
        pending = null
        list.setSelection(count - 1)
    }

    private fun reveal(at: Int) {
        target = null
        isFollowing = false
        wasAtBottom = false
        put(at, list.height / VIEW_PART)
    }

    private fun put(at: Int, top: Int) {
        pending = rows[at].key to top
        list.setSelectionFromTop(at, top)
    }

    /** Key and top of the first row that is a message. */
    private fun place(): Pair<String?, Int> {
        for (child in 0 until list.childCount) {
            val row = rows.getOrNull(list.firstVisiblePosition + child)
            if (row is Entry.One) return row.key to list.getChildAt(child).top - list.paddingTop
        }
        return null to 0
    }

    override fun getCount() = rows.size

    override fun getItem(position: Int) = rows[position]

    override fun getItemId(position: Int) = rows[position].key.hashCode().toLong()

    override fun hasStableIds() = true

    override fun areAllItemsEnabled() = false

    override fun isEnabled(position: Int) = false

    override fun getViewTypeCount() = LAYOUTS.size

    override fun getItemViewType(position: Int) = when (rows[position]) {
        is Entry.One -> 0
        is Entry.Day -> 1
        Entry.New -> 2
    }

    override fun getView(position: Int, old: View?, parent: ViewGroup): View {
        val view = old ?: LayoutInflater.from(parent.context).inflate(LAYOUTS[getItemViewType(position)], parent, false)
        when (val row = rows[position]) {
            is Entry.One -> {
                bubble.bind(view, row)
                view.setBackgroundResource(if (row.message.id == flashing) R.color.chat_quote else 0)
            }
            is Entry.Day -> view.findViewById<TextView>(R.id.day).text = row.label
            Entry.New -> {}
        }
        return view
    }

    private companion object {
        val LAYOUTS = listOf(R.layout.chat_message, R.layout.chat_day, R.layout.chat_new)

        /** Rows before an end of the window at which more is loaded. */
        const val NEAR = 10

        /** A message that was jumped to stands this part below the top. */
        const val VIEW_PART = 4
    }
}
