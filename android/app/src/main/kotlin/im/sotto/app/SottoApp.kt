package im.sotto.app

import android.app.Activity
import android.app.Application
import android.os.Bundle
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoConfig
import im.sotto.android.AlwaysOn
import im.sotto.android.Notifier
import im.sotto.android.SottoHost
import im.sotto.android.SottoProcess
import im.sotto.android.SyncJob
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import java.util.concurrent.atomic.AtomicReference

/** Owns the one open core of this process, and what the app keeps beside it. */
open class SottoApp : Application(), SottoHost {
    override val process by lazy { SottoProcess(this, config()) }
    override val notifier by lazy { Notifier(this, process, notificationStyle(this)) }
    val preferences by lazy { Preferences(this) }
    val pictures = Pictures()
    open val times: Times by lazy { Times(this) }
    private val scope = MainScope()
    private val unfinished = SupervisorJob()
    private val core = AtomicReference<Sotto>()
    private var visible = 0

    /** Which network, and where the account stands. A build for another network replaces the resources. */
    protected open fun config() = SottoConfig(
        dir = SottoProcess.dir(this),
        network = Preset.valueOf(getString(R.string.network)),
        nodes = resources.getStringArray(R.array.nodes).toList(),
        counterFile = SottoProcess.counterFile(this),
    )

    /** The open core. The first call opens it. */
    suspend fun sotto(): Sotto {
        val now = process.sotto()
        if (core.getAndSet(now) !== now) opened(now)
        return now
    }

    /** Does something that the end of a screen must not stop. */
    fun finish(task: suspend (Sotto) -> Unit) = scope.launch(unfinished) { runCatching { task(sotto()) } }

    /** Waits for all of [finish]. */
    suspend fun finished() = unfinished.children.forEach { it.join() }

    /** Deletes the account and all data, also if it cannot be opened. The next [sotto] opens an empty folder. */
    suspend fun wipe() {
        process.erase()
        core.set(null)
        AlwaysOn.set(this, false)
        SyncJob.cancel(this)
        preferences.clear()
        pictures.clear()
    }

    private fun opened(now: Sotto) {
        scope.launch { now.notices.collect { preferences.notice(it.code.text, System.currentTimeMillis()) } }
        scope.launch { runCatching { notifier.follow() } }
        scope.launch { runCatching { now.setForeground(visible > 0) } }
        SyncJob.schedule(this)
    }

    override fun onCreate() {
        super.onCreate()
        registerActivityLifecycleCallbacks(
            object : ActivityLifecycleCallbacks {
                override fun onActivityStarted(activity: Activity) = seen(+1)

                override fun onActivityStopped(activity: Activity) = seen(-1)

                override fun onActivityCreated(activity: Activity, state: Bundle?) = Unit

                override fun onActivityResumed(activity: Activity) = Unit

                override fun onActivityPaused(activity: Activity) = Unit

                override fun onActivitySaveInstanceState(activity: Activity, state: Bundle) = Unit

                override fun onActivityDestroyed(activity: Activity) = Unit
            },
        )
    }

    private fun seen(change: Int) {
        val before = visible > 0
        visible += change
        val now = core.get() ?: return
        if (before != visible > 0) scope.launch { runCatching { now.setForeground(visible > 0) } }
    }
}
