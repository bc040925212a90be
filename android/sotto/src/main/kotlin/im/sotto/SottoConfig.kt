package im.sotto

import java.io.File

/**
 * How to open an account. The database key is no field, because configurations are printed.
 *
 * @property dir folder of the account's database; made if absent. One process has it open at a time.
 * @property network the Waku network, by name or of the app's own.
 * @property nodes service nodes to use instead of the network's: multiaddrs ending in `/p2p/…`. They go into invites.
 * @property mode how the device receives messages, and what it does for others.
 * @property dnsTrees trees of nodes in DNS instead of the network's: `enrtree://…` URLs, read while too few nodes are
 * known. With own [nodes] and no own trees none are read.
 * @property dnsServers IP addresses with optional port; empty for the system's. Android has none to read, so its host
 * passes them here and to [Sotto.networkChanged].
 * @property listen addresses to serve neighbours at while relaying, multiaddrs `/ip4/…/tcp/<port>`, port 0 for any;
 * empty to serve nobody.
 * @property receipts whether read receipts are sent until the person decides.
 * @property counterFile a file outside of [dir] and of backups that counts the opens, so that an old copy of the
 * database is noticed: name one. Without a file it is not noticed.
 * @property log log level of this run; null for the account's setting. It matters on Android only: see [LogLevel].
 */
public data class SottoConfig(
    public val dir: File,
    public val network: Network,
    public val nodes: List<String> = emptyList(),
    public val mode: Mode = Mode.LIGHT,
    public val dnsTrees: List<String> = emptyList(),
    public val dnsServers: List<String> = emptyList(),
    public val listen: List<String> = emptyList(),
    public val receipts: Boolean = false,
    public val counterFile: File? = null,
    public val log: LogLevel? = null,
)

/** A Waku network: one of [Preset], or an [OwnNetwork]. */
public sealed interface Network

/**
 * Networks with a name. [LOCAL] is for tests. The others are run by others, who promise nothing to an app, and Sotto
 * was not tried on them: an app of your own takes an [OwnNetwork] with its own nodes.
 */
public enum class Preset : Network {
    /** `local`: own nodes on one machine, for tests only. */
    LOCAL,

    /** The network `logos.test`. */
    LOGOS_TEST,

    /** The network `logos.dev`. */
    LOGOS_DEV,

    /** The network `status.prod`. */
    STATUS_PROD,

    /** The network `status.staging`. */
    STATUS_STAGING,
}

/**
 * A Waku network of the app's own, with its [SottoConfig.nodes] or [SottoConfig.dnsTrees]. All its users need the same
 * values.
 *
 * @property cluster Waku cluster, 0 to 65,535.
 * @property shards static shards, 0 to 1,023; empty with [autoShards].
 * @property autoShards autosharding over this many shards; null for static ones.
 * @property maxMessageBytes largest Waku message that the nodes accept, bytes; at least 153,600.
 * @property log2Buckets log2 of the number of buckets, 0 to 16. A phone receives all messages of its bucket.
 * @property storeRetentionS retention of the network's stores, seconds.
 */
public data class OwnNetwork(
    public val cluster: Int,
    public val shards: List<Int> = emptyList(),
    public val autoShards: Int? = null,
    public val maxMessageBytes: Int = 153_600,
    public val log2Buckets: Int = 0,
    public val storeRetentionS: Long = 2_592_000,
) : Network

/** How the device receives messages, and what it does for others. */
public enum class Mode {
    /** A light client: idle while nothing happens. */
    LIGHT,

    /** Receives the whole shard by gossip and relays it; never idle. */
    RELAY,

    /** A relay while the device charges on an unmetered network: see [Sotto.powerChanged], [Sotto.networkChanged]. */
    ADAPTIVE,
}

/**
 * Log level. Logs go to logcat on Android; on other systems they go nowhere yet. They hold no names, texts, keys,
 * addresses or ids.
 */
public enum class LogLevel {
    /** No lines. */
    OFF,

    /** Failures. */
    ERROR,

    /** Possible failures. */
    WARN,

    /** Main events. */
    INFO,

    /** Details of events. */
    DEBUG,

    /** Everything. */
    TRACE,
}
