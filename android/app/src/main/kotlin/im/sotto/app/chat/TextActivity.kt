package im.sotto.app.chat

import android.content.Intent
import android.icu.text.BreakIterator
import android.os.Bundle
import android.widget.ListView
import android.widget.TextView
import im.sotto.Message
import im.sotto.MessageId
import im.sotto.Sotto
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.Rows
import im.sotto.app.Screen
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** The whole text of a message, up to 1 MiB, to read and to select from: a list of parts, so any length is quick. */
class TextActivity : Screen(R.layout.chat_text, R.string.chat_text_title) {
    private data class Part(val at: Int, val text: String)

    private lateinit var rows: Rows<Part>

    override fun build(state: Bundle?) {
        rows = Rows(findViewById<ListView>(R.id.list), R.layout.chat_text_part, Part::at) { view, part ->
            (view as TextView).text = part.text
        }
    }

    override suspend fun follow(sotto: Sotto) {
        val text = sotto.messages.get(MessageId(intent.getStringExtra(MESSAGE).orEmpty())).text.orEmpty()
        rows.show(withContext(Dispatchers.Default) { parts(PeerText.clean(text).toString()) })
    }

    companion object {
        private const val MESSAGE = "message"
        private const val PART = 1_000

        fun of(chat: ChatActivity, message: Message): Intent =
            Intent(chat, TextActivity::class.java).putExtra(MESSAGE, message.id.value)

        /** Cuts at the end of a line, else between words, else between graphemes. */
        private fun parts(text: String): List<Part> {
            val parts = ArrayList<Part>()
            var at = 0
            while (at < text.length) {
                val end = if (text.length - at <= PART) text.length else cut(text, at)
                parts += Part(at, text.substring(at, end).removeSuffix("\n"))
                at = end
            }
            return parts
        }

        private fun cut(text: String, from: Int): Int {
            val part = text.substring(from, from + PART)
            val line = part.lastIndexOf('\n')
            if (line > 0) return from + line + 1
            val word = part.lastIndexOf(' ')
            if (word > PART / 2) return from + word + 1
            val graphemes = BreakIterator.getCharacterInstance().apply { setText(part) }
            val cut = graphemes.preceding(PART)
            return from + if (cut <= 0) PART else cut
        }
    }
}
