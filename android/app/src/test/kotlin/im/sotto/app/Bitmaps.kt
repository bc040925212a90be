package im.sotto.app

import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.Matrix

/** Pictures as cameras take them. */
object Bitmaps {
    private const val SCALE = 5
    private const val EDGE = 40

    /** A code on paper, turned by some degrees. */
    fun code(content: ByteArray, degrees: Float = 0f): Bitmap {
        val code = Qr.encode(content)
        val side = code.width * SCALE + 2 * EDGE
        val bitmap = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888)
        bitmap.eraseColor(Color.rgb(244, 240, 230))
        for (y in 0 until code.height * SCALE) {
            for (x in 0 until code.width * SCALE) {
                if (code[x / SCALE, y / SCALE]) bitmap.setPixel(x + EDGE, y + EDGE, Color.rgb(30, 30, 40))
            }
        }
        return Bitmap.createBitmap(bitmap, 0, 0, side, side, Matrix().apply { setRotate(degrees) }, true)
    }
}
