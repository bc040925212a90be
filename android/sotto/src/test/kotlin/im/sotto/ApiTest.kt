package im.sotto

import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Test
import java.io.File

/** The public API is the one in git, so that a change of it shows in review. */
class ApiTest {
    @Test
    fun `the public api is the one in git`() {
        val classes = File(REPO, "target/android/sotto/classes").walk().filter { it.extension == "class" }
        val dump = buildString { AbiTools.getInstance().printJvmDump(this, classes.asIterable(), AbiFilters.EMPTY) }
        assertFalse("im/sotto/ffi" in dump, "a generated class is in a public signature")
        File(REPO, "target/android/sotto/api.txt").writeText(dump)
        val golden = File(REPO, "android/sotto/api.txt")
        assertEquals(
            golden.takeIf(File::exists)?.readText(), dump,
            "the API changed; if that is meant: cp target/android/sotto/api.txt android/sotto/api.txt",
        )
    }
}
