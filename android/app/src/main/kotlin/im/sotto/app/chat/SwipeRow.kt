package im.sotto.app.chat

import android.content.Context
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.ViewConfiguration
import android.widget.FrameLayout
import kotlin.math.abs
import kotlin.math.min

/** A row whose content a finger pulls towards the end of the line, to reply to it. */
class SwipeRow(context: Context, attributes: AttributeSet?) : FrameLayout(context, attributes) {
    /** Called once when the content was pulled far enough and let go. */
    var onSwipe: (() -> Unit)? = null
    private val slop = ViewConfiguration.get(context).scaledTouchSlop
    private val enough = 64 * resources.displayMetrics.density
    private var startX = 0f
    private var startY = 0f
    private val way get() = if (layoutDirection == LAYOUT_DIRECTION_RTL) -1 else 1

    override fun onInterceptTouchEvent(event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                startX = event.x
                startY = event.y
            }
            MotionEvent.ACTION_MOVE -> return isPull(event)
        }
        return false
    }

    private fun isPull(event: MotionEvent): Boolean {
        val pull = (event.x - startX) * way
        if (onSwipe == null || pull < slop || pull < 2 * abs(event.y - startY)) return false
        parent.requestDisallowInterceptTouchEvent(true)
        return true
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        val pull = (event.x - startX) * way
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> return onSwipe != null
            MotionEvent.ACTION_MOVE ->
                if (isPull(event) || shift != 0f) shift = min(pull.coerceAtLeast(0f), enough * MOST)
            MotionEvent.ACTION_UP -> {
                val isEnough = shift >= enough
                shift = 0f
                if (isEnough) onSwipe?.invoke()
            }
            MotionEvent.ACTION_CANCEL -> shift = 0f
        }
        return true
    }

    private var shift: Float
        get() = abs(getChildAt(0).translationX)
        set(value) {
            getChildAt(0).translationX = value * way
        }

    private companion object {
        const val MOST = 1.3f
    }
}
