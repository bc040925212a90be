package im.sotto.app

import android.os.Bundle
import android.view.View
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import im.sotto.Hit
import kotlinx.coroutines.Job

/** Finds messages of all conversations. */
class SearchActivity : Screen(R.layout.search, R.string.search_title) {
    private lateinit var rows: Rows<Hit>
    private var search: Job? = null

    override fun build(state: Bundle?) {
        rows = Rows(findViewById<ListView>(R.id.list), R.layout.search_row, { it.message }) { view, one ->
            view.findViewById<TextView>(R.id.text).text = one.text
            view.findViewById<TextView>(R.id.time).text = app.times.short(one.timeMs)
        }
        rows.onTap { toConversation(it.conversation) }
        findViewById<EditText>(R.id.query).onText(::find)
    }

    private fun find() {
        val query = findViewById<EditText>(R.id.query).text.toString().trim()
        search?.cancel()
        search = act { sotto ->
            val hits = if (query.isEmpty()) emptyList() else sotto.messages.search(query, MOST)
            rows.show(hits)
            findViewById<View>(R.id.none).show(query.isNotEmpty() && hits.isEmpty())
        }
    }

    private companion object {
        const val MOST = 50
    }
}
