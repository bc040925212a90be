package im.sotto.app

import android.app.AlertDialog
import android.view.View
import android.view.ViewGroup
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import im.sotto.Contact
import im.sotto.ContactAction
import im.sotto.ContactState
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException

/** One person: who it is, whether that was compared, and what can be done. */
class ContactActivity : Screen(R.layout.contact) {
    private val form by lazy { Form(findViewById<LinearLayout>(R.id.rows)) }

    override suspend fun follow(sotto: Sotto) = sotto.contacts.observe(contactId).collect { show(sotto, it) }

    private suspend fun show(sotto: Sotto, one: Contact) {
        findViewById<AvatarView>(R.id.avatar)
            .show(one.name, one.id.value, app.pictures.of(sotto, one.picture), one.colorRing)
        findViewById<TextView>(R.id.name).text = one.name
        setText(R.id.own_name, if (one.name == one.ownName) null else getString(R.string.contact_own_name, one.ownName))
        findViewById<TextView>(R.id.emoji).text = AvatarView.emoji(one.emojiHash)
        val waiting = one.waiting?.takeIf { it != SottoCode.CONTACT_DEVICES_CHANGED }
        setText(R.id.waiting, waiting?.let { getString(R.string.contact_waiting, getString(textOf(it))) })
        findViewById<View>(R.id.devices).show(one.devicesChanged)
        findViewById<TextView>(R.id.devices_text).text = getString(R.string.contact_devices_text, one.name)
        onTap(R.id.compare) { toSafetyNumber(one.id) }
        onTap(R.id.seen) { act { it.contacts.devicesSeen(one.id, it.contacts.safetyNumber(one.id).devices) } }
        onTap(R.id.message) { toConversation(one.conversation) }
        findViewById<View>(R.id.message).show(one.state == ContactState.ACCEPTED || one.state == ContactState.REQUESTED)
        showRows(one)
    }

    private fun showRows(one: Contact) {
        form.clear()
        val verified = getString(if (one.isVerified) R.string.contact_verified else R.string.contact_not_verified)
        form.row(R.drawable.ic_verified, R.string.contact_safety, verified) { toSafetyNumber(one.id) }.id = R.id.safety
        form.row(R.drawable.ic_edit, R.string.contact_nickname, nicknameOf(one)) { editNickname(one) }.id =
            R.id.nickname
        form.row(R.drawable.ic_image, R.string.media_title) { toMedia(one.conversation) }.id = R.id.media
        if (one.state == ContactState.BLOCKED) {
            form.row(R.drawable.ic_block, R.string.contact_unblock) { answer(one, ContactAction.UNBLOCK) }.id =
                R.id.block
        } else {
            danger(R.drawable.ic_block, R.string.contact_block, R.id.block) {
                confirm(
                    getString(R.string.contact_block_title, one.name),
                    getString(R.string.contact_block_text),
                    R.string.contact_block,
                ) { answer(one, ContactAction.BLOCK) }
            }
        }
        danger(R.drawable.ic_delete, R.string.contact_remove, R.id.remove) {
            confirm(
                getString(R.string.contact_remove_title, one.name),
                getString(R.string.contact_remove_text),
                R.string.contact_remove_yes,
            ) { act { it.contacts.remove(one.id) } }
        }
    }

    private fun danger(icon: Int, title: Int, id: Int, action: () -> Unit) {
        form.row(icon, getString(title), danger = true, action = action).id = id
    }

    private fun nicknameOf(one: Contact) = one.name.takeIf { it != one.ownName }

    private fun answer(one: Contact, action: ContactAction) = act { it.contacts.answer(one.id, action) }

    private fun editNickname(one: Contact) {
        val box = layoutInflater.inflate(R.layout.nickname, findViewById<ViewGroup>(R.id.content), false)
        val field = box.findViewById<EditText>(R.id.nickname_field)
        field.setText(nicknameOf(one).orEmpty())
        field.setSelection(field.text.length)
        AlertDialog.Builder(this)
            .setTitle(R.string.contact_nickname)
            .setView(box)
            .setNegativeButton(R.string.cancel, null)
            .setPositiveButton(R.string.save) { _, _ ->
                val text = field.text.toString().trim()
                act { it.contacts.setNickname(one.id, text.ifEmpty { null }) }
            }
            .show()
    }

    /** The contact was removed, here or before the process died. */
    override fun failed(error: SottoException) =
        if (error.code == SottoCode.CONTACT_MISSING) finish() else super.failed(error)
}
