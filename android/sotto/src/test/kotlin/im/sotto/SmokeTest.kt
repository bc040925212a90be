package im.sotto

import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class SmokeTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `an account is made`() = runBlocking {
        val config = SottoConfig(File(folder, "alice"), Preset.LOCAL)
        val key = ByteArray(32) { it.toByte() }
        val phrase = Sotto.open(config, key).use { sotto ->
            assertNull(sotto.account.get())
            sotto.account.create("Alice").also { assertEquals("Alice", sotto.account.get()?.name) }
        }
        Sotto.open(config, key).use { assertEquals(phrase, it.account.phrase()) }
        assertEquals(12, phrase.split(' ').size)
    }
}
