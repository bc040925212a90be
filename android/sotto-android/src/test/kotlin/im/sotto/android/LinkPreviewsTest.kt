package im.sotto.android

import android.app.Application
import im.sotto.LinkPreview
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.OutputStream
import java.net.InetAddress
import java.util.zip.GZIPOutputStream
import kotlin.random.Random
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(application = Application::class)
class LinkPreviewsTest {
    private val site = LocalPages()

    @After
    fun close() = site.close()

    private fun fetch(path: String, previews: LinkPreviews = LocalPages.previews): LinkPreview? =
        runBlocking { previews.fetch(if (path.startsWith("/")) site.link(path) else path) }

    private fun refused(path: String, previews: LinkPreviews = LocalPages.previews): String =
        assertThrows(path, IOException::class.java) { fetch(path, previews) }.message.orEmpty()

    private fun OutputStream.say(text: String) = write(text.toByteArray())

    private fun timed(what: String, most: Long, work: () -> Unit) {
        val begin = System.nanoTime()
        work()
        val ms = (System.nanoTime() - begin) / 1_000_000
        assertTrue("$what: $ms ms", ms < most)
    }

    private fun until(what: String, isSo: () -> Boolean) {
        val end = System.nanoTime() + 4_000_000_000
        while (!isSo()) {
            assertTrue(what, System.nanoTime() < end)
            Thread.sleep(10)
        }
    }

    private val okay = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

    @Test
    fun `the page says what it is`() {
        site.page(
            "/og?a=1&b=2",
            """<!doctype html><html><head><!-- <title>No</title> --><script>"<title>No</title>"</script>
            <title>Other</title>
            <META content='R&amp;D &mdash; &#x201C;caf&eacute;&#8221; &lt;b&gt;' property=og:title />
            <meta name=description content="no"><meta property="og:description" content="One
            two &quot;three&quot;"></head><body><title>No</title>""",
        )
        val preview = fetch("/og?a=1&b=2")
        assertEquals(LinkPreview(site.link("/og?a=1&b=2"), "R&D — “café” <b>", "One two \"three\""), preview)
        site.page("/plain", "<title>\n  A  page\t</title><meta name=Description content=words>")
        assertEquals(LinkPreview(site.link("/plain"), "A page", "words"), fetch("/plain"))
        site.page("/empty", "<html><head><title> </title></head>")
        assertNull(fetch("/empty"))
        val head = site.requests.first().lines()
        assertEquals(
            listOf(
                "GET /og?a=1&b=2 HTTP/1.1", "Host: localhost:${site.port}", "User-Agent: ${PageFetch.USER_AGENT}",
                "Accept: text/html", "Accept-Encoding: gzip", "Connection: close",
            ),
            head,
        )
    }

    @Test
    fun `charsets and encodings of the site are honoured`() {
        val latin = "<title>Käse</title>".toByteArray(Charsets.ISO_8859_1)
        site.page("/header", latin, "text/html;charset=\"ISO-8859-1\"")
        site.page("/meta", "<meta charset='windows-1252'>".toByteArray() + latin, "text/HTML")
        site.page("/mark", "\uFEFF<title>Käse</title>".toByteArray(Charsets.UTF_16LE), "text/html; charset=utf-8")
        site.page("/unknown", "<title>Käse</title>".toByteArray(), "text/html; charset=no such")
        site.page("/lie", "<meta charset=utf-16><title>Käse</title>".toByteArray(), "text/html")
        val pages = listOf("/header", "/meta", "/mark", "/unknown", "/lie")
        for (path in pages) assertEquals(path, "Käse", fetch(path)?.title)
        site.page("/wrong", latin)
        assertEquals("K\uFFFDse", fetch("/wrong")?.title)

        val packed = ByteArrayOutputStream()
        GZIPOutputStream(packed).use { it.say("<title>Käse</title>") }
        site.page("/gzip", packed.toByteArray(), "text/html; charset=utf-8", "Content-Encoding: gzip")
        site.raw("/chunks") {
            it.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
            it.say("${okay}Transfer-Encoding: chunked\r\n\r\n")
            it.say("7;a=b\r\n<title>\r\nC\r\nKäse</title\r\n1\r\n>\r\n0\r\n\r\n")
        }
        site.raw("/until-the-end") { it.say("HTTP/1.0 200 OK\ncontent-type: text/html\n\n<title>Käse</title>") }
        for (path in listOf("/gzip", "/chunks", "/until-the-end")) assertEquals(path, "Käse", fetch(path)?.title)
    }

    @Test
    fun `redirects are followed three times and each is checked`() {
        site.page("/a/end", "<title>End</title>")
        site.redirect("/a/3", "end")
        site.redirect("/2", "/a/3")
        site.redirect("/1", site.link("/2"))
        site.redirect("/0", "//localhost:${site.port}/1")
        assertEquals(LinkPreview(site.link("/1"), "End", ""), fetch("/1"))
        assertEquals("too many redirects", refused("/0"))
        val before = site.connections.get()
        val others = listOf(
            "http://localhost:${site.port}/a/end", "HTTPS://localhost/", "ftp://localhost/", "javascript:alert(1)",
            "https://user:password@localhost:${site.port}/a/end", "https://localhost:0/", "https://", "/a\u00e4",
        )
        // No other address of this machine, however it is written.
        val private = listOf("127.0.0.2", "2130706434", "[::1]", "[::ffff:127.0.0.2]", "0.0.0.0", "[::]")
            .map { "https://$it:${site.port}/a/end" } +
            listOf("https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/", "https://[fd00::1]/")
        for (place in others + private) {
            site.redirect("/to", place)
            timed(place, 2_000) { refused("/to") }
        }
        assertEquals("only the redirects were asked for", before + others.size + private.size, site.connections.get())
        for (place in private) assertEquals(place, "no public address", refused(place))
        assertTrue(refused("https://no-such-name.invalid/").isNotEmpty())
    }

    @Test
    fun `only the site that the link names is believed`() {
        site.page("/", "<title>Page</title>")
        assertEquals("Page", fetch("/")?.title)
        refused("/", LocalPages.strict)
        refused("https://127.0.0.1:${site.port}/")
        assertEquals("no request of those two", 1, site.requests.size)
        assertThrows(IOException::class.java) { runBlocking { LinkPreviews().fetch(site.link("/")) } }
        assertEquals("the app itself connects to no such address", 3, site.connections.get())
    }

    @Test
    fun `a hostile site gets little time, little memory and no crash`() {
        site.raw("/endless") { out ->
            out.say("$okay\r\n<title>Endless</title>")
            while (true) out.write(ByteArray(8192) { ' '.code.toByte() })
        }
        timed("endless", 4_000) { assertEquals("Endless", fetch("/endless")?.title) }
        site.raw("/bomb") { out ->
            out.say("${okay}Content-Encoding: gzip\r\n\r\n")
            val zip = GZIPOutputStream(out)
            zip.say("<title>Bomb</title>")
            while (true) zip.write(ByteArray(1 shl 16))
        }
        timed("bomb", 4_000) { assertEquals("Bomb", fetch("/bomb")?.title) }
        site.raw("/headers") { out ->
            out.say(okay)
            while (true) out.say("X-More: ${"x".repeat(1000)}\r\n")
        }
        timed("headers", 4_000) { refused("/headers") }
        site.raw("/hints") { out -> while (true) out.say("HTTP/1.1 100 Continue\r\n\r\n") }
        timed("hints", 4_000) { refused("/hints") }
        site.raw("/slow") { out ->
            out.say("$okay\r\n<title>")
            while (true) {
                out.write('x'.code)
                out.flush()
                Thread.sleep(100)
            }
        }
        timed("slow", 7_000) { assertEquals("the site does not answer in time", refused("/slow")) }
        site.raw("/silent") { Thread.sleep(20_000) }
        timed("silent", 7_000) { refused("/silent") }
        site.page("/long", "<title>" + "long 😀".repeat(200_000) + "</title>")
        val long = checkNotNull(fetch("/long")).title
        assertTrue(long, long.endsWith("…") && long.toByteArray().size in 110..120 && '\uFFFD' !in long)
        site.page("/marks", "<title>Z${"\u0300".repeat(9_000)}</title><meta name=description content='a\u202Eb\u0000'>")
        assertEquals(LinkPreview(site.link("/marks"), "…", "ab"), fetch("/marks"))

        for ((path, answer) in mapOf(
            "/type" to "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n<title>No</title>",
            "/none" to "HTTP/1.1 200 OK\r\n\r\n<title>No</title>",
            "/missing" to "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<title>No</title>",
            "/nowhere" to "HTTP/1.1 302 Found\r\n\r\n",
            "/ssh" to "SSH-2.0-OpenSSH\r\n",
            "/nothing" to "",
            "/chunk" to "${okay}Transfer-Encoding: chunked\r\n\r\n-5\r\n<title>",
            "/brotli" to "${okay}Content-Encoding: br\r\n\r\n<title>No</title>",
            "/zip" to "${okay}Content-Encoding: gzip\r\n\r\n<title>No</title>",
        )) {
            site.raw(path) { it.say(answer) }
            refused(path)
        }
        // Too much is promised: what came counts.
        site.raw("/short") { it.say("${okay}Content-Length: 9999\r\n\r\n<title>Short</title>") }
        assertEquals("Short", fetch("/short")?.title)
    }

    @Test
    fun `broken pages are read in one pass`() {
        val noise = Random(1).nextBytes(600_000)
        val parts = listOf(
            "<meta \"", "<meta content=\"", "<meta a=", "<title", "<title>", "<!--", "<", "<script>", "&", "<meta ",
        )
        val repeated = parts.map { it.repeat(PageFetch.MOST_BYTES / it.length).toByteArray() }
        for ((at, page) in (repeated + listOf(noise, byteArrayOf(), "</head>".toByteArray())).withIndex()) {
            site.page("/$at", page)
            timed("page $at", 6_000) { fetch("/$at") }
        }
        site.page("/tail", "<title>Tail")
        assertEquals("Tail", fetch("/tail")?.title)
        site.page("/quote", "<meta property=og:title content=\"Open><title>Still</title>")
        assertNull(fetch("/quote"))
    }

    @Test
    fun `cancelling ends the connection`() {
        site.raw("/endless") { out ->
            out.say("$okay\r\n<title>")
            while (true) {
                out.write(' '.code)
                out.flush()
                Thread.sleep(10)
            }
        }
        runBlocking {
            val job = launch(Dispatchers.Default) { LocalPages.previews.fetch(site.link("/endless")) }
            until("the request") { site.requests.isNotEmpty() }
            timed("cancel", 1_000) { runBlocking { job.cancelAndJoin() } }
        }
        until("the site sees the end") { site.broken.get() == 1 }
    }

    @Test
    fun `addresses of this phone and its networks are not public`() {
        val public = "8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1 223.255.255.255 " +
            "2606:4700::1111 64:ff9b::808:808"
        for (text in public.split(' ')) assertTrue(text, isPublic(InetAddress.getByName(text)))
        val others = "0.0.0.0 0.1.2.3 10.255.0.1 127.0.0.1 127.255.255.254 100.64.0.1 169.254.169.254 172.16.0.1 " +
            "172.31.255.255 192.168.0.1 192.0.0.8 198.19.0.1 224.0.0.251 240.0.0.1 255.255.255.255 " +
            ":: ::1 ::ffff:10.0.0.1 ::7f00:1 fe80::1 fc00::1 fd12::1 fec0::1 ff02::1 64:ff9b::a00:1 64:ff9b::7f00:1 " +
            "64:ff9b:1::1 2001::1 2002:a00:1::1"
        for (text in others.split(' ')) assertFalse(text, isPublic(InetAddress.getByName(text)))
    }

    @Test
    fun `a link stands in a text as a word`() {
        val links = mapOf(
            "https://sotto.im" to "https://sotto.im",
            "See (https://sotto.im/a?b=c#d), or https://other.example." to "https://sotto.im/a?b=c#d",
            "«https://sotto.im:8443/»…" to "https://sotto.im:8443/",
            "http://sotto.im then\nhttps://later.example" to "https://later.example",
            "https://[2606:4700::1111]/" to "https://[2606:4700::1111]/",
        )
        for ((text, link) in links) assertEquals(text, link, LinkPreviews.linkIn(text))
        val none = listOf(
            "", "https://", "xhttps://sotto.im", "http://sotto.im", "HTTPS://sotto.im", "https://user@sotto.im",
            "https://a:b@c.im", "https://sotto.im:0/", "https://sotto.im:99999/", "https://sotto.im/ä",
            "https://аpple.com", "https://a\u202Eb.im", "https:///path", "https://sotto.im\\@evil.example",
            "https://" + "a".repeat(2100) + ".im",
        )
        for (text in none) assertNull(text, LinkPreviews.linkIn(text))
    }
}
