package im.sotto

import im.sotto.ffi.SottoAccount
import im.sotto.ffi.SottoAuthor
import im.sotto.ffi.SottoAutoDownload
import im.sotto.ffi.SottoConnectivity
import im.sotto.ffi.SottoContact
import im.sotto.ffi.SottoContactId
import im.sotto.ffi.SottoConversation
import im.sotto.ffi.SottoConversationId
import im.sotto.ffi.SottoDelivery
import im.sotto.ffi.SottoDiagnostics
import im.sotto.ffi.SottoFile
import im.sotto.ffi.SottoFileId
import im.sotto.ffi.SottoGroup
import im.sotto.ffi.SottoGroupMember
import im.sotto.ffi.SottoGroupRow
import im.sotto.ffi.SottoHit
import im.sotto.ffi.SottoIncoming
import im.sotto.ffi.SottoInvite
import im.sotto.ffi.SottoInvitePreview
import im.sotto.ffi.SottoLastMessage
import im.sotto.ffi.SottoLinkPreview
import im.sotto.ffi.SottoMention
import im.sotto.ffi.SottoMessage
import im.sotto.ffi.SottoMessageId
import im.sotto.ffi.SottoNetworkLimits
import im.sotto.ffi.SottoPhraseCheck
import im.sotto.ffi.SottoPoll
import im.sotto.ffi.SottoReactionBy
import im.sotto.ffi.SottoReply
import im.sotto.ffi.SottoRingSegment
import im.sotto.ffi.SottoSafetyNumber
import im.sotto.ffi.SottoSettings
import im.sotto.ffi.SottoStorage
import im.sotto.ffi.SottoUnread

// From the generated records to ours.

/** The case of [E] in the same place: a test compares the names. */
internal inline fun <reified E : Enum<E>> Enum<*>.lift(): E = enumValues<E>()[ordinal]

internal fun SottoContactId.lift() = ContactId(value)

internal fun SottoConversationId.lift() = ConversationId(value)

internal fun SottoMessageId.lift() = MessageId(value)

internal fun SottoFileId.lift() = FileId(value)

internal fun SottoAccount.lift() =
    Account(id.lift(), name, emojiHash, colorRing.map { it.lift() }, picture?.lift())

internal fun SottoRingSegment.lift() = RingSegment(length, color)

internal fun SottoPhraseCheck.lift() = PhraseCheck(code?.lift(), wrong.map { WrongWord(it.index, it.nearest) })

internal fun SottoContact.lift() = Contact(
    id = id.lift(),
    conversation = conversation.lift(),
    name = name,
    ownName = ownName,
    emojiHash = emojiHash,
    colorRing = colorRing.map { it.lift() },
    state = state.lift(),
    requestText = requestText,
    isVerified = verified,
    devicesChanged = devicesChanged,
    waiting = waiting?.lift(),
    picture = picture?.lift(),
)

internal fun SottoInvite.lift() = Invite(InviteId(id.value), link, expiresMs)

internal fun SottoInvitePreview.lift() =
    InvitePreview(id.lift(), name, emojiHash, colorRing.map { it.lift() }, expiresMs)

internal fun SottoSafetyNumber.lift() = SafetyNumber(digits, Bytes(qr), DevicesId(devices.value))

internal fun SottoConversation.lift() = Conversation(
    id = id.lift(),
    contact = contact?.lift(),
    name = name,
    ownName = ownName,
    picture = picture?.lift(),
    state = state?.lift(),
    group = group?.lift(),
    unread = unread,
    isMarkedUnread = markedUnread,
    isPinned = pinned,
    isArchived = archived,
    isMuted = muted,
    mutedUntilMs = mutedUntilMs,
    draft = draft,
    draftReplyTo = draftReplyTo?.lift(),
    timerS = timerS,
    last = last?.lift(),
    lastMs = lastMs,
    cursor = cursor,
)

internal fun SottoLastMessage.lift() =
    LastMessage(id.lift(), mine, author?.lift(), text, newer, fetching, deleted, state.lift())

internal fun SottoUnread.lift() = Unread(messages, conversations, requests)

internal fun SottoMessage.lift() = Message(
    id = id.lift(),
    conversation = conversation.lift(),
    isMine = mine,
    author = author?.lift(),
    text = text,
    hasMore = more,
    isNewer = newer,
    isUnconfirmed = unconfirmed,
    isFetching = fetching,
    state = state.lift(),
    reason = reason?.lift(),
    timeMs = timeMs,
    reply = reply?.lift(),
    mentions = mentions.map { it.lift(text.orEmpty()) },
    files = files.map(SottoFile::lift),
    preview = preview?.lift(),
    poll = poll?.lift(),
    reactions = reactions.map { Reaction(it.emoji, it.count, it.mine) },
    isEdited = edited,
    deletedBy = deletedBy?.lift(),
    isPinned = pinned,
    isForwarded = forwarded,
    isSilent = silent,
    timerS = timerS,
    expiresMs = expiresMs,
    cursor = cursor,
)

internal fun SottoReply.lift() = Reply(message.lift(), text, mine, author?.lift(), gone)

internal fun SottoMention.lift(text: String) = Mention(text.chars(offset, length), contact?.lift(), name)

internal fun SottoLinkPreview.lift() = LinkPreview(url, title, text)

internal fun SottoPoll.lift() = Poll(
    choices.map { PollChoice(it.text, it.voters.map(SottoContactId::lift), it.mine) },
    multiple,
    endMs,
)

internal fun SottoReactionBy.lift() = ReactionBy(emoji, contact.lift(), name, timeMs)

internal fun SottoHit.lift() = Hit(
    message = message.lift(),
    conversation = conversation.lift(),
    isMine = mine,
    author = author?.lift(),
    text = text,
    marks = marks.map { text.chars(it.offset, it.length) },
    timeMs = timeMs,
    cursor = cursor,
)

internal fun SottoAuthor.lift() = Author(contact.lift(), name)

internal fun SottoDelivery.lift() = Delivery(contact.lift(), name, delivered, read)

internal fun SottoGroupRow.lift() = GroupRow(state.lift(), members)

internal fun SottoGroup.lift() = Group(
    conversation = conversation.lift(),
    state = state.lift(),
    name = name,
    text = text,
    members = members,
    role = role?.lift(),
    inviter = inviter?.lift(),
    timerS = timerS,
    whoAdds = whoAdds.lift(),
    whoSets = whoSets.lift(),
    whoWrites = whoWrites.lift(),
    hasHistory = history,
)

internal fun SottoGroupMember.lift() =
    GroupMember(MemberId(id.value), contact.lift(), name, role.lift(), own, confirmed, cursor)

internal fun SottoIncoming.lift() = Incoming(arrival, message.lift())

internal fun SottoFile.lift() = MessageFile(
    id = id.lift(),
    message = message.lift(),
    conversation = conversation.lift(),
    kind = kind.lift(),
    name = name,
    mime = mime,
    width = width,
    height = height,
    durationMs = durationMs,
    waveform = waveform.map(Byte::toInt),
    placeholder = Bytes(placeholder),
    color = colour,
    preview = Bytes(preview),
    state = state.lift(),
    reason = reason?.lift(),
    have = have,
    total = total,
    nextMs = nextMs,
    availableUntilMs = availableUntilMs,
    cursor = cursor,
)

internal fun SottoNetworkLimits.lift() = NetworkLimits(unmetered, metered, roaming)

internal fun SottoAutoDownload.lift() = AutoDownload(voice.lift(), image.lift(), video.lift(), file.lift())

internal fun SottoStorage.lift() =
    Storage(bytes, parts.map { StoragePart(it.conversation.lift(), it.kind.lift(), it.bytes) })

internal fun SottoConnectivity.lift() = Connectivity(publishNodes, receiveNodes, store, subscribed, relayPeers)

internal fun SottoSettings.lift() = Settings(readReceipts, typing, receiptDelayMs, search, log.lift())

internal fun SottoDiagnostics.lift() = Diagnostics(
    version = version,
    cluster = cluster,
    uptimeMs = uptimeMs,
    nodeReached = nodeReached,
    bytesRead = bytesRead,
    bytesWritten = bytesWritten,
    databaseBytes = databaseBytes,
    contacts = contacts,
    messages = messages,
    sessions = sessions,
    skippedKeys = skippedKeys,
    outbox = outbox,
    unsent = unsent,
    waiting = waiting,
    fetches = fetches,
    bucketBytesDay = bucketBytesDay,
    bucketPeople = bucketPeople,
    bucketLeft = bucketLeft,
)
