package im.sotto.app.chat

import android.os.Bundle
import android.view.View
import android.widget.EditText
import android.widget.LinearLayout
import im.sotto.NewPoll
import im.sotto.Sotto
import im.sotto.SottoException
import im.sotto.app.ByteLimit
import im.sotto.app.Form
import im.sotto.app.R
import im.sotto.app.Screen
import im.sotto.app.conversationId
import im.sotto.app.onText

/** Asks a question with 2 to 10 choices. The result is OK when the poll was created. */
class PollActivity : Screen(R.layout.poll, R.string.poll_title) {
    private val question: EditText get() = findViewById(R.id.question)
    private val choices: LinearLayout get() = findViewById(R.id.choices)
    private var isMultiple = false

    /** A second tap must not ask a second time. */
    private var isAsking = false
    private val texts get() = (0 until choices.childCount).map { (choices.getChildAt(it) as EditText).text.toString() }
    private val filled get() = texts.map(String::trim).filter(String::isNotEmpty)

    override fun build(state: Bundle?) {
        question.filters = arrayOf(ByteLimit(MOST_QUESTION))
        question.onText(::refresh)
        state?.getStringArrayList(CHOICES)?.forEach(::add)
        isMultiple = state?.getBoolean(MULTIPLE) ?: false
        Form(findViewById<LinearLayout>(R.id.rows))
            .toggle(0, R.string.poll_multiple, R.string.poll_multiple_text, isMultiple) {
                isMultiple = it
            }.id = R.id.multiple
        onTap(R.id.ask, ::ask)
        refresh()
    }

    /** One empty line is always there for the next choice. */
    private fun refresh() {
        while (texts.size < LEAST || texts.size < MOST && texts.last().isNotBlank()) add("")
        findViewById<View>(R.id.ask).isEnabled = !isAsking && question.text.isNotBlank() && filled.size >= LEAST
    }

    private fun add(text: String) {
        val field = layoutInflater.inflate(R.layout.poll_choice, choices, false) as EditText
        field.hint = getString(R.string.poll_choice, choices.childCount + 1)
        field.filters = arrayOf(ByteLimit(MOST_CHOICE))
        field.setText(text)
        // This screen keeps them: views without an id of their own keep nothing.
        field.isSaveEnabled = false
        choices.addView(field)
        field.onText(::refresh)
    }

    private fun ask() {
        isAsking = true
        refresh()
        act { sotto: Sotto ->
            val poll = NewPoll(question.text.toString().trim(), filled, isMultiple)
            sotto.messages.createPoll(conversationId, poll)
            setResult(RESULT_OK)
            finish()
        }
    }

    override fun failed(error: SottoException) {
        isAsking = false
        refresh()
        super.failed(error)
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putStringArrayList(CHOICES, ArrayList(texts))
        state.putBoolean(MULTIPLE, isMultiple)
    }

    private companion object {
        const val CHOICES = "choices"
        const val MULTIPLE = "multiple"
        const val LEAST = 2
        const val MOST = 10

        /** Bytes. */
        const val MOST_QUESTION = 300
        const val MOST_CHOICE = 100
    }
}
