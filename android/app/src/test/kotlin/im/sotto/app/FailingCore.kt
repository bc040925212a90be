package im.sotto.app

import im.sotto.Sotto
import im.sotto.ffi.SottoCode
import im.sotto.ffi.SottoConversationId
import im.sotto.ffi.SottoCore
import im.sotto.ffi.SottoException
import im.sotto.ffi.SottoLinkPreview
import im.sotto.ffi.SottoMessage
import im.sotto.ffi.SottoMessageId
import im.sotto.ffi.SottoNewFile
import im.sotto.ffi.SottoNewMention
import im.sotto.ffi.SottoVersion
import im.sotto.ffi.UniffiWithHandle
import org.robolectric.util.ReflectionHelpers

/** The open core on a disk that fails: some of its calls do too, and all others are real. */
class FailingCore private constructor(core: SottoCore) : SottoCore(UniffiWithHandle, core.uniffiCloneHandle()) {
    @Volatile
    var pins: SottoCode? = null

    @Volatile
    var send: SottoCode? = null

    /** The thread that read versions last. */
    @Volatile
    var reader: Thread? = null

    private fun fail(code: SottoCode?) {
        if (code != null) throw SottoException.Storage(code, "the disk fails")
    }

    override suspend fun pins(conversation: SottoConversationId): List<SottoMessage> {
        fail(pins)
        return super.pins(conversation)
    }

    override suspend fun history(message: SottoMessageId): List<SottoVersion> =
        super.history(message).also { reader = Thread.currentThread() }

    override suspend fun send(
        conversation: SottoConversationId,
        text: String,
        replyTo: SottoMessageId?,
        mentions: List<SottoNewMention>,
        preview: SottoLinkPreview?,
        silent: Boolean,
        files: List<SottoNewFile>,
        clearsDraft: Boolean,
    ): SottoMessageId {
        fail(send)
        return super.send(conversation, text, replyTo, mentions, preview, silent, files, clearsDraft)
    }

    companion object {
        /** Takes the place of the core of [sotto]. */
        fun of(sotto: Sotto): FailingCore {
            val bridge = ReflectionHelpers.getField<Any>(sotto, "bridge")
            val core = ReflectionHelpers.getField<SottoCore>(bridge, "core")
            return FailingCore(core).also {
                ReflectionHelpers.setField(bridge, "core", it)
                core.destroy()
            }
        }
    }
}
