package im.sotto.app

import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.AbsListView
import android.widget.BaseAdapter
import android.widget.ListView

/** The rows of a list. Redraws when the items differ from those shown. */
class Rows<T : Any>(
    private val list: ListView,
    private val layout: Int,
    private val id: (T) -> Any,
    private val bind: (View, T) -> Unit,
) : BaseAdapter() {
    private var items = emptyList<T>()

    init {
        list.adapter = this
    }

    fun show(now: List<T>) {
        if (now == items) return
        items = now
        notifyDataSetChanged()
    }

    fun onTap(action: (T) -> Unit) = list.setOnItemClickListener { _, _, position, _ -> at(position)?.let(action) }

    fun onHold(action: (T) -> Unit) = list.setOnItemLongClickListener { _, _, position, _ ->
        at(position)?.let(action) != null
    }

    /** Tells when the last rows come into view. */
    fun onEnd(action: () -> Unit) = list.setOnScrollListener(
        object : AbsListView.OnScrollListener {
            override fun onScroll(view: AbsListView, first: Int, visible: Int, total: Int) {
                if (total > 0 && first + visible >= total - NEAR) action()
            }

            override fun onScrollStateChanged(view: AbsListView, state: Int) = Unit
        },
    )

    /** The item at a position of the list, headers counted. */
    private fun at(position: Int) = items.getOrNull(position - list.headerViewsCount)

    override fun getCount() = items.size

    override fun getItem(position: Int) = items[position]

    override fun getItemId(position: Int) = id(items[position]).hashCode().toLong()

    override fun hasStableIds() = true

    override fun getView(position: Int, old: View?, parent: ViewGroup): View {
        val view = old ?: LayoutInflater.from(parent.context).inflate(layout, parent, false)
        bind(view, items[position])
        return view
    }

    private companion object {
        /** Rows before the end. */
        const val NEAR = 5
    }
}
