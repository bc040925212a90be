package im.sotto.app

import android.content.ClipData
import android.content.ClipboardManager
import im.sotto.app.chat.ChatActivity
import im.sotto.testing.Node
import im.sotto.testing.Program
import org.junit.Assert.assertEquals
import org.junit.Test
import java.io.File

/** A story of two apps: each taps and types in its own process. */
abstract class AppStory : AppTest() {
    protected fun add(link: String) {
        phone.tap(R.id.add)
        phone.on<AddActivity>()
        app.getSystemService(ClipboardManager::class.java).setPrimaryClip(ClipData.newPlainText("", link))
        phone.tap(R.id.paste)
        phone.on<PreviewActivity>()
        phone.tap(R.id.send)
        phone.on<ChatActivity>()
    }
}

/** The app of Alice in this process, the app of Bob in another JVM, and a node that dies while they talk. */
class TwoAppsTest : AppStory() {
    private val node by lazy { Node(File(folder, "node")) }

    override fun nodes() = listOf(node.address)

    @Test
    fun twoAppsMeetAndTalkWhileTheNodeIsKilledAndComesBack() = node.use {
        bob().use { bob ->
            own(ALICE, "Alice")
            phone.tap(R.id.add)
            phone.on<AddActivity>()
            phone.until("an invite") { app.await { app.sotto().contacts.invites() }.size == 1 }
            bob.does("add", app.await { app.sotto().contacts.invites() }.single().link)
            phone.back()
            phone.tap(R.id.requests)
            phone.on<RequestsActivity>()
            phone.tapIn("Bob", R.id.accept)
            phone.on<ChatActivity>()
            write("Hello Bob")
            bob.does("see", "Hello Bob")
            bob.does("write", "Hello Alice")
            phone.sees("Hello Alice")

            node.kill()
            write("Alice, while the node is down")
            bob.does("write", "Bob, while the node is down")
            phone.die()
            bob.does("die", "")
            node.restart()
            phone.sees("Bob, while the node is down")
            bob.does("see", "Alice, while the node is down")
            val all = phone.until("all delivered") {
                phone.views().none { it.id == R.id.state && it.isShown && it.contentDescription in pending() }
            }.let { bodies() }
            assertEquals("each once", all.distinct(), all)
            bob.does("count", "4")
            assertEquals("Bob's app is content", 0, bob.program.finish())
        }
    }

    private fun pending() = listOf(R.string.state_queued, R.string.state_sent, R.string.state_stored).map { string(it) }

    /** A JVM like this one, with the app of Bob. */
    private fun bob(): Bob {
        val properties = System.getProperties().stringPropertyNames()
            .filter { name -> listOf("sotto.", "jna.", "robolectric.").any(name::startsWith) }
            .map { "-D$it=${System.getProperty(it)}" }
        val java = File(System.getProperty("java.home"), "bin/java").path
        val path = System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")
        val options = listOf("-Xmx1g", "--add-opens", "java.base/java.io=ALL-UNNAMED", "-cp", path)
        val main = listOf("org.junit.runner.JUnitCore", SecondApp::class.java.name)
        return Bob(Program(listOf(java) + options + properties + main)).also { it.does("start", node.address) }
    }

    private class Bob(val program: Program) : AutoCloseable {
        /** Bob does something, and says when it is done. */
        fun does(what: String, text: String) {
            program.write("$what $text")
            while (program.line() != DONE) Unit
        }

        override fun close() = program.close()
    }
}

/** Runs in the other JVM: acts as it reads. */
class SecondApp : AppStory() {
    override fun nodes() = emptyList<String>()

    @Test
    fun doesAsItIsTold() {
        for (line in generateSequence(::readLine)) {
            val (what, text) = line.split(' ', limit = 2)
            when (what) {
                "start" -> {
                    app.nodes = listOf(text)
                    own(BOB, "Bob")
                }
                "add" -> add(text)
                "write" -> write(text)
                "see" -> phone.sees(text)
                "die" -> phone.die()
                "count" -> phone.until("$text messages") { bodies().size == text.toInt() }
                else -> error(line)
            }
            println("\n$DONE")
        }
    }
}

private const val DONE = "done"
