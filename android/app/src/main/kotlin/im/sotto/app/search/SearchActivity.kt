package im.sotto.app.search

import android.content.Context
import android.graphics.Typeface
import android.os.Bundle
import android.text.SpannableString
import android.text.Spanned
import android.text.style.BackgroundColorSpan
import android.text.style.ForegroundColorSpan
import android.text.style.StyleSpan
import android.view.View
import android.widget.EditText
import android.widget.ListView
import android.widget.TextView
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.Hit
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException
import im.sotto.android.PeerText
import im.sotto.app.AvatarView
import im.sotto.app.R
import im.sotto.app.Rows
import im.sotto.app.Screen
import im.sotto.app.conversationId
import im.sotto.app.face
import im.sotto.app.onText
import im.sotto.app.showText
import im.sotto.app.toConversation
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.collectLatest
import java.text.Normalizer

/**
 * Finds messages by their words and the names of their files, in one conversation or all; over all, people by their
 * names too. Nothing leaves the phone.
 */
class SearchActivity : Screen(R.layout.search, R.string.search_title) {
    /** A message, or without a hit the person of a conversation. */
    private data class Found(val hit: Hit?, val conversation: Conversation)

    private lateinit var rows: Rows<Found>
    private val query = MutableStateFlow("")
    private val known = HashMap<ConversationId, Conversation>()
    private var more: (() -> Unit)? = null

    override fun build(state: Bundle?) {
        val list = findViewById<ListView>(R.id.list)
        rows = Rows(list, R.layout.search_row, { it.hit?.message ?: it.conversation.id }, ::bind)
        rows.onTap { toConversation(it.conversation.id, it.hit?.message) }
        rows.onEnd { more?.invoke() }
        val field = findViewById<EditText>(R.id.query)
        field.onText { query.value = field.text.toString().trim() }
        field.requestFocus()
    }

    override suspend fun follow(sotto: Sotto) {
        query.value = findViewById<EditText>(R.id.query).text.toString().trim()
        query.collectLatest { find(sotto, it) }
    }

    private suspend fun find(sotto: Sotto, words: String) {
        val within = conversationId.takeIf { it.value.isNotEmpty() }
        val found = ArrayList<Found>()
        val pages = MutableStateFlow(1)
        more = null
        if (words.isEmpty()) return show(found, null)
        if (within == null) found += people(sotto, words)
        try {
            pages.collectLatest {
                val page = sotto.messages.search(words, PAGE, within, found.lastOrNull()?.hit?.cursor)
                for (hit in page) found += Found(hit, conversationOf(sotto, hit.conversation))
                val read = pages.value
                more = if (page.size == PAGE) ({ pages.compareAndSet(read, read + 1) }) else null
                show(found.toList(), if (found.isEmpty()) R.string.search_none else null)
            }
        } catch (error: SottoException) {
            show(found.filter { it.hit == null }, TEXTS[error.code] ?: throw error)
        }
    }

    /** Conversations of people whose names have these letters, with accents or without. */
    private suspend fun people(sotto: Sotto, words: String): List<Found> {
        val wanted = plain(words)
        return sotto.contacts.all().filter { wanted in plain(it.name) || wanted in plain(it.ownName) }.take(MOST_PEOPLE)
            .map { Found(null, conversationOf(sotto, it.conversation)) }
    }

    private suspend fun conversationOf(sotto: Sotto, id: ConversationId) =
        known[id] ?: sotto.conversations.get(id).also { known[id] = it }

    private fun show(found: List<Found>, text: Int?) {
        rows.show(found)
        findViewById<TextView>(R.id.none).showText(text?.let(::getString))
    }

    private fun bind(view: View, one: Found) {
        val name = PeerText.line(one.conversation.name)
        view.findViewById<AvatarView>(R.id.avatar).show(name, one.conversation.face, null)
        view.findViewById<TextView>(R.id.name).text = name
        view.findViewById<TextView>(R.id.text).showText(one.hit?.let { marked(this, it) })
        view.findViewById<TextView>(R.id.time).showText(one.hit?.let { app.times.short(it.timeMs) })
    }

    companion object {
        private const val PAGE = 50
        private const val MOST_PEOPLE = 5
        private val ACCENTS = Regex("\\p{Mn}+")

        private fun plain(text: String) =
            Normalizer.normalize(text, Normalizer.Form.NFD).replace(ACCENTS, "").lowercase()

        private val TEXTS = mapOf(
            SottoCode.SEARCH_OFF to R.string.search_off,
            SottoCode.INPUT_QUERY to R.string.search_long,
        )

        /** The part of the text, with the found words marked. */
        private fun marked(context: Context, hit: Hit): CharSequence {
            val text = SpannableString((if (hit.isMine) context.getString(R.string.chat_you, "") else "") + hit.text)
            val before = text.length - hit.text.length
            for (mark in hit.marks) {
                val (from, to) = before + mark.first to before + mark.last + 1
                val look = listOf(
                    BackgroundColorSpan(context.getColor(R.color.accent_soft)),
                    ForegroundColorSpan(context.getColor(R.color.on_accent_soft)),
                    StyleSpan(Typeface.BOLD),
                )
                for (span in look) text.setSpan(span, from, to, Spanned.SPAN_EXCLUSIVE_EXCLUSIVE)
            }
            return PeerText.clean(text)
        }
    }
}
