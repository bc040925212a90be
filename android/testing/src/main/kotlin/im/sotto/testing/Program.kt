package im.sotto.testing

import java.io.BufferedReader
import java.io.File
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

/** Longest wait for anything, seconds. */
const val PATIENCE_S = 60L

/** The program `sotto` that cargo built; system property `sotto.program`. */
fun program(): String {
    val path = System.getProperty("sotto.program") ?: error("set the system property sotto.program")
    check(File(path).canExecute()) { "$path is missing: cargo build -p sotto-cli" }
    return path
}

/** A running process, with its standard output line by line. It is killed on [close]. */
class Program(command: List<String>) : AutoCloseable {
    private val process: Process = ProcessBuilder(command)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start()
    private val lines = LinkedBlockingQueue<String>()

    /** The program `sotto` with these arguments. */
    constructor(vararg args: String) : this(listOf(program()) + args)

    init {
        thread(isDaemon = true, name = "output") {
            process.inputStream.bufferedReader().use(::take)
        }
        // Nothing outlives a test that was killed.
        Runtime.getRuntime().addShutdownHook(Thread { process.destroyForcibly() })
    }

    val isAlive: Boolean get() = process.isAlive

    fun write(line: String) {
        process.outputStream.write((line + "\n").toByteArray())
        process.outputStream.flush()
    }

    /** The next line. */
    fun line(): String {
        val line = lines.poll(PATIENCE_S, TimeUnit.SECONDS) ?: error("no line in time")
        check(line != END) { "the process ended" }
        return line
    }

    /** Kills it at once, as a crash would, and waits for its end. */
    fun kill() {
        process.destroyForcibly().waitFor()
    }

    /** Closes its standard input and waits for its end; its exit code. */
    fun finish(): Int {
        process.outputStream.close()
        check(process.waitFor(PATIENCE_S, TimeUnit.SECONDS)) { "the process does not end" }
        return process.exitValue()
    }

    override fun close() = kill()

    private fun take(output: BufferedReader) {
        output.forEachLine(lines::put)
        lines.put(END)
    }

    private companion object {
        /** No line is this: lines have no line break. */
        const val END = "\n"
    }
}
