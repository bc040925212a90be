package im.sotto.android

import android.content.Context
import android.content.Intent
import android.content.pm.ShortcutInfo
import android.content.pm.ShortcutManager
import android.graphics.Bitmap
import android.graphics.drawable.Icon
import android.os.Build
import im.sotto.Change
import im.sotto.ContactState
import im.sotto.Conversation
import im.sotto.ConversationId
import im.sotto.FileId
import im.sotto.Folder
import im.sotto.Sotto
import im.sotto.SottoException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.withContext

/**
 * Conversations as shortcuts of the phone: direct share offers them, notifications of conversations need them
 * (Android 11), and the launcher lists them. [SottoProcess] keeps them true.
 */
public class Shortcuts internal constructor(private val context: Context, private val style: NotificationStyle) {
    private val manager: ShortcutManager = context.getSystemService(ShortcutManager::class.java)

    /** How many are ours: those of the app's manifest count too. */
    private val most get() = (manager.maxShortcutCountPerActivity - manager.manifestShortcuts.size).coerceIn(1, MOST)

    /** Keeps them true until the core is closed. The phone takes few changes from an app in the background. */
    internal suspend fun follow(sotto: Sotto) {
        var last: List<Any?>? = null
        sotto.observe(Change.CONVERSATIONS, Change.CONTACTS) { Any() }.collect {
            val first = sotto.conversations.page(Folder.INBOX, most).filter { it.state == ContactState.ACCEPTED }
            val looks = first.map { listOf(it.id, it.name, it.picture) }
            // A notification may have pushed another one meanwhile.
            val published = manager.dynamicShortcuts.mapTo(HashSet()) { it.id }
            if (looks != last || published != first.mapTo(HashSet()) { it.id.value }) {
                publish(sotto, first)
                last = looks
                delay(PAUSE_MS)
            }
        }
    }

    /** Publishes the first conversations of the inbox, and withdraws those that left it. */
    private suspend fun publish(sotto: Sotto, first: List<Conversation>) {
        val ids = first.mapTo(HashSet()) { it.id.value }
        remove(manager.dynamicShortcuts.map { it.id }.filterNot { it in ids })
        manager.dynamicShortcuts = first.mapIndexed { rank, conversation -> shortcut(sotto, conversation, rank) }
    }

    /** Withdraws all shortcuts. */
    internal fun clear() {
        remove(manager.dynamicShortcuts.map { it.id })
    }

    internal suspend fun push(sotto: Sotto, conversation: Conversation) {
        val shortcut = shortcut(sotto, conversation, 0)
        if (Newer.push(manager, shortcut)) return
        val others = manager.dynamicShortcuts.filter { it.id != shortcut.id }.sortedBy { it.rank }
        manager.dynamicShortcuts = listOf(shortcut) + others.take(most - 1)
    }

    private fun remove(ids: List<String>) {
        manager.removeDynamicShortcuts(ids)
        Newer.remove(manager, ids)
    }

    private suspend fun shortcut(sotto: Sotto, conversation: Conversation, rank: Int): ShortcutInfo {
        val id = conversation.id.value
        val intent = style.openConversation(context, conversation.id)
        val builder = ShortcutInfo.Builder(context, id)
            .setShortLabel(PeerText.line(conversation.name).ifBlank { id.take(8) })
            .setIntent(if (intent.action == null) intent.setAction(Intent.ACTION_VIEW) else intent)
            .setCategories(setOf(SHARE))
            .setRank(rank)
        val icon = conversation.picture?.let { picture(sotto, it) }?.let(Icon::createWithAdaptiveBitmap)
        icon?.let(builder::setIcon)
        Newer.person(builder, id, PeerText.line(conversation.name), icon)
        return builder.build()
    }

    private suspend fun picture(sotto: Sotto, id: FileId): Bitmap? = try {
        val bytes = sotto.files.read(id, 0, PICTURE)
        withContext(Dispatchers.Default) { Pictures.decodeBounded(bytes, SIDE) }
    } catch (_: SottoException) {
        null
    }

    public companion object {
        /** The category that the app's `share-target` names in `res/xml`. */
        public const val SHARE: String = "im.sotto.category.SHARE"

        private const val MOST = 8
        private const val PAUSE_MS = 1_000L
        private const val PICTURE = 32_568
        private const val SIDE = 256

        /** The conversation that the person chose in direct share, of an intent `ACTION_SEND`; null if none. */
        public fun conversation(intent: Intent): ConversationId? {
            if (Build.VERSION.SDK_INT < Build.VERSION_CODES.Q) return null
            return intent.getStringExtra(Intent.EXTRA_SHORTCUT_ID)?.let(::ConversationId)
        }
    }
}
