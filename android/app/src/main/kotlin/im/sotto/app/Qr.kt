package im.sotto.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.net.Uri
import android.util.AttributeSet
import android.view.View
import com.google.zxing.BarcodeFormat
import com.google.zxing.BinaryBitmap
import com.google.zxing.DecodeHintType
import com.google.zxing.EncodeHintType
import com.google.zxing.LuminanceSource
import com.google.zxing.NotFoundException
import com.google.zxing.RGBLuminanceSource
import com.google.zxing.ReaderException
import com.google.zxing.ResultMetadataType
import com.google.zxing.common.BitMatrix
import com.google.zxing.common.GlobalHistogramBinarizer
import com.google.zxing.common.HybridBinarizer
import com.google.zxing.qrcode.QRCodeReader
import com.google.zxing.qrcode.QRCodeWriter
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlin.math.min

/** QR codes: bytes in, modules out, and back from pictures. */
object Qr {
    /** The modules of a code, without a margin. */
    fun encode(content: ByteArray): BitMatrix {
        val hints = mapOf(EncodeHintType.CHARACTER_SET to "ISO-8859-1", EncodeHintType.MARGIN to 0)
        return QRCodeWriter().encode(String(content, Charsets.ISO_8859_1), BarcodeFormat.QR_CODE, 0, 0, hints)
    }

    /** What the code in a picture that the person chose says, or `null`. */
    suspend fun read(context: Context, picture: Uri): ByteArray? {
        val shown = Pictures.open(context, picture, SIDE) ?: return null
        return withContext(Dispatchers.Default) { decode(shown) }
    }

    /** Pixels on the longer side: more make a search that finds nothing take seconds. */
    private const val SIDE = 1600

    /**
     * What the code in a picture says, or `null` if there is none that can be read. In 1 % of codes the reader takes
     * other modules for a corner. It reads such a code once the picture is turned by 90°. A camera needs no second
     * look, because its next picture differs.
     */
    fun decode(picture: Bitmap): ByteArray? {
        val width = picture.width
        val height = picture.height
        val pixels = IntArray(width * height)
        picture.getPixels(pixels, 0, width, 0, 0, width, height)
        return decode(RGBLuminanceSource(width, height, pixels)) ?: run {
            val turned = IntArray(pixels.size) { pixels[(height - 1 - it % height) * width + it / height] }
            decode(RGBLuminanceSource(height, width, turned))
        }
    }

    /** As above, of the brightness of a camera's picture. Light codes on dark ground are read too. */
    fun decode(source: LuminanceSource): ByteArray? = listOf(source, source.invert()).firstNotNullOfOrNull { one ->
        read(BinaryBitmap(HybridBinarizer(one))) ?: read(BinaryBitmap(GlobalHistogramBinarizer(one)))
    }

    private fun read(bitmap: BinaryBitmap): ByteArray? = try {
        val result = QRCodeReader().decode(bitmap, mapOf(DecodeHintType.TRY_HARDER to true))
        @Suppress("UNCHECKED_CAST")
        val segments = result.resultMetadata[ResultMetadataType.BYTE_SEGMENTS] as? List<ByteArray>
        segments?.fold(ByteArray(0), ByteArray::plus) ?: result.text.toByteArray()
    } catch (_: NotFoundException) {
        null
    } catch (_: ReaderException) {
        null
    }
}

/** Draws a code in whole pixels, always dark on light: many readers fail on the opposite. */
class QrView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val ink = Paint().apply { color = Color.BLACK }
    private var modules: BitMatrix? = null

    fun show(content: ByteArray) {
        modules = Qr.encode(content)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val code = modules ?: return
        val room = min(width - paddingLeft - paddingRight, height - paddingTop - paddingBottom)
        val size = (room / code.width).coerceAtLeast(1).toFloat()
        val left = ((width - size * code.width) / 2).toInt()
        val top = ((height - size * code.height) / 2).toInt()
        for (y in 0 until code.height) {
            for (x in 0 until code.width) {
                if (!code[x, y]) continue
                canvas.drawRect(left + x * size, top + y * size, left + (x + 1) * size, top + (y + 1) * size, ink)
            }
        }
    }
}
