package im.sotto.app

import android.content.Context
import kotlin.reflect.KProperty

/** What this app keeps beside the core's database. No text of a conversation, and no key. */
class Preferences(context: Context) {
    private val store = context.getSharedPreferences("app", Context.MODE_PRIVATE)

    /** Whether the person said that the recovery phrase is on paper. */
    var phraseWritten: Boolean by Flag(false)

    /** Whether screens are hidden from screenshots and from the list of recent apps. */
    var screenSecurity: Boolean by Flag(false)

    /** Whether a preview is offered for a link that is being written. */
    var linkPreviews: Boolean by Flag(true)

    /** Whether the notices were looked at since the last one came. */
    var noticesSeen: Boolean by Flag(true)

    /** The latest [MOST_NOTICES] notices, the latest first: code, and time in Unix milliseconds. */
    val notices: List<Pair<String, Long>>
        get() = store.getString(NOTICES, "").orEmpty().lines().filter(String::isNotEmpty).map { line ->
            line.substringBefore(' ') to line.substringAfter(' ').toLong()
        }

    /** Keeps a notice. One that repeats moves to the top. */
    fun notice(code: String, timeMs: Long) {
        val kept = (listOf(code to timeMs) + notices.filter { it.first != code }).take(MOST_NOTICES)
        store.edit().putString(NOTICES, kept.joinToString("\n") { "${it.first} ${it.second}" }).apply()
        noticesSeen = false
    }

    fun clear() = store.edit().clear().apply()

    private inner class Flag(private val default: Boolean) {
        operator fun getValue(owner: Any, property: KProperty<*>) =
            store.getBoolean(property.name, default)

        operator fun setValue(owner: Any, property: KProperty<*>, on: Boolean) =
            store.edit().putBoolean(property.name, on).apply()
    }

    private companion object {
        const val NOTICES = "notices"
        const val MOST_NOTICES = 50
    }
}
