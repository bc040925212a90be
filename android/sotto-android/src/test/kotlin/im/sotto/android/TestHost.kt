package im.sotto.android

import android.app.Application
import android.app.NotificationManager
import android.content.Context
import android.content.Intent
import android.service.notification.StatusBarNotification
import im.sotto.ContactAction
import im.sotto.ConversationId
import im.sotto.Notice
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.testing.Json
import im.sotto.testing.Node
import im.sotto.testing.Person
import im.sotto.testing.Program
import java.io.File
import java.nio.file.Files
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.runBlocking
import org.junit.rules.ExternalResource
import org.robolectric.shadows.ShadowLooper

/** A phone app with the SDK, as small as it can be. */
class TestHost : Application(), SottoHost {
    override lateinit var process: SottoProcess
    override lateinit var notifier: Notifier
    val notices = CopyOnWriteArrayList<Notice>()

    override fun onNotice(notice: Notice) {
        notices += notice
    }

    /** Begins a process: only what is on disk is known. */
    fun begin(node: String = World.node.address) {
        process = SottoProcess(this, Preset.LOCAL, listOf(node))
        notifier = Notifier(this, style)
    }

    val style = NotificationStyle(
        icon = android.R.drawable.stat_notify_chat,
        color = 0xff336699.toInt(),
        openConversation = { context, id -> Intent(context, Application::class.java).putExtra("id", id.value) },
        openRequests = { context -> Intent(context, Application::class.java) },
        openApp = { context -> Intent(context, Application::class.java) },
    )
}

/** One service node for all tests of this process. */
object World {
    private val folder: File = Files.createTempDirectory("sotto-world").toFile()
    val node: Node by lazy {
        Node(File(folder, "node")).also { Runtime.getRuntime().addShutdownHook(Thread(it::close)) }
    }

    fun person(name: String): Person = Person(name, home(name), listOf(node.address))

    /** The account of a phrase on another phone. */
    fun restored(name: String, phrase: String): Person {
        val home = home(name)
        Program("rpc", "--data", home.path).use { program ->
            val call = mapOf("method" to "account_restore", "params" to mapOf("phrase" to phrase))
            program.write(Json.write(mapOf("jsonrpc" to "2.0", "id" to 1) + call))
            check(Json.parse(program.line()).has("result"))
            program.finish()
        }
        return Person(name, home, listOf(node.address))
    }

    private fun home(name: String): File = Files.createTempDirectory(folder.toPath(), name).toFile()
}

/** Ends the core of the test's app after each test. */
class Phone(private val host: () -> TestHost) : ExternalResource() {
    val sotto: Sotto get() = runBlocking { host().process.sotto() }

    override fun before() {
        FakeKeyStore.install()
        host().begin()
    }

    override fun after() = runBlocking { host().process.close() }

    /** The process ends without a word, and a new one begins. */
    fun die() {
        runBlocking { host().process.close() }
        host().begin()
    }

    /** Makes an account and a contact; the conversation's id. */
    fun befriend(friend: Person): ConversationId {
        runBlocking { sotto.account.create("Alice") }
        val link = runBlocking { sotto.contacts.invite().link }
        friend.call("contact_add", "link" to link, "text" to "It is me")
        val request = until { runBlocking { sotto.contacts.all() }.firstOrNull() }
        runBlocking { sotto.contacts.answer(request.id, ContactAction.ACCEPT) }
        friend.contact("accepted")
        return request.conversation
    }

    /** Waits for a message with this text. */
    fun receive(conversation: ConversationId, text: String) = until {
        runBlocking { sotto.messages.page(conversation, 50) }.firstOrNull { it.text == text }
    }

    companion object {
        /** Lets the main thread work until [look] finds something. */
        fun <T : Any> until(look: () -> T?): T {
            val end = System.nanoTime() + 120_000_000_000
            while (true) {
                ShadowLooper.idleMainLooper()
                look()?.let { return it }
                check(System.nanoTime() < end) { "waited for nothing" }
                Thread.sleep(50)
            }
        }

        fun notifications(context: Context): List<StatusBarNotification> =
            context.getSystemService(NotificationManager::class.java).activeNotifications.toList()
    }
}
