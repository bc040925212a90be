package im.sotto

import im.sotto.ffi.codeText
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import im.sotto.ffi.SottoCode as FfiCode

/** Hostile arguments, closed objects, many threads: typed errors and no crash. */
class CasesTest {
    @TempDir
    lateinit var folder: File

    private suspend fun code(call: suspend () -> Any?): String? = try {
        call()
        null
    } catch (error: SottoException) {
        error.code.text
    }

    @Test
    fun `hostile arguments have typed errors`() = test {
        phone(File(folder, "carol"), "Carol").use { sotto ->
            for (case in Case.all) assertEquals(case.code, code { case.on(sotto) }, "$case")
            // Half a character: no language but this family can say so.
            val halves = Case.all.filter { it.hasText }
            assertTrue(halves.size > 60)
            for (case in halves) assertEquals("input.setting", code { case.on(sotto) { "x\ud800" } }, "$case")
            assertEquals("Carol", sotto.account.get()?.name)
        }
    }

    @Test
    fun `a closed account says so`() = test {
        val sotto = phone(File(folder, "carol"), "Carol")
        val flow = sotto.conversations.list(Folder.INBOX).items
        val open = async { flow.collect {} }
        sotto.shutdown()
        sotto.close()
        sotto.close()
        open.await()
        flow.collect { error("a flow of a closed account is empty") }
        for (case in Case.all) assertEquals("closed", code { case.on(sotto) }, "$case")
        assertEquals("closed", code { sotto.account.wipe() })
        assertEquals("closed", code { sotto.serving() })
        fails<SottoException.State>(SottoCode.CLOSED) { sotto.messages.get(MessageId(NO_ID)) }
        // The folder is free.
        open(File(folder, "carol")).use { assertEquals("Carol", it.account.get()?.name) }
    }

    @Test
    fun `many threads call while it closes`() = test {
        repeat(3) { round ->
            val sotto = phone(File(folder, "$round"), "Carol")
            val answers = withContext(Dispatchers.IO) {
                val calls = List(32) {
                    async {
                        List(20) { code { sotto.conversations.page(Folder.INBOX, 10) } }
                    }
                }
                repeat(4) { launch { sotto.close() } }
                calls.awaitAll().flatten().toSet()
            }
            assertTrue("closed" in answers, "$answers")
            assertTrue(answers - setOf(null, "closed") == emptySet<String>(), "$answers")
        }
    }

    /** Our enums are the generated ones: same names, same order. Codes are named by their texts. */
    @Test
    fun `enums are those of the core`() {
        val ours = listOf(
            Preset.entries, Mode.entries, LogLevel.entries, Folder.entries, ContactState.entries, ContactAction.entries,
            MessageState.entries, FileKind.entries, FileState.entries, GroupRole.entries, GroupWho.entries,
            GroupState.entries,
        )
        val theirs = listOf(
            im.sotto.ffi.SottoPreset.entries, im.sotto.ffi.SottoMode.entries, im.sotto.ffi.SottoLogLevel.entries,
            im.sotto.ffi.SottoFolder.entries, im.sotto.ffi.SottoContactState.entries,
            im.sotto.ffi.SottoContactAction.entries, im.sotto.ffi.SottoMessageState.entries,
            im.sotto.ffi.SottoFileKind.entries, im.sotto.ffi.SottoFileState.entries,
            im.sotto.ffi.SottoGroupRole.entries, im.sotto.ffi.SottoGroupWho.entries,
            im.sotto.ffi.SottoGroupState.entries,
        )
        assertEquals(theirs.map { all -> all.map { it.name } }, ours.map { all -> all.map { it.name } })
        val own = listOf(SottoCode.KEY_LOST, SottoCode.KEY_UNAVAILABLE)
        assertEquals(FfiCode.entries.map { codeText(it) } + own.map { it.text }, SottoCode.entries.map { it.text })
        for (code in SottoCode.entries) assertEquals(code.text.uppercase().replace('.', '_'), code.name)
    }
}
