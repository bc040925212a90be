package im.sotto

import im.sotto.docs.quickstart
import im.sotto.testing.Node
import im.sotto.testing.Person
import im.sotto.testing.Program
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

/** The code of the documentation runs, and stands there word for word. */
class DocsTest {
    @TempDir
    lateinit var folder: File

    private fun source(name: String) = File(REPO, "android/sotto/src/test/kotlin/im/sotto/docs/$name").readText()

    @Test
    fun `the quickstart says hello`() = test {
        Node(File(folder, "node")).use { node -> assertEquals("hello", quickstart(folder, node.address, KEY)) }
        val snippet = source("Quickstart.kt").substringAfter("// README begins\n").substringBefore("    // README ends")
        val lines = snippet.trimIndent().lines()
        assertTrue(lines.size <= 15)
        assertTrue(lines.joinToString("\n") in File(REPO, "README.md").readText(), "README.md has another quickstart")
    }

    @Test
    fun `the page of errors has all kinds and codes, and says which call may be repeated`() {
        val page = File(REPO, "docs/errors.md").readText()
        fun codes(heading: String) = Regex("`([a-z_]+(\\.[a-z_]+)?)`")
            .findAll(page.substringAfter("\n## $heading\n").substringBefore("\n## ")).map { it.groupValues[1] }.toList()
        val kinds = Regex("\\| `SottoException\\.([A-Za-z]+)` \\|").findAll(page).map { it.groupValues[1] }.toSet()
        assertEquals(SottoException::class.java.declaredClasses.map { it.simpleName }.toSet(), kinds)
        assertEquals(SottoCode.entries.filter { it.isRetryable }.map { it.text }, codes("Calls to repeat"))
        val rows = Regex("\n\\| (\\*\\*)?`([a-z_.]+)`").findAll(page).map { it.groupValues[2] }.toList()
        assertEquals(SottoCode.entries.map { it.text }, rows)
    }

    @Test
    fun `the bot says everything back once, however often it is killed`() {
        val code = source("EchoBot.kt").substringAfter("package im.sotto.docs\n\n")
        val body = code.substringAfter("\n\n").lines().filter { it.isNotBlank() }
        assertTrue(body.size <= 25)
        assertTrue(code in File(REPO, "docs/kotlin-bot.md").readText(), "docs/kotlin-bot.md has another bot")
        val java = File(System.getProperty("java.home"), "bin/java").path
        val flags = listOf("-Djna.library.path=" + System.getProperty("jna.library.path"))
        val classes = listOf("-cp", System.getProperty("java.class.path"), "im.sotto.docs.EchoBotKt")
        Node(File(folder, "node")).use { node ->
            val command = listOf(java) + flags + classes + listOf(File(folder, "bot").path, node.address)
            val first = Program(command)
            Person("Alice", File(folder, "alice"), listOf(node.address)).use { alice ->
                alice.call("contact_add", "link" to first.line())
                val place = alice.contact("accepted")["conversation"].text
                alice.send(place, "one")
                alice.waitFor(place, "one", "one")
                first.kill()
                for (text in listOf("two", "two", "three")) alice.send(place, text)
                Program(command).use { second ->
                    second.line()
                    val wanted = listOf("one", "one", "two", "two", "three", "two", "two", "three").sorted()
                    alice.until("messages", "conversation" to place, "limit" to 50) { answer ->
                        answer["messages"].list.map { it["text"].text }.sorted().takeIf { it == wanted }
                    }
                }
                alice.leave()
            }
        }
    }
}
