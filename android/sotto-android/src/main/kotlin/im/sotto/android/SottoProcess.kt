package im.sotto.android

import android.app.Application
import android.content.Context
import im.sotto.Network
import im.sotto.NetworkState
import im.sotto.Notice
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoConfig
import im.sotto.SottoException
import java.io.File
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/** Implemented by the app's `Application`: jobs, services, receivers and providers of the SDK find the core by it. */
public interface SottoHost {
    /** The one owner of the core in this process. */
    public val process: SottoProcess

    /** Shows the notifications. */
    public val notifier: Notifier

    /**
     * Told what a person should know: show it, or keep it to show it. Each notice comes once, on a background thread.
     * The process collects [Sotto.notices] for this, so the app does not.
     */
    public fun onNotice(notice: Notice)
}

/** The [SottoHost] of this process. */
internal val Context.host: SottoHost
    get() = applicationContext as? SottoHost ?: error("the Application implements no SottoHost")

/**
 * Owns the core for the life of the process, and does all that an app owes it. The first call of [sotto] opens the
 * core, with the key of [DatabaseKey]. While it is open, the process
 *
 * - tells it of networks, chargers, and whether an activity of the app is on screen;
 * - keeps notifications and [Shortcuts] true, and passes notices to [SottoHost.onNotice];
 * - keeps [SyncJob] scheduled, and resumes [AlwaysOn] when the app comes to the screen.
 *
 * Make one in the `Application`. Making it opens nothing.
 *
 * @param config how to open the account. The DNS servers of each network are added to its own.
 */
public class SottoProcess(
    private val context: Context,
    private val config: SottoConfig,
    private val key: DatabaseKey = DatabaseKey(context),
) {
    private val networks = Networks(context)
    private val power = Power(context)
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val turn = Mutex()

    @Volatile
    private var opened: Opened? = null

    init {
        Screens.watch(context.applicationContext as Application)
    }

    private class Opened(val sotto: Sotto, val signals: Job, val following: Job)

    /** The account stands in [dir] and its counter in [counterFile]; all else has its defaults. */
    public constructor(context: Context, network: Network, nodes: List<String> = emptyList()) :
        this(context, SottoConfig(dir(context), network, nodes, counterFile = counterFile(context)))

    /**
     * The core, opened at the first call. Cancelling the call does not stop the opening.
     *
     * @throws SottoException.Key if the database key cannot be had.
     * @throws SottoException if the database cannot be opened.
     */
    public suspend fun sotto(): Sotto = opened().sotto

    /** Opens the core, again where waiting may help, and returns when it is closed. */
    internal suspend fun whileOpen() {
        while (true) {
            try {
                return opened().following.join()
            } catch (e: SottoException) {
                if (!e.isRetryable) throw e
                delay(PATIENCE)
            }
        }
    }

    private suspend fun opened(): Opened = alive ?: alone {
        alive ?: run {
            closeNow() // One that was closed elsewhere is left behind.
            open().also { opened = it }
        }
    }

    private val alive get() = opened?.takeIf { it.following.isActive }

    /** Closes the core; the next call of [sotto] opens it again. */
    public suspend fun close(): Unit = alone { closeNow() }

    /**
     * Closes the core and deletes notifications, the database and its key: "delete account" of this device, and the way
     * out of [SottoCode.KEY_LOST]. [AlwaysOn] is off then, and no job is scheduled. The next call of [sotto] begins
     * empty. Cancelling the call does not stop it.
     */
    public suspend fun erase(): Unit = alone {
        closeNow()
        AlwaysOn.set(context, false)
        SyncJob.forget(context)
        context.host.notifier.forget()
        Sotto.databaseWipe(config.dir)
        config.counterFile?.delete()
        key.forget()
    }

    /**
     * Opening, closing and erasing take turns, and are whole even if their caller is cancelled. What they leave is
     * noted in here, because a cancelled caller gets no result. The lock needs no main thread, which may wait for it
     * ([FilesProvider]).
     */
    private suspend fun <T> alone(work: suspend () -> T): T =
        withContext(NonCancellable + Dispatchers.IO) { turn.withLock { work() } }

    private suspend fun open(): Opened {
        val bytes = key.read(Sotto.databaseExists(config.dir))
        val sotto = try {
            Sotto.open(config.copy(dnsServers = servers(networks.now())), bytes)
        } finally {
            bytes.fill(0)
        }
        SyncJob.schedule(context)
        return Opened(sotto, signals(sotto), following(sotto, context.host.notifier))
    }

    /** The app's own servers, then those of the network. */
    internal fun servers(now: NetworkState?): List<String> =
        (config.dnsServers + now?.dnsServers.orEmpty()).distinct()

    private fun signals(sotto: Sotto): Job = scope.launch {
        launch { forward(networks.changes()) { sotto.networkChanged(it.copy(dnsServers = servers(it))) } }
        launch { forward(power.changes(), sotto::powerChanged) }
        launch { forward(Screens.isShown, sotto::setForeground) }
        launch { sotto.notices.collect(context.host::onNotice) }
    }

    /** Ends with the core. */
    private fun following(sotto: Sotto, notifier: Notifier): Job = scope.launch {
        launch { again { notifier.follow(sotto) } }
        launch { again { notifier.shortcuts.follow(sotto) } }
    }

    /** What the database refuses now, a full disk say, may be read in a minute. */
    private suspend fun again(follow: suspend () -> Unit) {
        while (true) {
            try {
                return follow()
            } catch (e: SottoException) {
                if (e.code == SottoCode.CLOSED) return
                delay(PATIENCE)
            }
        }
    }

    /** A core that was closed elsewhere, or whose disk is full, needs no signal. */
    private suspend fun <T> forward(changes: Flow<T>, tell: suspend (T) -> Unit) = changes.collect {
        try {
            tell(it)
        } catch (_: SottoException) {
        }
    }

    private suspend fun closeNow() {
        val last = opened ?: return
        opened = null
        last.signals.cancelAndJoin()
        last.following.cancelAndJoin()
        last.sotto.shutdown()
    }

    public companion object {
        private val PATIENCE = 1.minutes

        /**
         * Where the account and its counter stand: in folders that no backup of the phone takes, because a copy of a
         * database could not be opened without its key, and would repeat keys if it could.
         */
        public fun dir(context: Context): File = File(context.noBackupFilesDir, "sotto")

        /** The counter of [SottoConfig.counterFile], beside the account's folder. */
        public fun counterFile(context: Context): File = File(context.noBackupFilesDir, "sotto.counter")
    }
}
