package im.sotto

import im.sotto.ffi.InternalException
import im.sotto.ffi.SottoCore
import im.sotto.ffi.SottoEvent
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.util.concurrent.CopyOnWriteArraySet
import im.sotto.ffi.SottoException as FfiException

/**
 * The boundary to the core. Calls leave the caller's thread, failures become [SottoException], and one loop pulls the
 * events and tells those who are interested.
 */
internal class Bridge(private val core: SottoCore, private val onEvent: (SottoEvent) -> Unit) {
    private class Interest(val wants: (SottoEvent) -> Boolean) {
        /** Conflated: however many events come, a slow reader reads once and sees all. */
        val signal = Channel<Unit>(Channel.CONFLATED)
    }

    private val events = raised { core.events() }
    private val interests = CopyOnWriteArraySet<Interest>()

    @Volatile
    private var isEnded = false

    /** Begins to pull events. All since the construction come. */
    fun start() {
        CoroutineScope(Dispatchers.Default).launch { pull() }
    }

    /** Calls the core from another thread than the caller's, which may be the one that draws. */
    suspend fun <T> call(block: suspend SottoCore.() -> T): T =
        withContext(Dispatchers.Default) { raised { core.block() } }

    /** For the few calls that only look at memory. */
    fun <T> peek(block: SottoCore.() -> T): T = raised { core.block() }

    /** Shuts down and frees the core; a core that is closed already stays so. Never cancelled halfway. */
    suspend fun shutdown() = withContext(NonCancellable) {
        try {
            raised { core.shutdown() }
        } catch (error: SottoException) {
            if (error.code != SottoCode.CLOSED) throw error
        } finally {
            free()
        }
    }

    /** Shuts down, deletes the account, and frees the core. Never cancelled halfway. */
    suspend fun wipe() = withContext(NonCancellable) {
        raised { core.accountWipe() }
        free()
    }

    private fun free() {
        finish()
        try {
            events.end()
        } catch (_: IllegalStateException) {
            // The loop was here before.
        }
        core.destroy()
    }

    private suspend fun pull() {
        try {
            while (true) {
                events.ready()
                (events.nextBatch(BATCH) ?: break).forEach(::tell)
            }
        } finally {
            finish()
            events.destroy()
        }
    }

    private fun tell(event: SottoEvent) {
        try {
            onEvent(event)
        } catch (_: SottoException) {
            // Closed meanwhile.
        }
        for (interest in interests) {
            if (event is SottoEvent.Lagged || interest.wants(event)) interest.signal.trySend(Unit)
        }
    }

    private fun finish() {
        isEnded = true
        interests.forEach { it.signal.close() }
    }

    /**
     * Reads now, after each event that [wants] likes, and after each of [kicks]. It ends with the core. What comes
     * while the collector is busy leads to one more read.
     */
    fun <T> live(
        kicks: Flow<*>? = null,
        wants: (SottoEvent) -> Boolean,
        read: suspend () -> T,
    ): Flow<T> = flow {
        val interest = Interest(wants)
        coroutineScope {
            // At once: a kick between the first read and the subscription would be missed.
            val kicking = kicks?.let { all ->
                launch(start = CoroutineStart.UNDISPATCHED) { all.collect { interest.signal.trySend(Unit) } }
            }
            try {
                interest.signal.trySend(Unit)
                interests.add(interest)
                if (isEnded) interest.signal.close()
                for (signal in interest.signal) {
                    val found = try {
                        read()
                    } catch (error: SottoException) {
                        if (error.code == SottoCode.CLOSED) break
                        throw error
                    }
                    emit(found)
                }
            } finally {
                interests.remove(interest)
                kicking?.cancel()
            }
        }
    }

    private companion object {
        /** Events taken at once. */
        const val BATCH = 256
    }
}

/** Runs a call of the generated code; its failures are ours. */
internal inline fun <T> raised(block: () -> T): T = try {
    block()
} catch (error: FfiException) {
    throw error.lift()
} catch (error: InternalException) {
    throw SottoException.Internal(SottoCode.INTERNAL, "the core failed", error)
} catch (error: CancellationException) {
    throw error
} catch (_: IllegalStateException) {
    // The generated code says so about an object that was freed.
    throw SottoException.State(SottoCode.CLOSED, "closed; open the account again")
}

internal fun FfiException.lift(): SottoException = when (this) {
    is FfiException.InvalidInput -> SottoException.InvalidInput(code.lift(), detail)
    is FfiException.NotFound -> SottoException.NotFound(code.lift(), detail)
    is FfiException.State -> SottoException.State(code.lift(), detail)
    is FfiException.Network -> SottoException.Network(code.lift(), detail)
    is FfiException.Storage -> SottoException.Storage(code.lift(), detail)
    is FfiException.Crypto -> SottoException.Crypto(code.lift(), detail)
    is FfiException.Internal -> SottoException.Internal(code.lift(), detail)
}
