package im.sotto.app

import android.widget.LinearLayout
import im.sotto.Sotto
import im.sotto.SottoCode

/** What the core reported in the background, the latest first, and what to do about it. */
class NoticesActivity : Screen(R.layout.form, R.string.notices_title) {
    override suspend fun follow(sotto: Sotto) {
        val form = Form(findViewById<LinearLayout>(R.id.rows))
        form.clear()
        app.preferences.noticesSeen = true
        val known = SottoCode.entries.associateBy { it.text }
        val notices = app.preferences.notices
        if (notices.isEmpty()) form.text(getString(R.string.notices_empty))
        for ((code, time) in notices) {
            val text = getString(known[code]?.let(::textOf) ?: R.string.error_other)
            form.row(R.drawable.ic_warning, text, app.times.full(time))
        }
    }
}
