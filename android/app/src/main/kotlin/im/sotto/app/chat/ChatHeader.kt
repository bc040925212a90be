package im.sotto.app.chat

import android.graphics.Bitmap
import android.view.LayoutInflater
import android.view.View
import android.widget.Button
import android.widget.TextView
import android.widget.Toolbar
import im.sotto.Change
import im.sotto.Contact
import im.sotto.ContactAction
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.Message
import im.sotto.Sotto
import im.sotto.android.PeerText
import im.sotto.app.AvatarView
import im.sotto.app.R
import im.sotto.app.face
import im.sotto.app.locale
import im.sotto.app.show
import im.sotto.app.showText
import im.sotto.app.textOf
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.flowOf

/** What stands around the messages: with whom one talks, how safe that is, the pinned line, the answer to a request. */
class ChatHeader(private val chat: ChatActivity, toolbar: Toolbar) {
    private val title = LayoutInflater.from(chat).inflate(R.layout.chat_title, toolbar, false)

    init {
        toolbar.addView(title)
        title.setOnClickListener { chat.openContact() }
        for ((id, action) in ANSWERS) chat.findViewById<Button>(id).setOnClickListener { answer(action) }
    }

    private fun answer(action: ContactAction) = chat.perform { sotto ->
        chat.conversation?.contact?.let { sotto.contacts.answer(it, action) }
    }

    suspend fun followContact(sotto: Sotto, now: Conversation) {
        val person = now.contact?.let(sotto.contacts::observe) ?: flowOf(null)
        combine(person, sotto.conversations.observe(now.id), ::Pair).collect { (contact, one) -> show(contact, one) }
    }

    suspend fun followTyping(sotto: Sotto, now: Conversation) =
        sotto.conversations.observeTyping(now.id).collect(::showTyping)

    suspend fun followPins(sotto: Sotto, now: Conversation) =
        sotto.observe(Change.MESSAGES) { messages.pins(now.id) }.collect(::showPins)

    private fun showTyping(on: Boolean) = chat.findViewById<TextView>(R.id.typing)
        .showText(if (on) chat.getString(R.string.chat_typing, chat.theirName) else null)

    fun show(one: Conversation, picture: Bitmap?) {
        val name = PeerText.line(one.name)
        title.findViewById<AvatarView>(R.id.avatar).show(name, one.face, picture)
        title.findViewById<TextView>(R.id.name).text = name
        title.contentDescription = chat.getString(R.string.chat_with, name)
        chat.findViewById<View>(R.id.composer).show(chat.canWrite)
        val panel = PANELS[one.state]
        chat.findViewById<View>(R.id.request).show(panel != null)
        panel?.let { chat.findViewById<TextView>(R.id.request_text).text = chat.getString(it, name) }
        val isOpen = one.state == ContactState.INCOMING || one.state == ContactState.DECLINED
        for (id in listOf(R.id.accept, R.id.block)) chat.findViewById<View>(id).show(isOpen)
        chat.findViewById<View>(R.id.decline).show(one.state == ContactState.INCOMING)
        chat.findViewById<View>(R.id.unblock).show(one.state == ContactState.BLOCKED)
        showUnread(one.unread)
    }

    private fun showUnread(count: Int) {
        chat.findViewById<TextView>(R.id.jump_count)
            .showText(if (count == 0) null else String.format(chat.locale, "%d", count))
        chat.findViewById<View>(R.id.jump).contentDescription =
            if (count == 0) chat.getString(R.string.chat_to_newest)
            else chat.resources.getQuantityString(R.plurals.chat_unread, count, count)
    }

    private fun show(contact: Contact?, one: Conversation) {
        val parts = listOfNotNull(
            if (contact?.isVerified == true) chat.getString(R.string.contact_verified) else null,
            if (one.state == ContactState.REQUESTED) chat.getString(R.string.chat_requested) else null,
            if (one.isMuted) chat.getString(R.string.muted) else null,
            if (one.timerS > 0) chat.getString(R.string.chat_timer_on, Timer.nameOf(chat, one.timerS)) else null,
        )
        title.findViewById<TextView>(R.id.subtitle).showText(parts.joinToString(" · "))
        val standing = when {
            contact?.devicesChanged == true -> chat.getString(R.string.error_devices_changed)
            else -> contact?.waiting?.let { chat.getString(textOf(it)) }
        }
        chat.findViewById<TextView>(R.id.standing).apply {
            showText(standing)
            setOnClickListener { chat.openContact() }
        }
    }

    /** The pinned messages, the last pinned first. A tap goes to it. */
    private fun showPins(pins: List<Message>) {
        val line = chat.findViewById<View>(R.id.pins)
        line.show(pins.isNotEmpty())
        val first = pins.firstOrNull() ?: return
        val texts = pins.map { PeerText.line(it.text.orEmpty()).ifEmpty { chat.getString(R.string.chat_file) } }
        val text = texts.first()
        chat.findViewById<TextView>(R.id.pin_text).text = text
        line.contentDescription = chat.getString(R.string.chat_pinned_message, text)
        chat.findViewById<TextView>(R.id.pin_count).showText(
            if (pins.size > 1) chat.resources.getQuantityString(R.plurals.chat_pins, pins.size, pins.size) else null,
        )
        line.setOnClickListener {
            if (pins.size == 1) chat.goTo(first.id) else chat.offer(texts) { at -> chat.goTo(pins[at].id) }
        }
    }

    private companion object {
        val ANSWERS = mapOf(
            R.id.accept to ContactAction.ACCEPT,
            R.id.decline to ContactAction.DECLINE,
            R.id.block to ContactAction.BLOCK,
            R.id.unblock to ContactAction.UNBLOCK,
        )
        val PANELS = mapOf(
            ContactState.INCOMING to R.string.chat_request_text,
            ContactState.DECLINED to R.string.chat_declined_text,
            ContactState.BLOCKED to R.string.chat_blocked_text,
        )
    }
}
