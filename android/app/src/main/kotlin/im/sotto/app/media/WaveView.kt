package im.sotto.app.media

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View
import im.sotto.app.R

/** The loudness of a voice note over time; the part that was played has another colour. A tap moves to a place. */
class WaveView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val played = brush(R.color.accent)
    private val rest = brush(R.color.outline)
    private var wave = emptyList<Int>()
    private var part = 0f

    /** Told a place from 0 to 1. */
    var onSeek: ((Float) -> Unit)? = null

    private fun brush(color: Int) = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        this.color = context.getColor(color)
        strokeCap = Paint.Cap.ROUND
    }

    fun show(wave: List<Int>, part: Float) {
        this.wave = wave.ifEmpty { List(BARS) { 1 } }
        this.part = part
        rest.color = (context.getColor(R.color.text_secondary) and 0xFFFFFF) or (FAINT shl 24)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val bars = minOf(BARS, (width / (MIN_STEP * resources.displayMetrics.density)).toInt()).coerceAtLeast(1)
        val step = width.toFloat() / bars
        for (brush in listOf(played, rest)) brush.strokeWidth = step * THICK
        for (bar in 0 until bars) {
            val from = bar * wave.size / bars
            val loud = wave.subList(from, maxOf(from + 1, (bar + 1) * wave.size / bars)).max().coerceIn(0, LOUDEST)
            val half = (height - step) / 2 * maxOf(loud, 1) / LOUDEST
            val isRtl = layoutDirection == LAYOUT_DIRECTION_RTL
            val x = step * (if (isRtl) bars - bar - 0.5f else bar + 0.5f)
            canvas.drawLine(x, height / 2f - half, x, height / 2f + half, if (bar < part * bars) played else rest)
        }
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val seek = onSeek ?: return false
        if (event.actionMasked == MotionEvent.ACTION_UP) {
            val place = (event.x / width).coerceIn(0f, 1f)
            seek(if (layoutDirection == LAYOUT_DIRECTION_RTL) 1 - place else place)
        }
        return true
    }

    private companion object {
        const val BARS = 64
        const val MIN_STEP = 4
        const val THICK = 0.55f
        const val LOUDEST = 31
        const val FAINT = 0x80
    }
}
