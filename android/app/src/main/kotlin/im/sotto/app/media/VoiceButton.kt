package im.sotto.app.media

import android.annotation.SuppressLint
import android.app.Activity
import android.os.Bundle
import android.text.format.DateUtils
import android.view.MotionEvent
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import im.sotto.NewFile
import im.sotto.app.R
import im.sotto.app.show
import kotlinx.coroutines.CoroutineScope
import java.io.File
import kotlin.math.abs

/**
 * Records while the microphone is held, and sends when it is let go. Pulled aside it cancels. A short tap records until
 * the person sends or cancels, which is also the way without touch.
 */
class VoiceButton(
    private val activity: Activity,
    scope: CoroutineScope,
    private val mayRecord: () -> Boolean,
    private val onNote: (NewFile) -> Unit,
    private val onTell: (Int) -> Unit,
) {
    private val recorder = Recorder(activity, scope)
    private var startX = 0f

    /** A note that was recorded when the screen was left. */
    private var kept: NewFile? = null

    init {
        val button = activity.findViewById<View>(R.id.voice)
        button.setOnClickListener { start() }
        @SuppressLint("ClickableViewAccessibility")
        button.setOnTouchListener(::touched)
        activity.findViewById<View>(R.id.recording_send).setOnClickListener { finish() }
        activity.findViewById<View>(R.id.recording_cancel).setOnClickListener { cancel() }
    }

    private fun touched(view: View, event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                startX = event.rawX
                start()
            }
            MotionEvent.ACTION_MOVE -> if (abs(event.rawX - startX) > view.width * ASIDE) pulledAside()
            MotionEvent.ACTION_UP -> if (recorder.durationMs >= HELD_MS) finish()
            MotionEvent.ACTION_CANCEL -> pulledAside()
        }
        return true
    }

    private fun pulledAside() {
        if (recorder.isRecording) cancel()
    }

    private fun start() {
        if (recorder.isRecording || kept != null || !mayRecord()) return
        if (recorder.start(::showTime)) showBar(true) else onTell(R.string.media_no_microphone)
        showTime()
    }

    private fun showTime() {
        val ms = kept?.durationMs ?: recorder.durationMs
        val text = if (kept == null) R.string.media_recording else R.string.media_recorded
        activity.findViewById<TextView>(R.id.recording_text).text =
            activity.getString(text, DateUtils.formatElapsedTime((ms / SECOND_MS).toLong()))
    }

    private fun showBar(on: Boolean) {
        // A display that goes off would end the recording.
        activity.findViewById<View>(R.id.recording).apply { show(on) }.keepScreenOn = recorder.isRecording
        // Kept in the layout: the finger that holds the microphone must go on to be heard.
        val line = activity.findViewById<View>(R.id.line)
        line.alpha = if (on) 0f else 1f
        line.layoutParams = line.layoutParams.apply { height = if (on) 1 else ViewGroup.LayoutParams.WRAP_CONTENT }
    }

    private fun finish() {
        val note = kept ?: recorder.finish()
        kept = null
        showBar(false)
        if (note == null) onTell(R.string.media_too_short) else onNote(note)
    }

    fun cancel() {
        kept?.path?.delete()
        kept = null
        recorder.cancel()
        showBar(false)
    }

    /** The screen is left: what was recorded is neither sent nor lost, the person decides about it. */
    fun pause() {
        val note = (if (recorder.isRecording) recorder.finish() else null) ?: return showBar(kept != null)
        val file = File(activity.cacheDir, KEPT)
        note.path.renameTo(file)
        keep(Recorder.note(file, note.durationMs, note.waveform))
    }

    private fun keep(note: NewFile) {
        kept = note
        showBar(true)
        showTime()
    }

    fun save(state: Bundle) {
        val note = kept ?: return
        state.putInt(DURATION, note.durationMs)
        state.putIntArray(WAVE, note.waveform.toIntArray())
    }

    fun restore(state: Bundle?) {
        val wave = state?.getIntArray(WAVE) ?: return
        val file = File(activity.cacheDir, KEPT)
        if (file.exists()) keep(Recorder.note(file, state.getInt(DURATION), wave.toList()))
    }

    companion object {
        /** Its name in the cache folder. */
        const val KEPT = "note.m4a"
        private const val HELD_MS = 700
        private const val ASIDE = 2
        private const val SECOND_MS = 1_000
        private const val DURATION = "voice_duration"
        private const val WAVE = "voice_wave"
    }
}
