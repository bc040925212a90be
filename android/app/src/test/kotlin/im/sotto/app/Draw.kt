package im.sotto.app

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Rect
import android.os.Build
import android.os.Handler
import android.os.Looper
import android.view.PixelCopy
import android.view.View
import android.view.Window
import org.robolectric.Shadows.shadowOf
import java.io.File
import kotlin.math.abs

/** Draws what a person sees, and compares it with the picture in docs/screenshots. */
object Draw {
    private val repo = File(System.getProperty("sotto.repo") ?: error("set the system property sotto.repo"))
    private val golden = File(repo, "docs/screenshots")
    private val made = File(repo, "target/android/screenshots")

    /** `./scripts/screenshots` sets it: the pictures are written to docs/screenshots instead of compared. */
    private val isDrawing = System.getProperty("sotto.draw") == "true"
    /** The framework that the pictures are of. */
    private const val DRAWN_SDK = 35
    private const val MOST_DIFFERENT = 0.005

    /** Then scroll bars are gone. */
    private const val FADED_MS = 1_000L

    /** Less than this in a channel is the rounding of another machine. */
    private const val ROUNDING = 8

    /**
     * Compares the phone's screen with `docs/screenshots/NAME.png`. Views in [masked] differ in each run: they do not
     * count.
     */
    fun compare(phone: Phone, name: String, masked: List<Int> = emptyList()) {
        if (Build.VERSION.SDK_INT != DRAWN_SDK) return
        val now = picture(phone)
        val hidden = places(phone, masked)
        val file = File(golden, "$name.png")
        val before = if (file.exists()) file.readBytes().let { BitmapFactory.decodeByteArray(it, 0, it.size) } else null
        val isSize = before != null && before.width == now.width && before.height == now.height
        val (share, difference) = if (before != null && isSize) differences(before, now, hidden) else 1.0 to null
        when {
            share <= MOST_DIFFERENT -> return
            isDrawing -> return write(now, file)
            before == null -> fail(now, name, "there is no ${file.name} yet")
            difference == null -> fail(now, name, "another size")
        }
        difference?.let { write(it, File(made, "$name.difference.png")) }
        fail(now, name, "%.2f %% of its pixels differ".format(share * 100))
    }

    private fun places(phone: Phone, masked: List<Int>): List<Rect> =
        phone.views().filter { it.id in masked && it.isShown }.map { view ->
            val place = IntArray(2).also(view::getLocationInWindow)
            Rect(place[0], place[1], place[0] + view.width, place[1] + view.height)
        }

    private fun fail(now: Bitmap, name: String, why: String) {
        write(now, File(made, "$name.png"))
        throw AssertionError("$name: $why; see $made. If that is meant: ./scripts/screenshots")
    }

    /** The share of different pixels, and a picture with them in red on the faded old one. */
    private fun differences(before: Bitmap, now: Bitmap, hidden: List<Rect>): Pair<Double, Bitmap> {
        val old = pixels(before)
        val new = pixels(now)
        var count = 0
        val shown = IntArray(old.size) { at ->
            val isSame = old[at] == new[at] ||
                (0..16 step 8).all { abs((old[at] shr it and 255) - (new[at] shr it and 255)) < ROUNDING }
            val isHidden = !isSame && hidden.any { it.contains(at % before.width, at / before.width) }
            if (!isSame && !isHidden) count++
            if (isSame || isHidden) old[at] and 0xffffff or 0x40000000 else Color.RED
        }
        val difference = Bitmap.createBitmap(shown, before.width, before.height, Bitmap.Config.ARGB_8888)
        return count.toDouble() / old.size to difference
    }

    private fun pixels(of: Bitmap) =
        IntArray(of.width * of.height).also { of.getPixels(it, 0, of.width, 0, 0, of.width, of.height) }

    private fun write(picture: Bitmap, file: File) {
        file.parentFile?.mkdirs()
        file.outputStream().use { picture.compress(Bitmap.CompressFormat.PNG, 100, it) }
    }

    /** The screen, and the dialog above it. */
    fun picture(phone: Phone): Bitmap {
        phone.settle()
        phone.sleep(FADED_MS)
        val screen = copy(phone.screen.window)
        phone.dialog()?.window?.let { above(Canvas(screen), it) }
        return screen
    }

    /** A dialog is a window of its own: it lies in the middle of the dimmed screen. */
    private fun above(canvas: Canvas, window: Window) {
        canvas.drawColor(Color.argb(0x66, 0, 0, 0))
        val dialog = copy(window)
        canvas.drawBitmap(dialog, (canvas.width - dialog.width) / 2f, (canvas.height - dialog.height) / 2f, null)
    }

    private fun copy(window: Window): Bitmap {
        val view: View = window.decorView
        val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
        var result = -1
        PixelCopy.request(window, bitmap, { result = it }, Handler(Looper.getMainLooper()))
        shadowOf(Looper.getMainLooper()).idle()
        check(result == PixelCopy.SUCCESS) { "PixelCopy: $result" }
        return bitmap
    }
}
