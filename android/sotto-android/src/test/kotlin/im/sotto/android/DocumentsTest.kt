package im.sotto.android

import android.content.ContentProvider
import android.content.ContentValues
import android.content.pm.ProviderInfo
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.provider.OpenableColumns
import im.sotto.FileKind
import im.sotto.FileState
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** Files of another app, which is not to be trusted, to the core and back. */
@RunWith(RobolectricTestRunner::class)
@Config(application = TestHost::class)
class DocumentsTest {
    private val host get() = RuntimeEnvironment.getApplication() as TestHost
    private val resolver get() = shadowOf(host.contentResolver)

    @get:Rule
    val phone = Phone { host }

    @Before
    fun install() {
        Robolectric.buildContentProvider(Other::class.java).create(ProviderInfo().apply { authority = "other" })
    }

    private fun serve(name: String, stream: () -> InputStream): Uri =
        Uri.parse("content://other/$name").also { resolver.registerInputStreamSupplier(it, stream) }

    private fun copies() = host.cacheDir.list().orEmpty().filter { it.startsWith("sotto-file") }

    @Test
    fun `a file goes into a message and out of it`() {
        val content = ByteArray(3 shl 20) { (it % 251).toByte() }
        val uri = serve("report.pdf") { ByteArrayInputStream(content) }
        val prepared = runBlocking { Documents.prepare(host, uri) }
        assertEquals("report.pdf" to "application/pdf", prepared.file.name to prepared.file.mime)
        assertEquals(FileKind.FILE, prepared.file.kind)
        World.person("Bob").use { bob ->
            val id = phone.befriend(bob)
            val sent = runBlocking { phone.sotto.messages.send(id, "", files = listOf(prepared.file)) }
            prepared.close()
            assertTrue(copies().isEmpty())
            val file = runBlocking { phone.sotto.messages.get(sent) }.files.single()
            assertTrue(file.state == FileState.GOING || file.state == FileState.HERE)
            val out = ByteArrayOutputStream()
            val place = Uri.parse("content://other/saved").also { resolver.registerOutputStream(it, out) }
            runBlocking { Documents.save(host, phone.sotto, file.id, place) }
            assertArrayEquals(content, out.toByteArray())
        }
    }

    @Test
    fun `what another app does wrong is an io exception, and leaves nothing behind`() {
        val endless = serve("endless") { Endless() }
        assertThrows(Documents.TooLarge::class.java) { runBlocking { Documents.prepare(host, endless) } }
        val wrong = serve("wrong") { throw SecurityException("no") }
        assertThrows(IOException::class.java) { runBlocking { Documents.prepare(host, wrong) } }
        assertThrows(IOException::class.java) { runBlocking { Pictures.prepare(host, wrong) } }
        assertTrue(copies().isEmpty())
        val plain = serve("a%2Fb") { ByteArrayInputStream(ByteArray(1)) }
        runBlocking {
            assertEquals("b", Documents.nameOf(host, plain))
            Documents.prepare(host, plain).use { assertNull(it.file.mime) }
        }
    }

    @Test
    fun `only what another app serves is foreign`() {
        assertTrue(Documents.isForeign(host, Uri.parse("content://other/x")))
        for (own in listOf("file:///data/data/x", "content:", "content:///x", "http://other/x")) {
            assertFalse(own, Documents.isForeign(host, Uri.parse(own)))
        }
    }

    private class Endless : InputStream() {
        override fun read(): Int = 0

        override fun read(to: ByteArray, from: Int, length: Int): Int = length
    }

    /** Answers what it is asked, or fails. */
    class Other : ContentProvider() {
        override fun onCreate() = true

        override fun getType(uri: Uri): String? = when (uri.lastPathSegment) {
            "report.pdf" -> "application/pdf"
            "a/b" -> "text/plain\n" + "x".repeat(200)
            else -> throw IllegalStateException("broken")
        }

        override fun query(
            uri: Uri,
            columns: Array<String>?,
            selection: String?,
            arguments: Array<String>?,
            order: String?,
        ): Cursor {
            if (uri.lastPathSegment != "report.pdf") throw IllegalStateException("broken")
            return MatrixCursor(arrayOf(OpenableColumns.DISPLAY_NAME)).apply { addRow(arrayOf("../report.pdf")) }
        }

        override fun insert(uri: Uri, values: ContentValues?): Uri? = null

        override fun update(uri: Uri, values: ContentValues?, selection: String?, arguments: Array<String>?) = 0

        override fun delete(uri: Uri, selection: String?, arguments: Array<String>?) = 0
    }
}
