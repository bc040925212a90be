package im.sotto.app.chat

import android.content.Intent
import android.os.Bundle
import android.view.Menu
import android.view.View
import android.widget.ListView
import android.widget.TextView
import im.sotto.Change
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.Message
import im.sotto.MessageId
import im.sotto.MessageList
import im.sotto.MessageState
import im.sotto.Sotto
import im.sotto.SottoCode
import im.sotto.SottoException
import im.sotto.android.PeerText
import im.sotto.app.R
import im.sotto.app.Screen
import im.sotto.app.Shared
import im.sotto.app.conversationId
import im.sotto.app.locale
import im.sotto.app.media.browse
import im.sotto.app.messageId
import im.sotto.app.show
import im.sotto.app.showText
import im.sotto.app.toContact
import im.sotto.app.media.Attachments
import im.sotto.app.media.FileViews
import im.sotto.app.toMedia
import im.sotto.app.toSearch
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.launch

/** One conversation: reads, writes, and keeps what is not sent yet as its draft. */
class ChatActivity : Screen(R.layout.chat), MessageTaps {
    private lateinit var header: ChatHeader
    private lateinit var list: ChatList
    private lateinit var composer: Composer
    private lateinit var files: FileViews
    private val menu by lazy { MessageMenu(this) }
    private var messages: MessageList? = null
    private var anchor: MessageId? = null
    private var flash: Job? = null

    /** The newest message that this screen marked as read. */
    private var marked: MessageId? = null
    private var isInFront = false
    lateinit var attachments: Attachments
        private set
    var conversation: Conversation? = null
        private set
    val times get() = app.times

    /** Lives as long as the screen. */
    val life get() = scope
    override val theirName get() = PeerText.line(conversation?.name.orEmpty())
    override val canWrite get() = conversation?.state in WRITING

    override fun build(state: Bundle?) {
        title = ""
        header = ChatHeader(this, toolbar)
        files = FileViews(this, scope, { app.sotto() }, ::perform)
        attachments = Attachments(this, ::perform) { conversationId }
        list = ChatList(findViewById<ListView>(R.id.messages), Bubble(this, app.times, this, files), ::moved)
        val links = LinkOffer(this, app.linkPreviews) { app.preferences.linkPreviews }
        val typing = { perform { it.conversations.typing(conversationId) } }
        composer = Composer(this, Shared.textOf(intent), links, typing) {
            perform { sotto -> conversation?.let { send(sotto, it) } }
        }
        attachments.restore(state, Shared.filesOf(intent))
        anchor = messageId
        if (state != null) {
            composer.restore(state)
            anchor = state.getString(ANCHOR)?.let(::MessageId)
            list.firstUnread = state.getString(UNREAD)?.let(::MessageId)
        }
        onTap(R.id.jump) { toNewest() }
        onTap(R.id.attach) { attachments.offer() }
    }

    override fun onSaveInstanceState(state: Bundle) {
        super.onSaveInstanceState(state)
        composer.save(state)
        attachments.save(state)
        state.putString(ANCHOR, list.anchor?.value)
        state.putString(UNREAD, list.firstUnread?.value)
    }

    override suspend fun follow(sotto: Sotto) = coroutineScope {
        val now = sotto.conversations.get(conversationId)
        conversation = now
        composer.fill(sotto, now)
        attachments.ask()
        val shown = messages ?: begin(sotto, now).also { messages = it }
        launch { sotto.conversations.observe(conversationId).collect { showConversation(sotto, it) } }
        launch {
            combine(sotto.contacts.observe(now.contact), sotto.conversations.observe(conversationId), ::Pair)
                .collect { (contact, one) -> header.show(contact, one) }
        }
        launch { sotto.conversations.observeTyping(conversationId).collect(::showTyping) }
        launch { sotto.observe(Change.MESSAGES) { messages.pins(conversationId) }.collect(header::showPins) }
        shown.items.collect { show(it, !shown.hasNewer.value) }
    }

    /** Opens at the wanted message, else at the first unread one, else at the newest. */
    private suspend fun begin(sotto: Sotto, now: Conversation): MessageList {
        val wanted = anchor
        if (wanted == null && list.firstUnread == null && now.unread > 0) {
            val page = sotto.messages.page(conversationId, (now.unread + PAGE).coerceAtMost(MOST_PAGE))
            list.firstUnread = page.lastOrNull { !it.isMine && it.state == MessageState.RECEIVED }?.id
        }
        val place = wanted ?: list.firstUnread
        place?.let(list::goTo)
        return sotto.messages.list(conversationId, PAGE, around = place)
    }

    private suspend fun showConversation(sotto: Sotto, one: Conversation) {
        conversation = one
        header.show(one, app.pictures.of(sotto, one.picture))
        findViewById<TextView>(R.id.jump_count).showText(
            if (one.unread == 0) null else String.format(locale, "%d", one.unread),
        )
        findViewById<View>(R.id.jump).contentDescription =
            if (one.unread == 0) getString(R.string.chat_to_newest)
            else resources.getQuantityString(R.plurals.chat_unread, one.unread, one.unread)
        moved()
    }

    private fun show(newestFirst: List<Message>, isNewest: Boolean) {
        list.show(Entry.of(newestFirst, list.firstUnread, app.times), isNewest)
        setText(R.id.nothing, if (newestFirst.isEmpty()) getString(R.string.chat_nothing_yet, theirName) else null)
    }

    private fun showTyping(on: Boolean) =
        setText(R.id.typing, if (on) getString(R.string.chat_typing, theirName) else null)

    /** The person scrolled, or the rows changed. */
    private fun moved() {
        val now = messages ?: return
        if (list.isChanging) return
        if (list.isNearStart) now.loadOlder()
        if (list.isNearEnd) now.loadNewer()
        findViewById<View>(R.id.jump).show(!list.isAtBottom || now.hasNewer.value)
        val seen = list.newestSeen ?: return
        if (!canWrite || seen.id == marked || !isInFront) return
        marked = seen.id
        perform { it.conversations.markRead(conversationId, seen.id) }
    }

    private suspend fun send(sotto: Sotto, now: Conversation) {
        composer.send(sotto, now)
        sent()
    }

    private fun toNewest() {
        messages?.let { if (it.hasNewer.value) it.jumpToNewest() }
        list.toBottom()
    }

    /** Shows a message, wherever it is, and lights it up for a moment. */
    fun goTo(message: MessageId) {
        perform {
            if (!list.goTo(message)) messages?.jumpTo(message)
            flash?.cancel()
            flash = scope.launch {
                list.flash(message)
                delay(FLASH_MS)
                list.flash(null)
            }
        }
    }

    /** Does what a person asked for. A failure is said on the notice line. */
    fun perform(task: suspend (Sotto) -> Unit) {
        act(task)
    }

    /** A message of this screen left: shows it. */
    fun sent() {
        list.firstUnread = null
        toNewest()
    }

    fun tell(text: Int) = say(getString(text))

    fun offer(texts: List<String>, action: (Int) -> Unit) = chooseText(null, texts, action)

    fun edit(message: Message) = perform { composer.edit(it.messages.get(message.id)) }

    fun openContact() {
        conversation?.let { toContact(it.contact) }
    }

    override fun onMenu(message: Message) = menu.offer(message)

    override fun onReply(message: Message) = composer.reply(message)

    override fun onQuoted(message: Message) {
        val reply = message.reply ?: return
        if (reply.isGone || reply.isMine == null) tell(R.string.chat_quote_gone) else goTo(reply.message)
    }

    override fun onAll(message: Message) = startActivity(TextActivity.of(this, message))

    override fun onDetails(message: Message) {
        if (message.isMine) StateLook.explain(this, message) else menu.versions(message)
    }

    override fun onRetry(message: Message) = perform { it.messages.retry(message.id) }

    override fun onReact(message: Message, emoji: String, on: Boolean) =
        perform { it.messages.react(message.id, emoji, on) }

    override fun onWhoReacted(message: Message) = menu.whoReacted(message)

    override fun onVote(message: Message, choice: Int) {
        val votes = message.poll?.votesAfter(choice) ?: return
        perform { it.messages.vote(message.id, votes) }
    }

    override fun onLink(url: String) {
        val title = getString(R.string.chat_link_title, PeerText.hostOf(url))
        confirm(title, PeerText.line(url), R.string.chat_link_open) { browse(url) }
    }

    override fun failed(error: SottoException) {
        super.failed(error)
        if (error.code == SottoCode.CONVERSATION_MISSING) finish()
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        menuInflater.inflate(R.menu.chat, menu)
        return true
    }

    override fun onMenu(id: Int): Boolean {
        when (id) {
            R.id.chat_search -> toSearch(conversationId)
            R.id.chat_media -> toMedia(conversationId)
            R.id.chat_contact -> openContact()
            R.id.chat_timer -> chooseTimer()
            else -> return false
        }
        return true
    }

    private fun chooseTimer() {
        val names = Timer.seconds.map { Timer.nameOf(this, it) }
        chooseText(getString(R.string.chat_timer), names) { at ->
            perform { it.conversations.setTimer(conversationId, Timer.seconds[at]) }
        }
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (result == RESULT_OK) attachments.take(request, data)
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) =
        attachments.permitted(request, results)

    override fun onResume() {
        super.onResume()
        isInFront = true
        app.notifier.visible = conversationId
    }

    override fun onPause() {
        isInFront = false
        if (app.notifier.visible == conversationId) app.notifier.visible = null
        attachments.pause()
        files.pause()
        val keep = composer.keep()
        app.finish { keep(it, conversationId) }
        super.onPause()
    }

    override fun onDestroy() {
        attachments.end()
        super.onDestroy()
    }

    private companion object {
        const val ANCHOR = "anchor"
        const val UNREAD = "unread"
        const val PAGE = 50
        const val MOST_PAGE = 500
        const val FLASH_MS = 1_500L
        val WRITING = setOf<ContactState?>(ContactState.ACCEPTED, ContactState.REQUESTED)
    }
}
