package im.sotto

import im.sotto.ffi.SottoCore
import im.sotto.ffi.SottoEvent
import im.sotto.ffi.SottoSettingsPatch
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.io.File

/**
 * An open account: the way to all calls. Open one per folder and process, and keep it in an owner that lives as long
 * as the process.
 *
 * **Threads.** Every `suspend` call may be made from any thread, also from the main one: it moves away by itself and
 * blocks nobody. A [Sotto] may be used by many coroutines at once.
 *
 * **Cancellation.** A cancelled call throws [CancellationException] at once. Work that has begun goes on: a cancelled
 * send happens once or not at all, never twice. To know, read the page again.
 *
 * **Flows.** They are hints turned into reads: a flow reads the database when it is collected and after each change. A
 * slow collector skips intermediate states and never misses the last one. Flows end when the account is closed.
 *
 * **Errors.** Each failed call throws a [SottoException]; a call lists the codes that an app may wish to tell apart.
 * Any call may also fail with [SottoCode.CLOSED], [SottoCode.STORAGE_IO], [SottoCode.STORAGE_CORRUPT] and
 * [SottoCode.INTERNAL]; what writes, with [SottoCode.STORAGE_FULL]; and what sends, with [SottoCode.DEVICE_REPLACED]
 * after the phrase was restored elsewhere.
 *
 * **Closing.** [shutdown] suspends until all is on disk; [close] does the same and blocks. Later calls fail with
 * [SottoCode.CLOSED].
 */
public class Sotto private constructor(core: SottoCore) : AutoCloseable {
    private val bridge = Bridge(core, ::hear)
    private val reachable = MutableStateFlow(bridge.peek { connectivity() }.lift())
    private val told = Inbox<Notice>(KEPT_NOTICES)

    /** The own account: create, restore, name, picture. */
    public val account: Accounts = Accounts(bridge)

    /** Invites, contacts, and their safety numbers. */
    public val contacts: Contacts = Contacts(bridge)

    /** Lists of conversations, and what is kept with one: drafts, mutes, marks. */
    public val conversations: Conversations = Conversations(bridge)

    /** Groups: make, join, rule and leave them. */
    public val groups: Groups = Groups(bridge)

    /** Messages: send, read, find, and what people do with them. */
    public val messages: Messages = Messages(bridge)

    /** Files of messages. */
    public val files: Files = Files(bridge)

    /** Reachability of the network. */
    public val connectivity: StateFlow<Connectivity> = reachable.asStateFlow()

    /**
     * What a person should know. Each notice is delivered once, to one collector, as from a channel: two collectors
     * take them from each other. It comes again if its collector was cancelled while it had the notice. Up to 64 wait
     * for a collector, and the oldest is dropped for a further one. On Android `SottoProcess` collects them.
     */
    public val notices: Flow<Notice> = flow {
        bridge.live(wants = { it is SottoEvent.Notice }) {}.collect {
            told.drain { emit(it) }
        }
    }

    /**
     * Reads now and after each of [changes], with any calls; emits what differs from the last time. For what has no
     * flow of its own: `observe(Change.MESSAGES) { messages.pins(place) }`.
     */
    public fun <T> observe(vararg changes: Change, read: suspend Sotto.() -> T): Flow<T> {
        val wanted = changes.toSet()
        return bridge.live(wants = { it.change in wanted }) { read() }.distinctUntilChanged()
    }

    init {
        bridge.start()
    }

    /** All settings. */
    public suspend fun settings(): Settings = bridge.call { settings() }.lift()

    /**
     * Changes settings; those that are null keep their value. A log level applies at once. Errors:
     * [SottoCode.INPUT_SETTING] for a negative delay.
     */
    public suspend fun updateSettings(
        readReceipts: Boolean? = null,
        typing: Boolean? = null,
        receiptDelayMs: Int? = null,
        search: Boolean? = null,
        log: LogLevel? = null,
    ): Unit = bridge.call { settingsSet(SottoSettingsPatch(readReceipts, typing, receiptDelayMs, search, log?.lift())) }

    /**
     * Says whether the app is on screen, with any activity or window. If it is, a dead node is noticed within 10 s, and
     * a busy bucket is asked every 15 s. A replaced install gives the notice [SottoCode.DEVICE_REPLACED] again. On
     * Android `SottoProcess` says it; a bot never needs to.
     */
    public suspend fun setForeground(on: Boolean): Unit = bridge.call { setForeground(on) }

    /** Says that the host's network changed: connections are dropped and names resolved again. */
    public suspend fun networkChanged(network: NetworkState): Unit = bridge.call { networkChanged(network.lower()) }

    /**
     * Says whether the device is charging. With [Mode.ADAPTIVE] it relays while it charges on a network that
     * [networkChanged] called unmetered.
     */
    public suspend fun powerChanged(isCharging: Boolean): Unit = bridge.call { powerChanged(isCharging) }

    /**
     * For a background wake-up: catches up, sends the outbox, and returns the number of received messages. After
     * [deadlineMs] it fails with [SottoCode.DEADLINE], and the work goes on while the process lives.
     */
    public suspend fun syncOnce(deadlineMs: Long): Int = bridge.call { syncOnce(deadlineMs) }

    /** Addresses under which neighbours are served, multiaddrs ending in `/p2p/…`; empty if none are served. */
    public fun serving(): List<String> = bridge.peek { serving() }

    /** Numbers for a bug report, without names, texts, addresses or ids. */
    public suspend fun diagnostics(): Diagnostics = bridge.call { diagnostics() }.lift()

    /**
     * Closes: everything is on disk, connections end (at most 5 s), flows end, the folder is free. A second call does
     * nothing. Cancelling the call does not stop it.
     */
    public suspend fun shutdown() {
        bridge.shutdown()
    }

    /** [shutdown] for `use {}` and for code outside of coroutines. It blocks the thread, at most 5 s. */
    override fun close() {
        runBlocking { shutdown() }
    }

    private fun hear(event: SottoEvent) {
        when (event) {
            is SottoEvent.ConnectivityChanged -> reachable.value = event.now.lift()
            is SottoEvent.Lagged -> reachable.value = bridge.peek { connectivity() }.lift()
            is SottoEvent.Notice -> told.put(Notice(event.code.lift()))
            else -> {}
        }
    }

    private val SottoEvent.change: Change?
        get() = when (this) {
            is SottoEvent.ConversationsChanged -> Change.CONVERSATIONS
            is SottoEvent.MessagesChanged, is SottoEvent.MessageStateChanged -> Change.MESSAGES
            is SottoEvent.FileChanged -> Change.FILES
            is SottoEvent.ContactsChanged -> Change.CONTACTS
            else -> null
        }

    public companion object {
        private const val KEPT_NOTICES = 64

        /** Version of the library. */
        public val version: String get() = raised { im.sotto.ffi.version() }

        /**
         * Opens the account in [SottoConfig.dir], or an empty folder. It waits for the database only; no node is
         * connected yet. [key] is the database's key, 32 random bytes from the platform's key store. The core wipes
         * its copies; wipe your own. Cancelling closes what it opened.
         *
         * Errors: `storage.*`, [SottoCode.NETWORK_ADDRESS], [SottoCode.INPUT_SETTING].
         */
        public suspend fun open(config: SottoConfig, key: ByteArray): Sotto {
            var opened: Sotto? = null
            try {
                // Whole even if it is cancelled, so that the folder is free when the caller goes on.
                return withContext(Dispatchers.Default + NonCancellable) {
                    raised { Sotto(SottoCore.open(config.lower(), key)) }.also { opened = it }
                }
            } catch (error: CancellationException) {
                withContext(NonCancellable) { opened?.shutdown() }
                throw error
            }
        }

        /**
         * Whether there is a database in this folder, whole or damaged. A host that lost its key must not make another
         * key then: only the lost key opens the database. Changes nothing. Errors: [SottoCode.STORAGE_IO].
         */
        public suspend fun databaseExists(dir: File): Boolean =
            withContext(Dispatchers.Default) { raised { im.sotto.ffi.databaseExists(dir.lower()) } }

        /**
         * Deletes the account in a folder without its key, even if the database is damaged. The folder must not be
         * open. Delete the key and the counter file too. Errors: [SottoCode.STORAGE_IN_USE], `storage.*`.
         */
        public suspend fun databaseWipe(dir: File): Unit =
            withContext(Dispatchers.Default) { raised { im.sotto.ffi.databaseWipe(dir.lower()) } }

        /** Judges a recovery phrase while it is typed: which words are unknown, and whether it can be restored. */
        public suspend fun phraseCheck(phrase: String): PhraseCheck =
            withContext(Dispatchers.Default) { raised { im.sotto.ffi.phraseCheck(phrase.lower()) }.lift() }
    }
}
