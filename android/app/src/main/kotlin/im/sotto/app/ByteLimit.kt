package im.sotto.app

import android.text.InputFilter
import android.text.Spanned

/** Lets a field take no more than [most] bytes of UTF-8, which is how the core counts. */
class ByteLimit(private val most: Int) : InputFilter {
    override fun filter(
        source: CharSequence, start: Int, end: Int, dest: Spanned, from: Int, to: Int,
    ): CharSequence? {
        var room = most - sizeOf(dest.subSequence(0, from)) - sizeOf(dest.subSequence(to, dest.length))
        var at = start
        while (at < end) {
            val next = at + Character.charCount(Character.codePointAt(source, at))
            room -= sizeOf(source.subSequence(at, next))
            if (room < 0) return source.subSequence(start, at)
            at = next
        }
        return null
    }

    private fun sizeOf(text: CharSequence) = text.toString().toByteArray().size
}
