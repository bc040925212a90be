package im.sotto

import im.sotto.ffi.SottoAutoDownload
import im.sotto.ffi.SottoContactId
import im.sotto.ffi.SottoConversationId
import im.sotto.ffi.SottoDevicesId
import im.sotto.ffi.SottoFileId
import im.sotto.ffi.SottoInviteId
import im.sotto.ffi.SottoLinkPreview
import im.sotto.ffi.SottoMemberId
import im.sotto.ffi.SottoMessageId
import im.sotto.ffi.SottoNetwork
import im.sotto.ffi.SottoNetworkLimits
import im.sotto.ffi.SottoNetworkState
import im.sotto.ffi.SottoNewFile
import im.sotto.ffi.SottoNewMention
import im.sotto.ffi.SottoNewPoll
import im.sotto.ffi.SottoPreset
import im.sotto.ffi.SottoRgba
import java.io.File
import im.sotto.ffi.SottoConfig as FfiConfig

// From our records to the generated ones.

/** This text, if it is Unicode: half a surrogate pair has no bytes, and the generated code would leak the call. */
internal fun String.lower(): String {
    var place = 0
    while (place < length) {
        val char = this[place]
        val isPair = char.isHighSurrogate() && place + 1 < length && this[place + 1].isLowSurrogate()
        if (char.isSurrogate() && !isPair) {
            throw SottoException.InvalidInput(SottoCode.INPUT_SETTING, "a text has half a surrogate pair")
        }
        place += if (isPair) 2 else 1
    }
    return this
}

internal fun List<String>.lower(): List<String> = map(String::lower)

internal fun File.lower(): String = absolutePath.lower()

internal fun ContactId.lower() = SottoContactId(value.lower())

internal fun ConversationId.lower() = SottoConversationId(value.lower())

internal fun MessageId.lower() = SottoMessageId(value.lower())

internal fun FileId.lower() = SottoFileId(value.lower())

internal fun InviteId.lower() = SottoInviteId(value.lower())

internal fun MemberId.lower() = SottoMemberId(value.lower())

internal fun DevicesId.lower() = SottoDevicesId(value.lower())

internal fun SottoConfig.lower() = FfiConfig(
    dir = dir.lower(),
    preset = (network as? Preset)?.lift() ?: SottoPreset.LOCAL,
    mode = mode.lift(),
    network = (network as? OwnNetwork)?.lower(),
    nodes = nodes.lower(),
    dnsTrees = dnsTrees.lower(),
    dnsServers = dnsServers.lower(),
    listen = listen.lower(),
    receipts = receipts,
    counterFile = counterFile?.lower(),
    log = log?.lift(),
)

internal fun OwnNetwork.lower() =
    SottoNetwork(cluster, shards, autoShards, maxMessageBytes, log2Buckets, storeRetentionS)

internal fun NetworkState.lower() = SottoNetworkState(dnsServers.lower(), isMetered, isRoaming)

internal fun NewMention.lower(text: String): SottoNewMention {
    val from = text.byteAt(range.first.toLong())
    return SottoNewMention(from, text.byteAt(range.last + 1L) - from, contact?.lower())
}

internal fun LinkPreview.lower() = SottoLinkPreview(url.lower(), title.lower(), text.lower())

internal fun NewPoll.lower() = SottoNewPoll(question.lower(), choices.lower(), isMultiple, endMs)

internal fun NewFile.lower() = SottoNewFile(
    path = path.lower(),
    kind = kind?.lift(),
    name = name?.lower(),
    mime = mime?.lower(),
    width = width,
    height = height,
    durationMs = durationMs,
    waveform = waveform.toBytes(SottoCode.INPUT_FILE),
    previewPath = preview?.lower(),
    placeholderRgba = placeholder?.let { SottoRgba(it.width, it.height, it.pixels.toByteArray()) },
    asIs = asIs,
    fresh = isFresh,
)

/** Small numbers as bytes; one that does not fit is refused with [code]. */
internal fun List<Int>.toBytes(code: SottoCode): ByteArray = ByteArray(size) { place ->
    val number = this[place]
    if (number !in 0..255) throw SottoException.InvalidInput(code, "a number is not between 0 and 255")
    number.toByte()
}

internal fun NetworkLimits.lower() = SottoNetworkLimits(unmetered, metered, roaming)

internal fun AutoDownload.lower() = SottoAutoDownload(voice.lower(), image.lower(), video.lower(), file.lower())
