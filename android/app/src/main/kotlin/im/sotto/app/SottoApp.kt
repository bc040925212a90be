package im.sotto.app

import android.app.Application
import im.sotto.Notice
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoConfig
import im.sotto.android.LinkPreviews
import im.sotto.android.Notifier
import im.sotto.android.SottoHost
import im.sotto.android.SottoProcess
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch

/** Owns the one open core of this process, and what the app keeps beside it. */
open class SottoApp : Application(), SottoHost {
    override val process by lazy { SottoProcess(this, config()) }
    override val notifier by lazy { Notifier(this, notificationStyle(this)) }
    val preferences by lazy { Preferences(this) }
    val pictures = Pictures()
    open val linkPreviews = LinkPreviews()
    open val times: Times by lazy { Times(this) }
    private val scope = MainScope()
    private val unfinished = SupervisorJob()

    /** Which network, and where the account stands. A build for another network replaces the resources. */
    protected open fun config() = SottoConfig(
        dir = SottoProcess.dir(this),
        network = Preset.valueOf(getString(R.string.network)),
        nodes = resources.getStringArray(R.array.nodes).toList(),
        counterFile = SottoProcess.counterFile(this),
    )

    /** The open core. The first call opens it. */
    suspend fun sotto(): Sotto = process.sotto()

    override fun onNotice(notice: Notice) = preferences.notice(notice.code.text, System.currentTimeMillis())

    /** Does something that the end of a screen must not stop. */
    fun finish(task: suspend (Sotto) -> Unit) = scope.launch(unfinished) { runCatching { task(sotto()) } }

    /** Waits for all of [finish]. */
    suspend fun finished() = unfinished.children.forEach { it.join() }

    /** Deletes the account and all data, also if it cannot be opened. The next [sotto] opens an empty folder. */
    suspend fun wipe() {
        process.erase()
        preferences.clear()
        pictures.clear()
    }
}
