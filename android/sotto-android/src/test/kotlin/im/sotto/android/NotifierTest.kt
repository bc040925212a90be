package im.sotto.android

import android.app.Notification
import android.app.NotificationManager
import android.app.RemoteInput
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.content.pm.ShortcutManager
import android.os.Bundle
import im.sotto.ContactAction
import im.sotto.ConversationId
import im.sotto.testing.Person
import java.security.ProviderException
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLooper

/** Notifications from the real core, of messages that another person's real core sends. */
@RunWith(RobolectricTestRunner::class)
@Config(application = TestHost::class)
class NotifierTest {
    private val host get() = RuntimeEnvironment.getApplication() as TestHost
    private val manager get() = host.getSystemService(NotificationManager::class.java)

    @get:Rule
    val phone = Phone { host }

    private val bob: Person by lazy { World.person("Bob") }

    @After
    fun leave() = bob.close()

    private fun update() = runBlocking { host.notifier.update(phone.sotto) }

    private fun of(id: ConversationId): Notification? =
        shadowOf(manager).getNotification(id.value, Notifier.MESSAGES)

    private fun lines(notification: Notification?): List<String> = notification?.extras
        ?.getParcelableArray(Notification.EXTRA_MESSAGES, Bundle::class.java)?.map { "${it.getCharSequence("text")}" }
        .orEmpty()

    /** A contact whose request is read, and one message of theirs. */
    private fun begin(): ConversationId {
        val id = phone.befriend(bob)
        runBlocking { phone.sotto.conversations.markRead(id, phone.receive(id, "It is me").id) }
        update()
        assertNull(of(id))
        return id
    }

    private fun hear(id: ConversationId, text: String, vararg more: Pair<String, Any?>) {
        bob.call("send", "conversation" to id.value, "text" to text, *more)
        phone.receive(id, text)
    }

    @Test
    fun `each message is shown once, whenever the process ends`() {
        val id = begin()
        hear(id, "one")
        update()
        val first = of(id)
        assertEquals(listOf("one"), lines(first))
        assertEquals(NotificationDrawing.MESSAGES, first?.channelId)
        update()
        assertSame(first, of(id))

        // The process ended after showing and before the note of it: the notification stands and is not shown again.
        host.getSharedPreferences("im.sotto.notified", 0).edit().putLong("arrival", 0).commit()
        phone.die()
        update()
        assertSame(first, of(id))

        // Two messages came while no process lived.
        hear(id, "two")
        hear(id, "three")
        phone.die()
        update()
        assertEquals(listOf("one", "two", "three"), lines(of(id)))
        assertEquals(1, Phone.notifications(host).size)

        // Wiped away: nothing comes back but with something new.
        manager.cancelAll()
        phone.die()
        update()
        assertNull(of(id))
        hear(id, "four")
        update()
        assertEquals(listOf("one", "two", "three", "four"), lines(of(id)))
    }

    @Test
    fun `a message under many own ones is shown too`() {
        val id = begin()
        hear(id, "early")
        runBlocking { repeat(130) { phone.sotto.messages.send(id, "own $it") } }
        update()
        assertEquals(listOf("early"), lines(of(id)))
        runBlocking { phone.sotto.messages.send(id, "one more") }
        update()
        assertEquals("it stays", listOf("early"), lines(of(id)))
        for (n in 1..25) bob.call("send", "conversation" to id.value, "text" to "late $n")
        phone.receive(id, "late 25")
        update()
        assertEquals((6..25).map { "late $it" }, lines(of(id)))
    }

    @Test
    fun `what is edited, deleted or read is so in the notification, without a sound`() {
        val id = begin()
        hear(id, "one")
        hear(id, "wrong")
        update()
        val loud = of(id)
        val wrong = phone.receive(id, "wrong")
        bob.call("edit", "message" to wrong.id.value, "text" to "right")
        phone.receive(id, "right")
        update()
        assertNotSame(loud, of(id))
        assertEquals(listOf("one", "right"), lines(of(id)))
        assertEquals(NotificationDrawing.MESSAGES, of(id)?.channelId)
        assertTrue(checkNotNull(of(id)).flags and Notification.FLAG_ONLY_ALERT_ONCE != 0)

        bob.call("delete_for_everyone", "message" to wrong.id.value)
        Phone.until { runBlocking { phone.sotto.messages.get(wrong.id) }.takeIf { it.deletedBy != null } }
        update()
        assertEquals(listOf("one"), lines(of(id)))

        runBlocking { phone.sotto.conversations.markRead(id, phone.receive(id, "one").id) }
        update()
        assertNull(of(id))
    }

    @Test
    fun `muted, silent and visible conversations make no sound`() {
        val id = begin()
        runBlocking { phone.sotto.conversations.mute(id) }
        hear(id, "muted")
        update()
        assertNull(of(id))
        runBlocking { phone.sotto.conversations.mute(id, 1) }
        update()
        assertNull(of(id))

        hear(id, "silent", "silent" to true)
        update()
        assertEquals(NotificationDrawing.SILENT, of(id)?.channelId)
        assertEquals(NotificationManager.IMPORTANCE_LOW, manager.getNotificationChannel("sotto.silent").importance)

        host.notifier.visible = id
        assertNull(of(id))
        hear(id, "on screen")
        update()
        assertNull(of(id))
        host.notifier.visible = null
        update()
        assertNull(of(id))
    }

    @Test
    fun `a locked screen tells neither name nor text`() {
        val id = begin()
        hear(id, "secret")
        update()
        val shown = checkNotNull(of(id))
        assertEquals(Notification.VISIBILITY_PRIVATE, shown.visibility)
        assertTrue("a thief answers nothing", shown.actions.all { it.isAuthenticationRequired })
        val public = shown.publicVersion
        assertEquals("New message", public.extras.getString(Notification.EXTRA_TITLE))
        val told = "${public.extras}${public.tickerText}"
        assertTrue("New message" in told)
        assertFalse("secret" in told || "Bob" in told)
        val shortcut = host.getSystemService(ShortcutManager::class.java).dynamicShortcuts.single()
        assertEquals(id.value, shortcut.id)
        assertEquals(id.value, shown.shortcutId)
        assertEquals("Bob", shortcut.shortLabel)
        assertEquals(setOf(Shortcuts.SHARE), shortcut.categories)
    }

    @Test
    fun `an answer in the notification is sent once and marks as read`() {
        val id = begin()
        hear(id, "hello?")
        update()
        val reply = checkNotNull(of(id)).actions[0]
        press(answer(reply, "hi!"))
        Phone.until { Unit.takeIf { of(id) == null } }
        bob.waitFor(id.value, "It is me", "hello?", "hi!")
        assertEquals(0, runBlocking { phone.sotto.conversations.get(id) }.unread)
    }

    @Test
    fun `an answer that cannot be sent becomes the draft`() {
        val id = begin()
        hear(id, "hello?")
        update()
        val reply = checkNotNull(of(id)).actions[0]
        runBlocking { phone.sotto.contacts.answer(phone.sotto.contacts.all().single().id, ContactAction.BLOCK) }
        press(answer(reply, "lost?"))
        Phone.until { Unit.takeIf { runBlocking { phone.sotto.conversations.get(id) }.draft == "lost?" } }
        press(answer(reply, "and this?"))
        Phone.until { Unit.takeIf { runBlocking { phone.sotto.conversations.get(id) }.draft == "lost?\nand this?" } }
    }

    @Test
    fun `an answer leaves the draft that waits in the app as it is`() {
        val id = begin()
        hear(id, "hello?")
        update()
        runBlocking { phone.sotto.conversations.setDraft(id, "a long letter") }
        press(answer(checkNotNull(of(id)).actions[0], "soon"))
        Phone.until { Unit.takeIf { of(id) == null } }
        bob.waitFor(id.value, "It is me", "hello?", "soon")
        assertEquals("a long letter", runBlocking { phone.sotto.conversations.get(id) }.draft)
    }

    @Test
    fun `an answer waits in the notification while the core cannot open, and is sent once`() {
        val id = begin()
        hear(id, "hello?")
        update()
        val reply = checkNotNull(of(id)).actions[0]
        phone.die()
        FakeKeyStore.failure = ProviderException("keystore daemon restarts")
        press(answer(reply, "not"))
        val kept = Phone.until { of(id)?.takeIf { history(it) == "not" } }
        assertEquals("Not sent yet", kept.extras.getString(Notification.EXTRA_SUB_TEXT))
        assertEquals(listOf("hello?"), lines(kept))
        phone.die()
        press(answer(reply, "lost"))
        val both = Phone.until { of(id)?.takeIf { history(it) == "not\nlost" } }

        FakeKeyStore.failure = null
        phone.die()
        phone.sotto // Any call opens the core.
        bob.waitFor(id.value, "It is me", "hello?", "not\nlost")
        Phone.until { Unit.takeIf { of(id) == null } }
        assertEquals(0, runBlocking { phone.sotto.conversations.get(id) }.unread)

        // The process ended after sending and before the notification went.
        manager.notify(id.value, Notifier.MESSAGES, both)
        phone.die()
        update()
        assertNull(of(id))
        assertEquals(1, runBlocking { phone.sotto.messages.page(id, 50) }.count { it.isMine })
    }

    @Test
    fun `an answer waits too if its notification went meanwhile`() {
        val id = begin()
        hear(id, "hello?")
        update()
        val reply = checkNotNull(of(id)).actions[0]
        phone.die()
        FakeKeyStore.failure = ProviderException("keystore daemon restarts")
        manager.cancelAll()
        press(answer(reply, "late"))
        val kept = Phone.until { of(id) }
        assertEquals("late", history(kept))
        assertEquals(Notification.VISIBILITY_PRIVATE, kept.visibility)
        FakeKeyStore.failure = null
        phone.die()
        phone.sotto
        bob.waitFor(id.value, "It is me", "hello?", "late")
        Phone.until { Unit.takeIf { of(id) == null } }
    }

    @Test
    fun `without the app's help a message is notified when it comes`() {
        val id = phone.befriend(bob)
        bob.send(id.value, "ping")
        Phone.until { Unit.takeIf { lines(of(id)) == listOf("It is me", "ping") } }
    }

    private fun history(notification: Notification): String? =
        notification.extras.getCharSequenceArray(Notification.EXTRA_REMOTE_INPUT_HISTORY)?.singleOrNull()?.toString()

    @Test
    fun `mark as read does so up to what the person saw`() {
        val id = begin()
        hear(id, "seen")
        update()
        val read = Intent(shadowOf(checkNotNull(of(id)).actions[1].actionIntent).savedIntent)
        hear(id, "not seen")
        press(read)
        Phone.until { Unit.takeIf { lines(of(id)) == listOf("not seen") } }
        assertEquals(1, runBlocking { phone.sotto.conversations.get(id) }.unread)
    }

    @Test
    fun `a request is shown once, until it is answered`() {
        runBlocking { phone.sotto.account.create("Alice") }
        bob.call("contact_add", "link" to runBlocking { phone.sotto.contacts.invite().link }, "text" to "It is me")
        val request = Phone.until { runBlocking { phone.sotto.contacts.all() }.firstOrNull() }
        update()
        val shown = Phone.notifications(host).single()
        assertEquals("Bob wants to talk with you", shown.notification.extras.getString(Notification.EXTRA_TITLE))
        phone.die()
        update()
        assertSame(shown.notification, Phone.notifications(host).single().notification)
        manager.cancelAll()
        phone.die()
        update()
        assertEquals(0, Phone.notifications(host).size)
        runBlocking { phone.sotto.contacts.answer(request.id, ContactAction.DECLINE) }
        update()
        assertEquals(0, Phone.notifications(host).size)
    }

    /** The numbers of another account begin anew, also if the same phrase is restored. */
    @Test
    fun `after the account was deleted another one is notified from its first message on`() {
        val old = begin()
        repeat(4) { hear(old, "old $it") }
        update()
        assertTrue(Phone.notifications(host).isNotEmpty())
        runBlocking { host.process.erase() }
        assertEquals(0, Phone.notifications(host).size)
        World.person("Carol").use { carol ->
            val id = phone.befriend(carol)
            carol.call("send", "conversation" to id.value, "text" to "new")
            phone.receive(id, "new")
            update()
            assertEquals("new", lines(of(id)).last())
        }
    }

    private fun answer(reply: Notification.Action, text: String): Intent {
        val intent = Intent(shadowOf(reply.actionIntent).savedIntent)
        val typed = Bundle().apply { putCharSequence(NotificationActions.TEXT, text) }
        RemoteInput.addResultsToIntent(reply.remoteInputs, intent, typed)
        return intent
    }

    /**
     * Presses an action of a notification, and waits for its end: else its receiver would go on in the next process of
     * the test, with the core of this one. The manifest names the receiver; here it is registered by its actions.
     */
    private fun press(intent: Intent) {
        assertEquals(NotificationActions::class.java.name, intent.component?.className)
        val filter = IntentFilter(intent.action).apply { addDataScheme("sotto") }
        val receiver = NotificationActions()
        host.registerReceiver(receiver, filter, Context.RECEIVER_NOT_EXPORTED)
        host.sendBroadcast(intent.setComponent(null))
        ShadowLooper.idleMainLooper()
        val end = shadowOf(shadowOf(receiver).originalPendingResult).future
        Phone.until { Unit.takeIf { end.isDone } }
        host.unregisterReceiver(receiver)
    }
}
