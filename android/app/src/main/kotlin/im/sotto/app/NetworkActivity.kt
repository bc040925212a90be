package im.sotto.app

import android.content.Intent
import android.net.Uri
import android.os.PowerManager
import android.provider.Settings
import android.text.format.DateUtils
import android.text.format.Formatter
import android.widget.LinearLayout
import im.sotto.Connectivity
import im.sotto.Diagnostics
import im.sotto.Sotto
import im.sotto.android.AlwaysOn
import im.sotto.app.media.leave
import kotlinx.coroutines.flow.collectLatest

/** What is true of the connection, what it costs, and whether the phone lets the app receive. */
class NetworkActivity : Screen(R.layout.form, R.string.network_title) {
    private val form by lazy { Form(findViewById<LinearLayout>(R.id.rows)) }

    override suspend fun follow(sotto: Sotto) = sotto.connectivity.collectLatest { show(it, sotto.diagnostics()) }

    private fun show(now: Connectivity, numbers: Diagnostics) {
        form.clear()
        form.row(
            if (ChatsActivity.textOf(now) == null) R.drawable.ic_check else R.drawable.ic_warning,
            getString(ChatsActivity.textOf(now) ?: R.string.network_good),
        )
        form.section(R.string.network_connection)
        form.row(0, getString(R.string.network_publish), value = number(now.publishNodes))
        form.row(0, getString(R.string.network_receive), value = number(now.receiveNodes))
        form.row(0, getString(R.string.network_store), value = yes(now.hasStore))
        form.row(0, getString(R.string.network_unsent), value = number(numbers.unsent.toInt()))
        form.section(R.string.network_traffic)
        form.row(0, getString(R.string.network_read), value = size(numbers.bytesRead))
        form.row(0, getString(R.string.network_written), value = size(numbers.bytesWritten))
        form.row(0, getString(R.string.network_since), value = DateUtils.formatElapsedTime(numbers.uptimeMs / 1000))
        form.section(R.string.battery_title)
        form.text(getString(R.string.battery_text))
        form.toggle(R.drawable.ic_bell, R.string.battery_always, R.string.battery_always_text, AlwaysOn.isOn(this)) {
            AlwaysOn.set(this, it)
        }.id = R.id.always_on
        val isExempt = getSystemService(PowerManager::class.java).isIgnoringBatteryOptimizations(packageName)
        form.row(
            R.drawable.ic_network,
            R.string.battery_allowed,
            getString(if (isExempt) R.string.battery_exempt else R.string.battery_restricted),
        ) {
            leave(
                Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", packageName, null)),
            )
        }.id = R.id.battery
    }

    private fun number(count: Int) = String.format(locale, "%d", count)

    private fun yes(on: Boolean) = getString(if (on) R.string.yes else R.string.no)

    private fun size(bytes: Long) = Formatter.formatShortFileSize(this, bytes)
}
