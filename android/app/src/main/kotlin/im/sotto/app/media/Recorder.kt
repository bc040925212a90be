package im.sotto.app.media

import android.content.Context
import android.media.MediaRecorder
import android.os.StatFs
import android.os.SystemClock
import im.sotto.FileKind
import im.sotto.NewFile
import im.sotto.app.R
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import java.io.File
import java.io.IOException
import kotlin.math.roundToInt
import kotlin.math.sqrt

/** Records one voice note: AAC in MP4, mono, 32 kbit/s, and its loudness. */
class Recorder(private val context: Context, private val scope: CoroutineScope) {
    private var recorder: MediaRecorder? = null
    private var file: File? = null
    private var sampling: Job? = null
    private var startedMs = 0L
    private val loudness = ArrayList<Int>()

    /** The text of why there was no recording. */
    var reason = 0
        private set

    val isRecording: Boolean get() = recorder != null
    val durationMs: Int get() = if (isRecording) (SystemClock.elapsedRealtime() - startedMs).toInt() else 0

    /** Begins; [onTick] is called while it goes on. False if it cannot; [reason] says why. */
    fun start(onTick: () -> Unit): Boolean {
        val target = try {
            File.createTempFile("voice-", ".m4a", context.cacheDir)
        } catch (_: IOException) {
            reason = failure()
            return false
        }
        @Suppress("DEPRECATION")
        val started = MediaRecorder()
        try {
            started.setAudioSource(MediaRecorder.AudioSource.MIC)
            started.setOutputFormat(MediaRecorder.OutputFormat.MPEG_4)
            started.setAudioEncoder(MediaRecorder.AudioEncoder.AAC)
            started.setAudioChannels(1)
            started.setAudioSamplingRate(SAMPLING_HZ)
            started.setAudioEncodingBitRate(BITRATE)
            started.setOutputFile(target.path)
            started.prepare()
            started.start()
        } catch (_: IOException) {
            return failed(started, target)
        } catch (_: RuntimeException) {
            // The platform throws it when another app has the microphone.
            return failed(started, target)
        }
        recorder = started
        file = target
        startedMs = SystemClock.elapsedRealtime()
        loudness.clear()
        sampling = scope.launch {
            while (true) {
                delay(SAMPLE_MS)
                loudness += started.maxAmplitude
                onTick()
            }
        }
        return true
    }

    private fun failed(recorder: MediaRecorder, target: File): Boolean {
        recorder.release()
        target.delete()
        reason = failure()
        return false
    }

    /** Ends. The note to send, whose file the caller deletes; null if there is none, and [reason] says why. */
    fun finish(): NewFile? {
        val duration = durationMs
        val (done, isWhole) = end() ?: return null
        if (isWhole && duration >= SHORTEST_MS) return note(done, duration, wave(loudness))
        done.delete()
        reason = if (duration < SHORTEST_MS) R.string.media_too_short else failure()
        return null
    }

    /** The platform says of no failure whether the disk is full. */
    private fun failure(): Int {
        val isFull = StatFs(context.cacheDir.path).availableBytes < LEAST_BYTES
        return if (isFull) R.string.error_storage_full else R.string.media_no_microphone
    }

    fun cancel() {
        end()?.first?.delete()
    }

    private fun end(): Pair<File, Boolean>? {
        val ended = recorder ?: return null
        sampling?.cancel()
        recorder = null
        val isWhole = try {
            ended.stop()
            true
        } catch (_: RuntimeException) {
            // The platform throws it when nothing was recorded yet.
            false
        }
        ended.release()
        return file?.let { it to isWhole }
    }

    companion object {
        private const val SAMPLING_HZ = 44_100
        private const val BITRATE = 32_000
        private const val SAMPLE_MS = 50L
        private const val SHORTEST_MS = 500
        private const val LEAST_BYTES = 1L shl 20
        private const val BARS = 64
        private const val LOUDEST = 31
        private const val MOST_AMPLITUDE = 32_767f

        fun note(file: File, durationMs: Int, wave: List<Int>) = NewFile(
            file, FileKind.VOICE, name = file.name, mime = "audio/mp4", durationMs = durationMs, waveform = wave,
        )

        /** At most 64 values from 0 to 31: the loudest moment of each part, quiet ones raised as ears do. */
        fun wave(samples: List<Int>): List<Int> {
            if (samples.isEmpty()) return emptyList()
            val bars = minOf(BARS, samples.size)
            return List(bars) { bar ->
                val part = samples.subList(bar * samples.size / bars, (bar + 1) * samples.size / bars)
                (sqrt(part.max() / MOST_AMPLITUDE) * LOUDEST).roundToInt().coerceIn(0, LOUDEST)
            }
        }
    }
}
