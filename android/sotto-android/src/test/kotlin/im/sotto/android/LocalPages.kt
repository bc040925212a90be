package im.sotto.android

import java.io.File
import java.io.IOException
import java.io.OutputStream
import java.net.InetAddress
import java.nio.file.Files
import java.security.KeyStore
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.atomic.AtomicInteger
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLServerSocket
import javax.net.ssl.TrustManagerFactory
import kotlin.concurrent.thread

/** A web site over HTTPS on this machine, under the name `localhost` and at all its addresses. */
class LocalPages : AutoCloseable {
    private val server = context.serverSocketFactory.createServerSocket(0) as SSLServerSocket
    private val pages = ConcurrentHashMap<String, (OutputStream) -> Unit>()

    /** The heads of all requests. */
    val requests = CopyOnWriteArrayList<String>()

    /** How many connections were made, and how many of them the site could not serve to the end. */
    val connections = AtomicInteger()
    val broken = AtomicInteger()
    val port get() = server.localPort

    init {
        thread(isDaemon = true, name = "pages") {
            try {
                while (true) server.accept().let { socket ->
                    connections.incrementAndGet()
                    thread(isDaemon = true, name = "page") { serve(socket) }
                }
            } catch (_: IOException) {
                // The site is closed.
            }
        }
    }

    private fun serve(socket: java.net.Socket) = try {
        socket.use {
            val input = it.getInputStream().bufferedReader(Charsets.ISO_8859_1)
            val head = generateSequence { input.readLine()?.ifEmpty { null } }.joinToString("\n")
            requests += head
            val path = head.substringAfter(' ').substringBefore(' ')
            val out = it.getOutputStream()
            pages[path]?.invoke(out) ?: out.write("HTTP/1.1 404 Not Found\r\n\r\n".toByteArray())
            out.flush()
        }
    } catch (_: IOException) {
        broken.incrementAndGet()
    }

    fun link(path: String) = "https://localhost:$port$path"

    /** What the site answers at a path, from the first byte on. */
    fun raw(path: String, answer: (OutputStream) -> Unit) {
        pages[path] = answer
    }

    /** A whole page. */
    fun page(path: String, body: ByteArray, type: String = "text/html; charset=utf-8", vararg headers: String) =
        raw(path) { out ->
            val more = headers.joinToString("") { "$it\r\n" }
            val length = "Content-Length: ${body.size}\r\n"
            out.write("HTTP/1.1 200 OK\r\nContent-Type: $type\r\n$length$more\r\n".toByteArray())
            out.write(body)
        }

    fun page(path: String, html: String) = page(path, html.toByteArray())

    fun redirect(path: String, to: String) =
        raw(path) { it.write("HTTP/1.1 302 Found\r\nLocation: $to\r\nContent-Length: 0\r\n\r\n".toByteArray()) }

    override fun close() = server.close()

    companion object {
        private val context by lazy(::trusted)

        /** As the app makes it, but `127.0.0.1` counts as public, and the certificate of these sites is known. */
        val previews by lazy { LinkPreviews(context.socketFactory, ::isHere) }

        /** Knows no certificate of ours. */
        val strict = LinkPreviews(null, ::isHere)

        private fun isHere(address: InetAddress) = isPublic(address) || address.hostAddress == "127.0.0.1"

        /** A key for `localhost`, and trust in it. */
        private fun trusted(): SSLContext {
            val folder = Files.createTempDirectory("sotto-pages").toFile()
            val file = File(folder, "key.p12")
            val tool = File(System.getProperty("java.home"), "bin/keytool").path
            val made = ProcessBuilder(
                tool, "-genkeypair", "-keystore", file.path, "-storetype", "PKCS12", "-storepass", PASSWORD, "-alias",
                "pages", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "san=dns:localhost", "-validity", "3",
            ).redirectErrorStream(true).redirectOutput(File(folder, "log")).start().waitFor()
            check(made == 0) { File(folder, "log").readText() }
            val keys = KeyStore.getInstance("PKCS12")
            file.inputStream().use { keys.load(it, PASSWORD.toCharArray()) }
            val trusted = KeyStore.getInstance("PKCS12").apply {
                load(null, null)
                setCertificateEntry("pages", keys.getCertificate("pages"))
            }
            folder.deleteRecursively()
            val own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm())
            own.init(keys, PASSWORD.toCharArray())
            val others = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm())
            others.init(trusted)
            return SSLContext.getInstance("TLS").apply { init(own.keyManagers, others.trustManagers, null) }
        }

        private const val PASSWORD = "for tests"
    }
}
