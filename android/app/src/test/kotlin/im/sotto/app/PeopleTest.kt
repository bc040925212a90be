package im.sotto.app

import im.sotto.app.chat.ChatActivity
import im.sotto.app.media.MediaActivity
import android.content.ClipData
import android.content.ClipboardManager
import android.content.Intent
import android.graphics.Bitmap
import im.sotto.Contact
import im.sotto.ContactState
import im.sotto.testing.Person
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import java.util.Base64

/** How people meet, and how they know each other again. */
class PeopleTest : AppTest() {
    private fun contacts() = app.await { app.sotto().contacts.all() }

    private fun contact(name: String): Contact = contacts().first { it.ownName == name }

    private fun state(name: String) = contacts().firstOrNull { it.ownName == name }?.state

    @Test
    fun requestsAreAcceptedDeclinedAndBlocked() {
        alice()
        val bob = person("Bob", BOB)
        asks(bob, "Bob from the choir. Gerda gave me your code after the rehearsal.")
        phone.until("Bob's request") { state("Bob") == ContactState.INCOMING }
        asks(person("Carol Ølgaard", CAROL), "")
        phone.until("both requests") { contacts().size == 2 }
        phone.tap(R.id.requests)
        phone.on<RequestsActivity>()
        phone.sees("Gerda gave me")
        draw("requests")

        phone.tapIn("Carol Ølgaard", R.id.decline)
        phone.until("declined") { state("Carol Ølgaard") == ContactState.DECLINED }
        phone.tapIn("Bob", R.id.block)
        phone.tap(app.getString(R.string.cancel))
        assertEquals(ContactState.INCOMING, state("Bob"))
        phone.tapIn("Bob", R.id.accept)
        phone.on<ChatActivity>()
        bob.contact("accepted")
        phone.back()
        phone.sees(app.getString(R.string.requests_empty))
        draw("requests-empty")
        phone.back()
        phone.menu(R.id.closed)
        phone.sees(app.getString(R.string.chat_declined))
    }

    @Test
    fun theOwnCodeBringsAFriendAndALinkLeadsToOne() {
        alice()
        phone.tap(R.id.add)
        phone.on<AddActivity>()
        phone.until("an invite") { app.await { app.sotto().contacts.invites() }.size == 1 }
        draw("add", R.id.code)
        // What another phone reads off this screen is the invite.
        phone.until("the code") { Qr.decode(Draw.picture(phone)) != null }
        val link = String(checkNotNull(Qr.decode(Draw.picture(phone))))
        phone.tap(R.id.invites)
        phone.on<InvitesActivity>()
        phone.sees(app.getString(R.string.invites_text))
        draw("invites")
        phone.back()
        phone.on<AddActivity>()
        assertEquals(app.await { app.sotto().contacts.invites() }.single().link, link)
        phone.tap(R.id.share)
        val sent = phone.left.removeLast().getParcelableExtra(Intent.EXTRA_INTENT, Intent::class.java)
        assertTrue(sent?.getStringExtra(Intent.EXTRA_TEXT).orEmpty().contains(link))
        person("Carol", CAROL).call("contact_add", "link" to link, "text" to "It is Carol")
        phone.until("Carol's request") { state("Carol") == ContactState.INCOMING }

        phone.tap(R.id.paste)
        phone.sees(app.getString(R.string.add_paste_empty))
        val bob = person("Bob", BOB)
        val clipboard = app.getSystemService(ClipboardManager::class.java)
        clipboard.setPrimaryClip(ClipData.newPlainText("", "https://example.org/#nonsense"))
        phone.tap(R.id.paste)
        phone.sees(app.getString(R.string.error_invite_truncated))
        val picture = Bitmaps.code(bob.invite().toByteArray())
        phone.tap(R.id.picture)
        phone.answer(Intent().setData(offer(Bitmap.createBitmap(300, 300, Bitmap.Config.ARGB_8888))))
        phone.sees(app.getString(R.string.add_no_code))
        phone.tap(R.id.picture)
        phone.answer(Intent().setData(offer(picture)))
        phone.on<PreviewActivity>()
        phone.sees("Bob")
        phone.type(R.id.message, "Hello Bob, it is Alice from next door.")
        draw("preview")
        phone.die()
        phone.until("the typed text") { phone.text(R.id.message).startsWith("Hello Bob") }
        phone.tap(R.id.send)
        phone.on<ChatActivity>()
        assertEquals("Hello Bob, it is Alice from next door.", bob.contact("incoming")["request_text"].text)
        phone.back()
        phone.sees(app.getString(R.string.chat_requested))
    }

    @Test
    fun aContactIsComparedNamedBlockedAndRemoved() {
        alice()
        val bob = person("Bob", BOB)
        befriend(bob, "It is Bob")
        phone.hold("Bob")
        phone.tap(app.getString(R.string.chat_contact))
        phone.on<ContactActivity>()
        phone.sees(app.getString(R.string.contact_not_verified))
        draw("contact")
        phone.tap(R.id.media)
        phone.on<MediaActivity>()
        phone.back()
        phone.tap(R.id.safety)
        phone.on<SafetyActivity>()
        phone.until("the digits") { phone.text(R.id.digits).count(Char::isDigit) == DIGITS }
        draw("safety", R.id.code)
        assertEquals(number(bob)["digits"].text.filter(Char::isDigit), phone.text(R.id.digits).filter(Char::isDigit))

        phone.tap(R.id.picture)
        val id = contact("Bob").id
        val own = app.await { app.sotto().contacts.safetyNumber(id).qr.toByteArray() }
        phone.answer(Intent().setData(offer(Bitmaps.code(own))))
        phone.sees(app.getString(R.string.error_verify_account))
        phone.tap(R.id.picture)
        phone.answer(Intent().setData(offer(Bitmaps.code(Base64.getUrlDecoder().decode(number(bob)["qr"].text)))))
        phone.sees(app.getString(R.string.safety_verified, "Bob"))
        assertTrue(contact("Bob").isVerified)
        phone.tap(R.id.same)
        phone.until("no longer verified") { !contact("Bob").isVerified }
        phone.sees(app.getString(R.string.safety_same))
        phone.tap(R.id.same)
        phone.until("verified by the digits") { contact("Bob").isVerified }
        phone.back()

        phone.tap(R.id.nickname)
        phone.type(R.id.nickname_field, "Bob next door")
        phone.tap(app.getString(R.string.save))
        phone.sees("Bob next door")
        phone.sees(app.getString(R.string.contact_own_name, "Bob"))
        draw("contact-verified")
        phone.tap(R.id.block)
        phone.tap(app.getString(R.string.contact_block))
        phone.sees(app.getString(R.string.contact_unblock))
        phone.tap(R.id.block)
        phone.until("unblocked") { state("Bob") == ContactState.ACCEPTED }
        phone.tap(R.id.remove)
        phone.tap(app.getString(R.string.contact_remove_yes))
        phone.on<ChatsActivity>()
        assertTrue(contacts().isEmpty())
    }

    @Test
    fun anotherDeviceOfAContactIsShownUntilItIsSeen() {
        alice()
        val old = person("Bob", BOB)
        befriend(old, "It is Bob")
        phone.hold("Bob")
        phone.tap(string(R.string.chat_contact))
        phone.on<ContactActivity>()
        phone.until("a page without a warning") { isShown(R.id.safety) && !isShown(R.id.devices) }
        old.close()
        asks(person("Bob, a new phone", BOB), "")
        phone.until("the warning") { isShown(R.id.devices) }
        assertTrue(contacts().single().devicesChanged)
        phone.tap(R.id.seen)
        phone.until("no warning") { !isShown(R.id.devices) }
        assertFalse(contacts().single().devicesChanged)
        phone.recreate()
        phone.until("no warning") { isShown(R.id.safety) && !isShown(R.id.devices) }
    }

    private fun number(of: Person) =
        of.call("safety_number", "contact" to of.call("contacts")["contacts"][0]["id"].text)

    private companion object {
        const val DIGITS = 60
    }
}
