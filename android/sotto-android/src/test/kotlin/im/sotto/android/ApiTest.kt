package im.sotto.android

import java.io.File
import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiTools
import org.junit.Assert.assertEquals
import org.junit.Test

/** The public API is the one in git, so that a change of it shows in review. */
class ApiTest {
    @Test
    fun `the public api is the one in git`() {
        val repo = File(System.getProperty("sotto.repo"))
        val classes = File(repo, "target/android/sotto-android/classes").walk().filter { it.extension == "class" }
        val dump = buildString { AbiTools.getInstance().printJvmDump(this, classes.asIterable(), AbiFilters.EMPTY) }
        File(repo, "target/android/sotto-android/api.txt").writeText(dump)
        val path = "android/sotto-android/api.txt"
        val hint = "the API changed; if that is meant: cp target/$path $path"
        assertEquals(hint, File(repo, path).takeIf(File::exists)?.readText(), dump)
    }
}
