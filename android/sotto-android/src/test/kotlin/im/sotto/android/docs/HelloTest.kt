package im.sotto.android.docs

import android.app.job.JobScheduler
import android.view.ViewGroup
import android.widget.TextView
import im.sotto.android.FakeKeyStore
import im.sotto.android.FilesProvider
import im.sotto.android.Phone
import im.sotto.android.Screens
import im.sotto.android.World
import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

internal val NODES get() = listOf(World.node.address)

/** The app of docs/kotlin-android.md runs, and stands there word for word. */
@RunWith(RobolectricTestRunner::class)
@Config(application = HelloApp::class)
class HelloTest {
    private val app get() = RuntimeEnvironment.getApplication() as HelloApp

    @Before
    fun install() = FakeKeyStore.install()

    @After
    fun close() = runBlocking { app.process.close() }

    @Test
    fun `an app of two classes receives, shows and notifies`() {
        // The system makes the providers of the manifest first.
        Robolectric.setupContentProvider(FilesProvider::class.java)
        val screen = Robolectric.buildActivity(HelloActivity::class.java).setup()
        val view = screen.get().findViewById<ViewGroup>(android.R.id.content).getChildAt(0) as TextView
        World.person("Bob").use { bob ->
            val sotto = runBlocking { app.process.sotto() }
            Phone.until { runBlocking { sotto.account.get() } }
            bob.call("contact_add", "link" to runBlocking { sotto.contacts.invite().link })
            val request = Phone.until { runBlocking { sotto.contacts.all() }.firstOrNull() }
            runBlocking { sotto.contacts.accept(request.id) }
            bob.contact("accepted")
            bob.send(request.conversation.value, "hello")
            Phone.until { Unit.takeIf { "${view.text}" == "Bob: hello" } }
            assertTrue(Screens.isShown.value)
            Phone.until { Unit.takeIf { Phone.notifications(app).any { it.tag == request.conversation.value } } }
        }
        assertEquals(1, app.getSystemService(JobScheduler::class.java).allPendingJobs.size)
        screen.pause().stop().destroy()
    }

    @Test
    fun `the page has this app word for word`() {
        val repo = File(System.getProperty("sotto.repo"))
        val folder = File(repo, "android/sotto-android/src/test/kotlin/im/sotto/android/docs")
        val code = File(folder, "HelloApp.kt").readText().substringAfter("package im.sotto.android.docs\n\n")
        val body = code.substringAfter("\n\n").lines().filter { it.isNotBlank() }
        assertTrue("${body.size} lines", body.size <= 31)
        assertTrue(code in File(repo, "docs/kotlin-android.md").readText())
    }
}
