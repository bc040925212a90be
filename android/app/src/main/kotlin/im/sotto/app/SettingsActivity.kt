package im.sotto.app

import android.content.Intent
import android.provider.Settings
import android.view.View
import android.widget.LinearLayout
import android.widget.TextView
import im.sotto.Account
import im.sotto.LogLevel
import im.sotto.Sotto
import im.sotto.app.media.leave

/** The own account, and everything that can be set. */
class SettingsActivity : Screen(R.layout.form, R.string.chats_settings) {
    private val form by lazy { Form(findViewById<LinearLayout>(R.id.rows)) }

    override suspend fun follow(sotto: Sotto) {
        val account = sotto.account.get() ?: return toStart()
        val now = sotto.settings()
        val picture = app.pictures.of(sotto, account.picture)
        form.clear()
        form.add<View>(R.layout.form_person).apply {
            id = R.id.profile
            findViewById<AvatarView>(R.id.avatar).show(account.name, account.id.value, picture, account.colorRing)
            findViewById<TextView>(R.id.name).text = account.name
            findViewById<TextView>(R.id.emoji).text = AvatarView.emoji(account.emojiHash)
            setOnClickListener { go(ProfileActivity::class.java) }
        }
        form.row(R.drawable.ic_key, R.string.settings_phrase, getString(R.string.settings_phrase_text)) {
            offerPhrase()
        }.id = R.id.phrase
        form.section(R.string.settings_privacy)
        form.toggle(
            R.drawable.ic_state_delivered,
            R.string.settings_receipts,
            R.string.settings_receipts_text,
            now.readReceipts,
        ) {
            act { sotto -> sotto.updateSettings(readReceipts = it) }
        }.id = R.id.receipts
        form.toggle(R.drawable.ic_edit, R.string.settings_typing, R.string.settings_typing_text, now.typing) {
            act { sotto -> sotto.updateSettings(typing = it) }
        }.id = R.id.typing
        form.toggle(
            R.drawable.ic_lock, R.string.settings_screen, R.string.settings_screen_text, app.preferences.screenSecurity,
        ) {
            app.preferences.screenSecurity = it
            keepSecret()
        }.id = R.id.screen_security
        form.toggle(
            R.drawable.chat_link, R.string.settings_links, R.string.settings_links_text, app.preferences.linkPreviews,
        ) {
            app.preferences.linkPreviews = it
        }.id = R.id.links
        form.section(R.string.settings_messages)
        form.row(R.drawable.ic_bell, R.string.settings_notifications, getString(R.string.settings_notifications_text)) {
            openNotifications()
        }.id = R.id.notifications
        form.row(R.drawable.ic_download, R.string.downloads_title, getString(R.string.settings_downloads_text)) {
            go(DownloadsActivity::class.java)
        }.id = R.id.downloads
        form.row(R.drawable.ic_storage, R.string.storage_title) { go(StorageActivity::class.java) }.id = R.id.storage
        form.section(R.string.settings_app)
        form.row(R.drawable.ic_network, R.string.network_title) { go(NetworkActivity::class.java) }.id = R.id.network
        form.row(R.drawable.ic_log, R.string.log_title, getString(LEVELS.getValue(now.log))) { offerLevel() }.id =
            R.id.log
        form.row(R.drawable.ic_share, R.string.log_export, getString(R.string.log_export_text)) { exportLog() }.id =
            R.id.log_export
        form.row(R.drawable.ic_delete, getString(R.string.settings_delete), danger = true) { offerDelete(account) }.id =
            R.id.delete
        form.text(getString(R.string.settings_version, Sotto.version))
    }

    private fun offerPhrase() = confirm(
        getString(R.string.settings_phrase), getString(R.string.settings_phrase_confirm), R.string.settings_phrase_show,
    ) { go(PhraseActivity::class.java) }

    private fun openNotifications() = leave(
        Intent(Settings.ACTION_APP_NOTIFICATION_SETTINGS).putExtra(Settings.EXTRA_APP_PACKAGE, packageName),
    )

    private fun offerLevel() = choose(
        getString(R.string.log_title),
        LEVELS.map { (level, text) ->
            text to {
                act {
                    it.updateSettings(log = level)
                    follow(it)
                }
            }
        },
    )

    /** Numbers for a bug report; the log's lines carry no name, text, address or id. */
    private fun exportLog() = act { sotto ->
        val report = Report.of(sotto)
        val send = Intent(Intent.ACTION_SEND).setType("text/plain").putExtra(Intent.EXTRA_TEXT, report)
        leave(Intent.createChooser(send, getString(R.string.log_export)))
    }

    private fun offerDelete(account: Account) = confirm(
        getString(R.string.settings_delete_title),
        getString(R.string.settings_delete_text, account.name),
        R.string.start_wipe_yes,
    ) { app.deleteAccount() }

    private fun go(screen: Class<out Screen>) = startActivity(Intent(this, screen))

    private companion object {
        val LEVELS = mapOf(
            LogLevel.OFF to R.string.log_off,
            LogLevel.ERROR to R.string.log_error,
            LogLevel.WARN to R.string.log_warn,
            LogLevel.INFO to R.string.log_info,
            LogLevel.DEBUG to R.string.log_debug,
            LogLevel.TRACE to R.string.log_trace,
        )
    }
}
