package im.sotto.app.chat

import android.os.Bundle
import android.view.View
import android.widget.TextView
import im.sotto.LinkPreview
import im.sotto.android.LinkPreviews
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.show
import im.sotto.app.showText
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.io.IOException

/** Offers a preview of the first link in the line. It fetches only after a tap, because the site learns of it. */
class LinkOffer(
    private val chat: ChatActivity,
    private val previews: LinkPreviews,
    private val isOn: () -> Boolean,
) {
    private val row: View = chat.findViewById(R.id.offer)
    private val refused = LinkedHashSet<String>()

    /** The link that the row is about. */
    private var link: String? = null

    /** The link whose page is being fetched. */
    private var wanted: String? = null
    private var found: LinkPreview? = null
    private var work: Job? = null
    private var pause: Job? = null

    init {
        row.setOnClickListener { link?.let(::fetch) }
        chat.findViewById<View>(R.id.offer_end).setOnClickListener { link?.let(::refuse) }
    }

    /** What goes with the text. */
    val preview: LinkPreview? get() = found?.takeIf { it.url == link }

    fun save(state: Bundle) {
        state.putStringArray(FOUND, found?.let { arrayOf(it.url, it.title, it.text) })
        state.putString(WANTED, wanted)
        state.putStringArrayList(REFUSED, ArrayList(refused))
    }

    fun restore(state: Bundle) {
        found = state.getStringArray(FOUND)?.let { (url, title, text) -> LinkPreview(url, title, text) }
        wanted = state.getString(WANTED)
        refused += state.getStringArrayList(REFUSED).orEmpty()
    }

    /** The text changed. It is empty while no preview can go with it. */
    fun look(text: String) {
        val before = link
        link = if (isOn()) LinkPreviews.linkIn(text)?.takeIf { it !in refused } else null
        val now = link
        if (wanted != now) {
            work?.cancel()
            wanted = null
        }
        pause?.cancel()
        if (now == before || now == null || preview != null) return draw()
        // The person may be writing it still. Somebody who tapped already waits no longer.
        if (wanted != null) return fetch(now)
        row.show(false)
        pause = chat.life.launch {
            delay(PAUSE_MS)
            draw()
        }
    }

    /** A text that did not leave comes back, with what goes with it. */
    fun give(back: LinkPreview) {
        found = back
    }

    /** The text was sent. */
    fun forget() {
        found = null
        refused.clear()
    }

    private fun refuse(now: String) {
        refused += now
        work?.cancel()
        wanted = null
        found = null
        link = null
        draw()
    }

    private fun fetch(now: String) {
        wanted = now
        draw()
        work = chat.life.launch {
            try {
                found = previews.fetch(now)
                if (found == null) refused += now
            } catch (_: IOException) {
                found = null
            }
            if (found == null) chat.tell(R.string.link_failed)
            wanted = null
            if (now in refused) link = null
            draw()
        }
    }

    private fun draw() {
        val now = link
        row.show(now != null)
        if (now == null) return
        val host = PeerText.hostOf(now)
        val ready = preview
        val isOffer = ready == null && wanted == null
        chat.findViewById<TextView>(R.id.offer_title).text = when {
            ready != null -> PeerText.line(ready.title).ifEmpty { host }
            isOffer -> chat.getString(R.string.link_offer, host)
            else -> chat.getString(R.string.link_loading, host)
        }
        chat.findViewById<TextView>(R.id.offer_text).showText(
            when {
                ready != null -> PeerText.line(ready.text).ifEmpty { host }
                isOffer -> chat.getString(R.string.link_offer_text)
                else -> null
            },
        )
        row.isClickable = isOffer
    }

    private companion object {
        const val FOUND = "preview"
        const val WANTED = "preview_wanted"
        const val REFUSED = "preview_refused"
        const val PAUSE_MS = 600L
    }
}
