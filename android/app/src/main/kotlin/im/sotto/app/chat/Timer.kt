package im.sotto.app.chat

import android.content.Context
import im.sotto.app.R
import im.sotto.app.conversationId

/** How long messages may live. */
object Timer {
    private val CHOICES = listOf(
        0 to R.string.chat_timer_off,
        300 to R.string.chat_timer_minutes,
        3_600 to R.string.chat_timer_hour,
        86_400 to R.string.chat_timer_day,
        604_800 to R.string.chat_timer_week,
        2_419_200 to R.string.chat_timer_month,
    )

    fun choose(chat: ChatActivity) = chat.offer(
        CHOICES.map { chat.getString(it.second) }, chat.getString(R.string.chat_timer),
    ) { at -> chat.perform { it.conversations.setTimer(chat.conversationId, CHOICES[at].first) } }

    /** Of a choice by name; of what another app set, in the next smaller unit. */
    fun nameOf(context: Context, seconds: Int): String {
        CHOICES.firstOrNull { it.first == seconds }?.let { return context.getString(it.second) }
        return android.text.format.DateUtils.formatElapsedTime(seconds.toLong())
    }
}
