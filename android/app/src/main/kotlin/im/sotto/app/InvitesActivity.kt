package im.sotto.app

import android.widget.LinearLayout
import im.sotto.Sotto

/** The open invites: each can be closed before its time. */
class InvitesActivity : Screen(R.layout.form, R.string.invites_title) {
    private val form by lazy { Form(findViewById<LinearLayout>(R.id.rows)) }

    override suspend fun follow(sotto: Sotto) {
        val open = sotto.contacts.invites().asReversed()
        form.clear()
        form.text(getString(if (open.isEmpty()) R.string.invites_empty else R.string.invites_text))
        for (invite in open) {
            form.row(R.drawable.ic_share, getString(R.string.invite_until, app.times.full(invite.expiresMs))) {
                confirm(
                    getString(R.string.invite_close_title),
                    getString(R.string.invite_close_text),
                    R.string.invite_close,
                ) {
                    act {
                        it.contacts.closeInvite(invite.id)
                        follow(it)
                    }
                }
            }
        }
        if (open.size < MOST_OPEN) {
            form.row(R.drawable.ic_add, R.string.invite_new) {
                act {
                    it.contacts.invite()
                    finish()
                }
            }.id = R.id.add
        }
    }

    private companion object {
        const val MOST_OPEN = 8
    }
}
