package im.sotto.android

import im.sotto.LinkPreview
import java.io.IOException
import java.net.InetAddress
import javax.net.ssl.SSLSocketFactory
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/**
 * Makes the preview of a link for `Messages.send`. The site learns the phone's internet address and that somebody is
 * about to send this link: so ask the person before each [fetch]. Receivers fetch nothing.
 *
 * | limit | |
 * |---|---|
 * | scheme | `https`, also after redirects |
 * | redirects | 3, each checked as the link is |
 * | addresses | public ones; the connection goes to the address that was checked |
 * | page | the first 512 KiB of `text/html`, up to the end of its head |
 * | time | 5 s in all |
 *
 * No cookies, no language, no referrer, no proxy, and the same user agent on all phones.
 */
public class LinkPreviews internal constructor(
    private val sockets: SSLSocketFactory?,
    private val isAllowed: (InetAddress) -> Boolean,
) {
    public constructor() : this(null, ::isPublic)

    /**
     * What the page behind [link] says of itself, title and description cut to the core's limits; null if it says
     * nothing. Cancelling ends the connection.
     *
     * @throws IOException if the page cannot be had within the limits above.
     */
    public suspend fun fetch(link: String): LinkPreview? = withContext(Dispatchers.IO) {
        val fetch = PageFetch(sockets ?: SSLSocketFactory.getDefault() as SSLSocketFactory, isAllowed)
        // Resolving a name cannot be interrupted: it is left behind, and ends by itself.
        val page = CoroutineScope(Dispatchers.IO).async { PageHead.of(fetch.get(link)) }
        val head = try {
            withTimeoutOrNull(PATIENCE_MS) { page.await() } ?: throw IOException("the site does not answer in time")
        } catch (e: IllegalArgumentException) {
            throw IOException("no name of a host", e)
        } finally {
            fetch.close()
        }
        if (head.title.isEmpty() && head.text.isEmpty()) null else LinkPreview(link, head.title, head.text)
    }

    public companion object {
        private const val PATIENCE_MS = 5_000L
        private const val BEFORE = "([{<\"'«“"
        private const val AFTER = ".,;:!?)]}>\"'»”…。、"

        /**
         * The first `https` link of a text that can have a preview: a word of ASCII, without the brackets and
         * punctuation around it. Null if there is none.
         */
        public fun linkIn(text: String): String? {
            if ("https://" !in text) return null
            return text.splitToSequence(Regex("\\s+"))
                .map { word -> word.trimStart { it in BEFORE }.trimEnd { it in AFTER } }
                .firstOrNull { Place.of(it) != null }
        }
    }
}
