package im.sotto.app.media

import android.Manifest
import android.app.AlertDialog
import android.content.ActivityNotFoundException
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.os.Bundle
import android.provider.MediaStore
import android.provider.OpenableColumns
import android.view.LayoutInflater
import android.widget.ImageView
import im.sotto.ConversationId
import im.sotto.FileId
import im.sotto.FileState
import im.sotto.MessageFile
import im.sotto.NewFile
import im.sotto.Sotto
import im.sotto.app.Pictures
import im.sotto.app.R
import im.sotto.app.chat.ChatActivity
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/** Sends pictures, files and voice notes from this chat, and saves files of its messages. */
class Attachments(
    private val chat: ChatActivity,
    private val perform: (suspend (Sotto) -> Unit) -> Unit,
    private val conversation: () -> ConversationId,
) {
    private var saving: FileId? = null
    private val voice = VoiceButton(chat, chat.life, ::mayRecord, { note -> send(listOf(note)) }, chat::tell)

    fun save(state: Bundle) = state.putString(SAVING, saving?.value)

    fun restore(state: Bundle?) {
        saving = state?.getString(SAVING)?.let(::FileId)
    }

    /** The screen is left: a note that is being recorded is not sent by accident. */
    fun pause() = voice.cancel()

    fun offer() = chat.offer(CHOICES.map { chat.getString(it.first) }) { at -> CHOICES[at].second(this) }

    private fun takePhoto() {
        if (chat.checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED) {
            return chat.requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA)
        }
        val intent = Intent(MediaStore.ACTION_IMAGE_CAPTURE)
            .putExtra(MediaStore.EXTRA_OUTPUT, CameraProvider.uri(chat))
            .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
        intent.clipData = android.content.ClipData.newRawUri("", CameraProvider.uri(chat))
        begin(intent, CAMERA)
    }

    private fun pickPictures() = begin(
        Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
            .putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true),
        PICTURES,
    )

    private fun pickFiles() = begin(
        Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
            .putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true),
        FILES,
    )

    private fun begin(intent: Intent, request: Int) = try {
        @Suppress("DEPRECATION")
        chat.startActivityForResult(intent, request)
    } catch (_: ActivityNotFoundException) {
        chat.tell(R.string.chat_no_app)
    }

    /** What another app returned. */
    fun take(request: Int, data: Intent?) {
        val chosen = data?.clipData?.let { clip -> List(clip.itemCount) { clip.getItemAt(it).uri } }
            ?: listOfNotNull(data?.data)
        when (request) {
            CAMERA -> confirm(listOf(CameraProvider.uri(chat)), true)
            PICTURES -> confirm(chosen.take(MOST), true)
            FILES -> confirm(chosen.take(MOST), false)
            SAVE -> chosen.firstOrNull()?.let(::write)
        }
    }

    fun permitted(request: Int, results: IntArray) {
        if (results.firstOrNull() != PackageManager.PERMISSION_GRANTED) {
            chat.tell(if (request == CAMERA) R.string.add_no_camera else R.string.media_no_microphone)
        } else if (request == CAMERA) {
            takePhoto()
        }
    }

    private fun mayRecord(): Boolean {
        val isAllowed = chat.checkSelfPermission(Manifest.permission.RECORD_AUDIO) == PackageManager.PERMISSION_GRANTED
        if (!isAllowed) chat.requestPermissions(arrayOf(Manifest.permission.RECORD_AUDIO), VOICE)
        return isAllowed
    }

    /** Shows what is about to be sent, and to whom. */
    private fun confirm(chosen: List<Uri>, arePictures: Boolean) = perform {
        val first = chosen.firstOrNull() ?: return@perform
        val builder = AlertDialog.Builder(chat)
            .setTitle(chat.getString(R.string.media_send_to, chat.theirName))
            .setNegativeButton(R.string.cancel, null)
            .setPositiveButton(R.string.chat_send) { _, _ -> prepare(chosen, arePictures) }
        val picture = if (arePictures) Pictures.open(chat, first) else null
        if (arePictures && picture == null) return@perform chat.tell(R.string.error_picture)
        if (picture != null) {
            val view = LayoutInflater.from(chat).inflate(R.layout.media_confirm, null)
            view.findViewById<ImageView>(R.id.image).setImageBitmap(picture)
            builder.setView(view)
        }
        if (!arePictures || chosen.size > 1) {
            val names = if (arePictures) "" else "\n" + chosen.joinToString("\n") { nameOf(it) }
            val count = chat.resources.getQuantityString(R.plurals.media_count, chosen.size, chosen.size)
            builder.setMessage(count + names)
        }
        builder.show()
    }

    private fun prepare(chosen: List<Uri>, arePictures: Boolean) = perform {
        val files = ArrayList<NewFile>()
        try {
            for (uri in chosen) {
                files += if (arePictures) Prepare.picture(chat, uri) else Prepare.file(chat, uri, nameOf(uri))
            }
        } catch (_: IOException) {
            files.forEach(Prepare::discard)
            return@perform chat.tell(R.string.media_unreadable)
        } finally {
            CameraProvider.file(chat).delete()
        }
        send(files)
    }

    /** The copies live until the core has its own. */
    private fun send(files: List<NewFile>) = perform { sotto ->
        withContext(NonCancellable) {
            try {
                sotto.messages.send(conversation(), "", files = files)
            } finally {
                files.forEach(Prepare::discard)
            }
        }
        chat.sent()
    }

    private fun nameOf(uri: Uri): String {
        val named = chat.contentResolver.query(uri, arrayOf(OpenableColumns.DISPLAY_NAME), null, null, null)
        val name = named?.use { if (it.moveToFirst()) it.getString(0) else null }
        return name?.substringAfterLast('/')?.ifBlank { null } ?: uri.lastPathSegment.orEmpty().substringAfterLast('/')
    }

    /** What the menu of a message offers for one of its files. */
    fun offer(file: MessageFile, item: (icon: Int, title: Int, danger: Boolean, action: () -> Unit) -> Unit) {
        if (FileViews.isHere(file)) {
            item(R.drawable.ic_share, R.string.media_open, false) { chat.open(file) }
            item(R.drawable.ic_download, R.string.media_save, false) { saveAs(file) }
        } else {
            item(R.drawable.media_fetch, R.string.media_fetch, false) { perform { it.files.fetch(file.id) } }
        }
        if (file.state == FileState.COMING || file.state == FileState.GOING) {
            item(R.drawable.media_cancel, R.string.media_stop, false) { perform { it.files.cancel(file.id) } }
        }
    }

    private fun saveAs(file: MessageFile) {
        saving = file.id
        begin(
            Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                .setType(file.mime.ifEmpty { "application/octet-stream" })
                .putExtra(Intent.EXTRA_TITLE, FileViews.nameOf(chat, file)),
            SAVE,
        )
    }

    private fun write(to: Uri) = perform { sotto ->
        val id = saving ?: return@perform
        saving = null
        try {
            withContext(Dispatchers.IO) {
                val out = chat.contentResolver.openOutputStream(to) ?: throw IOException("no such place")
                out.use {
                    var at = 0L
                    while (true) {
                        val part = sotto.files.read(id, at, PART)
                        if (part.isEmpty()) break
                        it.write(part)
                        at += part.size
                    }
                }
            }
            chat.tell(R.string.media_saved)
        } catch (_: IOException) {
            chat.tell(R.string.media_not_saved)
        }
    }

    private companion object {
        const val SAVING = "saving"
        const val CAMERA = 11
        const val PICTURES = 12
        const val FILES = 13
        const val SAVE = 14
        const val VOICE = 15
        const val MOST = 10
        const val PART = 1 shl 20
        val CHOICES = listOf(
            R.string.media_take_photo to Attachments::takePhoto,
            R.string.media_pick_pictures to Attachments::pickPictures,
            R.string.media_pick_files to Attachments::pickFiles,
        )
    }
}
