package im.sotto.app.chat

import android.content.Context
import android.view.LayoutInflater
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import im.sotto.Message
import im.sotto.Poll
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.locale

/** Draws the choices of a poll with their votes; its question is the message's text. */
class PollView(private val context: Context, private val taps: MessageTaps) {
    fun bind(box: LinearLayout, message: Message) {
        box.removeAllViews()
        val poll = message.poll ?: return
        val hasEnded = poll.endMs?.let { it <= System.currentTimeMillis() } == true
        val inflater = LayoutInflater.from(context)
        inflater.inflate(R.layout.chat_poll_note, box, true).findViewById<TextView>(R.id.poll_note).setText(
            when {
                hasEnded -> R.string.poll_ended
                poll.isMultiple -> R.string.poll_several
                else -> R.string.poll_one
            },
        )
        poll.choices.forEachIndexed { at, choice ->
            val row = inflater.inflate(R.layout.chat_choice, box, false)
            row.findViewById<TextView>(R.id.choice).text = PeerText.line(choice.text)
            row.findViewById<TextView>(R.id.choice_count).text =
                String.format(context.locale, "%d", choice.voters.size)
            row.findViewById<View>(R.id.choice_mark).visibility = if (choice.isMine) View.VISIBLE else View.INVISIBLE
            row.isSelected = choice.isMine
            row.contentDescription = context.resources.getQuantityString(
                R.plurals.poll_votes, choice.voters.size, PeerText.line(choice.text), choice.voters.size,
            )
            if (!hasEnded && taps.canWrite) row.setOnClickListener { taps.onVote(message, at) }
            box.addView(row)
        }
    }
}

/** The places of this person's choices after a tap on one: it is added, or taken back. */
fun Poll.votesAfter(choice: Int): List<Int> {
    val mine = choices.indices.filter { choices[it].isMine }
    return when {
        choice in mine -> mine - choice
        isMultiple -> mine + choice
        else -> listOf(choice)
    }
}
