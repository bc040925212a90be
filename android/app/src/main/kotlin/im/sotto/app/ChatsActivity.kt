package im.sotto.app

import android.Manifest
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.os.Build
import android.os.Bundle
import android.view.Menu
import android.view.View
import android.widget.ListView
import android.widget.TextView
import im.sotto.Connectivity
import im.sotto.Conversation
import im.sotto.Folder
import im.sotto.Sotto
import im.sotto.app.search.SearchActivity
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.collectLatest

/** The conversations of one folder. The inbox is the app's main screen. */
class ChatsActivity : Screen(R.layout.chats) {
    private val folder get() = Folder.valueOf(intent.getStringExtra(FOLDER) ?: Folder.INBOX.name)
    private val isInbox get() = folder == Folder.INBOX
    override val hasBack get() = !isInbox
    private lateinit var rows: Rows<Pair<Conversation, Bitmap?>>
    private val actions by lazy { ConversationActions(this, ::choose, ::confirm) { act(it) } }

    override fun build(state: Bundle?) {
        title = getString(TITLES.getValue(folder))
        val list = findViewById<ListView>(R.id.list)
        if (isInbox) {
            val header = layoutInflater.inflate(R.layout.chats_header, list, false)
            list.addHeaderView(header, null, false)
            header.findViewById<View>(R.id.search).setOnClickListener { go(SearchActivity::class.java) }
            header.findViewById<View>(R.id.requests).setOnClickListener { go(RequestsActivity::class.java) }
        }
        if (isInbox && state == null) askForNotifications()
        val row = ConversationRow(app.times)
        rows = Rows(list, R.layout.chat_row, { it.first.id }) { view, (one, picture) -> row.bind(view, one, picture) }
        rows.onTap { (one) -> toConversation(one.id) }
        rows.onHold { (one) -> actions.offer(one) }
        onTap(R.id.add) { go(AddActivity::class.java) }
        findViewById<View>(R.id.add).show(isInbox)
        EMPTY[folder]?.let { text ->
            findViewById<View>(R.id.empty_title).show(false)
            setText(R.id.empty_text, getString(text))
        }
    }

    /** Android asks the person once, and remembers the answer. */
    private fun askForNotifications() {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.TIRAMISU) return
        val name = Manifest.permission.POST_NOTIFICATIONS
        if (checkSelfPermission(name) != PackageManager.PERMISSION_GRANTED) requestPermissions(arrayOf(name), 1)
    }

    override suspend fun follow(sotto: Sotto) {
        invalidateOptionsMenu()
        if (sotto.account.get() == null) return toStart()
        val chats = sotto.conversations.list(folder)
        rows.onEnd(chats::loadMore)
        beside(
            { chats.items.collect { show(sotto, it) } },
            { if (isInbox) sotto.conversations.observeUnread().collect { showRequests(it.requests) } },
            { if (isInbox) sotto.connectivity.collectLatest(::showLink) },
        )
    }

    private suspend fun show(sotto: Sotto, now: List<Conversation>) {
        rows.show(now.map { it to app.pictures.of(sotto, it.picture) })
        findViewById<View>(R.id.empty).show(now.isEmpty())
    }

    private fun showRequests(count: Int) {
        val text = if (count == 0) null else resources.getQuantityString(R.plurals.requests_wait, count, count)
        setText(R.id.requests, text)
    }

    /** A short break is not worth a line. */
    private suspend fun showLink(now: Connectivity) {
        if (textOf(now) != null) delay(LINK_PATIENCE_MS)
        setText(R.id.link, textOf(now)?.let(::getString))
    }

    override fun onCreateOptionsMenu(menu: Menu): Boolean {
        if (isInbox) {
            menuInflater.inflate(R.menu.chats, menu)
            menu.findItem(R.id.new_notices).isVisible = !app.preferences.noticesSeen
        }
        return isInbox
    }

    override fun onMenu(id: Int): Boolean {
        when (id) {
            R.id.archived -> startActivity(of(Folder.ARCHIVED))
            R.id.closed -> startActivity(of(Folder.CLOSED))
            R.id.notices, R.id.new_notices -> go(NoticesActivity::class.java)
            R.id.settings -> go(SettingsActivity::class.java)
            else -> return false
        }
        return true
    }

    private fun of(folder: Folder) = Intent(this, ChatsActivity::class.java).putExtra(FOLDER, folder.name)

    private fun go(screen: Class<out Screen>) = startActivity(Intent(this, screen))

    companion object {
        private const val FOLDER = "folder"
        const val LINK_PATIENCE_MS = 3_000L
        private val TITLES = mapOf(
            Folder.INBOX to R.string.app_name,
            Folder.ARCHIVED to R.string.chats_archived,
            Folder.CLOSED to R.string.chats_closed,
        )
        private val EMPTY = mapOf(Folder.ARCHIVED to R.string.archived_empty, Folder.CLOSED to R.string.closed_empty)

        /** What is wrong with the connection, or `null`. */
        fun textOf(now: Connectivity): Int? = when {
            now.relayPeers > 0 -> null
            now.publishNodes == 0 && now.receiveNodes == 0 -> R.string.link_offline
            now.publishNodes == 0 -> R.string.link_receive_only
            !now.isSubscribed -> R.string.link_send_only
            !now.hasStore -> R.string.link_no_store
            else -> null
        }
    }
}
