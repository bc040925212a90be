package im.sotto.app.media

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class WaveTest {
    @Test
    fun aWaveHasAtMost64LevelsOfFiveBits() {
        assertEquals(emptyList<Int>(), Recorder.wave(emptyList()))
        assertEquals(listOf(0, 31), Recorder.wave(listOf(0, 32_767)))
        val wave = Recorder.wave(List(1_000) { it * 32 })
        assertEquals(64, wave.size)
        assertTrue(wave.all { it in 0..31 } && wave.first() < wave.last())
    }
}
