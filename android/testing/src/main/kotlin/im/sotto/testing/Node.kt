package im.sotto.testing

import java.io.File

/**
 * A service node of the network of preset `local`: a process of `sotto node`, alone unless it is given a [peer].
 *
 * @param folder its data.
 * @param port a free one with 0; a fixed one to come back under the same [address] after a kill.
 */
class Node(private val folder: File, port: Int = 0, peer: Node? = null) : AutoCloseable {
    private var running: Program
    private val peers = if (peer == null) listOf("--alone") else listOf("--peer", peer.address)

    /** Its multiaddr, ending in `/p2p/…`. */
    val address: String

    init {
        running = start("/ip4/127.0.0.1/tcp/$port")
        address = listening(running)
    }

    /** Kills the process, as a crash would. */
    fun kill() = running.kill()

    /** Starts it again on the same address and data. */
    fun restart() {
        running.kill()
        running = start(address.substringBefore("/p2p/"))
        check(listening(running) == address) { "the node came back under another address" }
    }

    override fun close() = running.close()

    private fun start(listen: String) =
        Program("node", "--json", "--listen", listen, "--data", folder.path, *peers.toTypedArray())

    private fun listening(program: Program): String {
        val said = Json.parse(program.line())
        return said["addrs"][0].text
    }
}
