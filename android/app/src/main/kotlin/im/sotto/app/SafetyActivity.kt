package im.sotto.app

import android.content.Intent
import android.os.Bundle
import android.widget.TextView
import im.sotto.Bytes
import im.sotto.Contact
import im.sotto.SafetyNumber
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException

/** Two people compare a number, by digits or by scanning, and know that nobody reads along. */
class SafetyActivity : Screen(R.layout.safety, R.string.safety_title) {
    override fun build(state: Bundle?) {
        onTap(R.id.scan) { scanCode(SCAN) }
        onTap(R.id.picture) { pickPicture(PICK) }
    }

    override suspend fun follow(sotto: Sotto) = sotto.contacts.observe(contactId).collect { one ->
        show(one, sotto.contacts.safetyNumber(one.id))
    }

    private fun show(one: Contact, number: SafetyNumber) {
        findViewById<TextView>(R.id.text).text = getString(R.string.safety_text, one.name)
        findViewById<QrView>(R.id.code).show(number.qr.toByteArray())
        findViewById<TextView>(R.id.digits).apply {
            val groups = number.digits.filter(Char::isDigit).chunked(GROUP)
            text = groups.chunked(GROUPS_A_LINE).joinToString("\n") { it.joinToString("  ") }
            contentDescription = getString(R.string.safety_digits, groups.joinToString(" "))
        }
        setText(R.id.verified, if (one.isVerified) getString(R.string.safety_verified, one.name) else null)
        findViewById<TextView>(R.id.same).setText(if (one.isVerified) R.string.safety_undo else R.string.safety_same)
        onTap(R.id.same) { act { it.contacts.verify(one.id, if (one.isVerified) null else number.devices) } }
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        when (request) {
            SCAN -> data?.getByteArrayExtra(ScanActivity.CODE)?.let(::compare)
            PICK -> data?.data?.let { uri ->
                attempt {
                    val code = Qr.read(this, uri)
                    if (code == null) say(getString(R.string.add_no_code)) else compare(code)
                }
            }
        }
    }

    private fun compare(code: ByteArray) = act { sotto ->
        sotto.contacts.scan(contactId, Bytes.of(code))
        say(getString(R.string.safety_now, sotto.contacts.get(contactId).name))
    }

    override fun failed(error: SottoException) =
        if (error.code == SottoCode.CONTACT_MISSING) finish() else super.failed(error)

    private companion object {
        const val SCAN = 1
        const val PICK = 2
        const val GROUP = 5
        const val GROUPS_A_LINE = 4
    }
}
