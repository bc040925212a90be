package im.sotto.app

import android.text.format.Formatter
import android.widget.LinearLayout
import im.sotto.Change
import im.sotto.FileKind
import im.sotto.Sotto
import im.sotto.Storage

/** What takes space on this phone, and how to free it. */
class StorageActivity : Screen(R.layout.form, R.string.storage_title) {
    private val form by lazy { Form(findViewById<LinearLayout>(R.id.rows)) }

    override suspend fun follow(sotto: Sotto) =
        sotto.observe(Change.FILES, Change.MESSAGES) { files.storage() to diagnostics().databaseBytes }
            .collect { (files, database) -> show(sotto, files, database) }

    private suspend fun show(sotto: Sotto, now: Storage, database: Long) {
        val chats = now.parts.groupBy { it.conversation }.mapValues { (_, parts) -> parts.sumOf { it.bytes } }
        val names = chats.keys.associateWith { sotto.conversations.get(it).name }
        form.clear()
        form.row(R.drawable.ic_chat, getString(R.string.storage_database), value = size(database))
        form.row(R.drawable.ic_storage, getString(R.string.storage_files), value = size(now.bytes))
        val kinds = now.parts.groupBy { it.kind }.mapValues { (_, parts) -> parts.sumOf { it.bytes } }
        if (kinds.isNotEmpty()) form.section(R.string.storage_by_kind)
        for ((kind, bytes) in kinds.entries.sortedByDescending { it.value }) {
            form.row(0, getString(KINDS.getValue(kind)), value = size(bytes))
        }
        if (chats.isNotEmpty()) form.section(R.string.storage_by_chat)
        for ((id, bytes) in chats.entries.sortedByDescending { it.value }) {
            val name = names.getValue(id)
            form.row(R.drawable.ic_person, name, value = size(bytes)) {
                confirm(
                    getString(R.string.storage_free_title, name),
                    getString(R.string.storage_free_text),
                    R.string.storage_free,
                ) { free { it.files.freeStorage(id) } }
            }
        }
        if (now.bytes == 0L) return
        form.section(R.string.storage_free)
        offer(R.id.free_old, R.string.storage_old) { it.files.freeStorage(olderThanMs = OLD_MS) }
        offer(R.id.free_all, R.string.storage_all) { it.files.freeStorage() }
    }

    private fun offer(id: Int, title: Int, task: suspend (Sotto) -> Long) {
        form.row(R.drawable.ic_delete, title) {
            confirm(getString(title), getString(R.string.storage_free_text), R.string.storage_free) { free(task) }
        }.id = id
    }

    private fun free(task: suspend (Sotto) -> Long) = act {
        say(getString(R.string.storage_freed, size(task(it))))
    }

    private fun size(bytes: Long) = Formatter.formatShortFileSize(this, bytes)

    private companion object {
        const val OLD_MS = 90L * 24 * 3600 * 1000
        val KINDS = mapOf(
            FileKind.FILE to R.string.kind_file,
            FileKind.IMAGE to R.string.kind_image,
            FileKind.VOICE to R.string.kind_voice,
            FileKind.VIDEO to R.string.kind_video,
            FileKind.STICKER to R.string.kind_sticker,
            FileKind.GIF to R.string.kind_gif,
        )
    }
}
