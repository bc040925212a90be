package im.sotto.app

import android.os.Bundle
import android.text.Editable
import android.text.Spanned
import android.text.style.ForegroundColorSpan
import android.text.style.UnderlineSpan
import android.view.View
import android.view.ViewGroup
import android.widget.Button
import android.widget.EditText
import android.widget.TextView
import im.sotto.PhraseCheck
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.WrongWord
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch

/** An account comes back from its recovery phrase. Names each wrong word and offers the words that it may be. */
class RestoreActivity : Screen(R.layout.restore, R.string.restore_title) {
    private val phrase: EditText get() = findViewById(R.id.phrase)
    private var judging: Job? = null
    override val isSecret get() = true

    override fun build(state: Bundle?) {
        phrase.onText { judge() }
        onTap(R.id.restore) {
            act { sotto ->
                sotto.account.restore(words().joinToString(" "))
                app.preferences.phraseWritten = true
                toStart()
            }
        }
    }

    private fun words() = phrase.text.toString().lowercase().split(SPACE).filter(String::isNotEmpty)

    private fun judge() {
        judging?.cancel()
        judging = scope.launch { show(Sotto.phraseCheck(words().joinToString(" "))) }
    }

    private fun show(check: PhraseCheck) {
        val words = words()
        // A last word that is still typed is completed, not called wrong.
        val isTyping = phrase.text.lastOrNull()?.isWhitespace() == false && words.size !in LENGTHS
        val wrong = check.wrong.filterNot { isTyping && it.index == words.size }
        mark(phrase.text, wrong)
        findViewById<TextView>(R.id.verdict).showText(verdict(check, wrong, words))
        offer(wrong.firstOrNull() ?: check.wrong.lastOrNull())
        findViewById<View>(R.id.restore).isEnabled = check.code == null
    }

    private fun verdict(check: PhraseCheck, wrong: List<WrongWord>, words: List<String>): String? = when {
        words.isEmpty() -> null
        wrong.isNotEmpty() -> getString(R.string.restore_wrong, wrong[0].index, words[wrong[0].index - 1]) +
            if (wrong[0].nearest.isEmpty()) "" else " " + getString(R.string.restore_nearest)
        check.code == null -> getString(R.string.restore_good)
        check.code == SottoCode.PHRASE_CHECKSUM -> getString(R.string.restore_swapped)
        else -> resources.getQuantityString(R.plurals.restore_count, words.size, words.size)
    }

    /** Words of the list, in place of one that is not in it. */
    private fun offer(word: WrongWord?) {
        val chips = findViewById<ViewGroup>(R.id.suggestions)
        chips.removeAllViews()
        for (candidate in word?.nearest.orEmpty()) {
            val chip = layoutInflater.inflate(R.layout.chip, chips, false) as Button
            chip.text = candidate
            chip.setOnClickListener { replace(word?.index ?: return@setOnClickListener, candidate) }
            chips.addView(chip)
        }
    }

    private fun replace(index: Int, by: String) {
        val place = places().getOrNull(index - 1) ?: return
        val isLast = index == places().size
        phrase.text.replace(place.first, place.last + 1, if (isLast) "$by " else by)
    }

    private fun places() = WORD.findAll(phrase.text).map { it.range }.toList()

    private fun mark(text: Editable, wrong: List<WrongWord>) {
        text.getSpans(0, text.length, ForegroundColorSpan::class.java).forEach(text::removeSpan)
        text.getSpans(0, text.length, UnderlineSpan::class.java).forEach(text::removeSpan)
        val places = places()
        for (word in wrong) {
            val place = places.getOrNull(word.index - 1) ?: continue
            for (span in listOf(ForegroundColorSpan(getColor(R.color.danger)), UnderlineSpan())) {
                text.setSpan(span, place.first, place.last + 1, Spanned.SPAN_EXCLUSIVE_EXCLUSIVE)
            }
        }
    }

    private companion object {
        val SPACE = Regex("\\s+")
        val WORD = Regex("\\S+")
        val LENGTHS = setOf(12, 15, 18, 21, 24)
    }
}
