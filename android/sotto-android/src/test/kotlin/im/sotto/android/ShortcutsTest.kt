package im.sotto.android

import android.content.Intent
import android.content.pm.ShortcutInfo
import android.content.pm.ShortcutManager
import android.graphics.drawable.Icon
import im.sotto.ContactAction
import im.sotto.ConversationId
import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import org.robolectric.util.ReflectionHelpers

@RunWith(RobolectricTestRunner::class)
@Config(application = TestHost::class)
class ShortcutsTest {
    private val host get() = RuntimeEnvironment.getApplication() as TestHost
    private val shown get() = host.getSystemService(ShortcutManager::class.java).dynamicShortcuts

    @get:Rule
    val phone = Phone { host }

    @Test
    fun `direct share offers the contacts of the inbox, and no longer those that are blocked`() {
        World.person("Bob").use { bob ->
            val id = phone.befriend(bob)
            val shortcut = Phone.until { shown.singleOrNull { it.shortLabel == "Bob" } }
            assertEquals(id.value, shortcut.id)
            assertEquals(setOf(Shortcuts.SHARE), shortcut.categories)
            assertEquals(id.value, checkNotNull(shortcut.intent).getStringExtra("id"))

            val contact = runBlocking { phone.sotto.contacts.all() }.single().id
            runBlocking { phone.sotto.contacts.answer(contact, ContactAction.BLOCK) }
            Phone.until { Unit.takeIf { shown.isEmpty() } }
            runBlocking { phone.sotto.contacts.answer(contact, ContactAction.UNBLOCK) }
            Phone.until { Unit.takeIf { shown.size == 1 } }
            runBlocking { host.process.erase() }
            assertTrue(shown.isEmpty())
        }
    }

    /** Its 8 kB would need 256 MB, each time that a message of this contact is notified. */
    @Test
    @GraphicsMode(GraphicsMode.Mode.NATIVE)
    fun `a contact with a monstrous picture has a shortcut without one`() {
        World.person("Bob").use { bob ->
            val conversation = runBlocking { phone.sotto.conversations.get(phone.befriend(bob)) }
            // A contact's picture comes within half an hour; the own one is read in the same way.
            for ((side, hasIcon) in mapOf(8000 to false, 1000 to true)) runBlocking {
                val file = File(host.filesDir, "picture.png").apply { writeBytes(PicturesTest.bomb(side)) }
                phone.sotto.account.setPicture(file)
                val theirs = conversation.copy(picture = phone.sotto.account.get()?.picture)
                Shortcuts(host, host.style).push(phone.sotto, theirs)
                assertEquals(hasIcon, hasIcon(shown.single()))
            }
        }
    }

    private fun hasIcon(shortcut: ShortcutInfo): Boolean =
        ReflectionHelpers.callInstanceMethod<Icon?>(shortcut, "getIcon") != null

    @Test
    fun `the chosen conversation comes with what is shared`() {
        val share = Intent(Intent.ACTION_SEND)
        assertNull(Shortcuts.conversation(share))
        assertEquals(ConversationId("abc"), Shortcuts.conversation(share.putExtra(Intent.EXTRA_SHORTCUT_ID, "abc")))
    }
}
