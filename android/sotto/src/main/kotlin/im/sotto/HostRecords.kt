package im.sotto

/**
 * Reachability of the network.
 *
 * @property publishNodes connected nodes to publish through.
 * @property receiveNodes connected nodes to receive from.
 * @property hasStore whether a store can be asked.
 * @property isSubscribed whether the own topic is received.
 * @property relayPeers relay peers in the mesh; 0 if the device does not relay.
 */
public data class Connectivity(
    public val publishNodes: Int,
    public val receiveNodes: Int,
    public val hasStore: Boolean,
    public val isSubscribed: Boolean,
    public val relayPeers: Int,
) {
    /** Whether messages leave and arrive now. */
    public val isOnline: Boolean get() = (publishNodes > 0 && isSubscribed) || relayPeers > 0
}

/**
 * The host's view of its network.
 *
 * @property dnsServers IP addresses with optional port; empty for the system's.
 * @property isMetered whether traffic costs money.
 * @property isRoaming whether the device is abroad, on a network that charges for it.
 */
public data class NetworkState(
    public val dnsServers: List<String>,
    public val isMetered: Boolean,
    public val isRoaming: Boolean = false,
)

/**
 * All settings of the account.
 *
 * @property readReceipts tell others which messages were read.
 * @property typing tell others when this person is writing, and show when they are.
 * @property receiptDelayMs mean of the receipt delay, milliseconds.
 * @property search keep an index of all texts for [Messages.search]. Without it the index is deleted.
 * @property log log level.
 */
public data class Settings(
    public val readReceipts: Boolean,
    public val typing: Boolean,
    public val receiptDelayMs: Int,
    public val search: Boolean,
    public val log: LogLevel,
)

/**
 * Something that a person should know. `docs/errors.md` says what an app should do.
 *
 * @property code what it is.
 */
public data class Notice(public val code: SottoCode)

/** What of the database changed, for [Sotto.observe]. */
public enum class Change {
    /** Conversations appeared, or their title, unread count, draft or order changed. */
    CONVERSATIONS,

    /** Messages appeared, or their content or state changed. */
    MESSAGES,

    /** A transfer went on, or its file has another state. */
    FILES,

    /** Contacts, requests or their safety state changed. */
    CONTACTS,
}

/**
 * Numbers for a bug report, without names, texts, addresses or ids.
 *
 * @property version version of the library.
 * @property cluster Waku cluster of the network.
 * @property uptimeMs time since the open, milliseconds.
 * @property nodeReached whether a node was reached since the open.
 * @property bytesRead TCP payload read since the open, bytes.
 * @property bytesWritten TCP payload written since the open, bytes.
 * @property databaseBytes database file without its log, bytes.
 * @property contacts contacts in any state.
 * @property messages number of shown messages.
 * @property sessions number of ratchet sessions.
 * @property skippedKeys number of kept keys for skipped messages.
 * @property outbox parcels in the outbox: undelivered texts, requests, receipts and cards.
 * @property unsent parcels for contacts that no node accepted yet.
 * @property waiting envelopes that wait for a session.
 * @property fetches long texts being fetched.
 * @property bucketBytesDay bytes through the own bucket in the last 24 hours, each envelope once.
 * @property bucketPeople estimated number of people who share the bucket.
 * @property bucketLeft whether the bucket is busy and therefore polled ([SottoCode.BUCKET_BUSY]).
 */
public data class Diagnostics(
    public val version: String,
    public val cluster: Int,
    public val uptimeMs: Long,
    public val nodeReached: Boolean,
    public val bytesRead: Long,
    public val bytesWritten: Long,
    public val databaseBytes: Long,
    public val contacts: Long,
    public val messages: Long,
    public val sessions: Long,
    public val skippedKeys: Long,
    public val outbox: Long,
    public val unsent: Long,
    public val waiting: Long,
    public val fetches: Long,
    public val bucketBytesDay: Long,
    public val bucketPeople: Long,
    public val bucketLeft: Boolean,
)
