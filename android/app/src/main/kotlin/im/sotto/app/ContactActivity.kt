package im.sotto.app

import android.app.AlertDialog
import android.os.Bundle
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

    /** What is being typed, in the dialog of this screen or in that of the one before it was made again. */
    private var nickname: String? = null
    private var isNaming = false

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
        if (one.devicesChanged) {
            // Those of now: one that comes before the tap is not waved through.
            val devices = sotto.contacts.safetyNumber(one.id).devices
            onTap(R.id.seen) { act { it.contacts.devicesSeen(one.id, devices) } }
        }
        onTap(R.id.message) { toConversation(one.conversation) }
        findViewById<View>(R.id.message).show(one.state == ContactState.ACCEPTED || one.state == ContactState.REQUESTED)
        showRows(one)
        nickname?.let { if (!isNaming) editNickname(one, it) }
    }

    private fun showRows(one: Contact) {
        form.clear()
        val verified = getString(if (one.isVerified) R.string.contact_verified else R.string.contact_not_verified)
        form.row(R.drawable.ic_verified, R.string.contact_safety, verified) { toSafetyNumber(one.id) }.id = R.id.safety
        form.row(R.drawable.ic_edit, R.string.contact_nickname, nicknameOf(one)) {
            editNickname(one, nicknameOf(one).orEmpty())
        }.id = R.id.nickname
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

    private fun editNickname(one: Contact, text: String) {
        val box = layoutInflater.inflate(R.layout.nickname, findViewById<ViewGroup>(R.id.content), false)
        val field = box.findViewById<EditText>(R.id.nickname_field)
        field.onText { nickname = field.text.toString() }
        field.setText(text)
        field.setSelection(field.text.length)
        isNaming = true
        present(
            AlertDialog.Builder(this)
                .setTitle(R.string.contact_nickname)
                .setView(box)
                .setNegativeButton(R.string.cancel) { _, _ -> endNaming() }
                .setOnCancelListener { endNaming() }
                .setPositiveButton(R.string.save) { _, _ ->
                    val name = field.text.toString().trim()
                    endNaming()
                    app.carry { it.contacts.setNickname(one.id, name.ifEmpty { null }) }
                },
        )
    }

    private fun endNaming() {
        nickname = null
        isNaming = false
    }

    override fun build(state: Bundle?) {
        nickname = state?.getString(NICKNAME)
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        state.putString(NICKNAME, nickname)
    }

    /** The contact was removed, here or before the process died. */
    override fun failed(error: SottoException) =
        if (error.code == SottoCode.CONTACT_MISSING) finish() else super.failed(error)

    private companion object {
        const val NICKNAME = "nickname"
    }
}
