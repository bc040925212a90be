package im.sotto.app

import android.os.Build
import im.sotto.Sotto
import java.io.IOException

/** A bug report: numbers of the core and log lines, without names, texts, addresses and ids. */
object Report {
    private const val LINES = "500"

    suspend fun of(sotto: Sotto): String = buildString {
        appendLine("Sotto ${Sotto.version}")
        appendLine("Android ${Build.VERSION.RELEASE} (${Build.VERSION.SDK_INT}), ${Build.MODEL}")
        sotto.diagnostics().toString().substringAfter('(').substringBeforeLast(')').split(", ").forEach(::appendLine)
        appendLine(sotto.connectivity.value)
        appendLine()
        append(log())
    }

    private fun log(): String = try {
        ProcessBuilder("logcat", "-d", "-t", LINES, "sotto:V", "*:S").redirectErrorStream(true).start()
            .inputStream.bufferedReader().use { it.readText() }
    } catch (_: IOException) {
        ""
    }
}
