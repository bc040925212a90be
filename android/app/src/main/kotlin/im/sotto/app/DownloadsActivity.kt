package im.sotto.app

import android.text.format.Formatter
import android.widget.LinearLayout
import im.sotto.AutoDownload
import im.sotto.NetworkLimits
import im.sotto.Sotto

/** Which files are fetched without being asked for, by kind and by network. */
class DownloadsActivity : Screen(R.layout.form, R.string.downloads_title) {
    private val form by lazy { Form(findViewById<LinearLayout>(R.id.rows)) }

    override suspend fun follow(sotto: Sotto) = show(sotto.files.autoDownload())

    private fun show(now: AutoDownload) {
        form.clear()
        form.text(getString(R.string.downloads_text))
        part(R.string.kind_voice, now.voice) { now.copy(voice = it) }
        part(R.string.kind_image, now.image) { now.copy(image = it) }
        part(R.string.kind_video, now.video) { now.copy(video = it) }
        part(R.string.kind_file, now.file) { now.copy(file = it) }
    }

    private fun part(title: Int, now: NetworkLimits, with: (NetworkLimits) -> AutoDownload) {
        form.section(title)
        limit(title, R.string.network_unmetered, now.unmetered) { with(now.copy(unmetered = it)) }
        limit(title, R.string.network_metered, now.metered) { with(now.copy(metered = it)) }
        limit(title, R.string.network_roaming, now.roaming) { with(now.copy(roaming = it)) }
    }

    private fun limit(kind: Int, network: Int, now: Long, with: (Long) -> AutoDownload) =
        form.row(0, network, value = textOf(now)) {
            chooseText(getString(kind), CHOICES.map(::textOf)) { index ->
                act { sotto ->
                    sotto.files.setAutoDownload(with(CHOICES[index]))
                    follow(sotto)
                }
            }
        }

    private fun textOf(limit: Long) = when {
        limit == 0L -> getString(R.string.downloads_never)
        limit >= MOST -> getString(R.string.downloads_always)
        else -> getString(R.string.downloads_up_to, Formatter.formatShortFileSize(this, limit))
    }

    private companion object {
        /** The largest file that can be sent. */
        const val MOST = 100_000_000L

        /** With all defaults of the core: 512 KiB, 1, 8 and 16 MiB. */
        val CHOICES = listOf(0L, 512L shl 10, 1L shl 20, 8L shl 20, 16L shl 20, MOST)
    }
}
