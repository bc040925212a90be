package im.sotto.app

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapShader
import android.graphics.Canvas
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.RectF
import android.graphics.Shader
import android.graphics.Typeface
import android.util.AttributeSet
import android.view.View
import im.sotto.RingSegment
import java.text.BreakIterator
import kotlin.math.max
import kotlin.math.min

/** A person's picture, or the initials on the person's colour. The colour ring goes around it if there is one. */
class AvatarView(context: Context, attributes: AttributeSet?) : View(context, attributes) {
    private val fill = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = android.graphics.Color.TRANSPARENT }
    private val letters = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        typeface = Typeface.create("sans-serif-medium", Typeface.NORMAL)
        textAlign = Paint.Align.CENTER
        color = android.graphics.Color.WHITE
    }
    private val stroke = Paint(Paint.ANTI_ALIAS_FLAG).apply { style = Paint.Style.STROKE }
    private var initials = ""
    private var picture: Bitmap? = null
    private var ring = emptyList<RingSegment>()

    init {
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    fun show(name: String, id: String, picture: Bitmap?, ring: List<RingSegment> = emptyList()) {
        initials = initialsOf(name)
        fill.color = colorOf(context, id)
        this.picture = picture
        this.ring = ring
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        val x = width / 2f
        val y = height / 2f
        val whole = min(x, y)
        val line = if (ring.isEmpty()) 0f else whole / RING
        val radius = if (ring.isEmpty()) whole else whole - 2 * line
        drawRing(canvas, RectF(x - whole, y - whole, x + whole, y + whole).apply { inset(line / 2, line / 2) }, line)
        val shown = picture
        if (shown == null) {
            fill.shader = null
            canvas.drawCircle(x, y, radius, fill)
            letters.textSize = radius * LETTERS
            canvas.drawText(initials, x, y - (letters.ascent() + letters.descent()) / 2, letters)
            return
        }
        val scale = 2 * radius / min(shown.width, shown.height)
        fill.shader = BitmapShader(shown, Shader.TileMode.CLAMP, Shader.TileMode.CLAMP).apply {
            setLocalMatrix(
                Matrix().apply {
                    setScale(scale, scale)
                    postTranslate(x - shown.width * scale / 2, y - shown.height * scale / 2)
                },
            )
        }
        canvas.drawCircle(x, y, radius, fill)
    }

    private fun drawRing(canvas: Canvas, place: RectF, line: Float) {
        val total = max(1, ring.sumOf { it.length })
        if (ring.isEmpty()) return
        // White segments have an edge by day.
        stroke.strokeWidth = line + 2
        stroke.color = context.getColor(R.color.outline)
        canvas.drawArc(place, 0f, 360f, false, stroke)
        stroke.strokeWidth = line
        var start = 0f
        for (segment in ring) {
            val sweep = 360f * segment.length / total
            stroke.color = segment.argb
            canvas.drawArc(place, start, sweep, false, stroke)
            start += sweep
        }
    }

    companion object {
        private const val HALF = 7

        /** The 14 emoji of a person in two groups, which are easier to compare. */
        fun emoji(hash: List<String>) = hash.chunked(HALF).joinToString("  ") { it.joinToString("") }

        private const val RING = 12f
        private const val LETTERS = 0.8f

        /** The first letters of the first and the last word: whole graphemes. */
        fun initialsOf(name: String): String {
            val words = name.split(' ').filter { word -> word.any(Char::isLetterOrDigit) }
            return listOfNotNull(words.firstOrNull(), words.lastOrNull().takeIf { words.size > 1 })
                .joinToString("") { word -> first(word.dropWhile { !it.isLetterOrDigit() }).uppercase() }
        }

        private fun first(word: String): String {
            val graphemes = BreakIterator.getCharacterInstance().apply { setText(word) }
            return word.substring(0, graphemes.next().coerceIn(0, min(word.length, MOST_CHARS)))
        }

        private const val MOST_CHARS = 8

        /** The person's colour: it follows from the id. */
        fun colorOf(context: Context, id: String): Int {
            val colors = context.resources.obtainTypedArray(R.array.avatars)
            return colors.getColor(Math.floorMod(id.hashCode(), colors.length()), 0).also { colors.recycle() }
        }
    }
}
