package im.sotto.app.media

import android.annotation.SuppressLint
import android.app.Activity
import android.os.Bundle
import android.os.SystemClock
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
    private val returned = ArrayDeque<NewFile>()

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
        if (recorder.start(::showTime)) showBar(true) else onTell(recorder.reason)
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
        // Under its own name: the next one may be kept before this one has left.
        val note = kept?.let { keepAs(it, "voice-${SystemClock.elapsedRealtimeNanos()}.m4a") } ?: recorder.finish()
        kept = null
        showBar(false)
        if (note == null) onTell(recorder.reason) else onNote(note)
        showReturned()
    }

    fun cancel() {
        kept?.path?.delete()
        kept = null
        recorder.cancel()
        showBar(false)
        showReturned()
    }

    /** The person leaves for good. */
    fun leave() {
        returned.forEach { it.path.delete() }
        returned.clear()
        cancel()
    }

    /** A note that did not leave comes back, once no other one is recorded or kept. */
    fun giveBack(note: NewFile) {
        returned += note
        showReturned()
    }

    private fun showReturned() {
        if (!recorder.isRecording && kept == null) returned.removeFirstOrNull()?.let(::keep)
    }

    /** The screen is left: what was recorded is neither sent nor lost, the person decides about it. */
    fun pause() {
        if (!recorder.isRecording) return
        val note = recorder.finish()
        if (note != null) return keep(note)
        showBar(false)
        onTell(recorder.reason)
    }

    private fun keep(note: NewFile) {
        kept = keepAs(note, KEPT)
        showBar(true)
        showTime()
    }

    private fun keepAs(note: NewFile, name: String): NewFile {
        val file = File(activity.cacheDir, name)
        note.path.renameTo(file)
        return Recorder.note(file, note.durationMs, note.waveform)
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
