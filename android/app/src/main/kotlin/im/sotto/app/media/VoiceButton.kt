package im.sotto.app.media

import android.annotation.SuppressLint
import android.app.Activity
import android.text.format.DateUtils
import android.view.MotionEvent
import android.view.View
import android.view.ViewGroup
import android.widget.TextView
import im.sotto.NewFile
import im.sotto.app.R
import im.sotto.app.show
import kotlinx.coroutines.CoroutineScope
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
            MotionEvent.ACTION_MOVE -> if (abs(event.rawX - startX) > view.width * ASIDE) cancel()
            MotionEvent.ACTION_UP -> if (recorder.durationMs >= HELD_MS) finish()
            MotionEvent.ACTION_CANCEL -> cancel()
        }
        return true
    }

    private fun start() {
        if (recorder.isRecording || !mayRecord()) return
        if (recorder.start(::showTime)) showBar(true) else onTell(R.string.media_no_microphone)
        showTime()
    }

    private fun showTime() {
        val seconds = (recorder.durationMs / SECOND_MS).toLong()
        activity.findViewById<TextView>(R.id.recording_text).text =
            activity.getString(R.string.media_recording, DateUtils.formatElapsedTime(seconds))
    }

    private fun showBar(on: Boolean) {
        activity.findViewById<View>(R.id.recording).show(on)
        // Kept in the layout: the finger that holds the microphone must go on to be heard.
        val line = activity.findViewById<View>(R.id.line)
        line.alpha = if (on) 0f else 1f
        line.layoutParams = line.layoutParams.apply { height = if (on) 1 else ViewGroup.LayoutParams.WRAP_CONTENT }
    }

    private fun finish() {
        val note = recorder.finish()
        showBar(false)
        if (note == null) onTell(R.string.media_too_short) else onNote(note)
    }

    fun cancel() {
        recorder.cancel()
        showBar(false)
    }

    private companion object {
        const val HELD_MS = 700
        const val ASIDE = 2
        const val SECOND_MS = 1_000
    }
}
