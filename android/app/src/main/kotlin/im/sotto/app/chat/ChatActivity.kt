package im.sotto.app.chat

import android.content.Intent
import android.os.Bundle
import android.view.Menu
import android.view.View
import android.widget.ListView
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.GroupState
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
import im.sotto.app.conversationOf
import im.sotto.app.media.browse
import im.sotto.app.messageId
import im.sotto.app.show
import im.sotto.app.toContact
import im.sotto.app.media.Attachments
import im.sotto.app.media.FileViews
import im.sotto.app.toMedia
import im.sotto.app.toSearch
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** One conversation: reads, writes, and keeps what is not sent yet as its draft. */
class ChatActivity : Screen(R.layout.chat), MessageTaps {
    private lateinit var header: ChatHeader
    private lateinit var list: ChatList
    private lateinit var composer: Composer
    private lateinit var files: FileViews
    private val sending by lazy { Sending(app, this, composer) }
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
    override val canWrite
        get() = conversation?.state in WRITING || conversation?.group?.state == GroupState.MEMBER

    override fun build(state: Bundle?) {
        title = ""
        header = ChatHeader(this, toolbar)
        files = FileViews(this, scope, ::perform)
        attachments = Attachments(this, ::perform, app, conversationId)
        list = ChatList(findViewById<ListView>(R.id.messages), Bubble(this, app.times, this, files), ::moved)
        val links = LinkOffer(this, app.linkPreviews) { app.preferences.linkPreviews }
        val typing = { perform { it.conversations.typing(conversationId) } }
        composer = Composer(this, Shared.textOf(intent), links, typing) {
            perform { if (conversation != null) sending.send(it, conversationId) }
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

    override suspend fun follow(sotto: Sotto) {
        app.kept()
        val now = sotto.conversations.get(conversationId)
        conversation = now
        composer.fill(sotto, now)
        attachments.ask()
        val shown = messages ?: begin(sotto, now).also { messages = it }
        beside(
            { sotto.conversations.observe(conversationId).collect { showConversation(sotto, it) } },
            { shown.items.collect { show(it, !shown.hasNewer.value) } },
            { header.followContact(sotto, now) },
            { header.followTyping(sotto, now) },
            { header.followPins(sotto, now) },
        )
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
        moved()
    }

    private fun show(newestFirst: List<Message>, isNewest: Boolean) {
        list.show(Entry.of(newestFirst, list.firstUnread, app.times), isNewest)
        setText(R.id.nothing, if (newestFirst.isEmpty()) getString(R.string.chat_nothing_yet, theirName) else null)
    }

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
        perform {
            runCatching { it.conversations.markRead(conversationId, seen.id) }
                .onFailure { marked = null }.getOrThrow()
        }
    }

    fun giveBack(sent: Composer.Sent) {
        composer.giveBack(sent)
        perform { sotto -> conversation?.let { composer.fill(sotto, it) } }
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

    fun offer(texts: List<String>, title: String? = null, action: (Int) -> Unit) = chooseText(title, texts, action)

    fun edit(message: Message) = perform { composer.edit(it.messages.get(message.id)) }

    fun openContact() {
        conversation?.contact?.let(::toContact)
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
        if (error.code in GONE) finish()
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
            R.id.chat_timer -> Timer.choose(this)
            else -> return false
        }
        return true
    }

    override fun onActivityResult(request: Int, result: Int, data: Intent?) {
        if (result == RESULT_OK) attachments.take(request, data) else attachments.refused(request)
    }

    override fun onRequestPermissionsResult(request: Int, permissions: Array<String>, results: IntArray) =
        attachments.permitted(request, results)

    /** Asked for again: by a hit of the search, a notification, or another app that shares something. */
    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        if (conversationOf(intent) != conversationId) {
            finish()
            return startActivity(intent.setFlags(intent.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION))
        }
        setIntent(intent)
        composer.add(Shared.textOf(intent))
        attachments.share(Shared.filesOf(intent))
        val wanted = messageId ?: return
        if (messages == null) anchor = wanted else goTo(wanted)
    }

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
        app.keep { keep(it, conversationId) }
        super.onPause()
    }

    override fun onDestroy() {
        files.end()
        if (isFinishing) attachments.leave()
        super.onDestroy()
    }

    private companion object {
        const val ANCHOR = "anchor"
        const val UNREAD = "unread"
        const val PAGE = 50
        const val MOST_PAGE = 500
        const val FLASH_MS = 1_500L
        val WRITING = setOf<ContactState?>(ContactState.ACCEPTED, ContactState.REQUESTED)
        val GONE = setOf(SottoCode.CONVERSATION_MISSING, SottoCode.CONTACT_MISSING)
    }
}
