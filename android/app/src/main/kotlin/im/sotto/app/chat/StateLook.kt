package im.sotto.app.chat

import android.app.AlertDialog
import android.widget.ImageView
import android.widget.LinearLayout
import im.sotto.Message
import im.sotto.MessageState
import im.sotto.app.Form
import im.sotto.app.R
import im.sotto.app.Screen
import im.sotto.app.textOf

/** How a state of an own message looks and is called. */
enum class StateLook(val state: MessageState, val icon: Int, val text: Int, val color: Int, val legend: Int) {
    QUEUED(
        MessageState.QUEUED, R.drawable.ic_state_queued, R.string.state_queued, R.color.text_secondary,
        R.string.chat_legend_queued,
    ),
    SENT(
        MessageState.SENT, R.drawable.ic_state_sent, R.string.state_sent, R.color.text_secondary,
        R.string.chat_legend_sent,
    ),
    STORED(
        MessageState.STORED, R.drawable.chat_state_stored, R.string.state_stored, R.color.text_secondary,
        R.string.chat_legend_stored,
    ),
    DELIVERED(
        MessageState.DELIVERED, R.drawable.ic_state_delivered, R.string.state_delivered, R.color.text_secondary,
        R.string.chat_legend_delivered,
    ),
    READ(
        MessageState.READ, R.drawable.chat_state_read, R.string.state_read, R.color.accent,
        R.string.chat_legend_read,
    ),
    FAILED(
        MessageState.FAILED, R.drawable.ic_state_failed, R.string.state_failed, R.color.danger,
        R.string.chat_legend_failed,
    );

    fun show(icon: ImageView) {
        icon.setImageResource(this.icon)
        icon.setColorFilter(icon.context.getColor(color))
        icon.contentDescription = icon.resources.getString(text)
    }

    companion object {
        /** Of an own message; null of the other side's. */
        fun of(message: Message): StateLook? = entries.firstOrNull { message.isMine && it.state == message.state }

        /** What the state of this message means, then the legend of all states. */
        fun explain(context: Screen, message: Message) {
            val content = android.view.LayoutInflater.from(context).inflate(R.layout.chat_menu, null)
            val form = Form(content.findViewById<LinearLayout>(R.id.actions))
            val now = of(message)
            message.reason?.let { form.text(context.getString(textOf(it))) }
            for (look in entries) {
                val row = form.row(look.icon, context.getString(look.text), context.getString(look.legend))
                look.show(row.findViewById(R.id.icon))
                row.findViewById<ImageView>(R.id.icon).contentDescription = null
                if (look == now) row.setBackgroundResource(R.color.accent_soft)
            }
            context.present(
                AlertDialog.Builder(context).setTitle(R.string.chat_details).setView(content)
                    .setPositiveButton(android.R.string.ok, null),
            )
        }
    }
}
