package im.sotto.android

import android.app.Notification
import android.app.Service
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.os.IBinder
import im.sotto.SottoException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch

/**
 * Opt-in: keeps the core connected while the app is in the background, so that messages arrive within seconds. It costs
 * battery and shows a silent notification of its own. Off until [set] turns it on.
 *
 * The type of the foreground service is the manifest's alone (`remoteMessaging`). A store that wants another one
 * takes a flavour with its own manifest entry and permission; no code changes.
 */
public class AlwaysOn : Service() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onCreate() {
        super.onCreate()
        try {
            startForeground(NOTIFICATION, host.notifier.serviceNotification())
        } catch (_: IllegalStateException) {
            // Since Android 12 the system refuses it to a service that it started again in the background.
            stopSelf()
            return
        }
        scope.launch { follow() }
    }

    /** Holds the core open, and ends when it is closed or can never be opened. */
    private suspend fun follow() {
        try {
            host.process.whileOpen()
        } catch (_: SottoException) {
        }
        stopSelf()
    }

    /** Sticky: the system starts it again after it ended the process for memory. */
    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int = START_STICKY

    /** A type with a daily limit is over for today: the periodic job goes on. Without stopping, the app would crash. */
    override fun onTimeout(startId: Int, fgsType: Int) {
        stopSelf()
    }

    override fun onDestroy() {
        scope.cancel()
        super.onDestroy()
    }

    public companion object {
        private const val NOTIFICATION = 0x50771
        private const val FILE = "im.sotto.always_on"
        private const val ON = "on"

        /** Whether the person turned it on. */
        public fun isOn(context: Context): Boolean =
            context.getSharedPreferences(FILE, Context.MODE_PRIVATE).getBoolean(ON, false)

        /** Turns it on or off, now and for later starts. Call it from the foreground. */
        public fun set(context: Context, on: Boolean) {
            context.getSharedPreferences(FILE, Context.MODE_PRIVATE).edit().putBoolean(ON, on).commit()
            if (on) resume(context) else context.stopService(Intent(context, AlwaysOn::class.java))
        }

        /**
         * Starts the service if it is on and not running. False if the phone does not allow it now: [SottoProcess]
         * calls this again when the app comes to the screen, and the periodic job works meanwhile.
         */
        internal fun resume(context: Context): Boolean {
            if (!isOn(context)) return false
            return try {
                context.startForegroundService(Intent(context, AlwaysOn::class.java)) != null
            } catch (_: IllegalStateException) {
                // Android 12 and later refuse starts from the background.
                false
            }
        }
    }
}

/** Goes on after a restart of the phone and after an update of the app. */
public class BootReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        if (intent.action != Intent.ACTION_BOOT_COMPLETED && intent.action != Intent.ACTION_MY_PACKAGE_REPLACED) return
        SyncJob.schedule(context)
        AlwaysOn.resume(context)
    }
}
