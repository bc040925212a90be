package im.sotto.app

import android.content.ClipboardManager
import android.content.Intent
import android.os.Bundle
import android.view.View
import android.widget.LinearLayout
import im.sotto.ConversationId
import im.sotto.Invite
import im.sotto.Sotto
import im.sotto.app.media.leave

/** Two people meet: one shows a code or sends a link, the other scans, chooses a picture, or pastes. */
class AddActivity : Screen(R.layout.add, R.string.add_title) {
    private var invite: Invite? = null

    override fun build(state: Bundle?) {
        onTap(R.id.share, ::share)
        onTap(R.id.invites) { startActivity(Intent(this, InvitesActivity::class.java)) }
        Form(findViewById<LinearLayout>(R.id.rows)).apply {
            row(R.drawable.ic_scan, R.string.add_scan) { scanCode(SCAN) }.id = R.id.scan
            row(R.drawable.ic_image, R.string.add_picture) { pickPicture(PICK) }.id = R.id.picture
            row(R.drawable.ic_paste, R.string.add_paste, action = ::paste).id = R.id.paste
        }
    }

    /** The newest open invite is shown again: each works for one person. */
    override suspend fun follow(sotto: Sotto) {
        val now = sotto.contacts.invites().lastOrNull() ?: sotto.contacts.invite()
        invite = now
        findViewById<QrView>(R.id.code).show(now.link.toByteArray())
    }

    private fun share() {
        val link = invite?.link ?: return
        val send = Intent(Intent.ACTION_SEND).setType("text/plain")
            .putExtra(Intent.EXTRA_TEXT, getString(R.string.add_share_text, link))
        leave(Intent.createChooser(send, null))
    }

    private fun paste() {
        val clipboard = getSystemService(ClipboardManager::class.java)
        val text = clipboard.primaryClip?.takeIf { it.itemCount > 0 }?.getItemAt(0)?.text?.toString()
        if (text.isNullOrBlank()) say(getString(R.string.add_paste_empty)) else open(text)
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        when (request) {
            SCAN -> data?.getByteArrayExtra(ScanActivity.CODE)?.let { open(String(it)) }
            PREVIEW -> data?.getStringExtra(PreviewActivity.CONVERSATION)?.let {
                toConversation(ConversationId(it))
                finish()
            }
            PICK -> data?.data?.let { uri ->
                attempt {
                    val code = Qr.read(this, uri)
                    if (code == null) say(getString(R.string.add_no_code)) else open(String(code))
                }
            }
        }
    }

    /** Goes on with a link, which may stand in a text. What is wrong with it is said here. */
    private fun open(text: String) = act { sotto ->
        val link = text.split(Regex("\\s+")).firstOrNull { '#' in it } ?: text.trim()
        sotto.contacts.previewInvite(link)
        startActivityForResult(Intent(this, PreviewActivity::class.java).putExtra(PreviewActivity.LINK, link), PREVIEW)
    }

    private companion object {
        const val SCAN = 1
        const val PICK = 2
        const val PREVIEW = 3
    }
}
