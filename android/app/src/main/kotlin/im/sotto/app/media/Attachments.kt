package im.sotto.app.media

import android.Manifest
import android.app.AlertDialog
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.net.Uri
import android.os.Bundle
import android.provider.MediaStore
import android.view.LayoutInflater
import android.widget.ImageView
import im.sotto.ConversationId
import im.sotto.FileId
import im.sotto.FileState
import im.sotto.MessageFile
import im.sotto.NewFile
import im.sotto.Sotto
import im.sotto.SottoException
import im.sotto.android.Documents
import im.sotto.android.PeerText
import im.sotto.android.Pictures as SdkPictures
import im.sotto.android.PreparedFile
import im.sotto.app.Pictures
import im.sotto.app.R
import im.sotto.app.SottoApp
import im.sotto.app.chat.ChatActivity
import im.sotto.app.chat.Sending
import im.sotto.app.pollIntent
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/** Sends pictures, files and voice notes from this chat, and saves files of its messages. */
class Attachments(
    private val chat: ChatActivity,
    private val perform: (suspend (Sotto) -> Unit) -> Unit,
    private val app: SottoApp,
    private val conversation: ConversationId,
) {
    private var saving: FileId? = null

    /** What the person, or another app, chose and what is not confirmed yet; and how it was chosen. */
    private var chosen = emptyList<Uri>()
    private var how = 0
    private var isAsking = false
    private val voice: VoiceButton = VoiceButton(chat, chat.life, ::mayRecord, { sendNote(it) }, chat::tell)

    fun save(state: Bundle) {
        state.putString(SAVING, saving?.value)
        state.putParcelableArrayList(CHOSEN, ArrayList(chosen))
        state.putInt(HOW, how)
        voice.save(state)
    }

    /** [shared] is what another app shares with this conversation. */
    fun restore(state: Bundle?, shared: List<Uri>) {
        saving = state?.getString(SAVING)?.let(::FileId)
        @Suppress("DEPRECATION")
        chosen = if (state == null) shared else state.getParcelableArrayList<Uri>(CHOSEN).orEmpty()
        how = state?.getInt(HOW) ?: SHARED
        voice.restore(state)
    }

    /** Another app shares more with this conversation. */
    fun share(files: List<Uri>) {
        if (files.isEmpty()) return
        chosen = files
        how = SHARED
        ask()
    }

    fun pause() = voice.pause()

    /** The person leaves for good. */
    fun leave() = voice.leave()

    fun offer() = chat.offer(CHOICES.map { chat.getString(it.first) }) { at -> CHOICES[at].second(this) }

    private fun takePhoto() {
        if (chat.checkSelfPermission(Manifest.permission.CAMERA) != PackageManager.PERMISSION_GRANTED) {
            return chat.requestPermissions(arrayOf(Manifest.permission.CAMERA), CAMERA)
        }
        val intent = Intent(MediaStore.ACTION_IMAGE_CAPTURE)
            .putExtra(MediaStore.EXTRA_OUTPUT, CameraProvider.uri(chat))
            .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
        intent.clipData = android.content.ClipData.newRawUri("", CameraProvider.uri(chat))
        chat.leave(intent, CAMERA)
    }

    private fun pickPictures() = chat.leave(
        Intent(Intent.ACTION_GET_CONTENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*")
            .putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true),
        PICTURES,
    )

    private fun pickFiles() = chat.leave(
        Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
            .putExtra(Intent.EXTRA_ALLOW_MULTIPLE, true),
        FILES,
    )

    private fun askPoll() = chat.leave(pollIntent(chat, conversation), POLL)

    /** What another app returned. */
    fun take(request: Int, data: Intent?) {
        val given = data?.clipData?.let { clip -> List(clip.itemCount) { clip.getItemAt(it).uri } }
            ?: listOfNotNull(data?.data)
        val foreign = given.filterNotNull().filter { Documents.isForeign(chat, it) }
        if (request == POLL) chat.sent()
        if (request == SAVE) foreign.firstOrNull()?.let(::write)
        if (request !in listOf(CAMERA, PICTURES, FILES)) return
        chosen = if (request == CAMERA) listOf(CameraProvider.uri(chat)) else foreign
        how = request
        if (chat.conversation != null) ask()
    }

    /** Another app returned nothing. */
    fun refused(request: Int) {
        if (request == CAMERA) CameraProvider.file(chat).delete()
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

    /** Shows what is about to be sent, and to whom. A turned phone, or a new process, asks again. */
    fun ask() {
        if (chosen.isEmpty() || isAsking) return
        isAsking = true
        perform {
            val sent = chosen.take(MOST)
            val pictures = sent.filter { isPicture(it) }.toSet()
            val picture = sent.first().takeIf { it in pictures }?.let {
                if (how == CAMERA) Pictures.own(chat, CameraProvider.file(chat)) else Pictures.open(chat, it)
            }
            if (sent.first() in pictures && picture == null) {
                forget()
                return@perform chat.tell(R.string.error_picture)
            }
            val texts = listOfNotNull(
                if (picture != null && sent.size == 1) null
                else chat.resources.getQuantityString(R.plurals.media_count, sent.size, sent.size),
                if (chosen.size > MOST) chat.getString(R.string.media_most) else null,
            ) + sent.filter { it !in pictures }.map { PeerText.line(Documents.nameOf(chat, it)) }
            confirm(picture, texts.joinToString("\n")) { send(sent, pictures) }
        }
    }

    private fun confirm(picture: Bitmap?, text: String, send: () -> Unit) {
        val view = LayoutInflater.from(chat).inflate(R.layout.media_confirm, null)
        view.findViewById<ImageView>(R.id.image).setImageBitmap(picture)
        chat.present(
            AlertDialog.Builder(chat)
                .setTitle(chat.getString(R.string.media_send_to, chat.theirName))
                .setView(if (picture == null) null else view)
                .setMessage(text.ifEmpty { null })
                .setNegativeButton(R.string.cancel) { _, _ -> forget() }
                .setPositiveButton(R.string.chat_send) { _, _ -> send() }
                .setOnCancelListener { forget() },
        )
    }

    private fun forget() {
        chosen = emptyList()
        isAsking = false
        CameraProvider.file(chat).delete()
    }

    /** Turning the phone or leaving stops nothing. All is copied first: the right to read may end with this screen. */
    private fun send(sent: List<Uri>, pictures: Set<Uri>) {
        if (chosen.isEmpty()) return
        val photo = if (how == CAMERA) CameraProvider.take(chat) else null
        chosen = emptyList()
        isAsking = false
        app.carry { sotto ->
            val copies = ArrayList<PreparedFile>()
            val files = ArrayList<PreparedFile>()
            try {
                if (photo != null) files += SdkPictures.prepare(app, Uri.fromFile(photo))
                else sent.mapTo(copies) { Documents.prepare(app, it) }
                sent.zip(copies).mapTo(files) { (uri, copy) ->
                    if (uri in pictures) SdkPictures.prepare(app, Uri.fromFile(copy.file.path)) else copy
                }
                send(sotto, files.map(PreparedFile::file))
                photo?.delete()
            } catch (error: IOException) {
                val isLarge = error is Documents.TooLarge
                app.say(if (isLarge) R.string.error_file_too_large else R.string.media_unreadable)
            } finally {
                (copies + files).forEach(PreparedFile::close)
                if (photo?.exists() == true) againAbout(photo)
            }
        }
    }

    /** It did not leave, and stands nowhere else. */
    private fun againAbout(photo: File) {
        if (CameraProvider.file(app).exists()) return
        photo.renameTo(CameraProvider.file(app))
        Sending.inFront(app, conversation)?.attachments?.take(CAMERA, null)
    }

    /** The copy lives until the core has its own, or nobody can send it any more. */
    private fun sendNote(note: NewFile) = app.carry { sotto ->
        try {
            send(sotto, listOf(note))
            note.path.delete()
        } catch (error: SottoException) {
            val screen = if (chat.isDestroyed) Sending.inFront(app, conversation) else chat
            screen?.attachments?.voice?.giveBack(note) ?: note.path.delete()
            throw error
        }
    }

    private suspend fun send(sotto: Sotto, files: List<NewFile>) {
        sotto.messages.send(conversation, "", files = files)
        Sending.inFront(app, conversation)?.sent()
    }

    /** What is shared as a picture loses its metadata as a chosen one does. */
    private suspend fun isPicture(uri: Uri) = when (how) {
        SHARED -> typeOf(uri).startsWith("image/")
        else -> how != FILES
    }

    /** By the word of the app that serves it, which may answer late or fail. */
    private suspend fun typeOf(uri: Uri): String = withContext(Dispatchers.IO) {
        try {
            chat.contentResolver.getType(uri).orEmpty()
        } catch (_: RuntimeException) {
            ""
        }
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
        chat.leave(
            Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                .setType(file.mime.ifEmpty { "application/octet-stream" })
                .putExtra(Intent.EXTRA_TITLE, FileViews.nameOf(chat, file)),
            SAVE,
        )
    }

    private fun write(to: Uri) {
        val id = saving ?: return
        saving = null
        app.carry { sotto ->
            val isSaved = app.save(sotto, id, to)
            app.say(if (isSaved) R.string.media_saved else R.string.media_not_saved)
        }
    }

    private companion object {
        const val SAVING = "saving"
        const val CHOSEN = "chosen"
        const val HOW = "how"
        const val SHARED = 0
        const val CAMERA = 11
        const val PICTURES = 12
        const val FILES = 13
        const val SAVE = 14
        const val VOICE = 15
        const val POLL = 16
        const val MOST = 10
        val CHOICES = listOf(
            R.string.media_take_photo to Attachments::takePhoto,
            R.string.media_pick_pictures to Attachments::pickPictures,
            R.string.media_pick_files to Attachments::pickFiles,
            R.string.poll_title to Attachments::askPoll,
        )
    }
}
