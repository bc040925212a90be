package im.sotto.android

import android.app.Activity
import android.app.Notification
import android.app.NotificationManager
import android.app.Service
import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.content.Intent
import im.sotto.NetworkState
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoConfig
import im.sotto.SottoException
import im.sotto.testing.Person
import java.security.ProviderException
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowLooper
import org.robolectric.shadows.ShadowService
import org.robolectric.util.ReflectionHelpers

/** Sync in the background, the service that is always on, and what outlives a restart of the phone. */
@RunWith(RobolectricTestRunner::class)
@Config(application = TestHost::class)
class BackgroundTest {
    private val host get() = RuntimeEnvironment.getApplication() as TestHost
    private val scheduler get() = host.getSystemService(JobScheduler::class.java)

    @get:Rule
    val phone = Phone { host }

    private fun job(): JobInfo = scheduler.allPendingJobs.single()

    @Test
    fun `the job runs each quarter of an hour, on a network, and outlives a restart`() {
        SyncJob.schedule(host)
        val job = job()
        assertTrue(job.isPeriodic)
        assertEquals(15 * 60_000L, job.intervalMillis)
        assertEquals(JobInfo.NETWORK_TYPE_ANY, job.networkType)
        assertTrue(job.isPersisted)
        assertEquals("im.sotto.android.SyncJob", job.service.className)
        // Scheduling it again would begin its quarter of an hour again.
        SyncJob.schedule(host)
        assertTrue(job === job())
    }

    @Test
    fun `who wants no sync has none, also after restarts of app and phone`() {
        assertEquals(0, scheduler.allPendingJobs.size)
        phone.sotto
        assertEquals(1, scheduler.allPendingJobs.size)
        SyncJob.set(host, false)
        phone.die()
        phone.sotto
        boot()
        assertFalse(SyncJob.isOn(host))
        assertTrue(scheduler.allPendingJobs.isEmpty())
        SyncJob.set(host, true)
        assertEquals(1, scheduler.allPendingJobs.size)
    }

    @Test
    fun `a deleted account leaves no job and no service`() {
        phone.sotto
        AlwaysOn.set(host, true)
        SyncJob.soon(host)
        runBlocking { host.process.erase() }
        assertTrue(scheduler.allPendingJobs.isEmpty())
        assertFalse(AlwaysOn.isOn(host))
        assertEquals("im.sotto.android.AlwaysOn", shadowOf(host).nextStoppedService?.component?.className)
        SyncJob.set(host, false)
        runBlocking { host.process.erase() }
        assertTrue(SyncJob.isOn(host))
    }

    @Test
    fun `the app is told of notices, and the core of the screen`() {
        val phrase = runBlocking { phone.sotto.account.create("Alice") }
        fun told() = host.notices.count { it.code == SottoCode.DEVICE_REPLACED }
        World.restored("Alice", phrase).use {
            Phone.until { Unit.takeIf { told() > 0 } }
            val before = told()
            AlwaysOn.set(host, true)
            shadowOf(host).clearStartedServices()
            val screen = Robolectric.buildActivity(Activity::class.java).setup()
            // Each time the app comes to the screen, the core says so again.
            Phone.until { Unit.takeIf { told() > before } }
            assertEquals("im.sotto.android.AlwaysOn", shadowOf(host).nextStartedService?.component?.className)
            screen.pause().stop().destroy()
        }
    }

    @Test
    fun `a screen is seen until the last activity stops, and while the phone is turned`() {
        AlwaysOn.set(host, true)
        shadowOf(host).clearStartedServices()
        val first = Robolectric.buildActivity(Activity::class.java).create().start()
        val second = Robolectric.buildActivity(Activity::class.java).setup()
        first.stop()
        assertTrue(Screens.isShown.value)
        second.pause().stop()
        assertFalse(Screens.isShown.value)
        val third = Robolectric.buildActivity(Activity::class.java).setup()
        third.recreate()
        assertTrue(Screens.isShown.value)
        // Each time that the app comes to the screen, and not for each activity.
        assertEquals(2, generateSequence { shadowOf(host).nextStartedService }.count())
        third.pause().stop()
        assertFalse(Screens.isShown.value)
    }

    @Test
    fun `a wake-up without the app brings the message and its notification`() {
        val bob: Person = World.person("Bob")
        bob.use {
            val id = phone.befriend(bob)
            runBlocking { phone.sotto.conversations.markRead(id, phone.receive(id, "It is me").id) }
            Phone.until { Unit.takeIf { Phone.notifications(host).isEmpty() } }
            runBlocking { host.process.close() }
            bob.send(id.value, "while you slept")
            bob.until("messages", "conversation" to id.value, "limit" to 1) { page ->
                page["messages"][0]["state"].text.takeIf { it == "stored" || it == "sent" }
            }
            host.begin()
            assertEquals(0, Phone.notifications(host).size)

            val job = run()
            assertFalse(shadowOf(job).isRescheduleNeeded)
            assertEquals(listOf(id.value), Phone.notifications(host).map { it.tag })
        }
    }

    /** The message is here and its author knows it. The network goes before the job is done. */
    @Test
    fun `a job that the phone stops notifies of what is here`() {
        World.person("Bob").use { bob ->
            val id = phone.befriend(bob)
            runBlocking { phone.sotto.conversations.markRead(id, phone.receive(id, "It is me").id) }
            bob.send(id.value, "here")
            phone.receive(id, "here")
            runBlocking { host.process.close() }
            host.begin("/ip4/127.0.0.1/tcp/9/p2p/${World.node.address.substringAfter("/p2p/")}")
            host.getSystemService(NotificationManager::class.java).cancelAll()
            runBlocking {
                val job = launch(Dispatchers.Default) { SyncJob.sync(host, 60.seconds) }
                delay(3000)
                assertTrue("it waits for its node", job.isActive)
                job.cancelAndJoin()
            }
            assertEquals(listOf(id.value), Phone.notifications(host).map { it.tag })
        }
    }

    @Test
    fun `a cancelled opening leaves no core behind that nobody can close`() {
        runBlocking {
            phone.sotto.account.create("Alice")
            host.process.close()
            repeat(20) { round ->
                val opening = launch(Dispatchers.Default) { host.process.sotto() }
                delay(round * 3L)
                opening.cancelAndJoin()
                assertNotNull(host.process.sotto().account.get())
                host.process.close()
            }
        }
    }

    @Test
    fun `erasing goes on when its screen is left`() {
        repeat(5) { round ->
            runBlocking {
                phone.sotto.account.create("Alice")
                val erasing = launch(start = CoroutineStart.UNDISPATCHED) { host.process.erase() }
                delay(round * 5L)
                erasing.cancelAndJoin()
                assertFalse(Sotto.databaseExists(SottoProcess.dir(host)))
                assertTrue(FakeKeyStore.keys.isEmpty())
            }
        }
    }

    /** A provider's call on the main thread waits for the core, while a coroutine of that thread opens it. */
    @Test
    fun `the main thread may wait for an opening that it began`() {
        runBlocking { phone.sotto.account.create("Alice") }
        phone.die()
        val opening = CoroutineScope(Dispatchers.Main.immediate).launch { host.process.sotto() }
        val waited = runBlocking { withTimeoutOrNull(30.seconds) { host.process.sotto() } }
        assertNotNull("a deadlock", waited)
        Phone.until { Unit.takeIf { opening.isCompleted } }
    }

    @Test
    fun `the app's own DNS servers are asked before those of the network`() {
        val config = SottoConfig(SottoProcess.dir(host), Preset.LOCAL, dnsServers = listOf("9.9.9.9", "192.0.2.1"))
        val process = SottoProcess(host, config)
        val network = NetworkState(listOf("192.0.2.1", "192.0.2.2"), isMetered = false)
        assertEquals(listOf("9.9.9.9", "192.0.2.1", "192.0.2.2"), process.servers(network))
        assertEquals(listOf("9.9.9.9", "192.0.2.1"), process.servers(null))
    }

    @Test
    fun `without an account, or without its key, the job ends and is not tried again soon`() {
        assertFalse(shadowOf(run()).isRescheduleNeeded)
        runBlocking {
            phone.sotto.account.create("Alice")
            host.process.close()
        }
        FakeKeyStore.keys.clear()
        host.begin()
        assertFalse(shadowOf(run()).isRescheduleNeeded)
    }

    @Test
    fun `a lost key is told, and erasing leads to a fresh start`() {
        val phrase = runBlocking { phone.sotto.account.create("Alice") }
        phone.die()
        assertEquals("Alice", runBlocking { phone.sotto.account.get() }?.name)
        runBlocking { host.process.close() }
        FakeKeyStore.keys.clear()
        host.begin()
        val error = assertThrows(SottoException.Key::class.java) { runBlocking { host.process.sotto() } }
        assertEquals(SottoCode.KEY_LOST, error.code)
        assertTrue(runBlocking { Sotto.databaseExists(SottoProcess.dir(host)) })
        runBlocking { host.process.erase() }
        assertFalse(SottoProcess.counterFile(host).exists())
        assertNull(runBlocking { phone.sotto.account.get() })
        runBlocking { phone.sotto.account.restore(phrase) }
        assertNotNull(runBlocking { phone.sotto.account.get() })
    }

    @Test
    fun `the account stands where no backup takes it`() {
        runBlocking { phone.sotto.account.create("Alice") }
        assertTrue(SottoProcess.dir(host).startsWith(host.noBackupFilesDir))
        assertTrue(SottoProcess.counterFile(host).startsWith(host.noBackupFilesDir))
        assertEquals(listOf("sotto", "sotto.counter", "sotto.key"), host.noBackupFilesDir.list()?.sorted())
        assertEquals(0, host.filesDir.list().orEmpty().size)
    }

    @Test
    fun `always on is off until the person turns it on, and comes back after a restart`() {
        boot()
        assertNull(shadowOf(host).nextStartedService)
        assertEquals(1, scheduler.allPendingJobs.size)
        AlwaysOn.set(host, true)
        assertEquals("im.sotto.android.AlwaysOn", shadowOf(host).nextStartedService?.component?.className)
        boot()
        assertEquals("im.sotto.android.AlwaysOn", shadowOf(host).nextStartedService?.component?.className)
        AlwaysOn.set(host, false)
        boot()
        assertNull(shadowOf(host).nextStartedService)
        BootReceiver().onReceive(host, Intent("something.else"))
        assertNull(shadowOf(host).nextStartedService)
    }

    @Test
    fun `the service is in the foreground at once, silent and sticky, and ends with the account`() {
        runBlocking { phone.sotto.account.create("Alice") }
        val service = Robolectric.buildService(AlwaysOn::class.java).create().get()
        assertEquals(Service.START_STICKY, service.onStartCommand(null, 0, 1))
        val shown = shadowOf(service).lastForegroundNotification
        assertEquals(NotificationDrawing.SERVICE, shown.channelId)
        // It may open the core itself, if it comes late.
        Phone.until {
            runBlocking { host.process.close() }
            Unit.takeIf { shadowOf(service).isStoppedBySelf }
        }
        service.onDestroy()
    }

    @Test
    fun `the service waits for a key store that does not answer yet`() {
        runBlocking { phone.sotto.account.create("Alice") }
        phone.die()
        FakeKeyStore.failure = ProviderException("keystore daemon restarts")
        val service = Robolectric.buildService(AlwaysOn::class.java).create().get()
        repeat(20) {
            ShadowLooper.idleMainLooper()
            Thread.sleep(100)
        }
        assertFalse(shadowOf(service).isStoppedBySelf)
        service.onDestroy()
        FakeKeyStore.failure = null
    }

    /** As Android 12 and later do with a service that they start again after the process was killed. */
    @Test
    @Config(shadows = [Refusal::class])
    fun `where the phone refuses the service it ends, and the app goes on`() {
        val service = Robolectric.buildService(AlwaysOn::class.java).create().get()
        assertTrue(shadowOf(service).isStoppedBySelf)
        service.onDestroy()
    }

    private fun boot() = BootReceiver().onReceive(host, Intent(Intent.ACTION_BOOT_COMPLETED))

    /** Runs the job to its end, as the system does. */
    private fun run(): SyncJob {
        val job = Robolectric.buildService(SyncJob::class.java).create().get()
        assertTrue(job.onStartJob(ReflectionHelpers.newInstance(JobParameters::class.java)))
        Phone.until { Unit.takeIf { shadowOf(job).isJobFinished } }
        return job
    }
}

/** A phone that lets no service come to the foreground. */
@Implements(Service::class)
class Refusal : ShadowService() {
    @Implementation
    override fun startForeground(id: Int, notification: Notification): Unit = throw IllegalStateException("not allowed")
}
