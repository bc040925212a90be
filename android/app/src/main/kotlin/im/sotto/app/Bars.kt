package im.sotto.app

import android.os.Build
import android.view.WindowInsets

/** What the system covers, in pixels. */
class Bars(val left: Int, val top: Int, val right: Int, val bottom: Int, val keyboard: Int) {
    companion object {
        fun of(insets: WindowInsets) =
            if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) older(insets) else Newer.bars(insets)

        @Suppress("DEPRECATION")
        private fun older(insets: WindowInsets): Bars {
            val bottom = insets.systemWindowInsetBottom
            return Bars(
                insets.systemWindowInsetLeft, insets.systemWindowInsetTop, insets.systemWindowInsetRight, bottom,
                if (bottom > insets.stableInsetBottom) bottom else 0,
            )
        }
    }
}

/** Marks code with names that Android 8 lacks: the guard of API use in scripts/check-mobile skips it. */
@Retention(AnnotationRetention.BINARY)
@Target(AnnotationTarget.CLASS)
internal annotation class NewerApi

/** Stands apart: an older Android must not load a class that names what it lacks. */
@NewerApi
private object Newer {
    fun bars(insets: WindowInsets): Bars {
        val bars = insets.getInsets(WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout())
        val keyboard = insets.getInsets(WindowInsets.Type.ime()).bottom
        return Bars(bars.left, bars.top, bars.right, bars.bottom, keyboard)
    }
}
