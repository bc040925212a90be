package im.sotto.app.media

import android.media.MediaDataSource
import android.media.MediaPlayer
import im.sotto.FileId
import im.sotto.MessageFile
import im.sotto.Sotto
import im.sotto.SottoException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.io.IOException

/** Plays one voice note at a time. The sound comes through the core, block by block; no copy is written. */
class Player(private val scope: CoroutineScope, private val onChange: () -> Unit) {
    private var player: MediaPlayer? = null
    private var ticking: Job? = null

    /** What is being played or paused. */
    var file: FileId? = null
        private set
    val isPlaying: Boolean get() = player?.isPlaying == true

    /** Whether its beginning was read; before, the platform's player can only be thrown away. */
    private var isPrepared = false

    /** Milliseconds from the beginning. */
    val positionMs: Int get() = player?.takeIf { isPrepared }?.currentPosition ?: 0

    /** Plays, pauses, or goes on. [from] is a part from 0 to 1 to begin at. */
    fun toggle(sotto: Sotto, file: MessageFile, from: Float? = null) {
        val now = player
        when {
            file.id != this.file || now == null || !isPrepared && from != null -> start(sotto, file, from)
            !isPrepared -> stop()
            from != null -> now.seekTo((from * file.durationMs).toInt())
            now.isPlaying -> now.pause()
            else -> {
                now.start()
                tick()
            }
        }
        onChange()
    }

    private fun start(sotto: Sotto, file: MessageFile, from: Float?) {
        stop()
        this.file = file.id
        val started = MediaPlayer()
        player = started
        started.setOnCompletionListener { stop() }
        started.setOnErrorListener { _, _, _ -> stop().let { true } }
        started.setOnPreparedListener {
            if (player !== started) return@setOnPreparedListener
            isPrepared = true
            from?.let { part -> started.seekTo((part * file.durationMs).toInt()) }
            started.start()
            tick()
        }
        try {
            started.setDataSource(Sound(sotto, file))
            started.prepareAsync()
        } catch (_: IOException) {
            stop()
        }
    }

    /** One that has not begun yet does not begin. */
    fun pause() {
        if (isPlaying) player?.pause() else if (!isPrepared) stop()
        onChange()
    }

    /** Frees what plays; to be called when the screen ends. */
    fun stop() {
        isPrepared = false
        ticking?.cancel()
        player?.release()
        player = null
        file = null
        onChange()
    }

    private fun tick() {
        ticking?.cancel()
        ticking = scope.launch {
            do {
                onChange()
                delay(TICK_MS)
            } while (isPlaying)
        }
    }

    /** Read on a thread of the player, which may wait. */
    private class Sound(private val sotto: Sotto, private val file: MessageFile) : MediaDataSource() {
        override fun getSize() = file.total

        override fun readAt(position: Long, buffer: ByteArray, offset: Int, size: Int): Int {
            if (position >= file.total) return -1
            val bytes = try {
                runBlocking { sotto.files.read(file.id, position, minOf(size, PART)) }
            } catch (error: SottoException) {
                throw IOException(error)
            }
            bytes.copyInto(buffer, offset)
            return if (bytes.isEmpty()) -1 else bytes.size
        }

        override fun close() = Unit
    }

    private companion object {
        const val TICK_MS = 200L
        const val PART = 1 shl 20
    }
}
