package im.sotto.android

import android.system.ErrnoException
import im.sotto.SottoCode
import im.sotto.SottoException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

@RunWith(RobolectricTestRunner::class)
class FileReaderTest {
    private val bytes = ByteArray(3_000_000) { (it * 31 % 251).toByte() }
    private val asked = mutableListOf<Int>()
    private val reader = FileReader(bytes.size.toLong()) { offset, length ->
        asked += length
        bytes.copyOfRange(offset.toInt(), minOf(bytes.size, offset.toInt() + length))
    }

    @Test
    fun `all bytes come, from any place, in parts of at most a mebibyte`() {
        assertEquals(bytes.size.toLong(), reader.onGetSize())
        for ((offset, size) in listOf(0 to 10, 5 to 2_500_000, 2_999_990 to 100, 1_000_000 to (1 shl 20))) {
            val data = ByteArray(size)
            val count = minOf(size, bytes.size - offset)
            assertEquals(count, reader.onRead(offset.toLong(), size, data))
            assertArrayEquals(bytes.copyOfRange(offset, offset + count), data.copyOf(count))
        }
        assertEquals(1 shl 20, asked.max())
    }

    @Test
    fun `nothing comes past the end`() {
        assertEquals(0, reader.onRead(bytes.size.toLong(), 10, ByteArray(10)))
        assertEquals(0, reader.onRead(bytes.size + 5L, 10, ByteArray(10)))
    }

    @Test
    fun `it cannot be written, and a failed read is an error of the descriptor`() {
        assertThrows(ErrnoException::class.java) { reader.onWrite(0, 1, ByteArray(1)) }
        val failing = FileReader(10) { _, _ -> throw SottoException.Key(SottoCode.KEY_UNAVAILABLE, "") }
        assertThrows(ErrnoException::class.java) { failing.onRead(0, 10, ByteArray(10)) }
    }
}
