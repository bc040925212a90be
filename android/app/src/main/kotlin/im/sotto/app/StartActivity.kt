package im.sotto.app

import android.content.Intent
import android.os.Bundle
import android.view.View
import android.widget.Button
import android.widget.TextView
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException

/** The first screen: to the chats if there is an account, else a new account or an old one. */
class StartActivity : Screen(R.layout.start) {
    override val hasBack get() = false

    override fun build(state: Bundle?) {
        toolbar.show(false)
        onTap(R.id.create) { go(ProfileActivity::class.java) }
        onTap(R.id.restore) { go(RestoreActivity::class.java) }
        onTap(R.id.retry) { recreate() }
        onTap(R.id.wipe) { confirmWipe(::recreate) }
        offer(false, R.string.app_name, getString(R.string.start_opening))
    }

    override suspend fun follow(sotto: Sotto) {
        val account = sotto.account.get()
        if (account == null) {
            offer(true, R.string.start_title, getString(R.string.start_text))
            return
        }
        go(ChatsActivity::class.java)
        if (!app.preferences.phraseWritten) go(PhraseActivity::class.java)
        if (account.name.isEmpty()) go(ProfileActivity::class.java)
        finish()
    }

    /** The database cannot be opened: nothing is deleted unless the person says so. */
    override fun failed(error: SottoException) {
        offer(false, R.string.start_failed, textOf(error))
        findViewById<View>(R.id.retry).show(true)
        // Deleting is offered only where it helps.
        findViewById<View>(R.id.wipe).show(error.code in HOPELESS)
        if (error.code != SottoCode.KEY_LOST) return
        // Nothing opens this database again, so all that helps is to begin with the phrase.
        findViewById<Button>(R.id.retry).setText(R.string.start_restore)
        onTap(R.id.retry) { confirmWipe { go(RestoreActivity::class.java) } }
    }

    private fun go(screen: Class<out Screen>) = startActivity(Intent(this, screen))

    private fun confirmWipe(next: () -> Unit) = confirm(
        getString(R.string.start_wipe_title), getString(R.string.start_wipe_text), R.string.start_wipe_yes,
    ) {
        attempt {
            app.wipe()
            next()
        }
    }

    private fun offer(choices: Boolean, title: Int, text: String) {
        findViewById<TextView>(R.id.title).setText(title)
        findViewById<TextView>(R.id.text).text = text
        findViewById<View>(R.id.create).show(choices)
        findViewById<View>(R.id.restore).show(choices)
        for (id in listOf(R.id.retry, R.id.wipe)) findViewById<View>(id).show(false)
    }

    private companion object {
        /** Databases that no retry opens. */
        val HOPELESS = setOf(
            SottoCode.KEY_LOST, SottoCode.STORAGE_WRONG_KEY, SottoCode.STORAGE_CORRUPT, SottoCode.STORAGE_ROLLED_BACK,
        )
    }
}
