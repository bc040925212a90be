package im.sotto.app

import android.app.Application
import android.widget.Toast
import im.sotto.Notice
import im.sotto.Preset
import im.sotto.Sotto
import im.sotto.SottoConfig
import im.sotto.SottoException
import im.sotto.android.LinkPreviews
import im.sotto.android.Notifier
import im.sotto.android.SottoHost
import im.sotto.android.SottoProcess
import im.sotto.app.media.CameraProvider
import im.sotto.app.media.Thumbs
import im.sotto.app.media.VoiceButton
import kotlinx.coroutines.Job
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.launch
import java.io.File

/** Owns the one open core of this process, and what the app keeps beside it. */
open class SottoApp : Application(), SottoHost {
    override val process by lazy { SottoProcess(this, config()) }
    override val notifier by lazy { Notifier(this, notificationStyle(this)) }
    val preferences by lazy { Preferences(this) }
    val pictures = Pictures()
    open val linkPreviews = LinkPreviews()
    open val times: Times by lazy { Times(this) }
    private val scope = MainScope()
    private val unfinished = SupervisorJob()
    private var keeping: Job? = null

    /** The screen in front of the person. */
    var front: Screen? = null

    /** Which network, and where the account stands. A build for another network replaces the resources. */
    protected open fun config() = SottoConfig(
        dir = SottoProcess.dir(this),
        network = Preset.valueOf(getString(R.string.network)),
        nodes = resources.getStringArray(R.array.nodes).toList(),
        counterFile = SottoProcess.counterFile(this),
    )

    /** The open core. The first call opens it. */
    suspend fun sotto(): Sotto = process.sotto()

    override fun onNotice(notice: Notice) = preferences.notice(notice.code.text, System.currentTimeMillis())

    /** Keeps what a screen leaves behind, although it ends. */
    fun keep(task: suspend (Sotto) -> Unit) {
        keeping = scope.launch(unfinished) { runCatching { task(sotto()) } }
    }

    /** Waits for the last of [keep]. */
    suspend fun kept() = keeping?.join()

    /**
     * Does what a person asked for, although its screen may be left or made again meanwhile. A failure is said on the
     * screen that is in front then.
     */
    fun carry(task: suspend (Sotto) -> Unit) = scope.launch(unfinished) {
        try {
            task(sotto())
        } catch (error: SottoException) {
            say(textOf(error))
        }
    }

    /** Says something on the screen in front, or above other apps. */
    fun say(text: String) {
        front?.say(text) ?: Toast.makeText(this, text, Toast.LENGTH_LONG).show()
    }

    fun say(text: Int) = say(getString(text))

    /** Waits for all of [keep] and [carry]. */
    suspend fun finished() = unfinished.children.forEach { it.join() }

    /**
     * Deletes the account and all data, also if it cannot be opened, and also if the caller is cancelled. The next
     * [sotto] opens an empty folder.
     */
    suspend fun wipe() = scope.async {
        unfinished.cancelChildren()
        process.erase()
        preferences.clear()
        pictures.clear()
        Thumbs.clear()
        clearCache(0)
    }.await()

    /** [wipe], and back to the start from whatever screen is in front then. */
    fun deleteAccount() = scope.launch {
        try {
            wipe()
            front?.toStart()
        } catch (error: SottoException) {
            say(textOf(error))
        }
    }

    /**
     * Copies of what a person sends stand in the cache folder for a moment. A process that ended left some, but a photo
     * that the camera takes now, a note that is not sent yet and a picture that is not saved yet are still wanted.
     */
    private fun clearCache(wantedMs: Long) = cacheDir.listFiles().orEmpty()
        .filterNot { it.name in WANTED && System.currentTimeMillis() - it.lastModified() < wantedMs }
        .forEach(File::deleteRecursively)

    override fun onCreate() {
        super.onCreate()
        clearCache(WANTED_MS)
    }

    private companion object {
        val WANTED = setOf(CameraProvider.NAME, VoiceButton.KEPT, ProfileActivity.DRAFT)
        const val WANTED_MS = 3_600_000L
    }
}
