package im.sotto.app.media

import android.view.GestureDetector
import android.view.MotionEvent
import android.view.ScaleGestureDetector
import android.view.View

/** Enlarges a view with two fingers or a double tap, and moves it. It never leaves the screen. */
class Zoom(private val view: View) : View.OnTouchListener {
    private val taps = GestureDetector(
        view.context,
        object : GestureDetector.SimpleOnGestureListener() {
            override fun onDown(event: MotionEvent) = true

            override fun onDoubleTap(event: MotionEvent): Boolean {
                scale(if (view.scaleX > 1f) 1f else DOUBLE)
                return true
            }

            override fun onScroll(from: MotionEvent?, to: MotionEvent, x: Float, y: Float): Boolean {
                place(view.translationX - x, view.translationY - y)
                return true
            }
        },
    )
    private val pinch = ScaleGestureDetector(
        view.context,
        object : ScaleGestureDetector.SimpleOnScaleGestureListener() {
            override fun onScale(detector: ScaleGestureDetector): Boolean {
                scale(view.scaleX * detector.scaleFactor)
                return true
            }
        },
    )

    override fun onTouch(touched: View, event: MotionEvent): Boolean {
        // In coordinates of the screen: the view itself moves.
        val still = MotionEvent.obtain(event).apply { transform(view.matrix) }
        pinch.onTouchEvent(still)
        if (!pinch.isInProgress) taps.onTouchEvent(still)
        still.recycle()
        return true
    }

    private fun scale(to: Float) {
        val scale = to.coerceIn(1f, MOST)
        view.scaleX = scale
        view.scaleY = scale
        place(view.translationX, view.translationY)
    }

    private fun place(x: Float, y: Float) {
        val freeX = view.width * (view.scaleX - 1) / 2
        val freeY = view.height * (view.scaleY - 1) / 2
        view.translationX = x.coerceIn(-freeX, freeX)
        view.translationY = y.coerceIn(-freeY, freeY)
    }

    private companion object {
        const val DOUBLE = 2.5f
        const val MOST = 8f
    }
}
