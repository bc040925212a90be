package im.sotto.app

import android.os.Bundle
import android.view.View
import android.widget.GridLayout
import android.widget.TextView
import im.sotto.Sotto

/** The recovery phrase, to be written on paper. Never in screenshots or in the list of recent apps. */
class PhraseActivity : Screen(R.layout.phrase, R.string.phrase_title) {
    override val isSecret get() = true

    override fun build(state: Bundle?) {
        onTap(R.id.written) {
            app.preferences.phraseWritten = true
            finish()
        }
    }

    /** The words go down the first column, then down the second. */
    override suspend fun follow(sotto: Sotto) {
        val grid = findViewById<GridLayout>(R.id.words)
        grid.removeAllViews()
        val words = sotto.account.phrase().split(' ')
        val rows = (words.size + 1) / 2
        words.forEachIndexed { index, word ->
            val cell = layoutInflater.inflate(R.layout.phrase_word, grid, false)
            cell.findViewById<TextView>(R.id.number).text = String.format(locale, "%d", index + 1)
            cell.findViewById<TextView>(R.id.word).text = word
            cell.contentDescription = getString(R.string.phrase_word, index + 1, word)
            cell.layoutParams = GridLayout.LayoutParams(
                GridLayout.spec(index % rows),
                GridLayout.spec(index / rows, 1f),
            ).apply { width = 0 }
            grid.addView(cell)
        }
        findViewById<View>(R.id.written).show(!app.preferences.phraseWritten)
    }
}
