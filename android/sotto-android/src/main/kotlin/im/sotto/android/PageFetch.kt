package im.sotto.android

import java.io.BufferedInputStream
import java.io.Closeable
import java.io.IOException
import java.io.InputStream
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Proxy
import java.net.Socket
import java.util.zip.GZIPInputStream
import javax.net.ssl.SSLSocket
import javax.net.ssl.SSLSocketFactory

/** The beginning of a page. [charset] is the one that its header names. */
internal class Page(val bytes: ByteArray, val charset: String?)

/**
 * Where a link leads. It holds ASCII without blanks only, so nothing of it can end a line of a request.
 *
 * @property target path and query.
 */
internal class Place private constructor(val host: String, private val digits: String?, val target: String) {
    val port: Int get() = digits?.toInt() ?: DEFAULT_PORT

    /** What the header `Host` says. */
    val name: String get() = (if (':' in host) "[$host]" else host) + digits?.let { ":$it" }.orEmpty()

    /** Where a redirect from here leads; null if the preview must not go there. */
    fun next(location: String): Place? = of(
        when {
            SCHEME.containsMatchIn(location) -> location
            location.startsWith("//") -> "https:$location"
            location.startsWith("/") -> "https://$name$location"
            location.startsWith("?") -> "https://$name${target.substringBefore('?')}$location"
            else -> "https://$name${target.substringBefore('?').substringBeforeLast('/')}/$location"
        },
    )

    companion object {
        private const val MOST_LENGTH = 2048
        private const val DEFAULT_PORT = 443
        private const val MOST_PORT = 65_535
        private val SCHEME = Regex("^[A-Za-z][A-Za-z0-9+.-]*:")
        private val LINK = Regex("https://(?:\\[([0-9A-Fa-f:.]+)]|([A-Za-z0-9._-]+))(?::(\\d{1,5}))?([/?].*)?")

        /** Null for all but an `https` link of printable ASCII to a host, without a name or password of a user. */
        fun of(link: String): Place? {
            if (link.length > MOST_LENGTH || link.any { it !in '!'..'~' }) return null
            val (address, name, digits, rest) = LINK.matchEntire(link.substringBefore('#'))?.destructured ?: return null
            val target = if (rest.startsWith("/")) rest else "/$rest"
            return Place(address + name, digits.ifEmpty { null }, target).takeIf { it.port in 1..MOST_PORT }
        }
    }
}

/**
 * Gets one page, by hand: the platform's client resolves the name once more after the check, and reads headers without
 * a limit. [close] ends it from another thread.
 */
internal class PageFetch(
    private val sockets: SSLSocketFactory,
    private val isAllowed: (InetAddress) -> Boolean,
) : Closeable {
    @Volatile
    private var socket: Socket? = null

    @Volatile
    private var isClosed = false

    fun get(link: String): Page {
        var place = Place.of(link)
        for (redirects in 0..MOST_REDIRECTS) {
            val now = place ?: throw IOException("no https address")
            val answer = ask(now)
            answer.page?.let { return it }
            place = answer.location?.let(now::next)
        }
        throw IOException("too many redirects")
    }

    override fun close() {
        isClosed = true
        socket?.close()
    }

    /** Either a page, or where it is. */
    private class Answer(val page: Page?, val location: String?)

    private fun ask(place: Place): Answer = connect(place).use { raw ->
        val secure = sockets.createSocket(raw, place.host, place.port, true) as SSLSocket
        secure.sslParameters = secure.sslParameters.apply { endpointIdentificationAlgorithm = "HTTPS" }
        secure.startHandshake()
        val request = "GET ${place.target} HTTP/1.1\r\nHost: ${place.name}\r\nUser-Agent: $USER_AGENT\r\n" +
            "Accept: text/html\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        secure.outputStream.write(request.toByteArray())
        secure.outputStream.flush()
        answer(HttpAnswer(BufferedInputStream(secure.inputStream)))
    }

    private fun answer(http: HttpAnswer): Answer {
        if (http.status in REDIRECTS) return Answer(null, http.header("location"))
        if (http.status != OK) throw IOException("the site answers ${http.status}")
        val type = http.header("content-type").orEmpty().split(';').map(String::trim)
        if (!type.first().equals("text/html", ignoreCase = true)) throw IOException("no page")
        val charset = type.firstOrNull { it.startsWith("charset=", ignoreCase = true) }
        return Answer(Page(head(http.body()), charset?.substringAfter('=')?.trim('"', '\'')), null)
    }

    /** To the address that was checked, and to no other that the name may have a moment later. */
    private fun connect(place: Place): Socket {
        val addresses = InetAddress.getAllByName(place.host).filter(isAllowed).take(MOST_ADDRESSES)
        var failure = IOException("no public address")
        for (address in addresses) {
            val next = Socket(Proxy.NO_PROXY)
            socket = next
            if (isClosed) break
            try {
                next.soTimeout = SILENCE_MS
                next.connect(InetSocketAddress(address, place.port), CONNECT_MS)
                return next
            } catch (e: IOException) {
                next.close()
                failure = e
            }
        }
        throw failure
    }

    /** Up to the end of its head, or as much as is read of a page. */
    private fun head(from: InputStream): ByteArray {
        val bytes = ByteArray(MOST_BYTES)
        var size = 0
        while (size < bytes.size) {
            val count = try {
                from.read(bytes, size, bytes.size - size)
            } catch (e: IOException) {
                // A site that breaks off may have said enough.
                if (size == 0) throw e else break
            }
            if (count < 0) break
            val news = maxOf(0, size - END.length)
            size += count
            if (String(bytes, news, size - news, Charsets.ISO_8859_1).contains(END, ignoreCase = true)) break
        }
        return bytes.copyOf(size)
    }

    internal companion object {
        const val USER_AGENT = "Mozilla/5.0 (compatible; LinkPreview/1.0)"
        const val MOST_BYTES = 512 * 1024
        private const val MOST_REDIRECTS = 3
        private const val MOST_ADDRESSES = 2
        private const val CONNECT_MS = 2_500
        private const val SILENCE_MS = 5_000
        private const val OK = 200
        private const val END = "</head"
        private val REDIRECTS = setOf(301, 302, 303, 307, 308)
    }
}

/** The answer of a site: its head of at most 32 KiB, then its body as it comes. */
internal class HttpAnswer(private val input: InputStream) {
    private var room = MOST_HEAD
    private val headers = HashMap<String, String>()
    val status: Int

    init {
        var code: Int
        // Answers of 1xx come before the one that counts.
        do {
            code = STATUS.find(line())?.groupValues?.get(1)?.toInt() ?: throw IOException("no HTTP")
            headers.clear()
            while (true) {
                val line = line().ifEmpty { null } ?: break
                headers.putIfAbsent(line.substringBefore(':').trim().lowercase(), line.substringAfter(':', "").trim())
            }
        } while (code in EARLY)
        status = code
    }

    fun header(name: String): String? = headers[name]

    /** The bytes of the page, at most as many as are read of one, unpacked. */
    fun body(): InputStream {
        val length = header("content-length")?.toLongOrNull() ?: Long.MAX_VALUE
        val raw = when (header("transfer-encoding")?.lowercase()) {
            null, "identity" -> Part(length)
            "chunked" -> Chunks()
            else -> throw IOException("an unknown encoding")
        }
        return when (header("content-encoding")?.lowercase()) {
            null, "identity" -> raw
            "gzip" -> GZIPInputStream(raw)
            else -> throw IOException("an unknown encoding")
        }
    }

    private fun line(): String {
        val bytes = StringBuilder()
        while (true) {
            val next = input.read()
            if (next < 0 || room-- == 0) throw IOException("no end of the head")
            if (next == '\n'.code) return bytes.removeSuffix("\r").toString()
            bytes.append(next.toChar())
        }
    }

    /** The next [left] bytes. */
    private open inner class Part(protected var left: Long) : InputStream() {
        private var total = 0L

        override fun read(): Int {
            val one = ByteArray(1)
            return if (read(one, 0, 1) < 0) -1 else one[0].toInt() and 255
        }

        override fun read(into: ByteArray, from: Int, count: Int): Int {
            if (count == 0) return 0
            if (left == 0L || total >= PageFetch.MOST_BYTES) return -1
            val done = input.read(into, from, minOf(count.toLong(), left).toInt())
            if (done > 0) {
                left -= done
                total += done
            }
            return done
        }
    }

    private inner class Chunks : Part(0) {
        private var isFirst = true
        private var isEnded = false

        override fun read(into: ByteArray, from: Int, count: Int): Int {
            if (left == 0L && !isEnded) {
                if (!isFirst) line()
                isFirst = false
                left = line().substringBefore(';').trim().toLongOrNull(HEX)?.takeIf { it >= 0 }
                    ?: throw IOException("no chunk")
                isEnded = left == 0L
            }
            return super.read(into, from, count)
        }
    }

    private companion object {
        const val MOST_HEAD = 32 * 1024
        const val HEX = 16
        val EARLY = 100..199
        val STATUS = Regex("^HTTP/1\\.[01] (\\d{3})")
    }
}

/** Whether an address belongs to the internet, and not to this phone, its network, or a network of its provider. */
internal fun isPublic(address: InetAddress): Boolean {
    val bytes = address.address.map { it.toInt() and 255 }
    return when {
        bytes.size == 4 -> isPublic(bytes)
        // IPv4 behind a provider's gateway.
        bytes.take(GATEWAY.size) == GATEWAY -> isPublic(bytes.drop(GATEWAY.size))
        // Teredo and 6to4 lead to an IPv4 address.
        bytes.take(4) == listOf(0x20, 0x01, 0, 0) || bytes.take(2) == listOf(0x20, 0x02) -> false
        else -> bytes[0] in 0x20..0x3f
    }
}

private val GATEWAY = listOf(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)

private fun isPublic(bytes: List<Int>): Boolean {
    val (first, second, third) = bytes
    return when (first) {
        0, 10, 127 -> false
        100 -> second !in 64..127
        169 -> second != 254
        172 -> second !in 16..31
        192 -> second != 168 && !(second == 0 && third == 0)
        198 -> second !in 18..19
        else -> first < 224
    }
}
