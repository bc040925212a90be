package im.sotto.android

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.ComponentName
import android.content.Context
import im.sotto.SottoException
import java.util.concurrent.TimeUnit
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/**
 * The default way to receive in the background: about every 15 minutes, on a network, the phone wakes the app for some
 * seconds; it fetches what came, sends what waits, and notifies. Phones in Doze run it more rarely. It survives
 * restarts of the phone. [SottoProcess] schedules it; [set] is the person's choice.
 */
public class SyncJob : JobService() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Main.immediate)
    private val running = HashMap<Int, Job>()

    override fun onStartJob(params: JobParameters): Boolean {
        running[params.jobId] = scope.launch {
            jobFinished(params, !sync(this@SyncJob, DEADLINE))
        }
        return true
    }

    /** The network went or the time is over. What was fetched is on disk; the rest comes the next time. */
    override fun onStopJob(params: JobParameters): Boolean {
        running.remove(params.jobId)?.cancel()
        return true
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    public companion object {
        private const val ID = 0x50770
        private const val SOON = 0x50772
        private val DEADLINE: Duration = 60.seconds
        private val PERIOD: Duration = 15.minutes

        private const val FILE = "im.sotto.sync"
        private const val ON = "on"

        /** Whether the person lets the app sync in the background: yes until [set] says no. */
        public fun isOn(context: Context): Boolean = choice(context).getBoolean(ON, true)

        /** Switches sync in the background on or off, now and for later starts of app and phone. */
        public fun set(context: Context, on: Boolean) {
            choice(context).edit().putBoolean(ON, on).commit()
            if (on) schedule(context) else context.getSystemService(JobScheduler::class.java).cancel(ID)
        }

        /** Schedules the job unless it is off, or leaves the scheduled one as it is. */
        internal fun schedule(context: Context) {
            val scheduler = context.getSystemService(JobScheduler::class.java)
            if (!isOn(context) || scheduler.getPendingJob(ID) != null) return
            val job = JobInfo.Builder(ID, ComponentName(context, SyncJob::class.java))
                .setPeriodic(PERIOD.inWholeMilliseconds)
                .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
                .setBackoffCriteria(TimeUnit.MINUTES.toMillis(1), JobInfo.BACKOFF_POLICY_EXPONENTIAL)
                .setPersisted(true)
                .build()
            scheduler.schedule(job)
        }

        /** Syncs once, as soon as there is a network: what waits in the outbox leaves even if the process ends now. */
        public fun soon(context: Context) {
            val job = JobInfo.Builder(SOON, ComponentName(context, SyncJob::class.java))
                .setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
                .setPersisted(true)
                .build()
            context.getSystemService(JobScheduler::class.java).schedule(job)
        }

        /** Without an account there is nothing to sync. The next account begins with the default. */
        internal fun forget(context: Context) {
            val scheduler = context.getSystemService(JobScheduler::class.java)
            listOf(ID, SOON).forEach(scheduler::cancel)
            choice(context).edit().clear().commit()
        }

        private fun choice(context: Context) = context.getSharedPreferences(FILE, Context.MODE_PRIVATE)

        /**
         * One sync as the job makes it: at most [deadline], then notifications. False if it should be tried again soon.
         * A lost key, and an account that is not there yet, are no reason to try again.
         */
        internal suspend fun sync(context: Context, deadline: Duration): Boolean = try {
            val sotto = context.host.process.sotto()
            if (sotto.account.get() != null) {
                context.host.notifier.handOver(sotto)
                try {
                    sotto.syncOnce(deadline.inWholeMilliseconds)
                } finally {
                    // Also if the phone stopped the job: the sender was told that the messages are here.
                    withContext(NonCancellable) { context.host.notifier.update(sotto) }
                }
            }
            true
        } catch (e: SottoException) {
            !e.isRetryable
        }
    }
}
