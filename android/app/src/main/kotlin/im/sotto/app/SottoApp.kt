package im.sotto.app

import android.app.Activity
import android.app.Application
import android.os.Bundle
import im.sotto.Sotto
import im.sotto.SottoConfig
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** Owns the one open core of this process. */
abstract class SottoApp : Application() {
    val preferences by lazy { Preferences(this) }
    val pictures = Pictures()
    open val times: Times by lazy { Times(this) }
    private val scope = MainScope()
    private val opening = Mutex()
    private var core: Sotto? = null
    private var visible = 0

    /** The core's folder and network. */
    protected abstract fun config(): SottoConfig

    /** The database's key. */
    protected abstract suspend fun key(): ByteArray

    /** Forgets the key, after the database was deleted. */
    protected abstract suspend fun forgetKey()

    /** The open core. The first call opens it. */
    suspend fun sotto(): Sotto = opening.withLock { core ?: Sotto.open(config(), key()).also(::opened) }

    /** Does something that the end of a screen must not stop. */
    fun finish(task: suspend (Sotto) -> Unit) = scope.launch { runCatching { task(sotto()) } }

    /** Deletes the account and all data, also if it cannot be opened. The next call of [sotto] opens an empty folder. */
    suspend fun wipe() = opening.withLock {
        core?.account?.wipe() ?: Sotto.databaseWipe(config().dir)
        core = null
        forgetKey()
        preferences.clear()
        pictures.clear()
    }

    /** Closes the core; the next call of [sotto] opens it again. */
    suspend fun close() = opening.withLock {
        core?.shutdown()
        core = null
    }

    private fun opened(now: Sotto) {
        core = now
        scope.launch { now.notices.collect { preferences.notice(it.code.text, System.currentTimeMillis()) } }
        scope.launch { now.setForeground(visible > 0) }
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
        val now = core ?: return
        if (before != visible > 0) scope.launch { runCatching { now.setForeground(visible > 0) } }
    }
}
