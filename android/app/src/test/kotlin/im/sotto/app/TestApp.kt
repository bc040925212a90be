package im.sotto.app

import android.os.Looper
import im.sotto.Preset
import im.sotto.SottoConfig
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.launch
import org.robolectric.Shadows.shadowOf
import java.io.File
import java.util.TimeZone
import java.util.TreeMap

/** The app in tests: real core, a folder of its own, the test's nodes, and a clock for display that stands. */
class TestApp : SottoApp() {
    var nodes = emptyList<String>()
    var secret = ByteArray(KEY_BYTES) { it.toByte() }
    val dir: File by lazy { File(filesDir, "account") }
    override val times = ShownTimes()

    override fun config() = SottoConfig(dir, Preset.LOCAL, nodes = nodes, receipts = true)

    override suspend fun key() = secret.copyOf()

    override suspend fun forgetKey() = Unit

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
            marks[System.currentTimeMillis()] = NOW_MS - agoMs
            Thread.sleep(2)
        }
    }

    companion object {
        /** Wednesday, 14 October 2026, 14:32 UTC. */
        const val NOW_MS = 1_791_988_320_000L
        private const val KEY_BYTES = 32

        init {
            TimeZone.setDefault(TimeZone.getTimeZone("UTC"))
        }
    }
}
