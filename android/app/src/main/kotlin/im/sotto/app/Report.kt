package im.sotto.app

import android.os.Build
import android.os.Process
import im.sotto.Sotto
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.IOException

/** A bug report: numbers of the core and log lines, without names, texts, addresses and ids. */
object Report {
    private const val MOST_LINES = 500

    /** What goes to another app crosses processes, which take less than 1 MB. */
    private const val MOST_CHARS = 100_000
    private val LINE = Regex("^\\S+ \\S+ +\\d+ +\\d+ [VDIWEF] sotto")

    suspend fun of(sotto: Sotto): String = buildString {
        appendLine("Sotto ${Sotto.version}")
        appendLine("Android ${Build.VERSION.RELEASE} (${Build.VERSION.SDK_INT}), ${Build.MODEL}")
        sotto.diagnostics().toString().substringAfter('(').substringBeforeLast(')').split(", ").forEach(::appendLine)
        appendLine(sotto.connectivity.value)
        appendLine()
        append(log())
    }

    /** The core's tags are its modules, as `sotto_net::client`; filters of logcat take whole tags only. */
    private suspend fun log(): String = withContext(Dispatchers.IO) {
        try {
            ProcessBuilder("logcat", "-d", "-v", "threadtime", "--pid=${Process.myPid()}").start()
                .inputStream.bufferedReader().useLines(::newest)
        } catch (_: IOException) {
            ""
        }
    }

    /** The core's lines among those of a log, as many of the newest as the report takes. */
    fun newest(log: Sequence<String>): String {
        val lines = ArrayDeque<String>()
        for (line in log.filter(LINE::containsMatchIn)) {
            lines.addLast(line)
            if (lines.size > MOST_LINES) lines.removeFirst()
        }
        return lines.joinToString("\n").takeLast(MOST_CHARS)
    }
}
