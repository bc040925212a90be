package im.sotto.app

import android.content.Context
import android.text.format.DateFormat
import android.text.format.DateUtils
import java.text.DateFormat.SHORT
import java.util.Calendar
import java.util.Date

/** Writes times for people. Tests replace the clock, for display only. */
open class Times(private val context: Context) {
    protected open val now: Long get() = System.currentTimeMillis()

    /** The moment that is shown for a real moment. */
    protected open fun shown(timeMs: Long): Long = timeMs

    /** For a list: the clock today, then yesterday, the weekday within a week, the date. */
    fun short(timeMs: Long): String {
        val time = shown(timeMs)
        return when (daysAgo(time)) {
            0 -> clock(timeMs)
            1 -> context.getString(R.string.yesterday)
            in 2..6 -> DateUtils.formatDateTime(
                context, time, DateUtils.FORMAT_SHOW_WEEKDAY or DateUtils.FORMAT_ABBREV_ALL,
            )
            else -> java.text.DateFormat.getDateInstance(SHORT, locale).format(Date(time))
        }
    }

    /** The time of day. */
    fun clock(timeMs: Long): String = DateFormat.getTimeFormat(context).format(Date(shown(timeMs)))

    /** The day and the time of day. */
    fun full(timeMs: Long): String = DateUtils.formatDateTime(
        context,
        shown(timeMs),
        DateUtils.FORMAT_SHOW_DATE or DateUtils.FORMAT_SHOW_WEEKDAY or DateUtils.FORMAT_SHOW_TIME,
    )

    /** The day, for a header: today, yesterday, or weekday and date. */
    fun day(timeMs: Long): String {
        val time = shown(timeMs)
        return when (daysAgo(time)) {
            0 -> context.getString(R.string.today)
            1 -> context.getString(R.string.yesterday)
            else -> DateUtils.formatDateTime(context, time, DateUtils.FORMAT_SHOW_WEEKDAY or DateUtils.FORMAT_SHOW_DATE)
        }
    }

    private val locale get() = context.resources.configuration.locales[0]

    private fun daysAgo(time: Long): Int {
        fun midnight(of: Long) = Calendar.getInstance().apply {
            timeInMillis = of
            listOf(Calendar.HOUR_OF_DAY, Calendar.MINUTE, Calendar.SECOND, Calendar.MILLISECOND).forEach { set(it, 0) }
        }.timeInMillis
        return Math.round((midnight(now) - midnight(time)) / DAY_MS.toDouble()).toInt()
    }

    private companion object {
        const val DAY_MS = 86_400_000L
    }
}
