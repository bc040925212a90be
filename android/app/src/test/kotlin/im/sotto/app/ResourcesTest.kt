package im.sotto.app

import android.graphics.Bitmap
import android.graphics.Color
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element
import java.io.File
import java.util.Random
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.math.pow

/** What can be said of the resources without a screen. */
class ResourcesTest : AppTest() {
    private val module = File(System.getProperty("sotto.repo"), "android/app/src/main")

    @Test
    fun everyTextCanBeReadOnItsGround() {
        val grounds = mapOf(
            "text" to listOf("background", "surface", "sunken"),
            "text_secondary" to listOf("background", "surface", "sunken", "outline"),
            "accent" to listOf("background", "surface"),
            "danger" to listOf("background", "surface"),
            "on_accent" to listOf("accent"),
            "on_accent_soft" to listOf("accent_soft"),
            "on_warning_soft" to listOf("warning_soft"),
            "on_danger_soft" to listOf("danger_soft"),
            "on_inverse" to listOf("inverse"),
            "background" to listOf("text_secondary"),
        )
        for (folder in listOf("values", "values-night")) {
            val colors = entries("$folder/colors.xml", "color").mapValues { Color.parseColor(it.value) }
            for ((text, places) in grounds) {
                for (ground in places) {
                    val found = contrast(colors.getValue(text), colors.getValue(ground))
                    assertTrue("$text on $ground in $folder: $found", found >= LEAST_CONTRAST)
                }
            }
        }
        val avatars = app.resources.obtainTypedArray(R.array.avatars)
        for (index in 0 until avatars.length()) {
            assertTrue("avatar $index", contrast(Color.WHITE, avatars.getColor(index, 0)) >= LEAST_CONTRAST)
        }
        avatars.recycle()
    }

    private fun contrast(one: Int, other: Int): Double {
        val (dark, light) = listOf(luminance(one), luminance(other)).sorted()
        return (light + 0.05) / (dark + 0.05)
    }

    private fun luminance(color: Int) =
        listOf(Color.red(color) to 0.2126, Color.green(color) to 0.7152, Color.blue(color) to 0.0722)
        .sumOf { (channel, weight) ->
            val part = channel / 255.0
            weight * if (part <= 0.04045) part / 12.92 else ((part + 0.055) / 1.055).pow(2.4)
        }

    @Test
    fun everyLanguageHasEveryText() {
        val english = entries("values")
        val plurals = plurals("values")
        for ((language, quantities) in listOf("de" to 2, "es" to 2, "ar" to 6)) {
            val there = entries("values-$language")
            assertEquals(language, english.keys, there.keys)
            for ((name, text) in english) {
                assertEquals("$language: $name", placeholders(text), placeholders(there.getValue(name)))
            }
            val more = plurals("values-$language")
            assertEquals(language, plurals.keys, more.keys)
            assertTrue(language, more.values.all { it.size >= quantities })
        }
    }

    /** No text of a person stands in the code: a literal has no two words. */
    @Test
    fun textsStandInResources() {
        val literal = Regex("\"[A-Z][a-z]+ [a-z]+[^\"]*\"")
        for (file in File(module, "kotlin/im/sotto/app").walk().filter(File::isFile)) {
            val code = file.readLines().filterNot { it.trimStart().startsWith("*") || it.trimStart().startsWith("/") }
            val text = code.firstOrNull(literal::containsMatchIn)
            assertNull("${file.name}: $text", text)
        }
        for (file in File(module, "res/layout").listFiles().orEmpty()) {
            val text = Regex("android:(text|hint|contentDescription)=\"[^@]")
            assertTrue(file.name, !text.containsMatchIn(file.readText()))
        }
    }

    @Test
    fun codesAreReadFromPictures() {
        val bytes = ByteArray(SAFETY_QR) { (it * 37).toByte() }
        val link = "https://sotto.example/i#" + "Ab3".repeat(100)
        for (degrees in listOf(0f, 7f, 90f, 180f)) {
            assertArrayEquals("turned by $degrees", bytes, Qr.decode(Bitmaps.code(bytes, degrees)))
            assertEquals(link, Qr.decode(Bitmaps.code(link.toByteArray(), degrees))?.let { String(it) })
        }
        val small = Bitmaps.code(bytes)
        val shrunk = Bitmap.createScaledBitmap(small, small.width / 2, small.height / 2, true)
        assertArrayEquals(bytes, Qr.decode(shrunk))
        assertNull(Qr.decode(Bitmap.createBitmap(200, 200, Bitmap.Config.ARGB_8888)))
    }

    /** The reader takes something in one of a hundred codes for a corner, and then finds the code only turned. */
    @Test
    fun codesThatConfuseTheReaderAreReadToo() {
        for (seed in listOf(16L, 56L, 89L, 102L, 231L)) {
            val bytes = ByteArray(SAFETY_QR).also(Random(seed)::nextBytes)
            for (degrees in listOf(0f, 180f)) {
                assertArrayEquals("$seed, $degrees", bytes, Qr.decode(Bitmaps.code(bytes, degrees)))
            }
        }
    }

    @Test
    fun initialsAreWholeLetters() {
        assertEquals("CØ", AvatarView.initialsOf("Carol Maria Ølgaard"))
        assertEquals("A", AvatarView.initialsOf("  (alice) "))
        assertEquals("", AvatarView.initialsOf("🙂 …"))
        assertTrue(AvatarView.initialsOf("Z" + "\u0336".repeat(5000)).length <= 8)
        assertEquals("מ", AvatarView.initialsOf("\u202Eמרים"))
    }

    private fun placeholders(text: String) = Regex("%\\d\\$[sd]").findAll(text).map { it.value }.toSortedSet()

    /** Of a file, or of all files of a folder. What is the same in all languages does not count. */
    private fun entries(path: String, tag: String = "string"): Map<String, String> = elements(path, tag)
        .filter { it.getAttribute("translatable") != "false" }
        .associate { it.getAttribute("name") to it.textContent }

    private fun plurals(path: String): Map<String, List<String>> = elements(path, "plurals").associate { one ->
        val items = one.getElementsByTagName("item")
        one.getAttribute("name") to (0 until items.length).map { items.item(it).textContent }
    }

    private fun elements(path: String, tag: String): List<Element> {
        val place = File(module, "res/$path")
        return (if (place.isDirectory) place.listFiles().orEmpty().toList() else listOf(place)).flatMap { file ->
            val found = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file).getElementsByTagName(tag)
            (0 until found.length).map { found.item(it) as Element }
        }
    }

    private companion object {
        const val LEAST_CONTRAST = 4.5
        const val SAFETY_QR = 129
    }
}
