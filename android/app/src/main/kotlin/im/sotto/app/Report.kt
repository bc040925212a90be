package im.sotto.app

import android.os.Build
import android.os.Process
import im.sotto.Sotto
import java.io.IOException

/** A bug report: numbers of the core and log lines, without names, texts, addresses and ids. */
object Report {
    private const val MOST_LINES = 500
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
    private fun log(): String = try {
        val lines = ArrayDeque<String>()
        ProcessBuilder("logcat", "-d", "-v", "threadtime", "--pid=${Process.myPid()}").start()
            .inputStream.bufferedReader().forEachLine {
                if (LINE.containsMatchIn(it)) lines.addLast(it)
                if (lines.size > MOST_LINES) lines.removeFirst()
            }
        lines.joinToString("\n")
    } catch (_: IOException) {
        ""
    }
}
