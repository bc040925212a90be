package im.sotto.android

import android.os.Handler
import android.os.Looper
import android.os.ParcelFileDescriptor
import android.os.Process
import android.os.ProxyFileDescriptorCallback
import android.os.storage.StorageManager
import android.provider.OpenableColumns
import im.sotto.FileId
import im.sotto.FileState
import im.sotto.MessageFile
import im.sotto.testing.Person
import java.io.File
import java.io.FileNotFoundException
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowBinder
import org.robolectric.shadows.ShadowStorageManager

/** A file that another person sent, as another app of this phone reads it. */
@RunWith(RobolectricTestRunner::class)
@Config(application = TestHost::class, shadows = [Proxy::class])
class FilesProviderTest {
    private val host get() = RuntimeEnvironment.getApplication() as TestHost

    @get:Rule
    val phone = Phone { host }

    private var bob: Person? = null
    private val content = ByteArray(1_500_000) { MARK[it % MARK.length].code.toByte() }

    @After
    fun leave() {
        bob?.close()
    }

    private fun provider() = Robolectric.setupContentProvider(FilesProvider::class.java)

    private fun receive(name: String): MessageFile {
        val bob = World.person("Bob").also { bob = it }
        val id = phone.befriend(bob)
        val path = File(bob.folder, name).apply { writeBytes(content) }
        val file = mapOf("path" to path.path, "mime" to "text/html")
        bob.call("send", "conversation" to id.value, "text" to "", "files" to listOf(file))
        val there = Phone.until { runBlocking { phone.sotto.files.page(id, 1) }.firstOrNull() }
        assertThrows(FileNotFoundException::class.java) { provider().openFile(FilesProvider.uri(host, there.id), "r") }
        runBlocking { phone.sotto.files.fetch(there.id) }
        return Phone.until { runBlocking { phone.sotto.files.get(there.id) }.takeIf { it.state == FileState.HERE } }
    }

    @Test
    fun `another app reads all of it, and no copy of it stands on disk`() {
        val file = receive("notes.html")
        val uri = FilesProvider.uri(host, file.id)
        assertEquals("${host.packageName}.sotto.files", uri.authority)
        val provider = provider()
        // A page with scripts is no page to other apps.
        assertEquals("application/octet-stream", provider.getType(uri))
        provider.query(uri, null, null, null, null).use { row ->
            assertTrue(row.moveToFirst())
            assertEquals("notes.html", row.getString(row.getColumnIndexOrThrow(OpenableColumns.DISPLAY_NAME)))
            assertEquals(content.size.toLong(), row.getLong(row.getColumnIndexOrThrow(OpenableColumns.SIZE)))
        }
        provider.openFile(uri, "r").close()
        val callback = checkNotNull(Proxy.callback)
        val read = ByteArray(content.size)
        assertEquals(content.size.toLong(), callback.onGetSize())
        assertEquals(content.size, callback.onRead(0, content.size, read))
        assertArrayEquals(content, read)

        val written = host.dataDir.walk().filter { it.isFile }.toList()
        assertTrue(written.isNotEmpty())
        for (each in written) assertFalse(each.path, MARK in each.readBytes().toString(Charsets.ISO_8859_1))
    }

    @Test
    fun `it is only read, and what is not there is not found`() {
        runBlocking { phone.sotto.account.create("Alice") }
        val provider = provider()
        for (bad in listOf("none", "../sotto.key", "")) {
            val uri = FilesProvider.uri(host, FileId(bad))
            assertThrows(FileNotFoundException::class.java) { provider.openFile(uri, "r") }
            provider.query(uri, null, null, null, null).use { assertEquals(0, it.count) }
        }
        val uri = FilesProvider.uri(host, FileId("a"))
        assertThrows(FileNotFoundException::class.java) { provider.openFile(uri, "rw") }
    }

    /** Before Android 14 any app may ask for the type of any address. */
    @Test
    fun `another app without a grant opens nothing and learns nothing`() {
        val uri = FilesProvider.uri(host, FileId("a"))
        val provider = provider()
        ShadowBinder.setCallingUid(Process.myUid() + 1)
        try {
            assertEquals("application/octet-stream", provider.getType(uri))
            assertEquals("nothing was opened", emptyList<String>(), host.noBackupFilesDir.list().orEmpty().toList())
        } finally {
            ShadowBinder.reset()
        }
        provider.getType(uri)
        assertTrue("this app opens it", host.noBackupFilesDir.list().orEmpty().isNotEmpty())
    }

    @Test
    fun `no type runs as a page in the other app`() {
        val active = listOf(
            "text/html", "TEXT/HTML", "application/xhtml+xml", "application/vnd.wap.xhtml+xml", "image/svg+xml",
            "text/xml", "application/xml", "application/rss+xml", "text/xsl", "application/xslt+xml",
            "multipart/related", "message/rfc822", "application/x-mimearchive", "no type", "text/html; charset=x", "",
        )
        for (type in active) assertEquals(type, "application/octet-stream", FilesProvider.passive(type))
        for (type in listOf("image/png", "application/pdf", "text/plain", "video/mp4", "audio/ogg")) {
            assertEquals(type, FilesProvider.passive(type))
        }
    }

    private companion object {
        const val MARK = "the plain text of this file "
    }
}

/** The part of Android that maps a descriptor to reads, which the JVM has not: it keeps the callback for the test. */
@Implements(StorageManager::class)
class Proxy : ShadowStorageManager() {
    @Implementation
    @Suppress("unused")
    fun openProxyFileDescriptor(mode: Int, to: ProxyFileDescriptorCallback, handler: Handler): ParcelFileDescriptor {
        check(mode == ParcelFileDescriptor.MODE_READ_ONLY)
        check(handler.looper != Looper.getMainLooper()) { "reads would block the screen" }
        callback = to
        return ParcelFileDescriptor.createPipe()[0]
    }

    companion object {
        var callback: ProxyFileDescriptorCallback? = null
    }
}
