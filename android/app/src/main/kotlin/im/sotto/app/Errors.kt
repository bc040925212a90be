package im.sotto.app

import android.content.Context
import im.sotto.SottoCode
import im.sotto.SottoException

/** What a person reads when a call failed. */
fun Context.textOf(error: SottoException): String = getString(textOf(error.code))

/** What a person reads for a code, as the result of a call or as a notice. */
fun textOf(code: SottoCode): Int = TEXTS[code] ?: when {
    code.text.startsWith("file.") -> R.string.error_file
    code.text.startsWith("storage.") -> R.string.error_storage
    code.text.startsWith("invite.") -> R.string.error_invite
    code.text.startsWith("network.") -> R.string.error_network
    else -> R.string.error_other
}

private val TEXTS = mapOf(
    SottoCode.PHRASE_WORD to R.string.error_phrase_word,
    SottoCode.PHRASE_LENGTH to R.string.error_phrase_length,
    SottoCode.PHRASE_CHECKSUM to R.string.restore_swapped,
    SottoCode.DEVICE_REPLACED to R.string.error_device_replaced,
    SottoCode.INPUT_NAME to R.string.error_name,
    SottoCode.INPUT_TOO_LONG to R.string.error_too_long,
    SottoCode.CONTACT_SELF to R.string.error_contact_self,
    SottoCode.CONTACT_STATE to R.string.error_contact_state,
    SottoCode.CONTACT_BLOCKED to R.string.error_contact_blocked,
    SottoCode.CONTACT_DEVICES_CHANGED to R.string.error_devices_changed,
    SottoCode.VERIFY_QR to R.string.error_verify_qr,
    SottoCode.VERIFY_ACCOUNT to R.string.error_verify_account,
    SottoCode.VERIFY_DEVICES to R.string.error_verify_devices,
    SottoCode.VERIFY_OWN_DEVICES to R.string.error_verify_own_devices,
    SottoCode.MESSAGE_NOT_DELIVERED to R.string.error_not_delivered,
    SottoCode.MESSAGE_REFUSED to R.string.error_refused,
    SottoCode.FILE_TOO_LARGE to R.string.error_file_too_large,
    SottoCode.FILE_NO_SPACE to R.string.error_storage_full,
    SottoCode.INVITE_TRUNCATED to R.string.error_invite_truncated,
    SottoCode.INVITE_CHECKSUM to R.string.error_invite_checksum,
    SottoCode.INVITE_EXPIRED to R.string.error_invite_expired,
    SottoCode.INVITE_NEWER to R.string.error_newer,
    SottoCode.INVITE_OTHER_NETWORK to R.string.error_invite_other_network,
    SottoCode.INVITE_USED to R.string.error_invite_used,
    SottoCode.INVITE_UNREACHABLE to R.string.error_invite_unreachable,
    SottoCode.INVITE_TOO_MANY to R.string.invites_full,
    SottoCode.SUITE_NONE to R.string.error_suite_none,
    SottoCode.SUITE_LOWER to R.string.error_suite_lower,
    SottoCode.CLOCK_SKEWED to R.string.error_clock,
    SottoCode.BUCKET_BUSY to R.string.error_bucket,
    SottoCode.NETWORK_UNREACHABLE to R.string.error_unreachable,
    SottoCode.STORAGE_WRONG_KEY to R.string.error_wrong_key,
    SottoCode.STORAGE_CORRUPT to R.string.error_corrupt,
    SottoCode.STORAGE_NEWER to R.string.error_newer,
    SottoCode.STORAGE_ROLLED_BACK to R.string.error_rolled_back,
    SottoCode.STORAGE_FULL to R.string.error_storage_full,
    SottoCode.KEY_LOST to R.string.error_wrong_key,
    SottoCode.KEY_UNAVAILABLE to R.string.error_key_unavailable,
)
