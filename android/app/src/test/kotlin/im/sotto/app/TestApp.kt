package im.sotto.app

import android.os.Looper
import im.sotto.Preset
import im.sotto.android.FakeKeyStore
import im.sotto.android.LinkPreviews
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.launch
import org.robolectric.Shadows.shadowOf
import java.util.TimeZone
import java.util.TreeMap

/** The app in tests: real core, the test's nodes, a key store in memory, and a clock for display that stands. */
class TestApp : SottoApp() {
    var nodes = emptyList<String>()
    override val times = ShownTimes()
    override var linkPreviews = LinkPreviews()

    override fun onCreate() {
        FakeKeyStore.install()
        super.onCreate()
    }

    override fun config() =
        super.config().copy(network = Preset.LOCAL, nodes = nodes, receipts = true)

    /** The phone's key store was reset. */
    fun loseTheKey() = FakeKeyStore.keys.clear()

    /** Waits for a suspending call while the main thread goes on. */
    fun <T> await(call: suspend () -> T): T {
        val done = CompletableDeferred<Result<T>>()
        @Suppress("OPT_IN_USAGE")
        GlobalScope.launch(Dispatchers.Default) { done.complete(runCatching { call() }) }
        while (!done.isCompleted) {
            shadowOf(Looper.getMainLooper()).idle()
            Thread.sleep(1)
        }
        @Suppress("OPT_IN_USAGE")
        return done.getCompleted().getOrThrow()
    }

    /** Shows what happens from a moment on as if it happened at another one. */
    inner class ShownTimes : Times(this@TestApp) {
        private val marks = TreeMap<Long, Long>()

        override val now: Long get() = NOW_MS

        override fun shown(timeMs: Long) = marks.floorEntry(timeMs)?.value ?: NOW_MS

        /** From now on, everything is shown [ago] before now. */
        fun at(agoMs: Long) {
            // The core writes some times in whole seconds.
            val next = (System.currentTimeMillis() / 1000 + 1) * 1000
            marks[next] = NOW_MS - agoMs
            Thread.sleep(next - System.currentTimeMillis() + 1)
        }
    }

    companion object {
        /** Wednesday, 14 October 2026, 14:32 UTC. */
        const val NOW_MS = 1_791_988_320_000L

        init {
            TimeZone.setDefault(TimeZone.getTimeZone("UTC"))
        }
    }
}
