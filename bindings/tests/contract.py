"""The contract with apps, tested through the generated Python. Run by contract.rs, which starts two service nodes:
contract.py FOLDER_OF_THE_GENERATED_CODE NODE NODE"""

import asyncio
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, sys.argv[1])
SURFACE = Path(__file__).parent.parent / "surface.txt"
NODES = sys.argv[2:4]

import sotto
from cases import cases
from sotto import (
    SottoConfig, SottoCore, SottoError, SottoEvent, SottoCode as Code, SottoContactAction as ContactAction,
    SottoContactId as ContactId, SottoContactState as ContactState, SottoConversationId as ConversationId,
    SottoFileId as FileId, SottoFileKind as FileKind, SottoFileState as FileState, SottoFolder as Folder,
    SottoGroupPatch as GroupPatch, SottoGroupRole as GroupRole, SottoGroupState as GroupState, SottoGroupWho as GroupWho,
    SottoLogLevel as LogLevel, SottoMessageId as MessageId, SottoMessageState as MessageState, SottoMode as Mode,
    SottoNetworkLimits as NetworkLimits, SottoNetworkState as NetworkState, SottoNewFile as NewFile,
    SottoNewMention as NewMention, SottoNewPoll as NewPoll, SottoPreset as Preset, SottoRgba as Rgba,
    SottoSettingsPatch as SettingsPatch,
)

PATIENCE = 60  # s; nothing is waited for longer
KEY = bytes(range(32))
NOWHERE = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmTUbnxLGT9JvV6mu9oPyDjqHK4Phs1VDJNUgESgNSkuby"
NO_ID = "A" * 43  # the form of an id, and nobody's


def config(folder, nodes=NODES, **more):
    return SottoConfig(dir=str(folder), preset=Preset.LOCAL, mode=Mode.LIGHT, nodes=nodes, receipts=True, **more)


async def fails(kind, code, call):
    """The call fails with this class and code, and says so in all ways."""
    try:
        result = call()
        if asyncio.iscoroutine(result):
            result = await result
    except SottoError as error:
        assert type(error) is kind, f"{error!r}, not {kind}"
        assert sotto.code_text(error.code) == code, f"{error.code}, not {code}"
        assert error.detail, repr(error)
        return error
    raise AssertionError(f"{code} expected, not {result!r}")


async def seen(look):
    """The state that the database shows."""
    found = look()
    return await found if asyncio.iscoroutine(found) else found


async def to_the_end(listener):
    """All events up to the end of a core that shuts down."""
    taken = []
    while True:
        await asyncio.wait_for(listener.ready(), PATIENCE)
        if (batch := listener.next_batch(64)) is None:
            return taken
        taken += batch


class Phone:
    """A core, its folder, and its events."""

    @classmethod
    async def open(cls, folder, **more):
        phone = cls()
        phone.folder = folder
        phone.core = await SottoCore.open(config(folder, **more), KEY)
        phone.listener = phone.core.events()
        phone.told = []
        return phone

    @classmethod
    async def new(cls, folder, name, **more):
        phone = await cls.open(folder, **more)
        phone.secret = await phone.core.account_create(name)
        await phone.core.settings_set(SettingsPatch(receipt_delay_ms=0))
        return phone

    async def until(self, what, look):
        """Takes events until the database shows the wanted state."""
        end = time.monotonic() + PATIENCE
        while not (found := await seen(look)):
            try:
                await asyncio.wait_for(self.listener.ready(), end - time.monotonic())
            except asyncio.TimeoutError:
                raise AssertionError(f"waited in vain for: {what}; {self.core.connectivity()}") from None
            batch = self.listener.next_batch(64)
            assert batch is not None, f"closed while waiting for: {what}"
            self.told += batch
        return found

    async def contact(self, state=None):
        return next((one for one in await self.core.contacts() if state in (None, one.state)), None)

    async def place(self):
        return (await self.core.contacts())[0].conversation

    async def page(self, limit=50, before=None):
        return await self.core.messages(await self.place(), limit, before)

    async def message(self, id):
        return next((one for one in await self.page() if one.id == id), None)

    async def reached(self, id, *states):
        """Waits until a message is in one of these states."""
        async def look():
            return (one := await self.message(id)) and one.state in states
        await self.until(f"one of {states}", look)


async def befriended(folder):
    alice = await Phone.new(folder / "alice", "Alice")
    bob = await Phone.new(folder / "bob", "Bob")
    invite = await bob.core.invite()
    preview = alice.core.invite_preview(invite.link)
    assert (preview.name, preview.expires_ms) == ("Bob", invite.expires_ms)
    assert preview.id == (await bob.core.account()).id and len(preview.emoji_hash) == 14
    assert await alice.core.contact_add(invite.link, "it is me") == preview.id
    asked = await bob.until("a request", lambda: bob.contact(ContactState.INCOMING))
    assert (asked.name, asked.request_text) == ("Alice", "it is me")
    (request,) = (await bob.core.conversations(Folder.REQUESTS, 10))
    assert request.contact == asked.id and (await bob.core.unread()).requests == 1
    assert (await bob.core.conversations(Folder.INBOX, 10)) == []
    await bob.core.contact_answer(asked.id, ContactAction.ACCEPT)
    await alice.until("the answer", lambda: alice.contact(ContactState.ACCEPTED))
    assert await alice.place() == await bob.place()
    return alice, bob


async def two_people_meet_and_talk(folder):
    alice, bob = await befriended(folder)
    place = await alice.place()

    first = await alice.core.send(place, "hello 🌿")
    got = await bob.until("the text", lambda: bob.message(first))
    assert (got.text, got.mine, got.state) == ("hello 🌿", False, MessageState.RECEIVED)
    (row,) = (await bob.core.conversations(Folder.INBOX, 10))
    assert (row.id, row.name, row.state, row.unread) == (place, "Alice", ContactState.ACCEPTED, 2)  # and the request
    last = row.last
    assert (last.id, last.mine, last.text, last.state) == (first, False, "hello 🌿", MessageState.RECEIVED)
    assert row == (await bob.core.conversation(place)) and (await bob.core.contact(row.contact)) == (await bob.contact())
    unread = (await bob.core.unread())
    assert (unread.messages, unread.conversations, unread.requests) == (2, 1, 0)
    await alice.reached(first, MessageState.DELIVERED)
    await bob.core.mark_read(place, first)
    assert (await bob.core.conversations(Folder.INBOX, 10))[0].unread == 0
    assert (await bob.message(first)).state == MessageState.READ
    await alice.reached(first, MessageState.READ)

    long = "long " * 2000
    answers = [await bob.core.send(place, text) for text in ("one", long, "three")]

    async def all_came():
        return {m.id.value for m in (await alice.page()) if m.text} >= {id.value for id in answers}

    await alice.until("all", all_came)
    page = (await alice.page(2))
    rest = (await alice.page(10, page[-1].cursor))
    assert [m.text for m in page + rest] == ["three", long[:4096], "one", "hello 🌿", "it is me"]
    assert [m.more for m in page + rest] == [False, True, False, False, False]
    assert (await alice.core.message(answers[1])).text == long
    assert [m.id for m in (await alice.core.messages_around(first, 3))] == [answers[0], first, rest[-1].id]
    assert not any(m.unconfirmed for m in page + rest)

    # The order of arrival: numbers rise, and an answer is sent once.
    came = (await alice.core.incoming(10))
    assert sorted(one.message.text for one in came) == sorted(["one", long, "three"])
    assert sorted(one.arrival for one in came) == [one.arrival for one in came]
    assert (await alice.core.incoming(10, came[-1].arrival)) == []
    request, question = (await bob.core.incoming(10))
    assert request.message.text == "it is me" and question.message.id == first
    await fails(SottoError.NotFound, "message.missing", lambda: bob.core.answer(99, "to nothing"))
    await fails(SottoError.InvalidInput, "input.limit", lambda: bob.core.incoming(0))

    # Events spoke of all of it, and of nothing else. The database is ahead of them.
    def spoken_of():
        return any(isinstance(e, SottoEvent.MESSAGES_CHANGED) and first in e.ids for e in bob.told)

    def states():
        mine = [e for e in alice.told if isinstance(e, SottoEvent.MESSAGE_STATE_CHANGED) and e.id == first]
        assert all(e.conversation == place for e in mine)
        return [e.state for e in mine]

    await bob.until("an event of the text", spoken_of)
    assert all(isinstance(event, SottoEvent.MESSAGES_CHANGED | SottoEvent.CONTACTS_CHANGED
        | SottoEvent.CONVERSATIONS_CHANGED | SottoEvent.CONNECTIVITY_CHANGED | SottoEvent.MESSAGE_STATE_CHANGED)
        for event in bob.told), bob.told
    await alice.until("an event that it was read", lambda: MessageState.READ in states())
    assert MessageState.DELIVERED in states(), states()

    contact = (await alice.contact()).id
    number = (await alice.core.safety_number(contact))
    theirs = (await bob.core.safety_number((await bob.contact()).id))
    assert len(number.qr) == 129 and number.digits == theirs.digits
    await alice.core.contact_verify(contact, number.devices)
    assert (await alice.contact()).verified
    await alice.core.contact_verify(contact, None)
    assert not (await alice.contact()).verified
    await fails(SottoError.Crypto, "verify.account", lambda: alice.core.contact_scan(contact, number.qr))
    await alice.core.contact_scan(contact, theirs.qr)
    await alice.core.devices_seen(contact, number.devices)
    assert (await alice.contact()).verified and not (await alice.contact()).devices_changed
    await alice.core.profile_set("Alicia")
    assert (await alice.core.account()).name == "Alicia"  # contacts learn it within hours
    await bob.core.draft_set(place, "not yet")
    assert (await bob.core.conversations(Folder.INBOX, 1))[0].draft == "not yet"

    # How a list is kept.
    await bob.core.nickname_set(row.contact, "Alice from the choir")
    await bob.core.conversation_pin(place, True)
    await bob.core.mute(place)
    await bob.core.mark_unread(place, True)
    (kept,) = (await bob.core.conversations(Folder.INBOX, 1))
    assert (kept.name, kept.own_name) == ("Alice from the choir", "Alice")
    assert (kept.pinned, kept.muted, kept.muted_until_ms, kept.marked_unread) == (True, True, None, True), kept
    await bob.core.mark_read(place, first)
    await bob.core.archive(place, True)
    (kept,) = (await bob.core.conversations(Folder.ARCHIVED, 1))
    assert kept.archived and not (kept.pinned or kept.marked_unread), kept
    assert (await bob.core.conversations(Folder.INBOX, 1)) == []
    await bob.core.archive(place, False)
    await bob.core.mute(place, 0)
    await bob.core.nickname_set(row.contact)
    assert (await bob.contact()).name == "Alice" and not (await bob.core.conversation(place)).muted

    now = alice.core.connectivity()
    assert now.publish_nodes > 0 and now.receive_nodes > 0 and now.subscribed, now
    numbers = (await alice.core.diagnostics())
    assert numbers.version == sotto.version() and numbers.cluster == 66 and numbers.node_reached
    assert numbers.messages == 5 and numbers.bytes_read > 0 and numbers.database_bytes > 0
    assert numbers.bucket_people >= 1 and not numbers.bucket_left

    # A background wake-up: everything waits in the store, and one call brings it.
    await bob.core.shutdown()
    while_away = [await alice.core.send(place, f"while you were away {n}") for n in range(3)]
    for id in while_away:
        await alice.reached(id, MessageState.SENT, MessageState.STORED)
    bob = await Phone.open(bob.folder)
    assert (await bob.core.account()).name == "Bob"
    await bob.core.sync_once(PATIENCE * 1000)
    texts = [m.text for m in reversed((await bob.page(3)))]
    assert texts == [f"while you were away {n}" for n in range(3)], texts
    for phone in (alice, bob):
        await phone.core.set_foreground(True)
        await phone.core.network_changed(NetworkState(dns_servers=[], metered=True, roaming=True))
        await phone.core.power_changed(True)  # metered: it stays a light client
        assert phone.core.serving() == []
    last = await bob.core.send(place, "over new connections")
    await alice.until("the last", lambda: alice.message(last))

    await a_file_goes_over(folder, alice, bob, place)

    # What people do with messages.
    named = NewMention(offset=3, length=3, contact=contact)
    reply = await alice.core.send(place, "Hi Bob", reply_to=last, mentions=[named], silent=True)
    await bob.until("the reply", lambda: bob.message(reply))
    seen = await bob.core.message(reply)
    assert (seen.reply.message, seen.reply.text, seen.reply.mine) == (last, "over new connections", True), seen
    assert seen.silent and (seen.mentions[0].offset, seen.mentions[0].contact) == (3, contact)
    await bob.core.react(reply, "👍", True)
    await bob.core.pin(reply, True)
    await alice.core.edit(reply, "Hello Bob")
    question = await alice.core.poll_create(place, NewPoll(question="Soup?", choices=["yes", "no"]))
    await bob.until("the question", lambda: bob.message(question))
    await bob.core.vote(question, bytes([1]))

    async def all_there():
        one, asked = await alice.core.message(reply), await bob.core.message(question)
        changed = (await bob.core.message(reply)).edited
        voted = [choice.mine for choice in asked.poll.choices] == [False, True]
        return changed and voted and one.pinned and [r.emoji for r in one.reactions] == ["👍"]

    await alice.until("effects", all_there)
    assert [v.text for v in await bob.core.history(reply)] == ["Hi Bob", "Hello Bob"]
    assert [r.name for r in await alice.core.reactions(reply)] == ["Bob"]
    assert [m.id for m in await alice.core.pins(place)] == [reply]
    (hit,) = await bob.core.search("hello bo", 10)
    assert (hit.message, hit.text, [m.offset for m in hit.marks]) == (reply, "Hello Bob", [0, 6]), hit
    assert await bob.core.search("hi", 10, conversation=place) == []
    await fails(SottoError.State, "message.not_yours", lambda: bob.core.edit(reply, "not mine"))
    await fails(SottoError.InvalidInput, "input.timer", lambda: bob.core.timer_set(place, 1))
    await bob.core.timer_set(place, 3600)
    (forwarded,) = await alice.core.forward(last, [place])
    await alice.core.delete_for_everyone(forwarded)
    assert (await alice.core.message(forwarded)).deleted_by == (await alice.core.account()).id

    # What is deleted is gone here, and nowhere else.
    await alice.core.session_reset(contact)
    await alice.core.delete_for_me(last)
    await fails(SottoError.NotFound, "message.missing", lambda: alice.core.message(last))
    assert (await alice.core.storage()).bytes == 150_000
    await alice.core.conversation_delete(place)
    assert (await alice.core.storage()).bytes == 0
    end = time.monotonic() + PATIENCE
    while any((alice.folder / "files").iterdir()):  # removed after the answer
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    assert await alice.page() == [] and await alice.core.conversations(Folder.INBOX, 10) == []
    await alice.core.contact_remove(contact)
    assert await alice.core.contacts() == []
    await fails(SottoError.NotFound, "contact.missing", lambda: alice.core.contact_remove(contact))
    assert (await bob.core.message(last)).text == "over new connections"
    await alice.core.shutdown()
    await bob.core.shutdown()


async def a_file_goes_over(folder, alice, bob, place):
    source, copy, content = folder / "notes.jpg", folder / "copy.jpg", random.Random(7).randbytes(150_000)
    source.write_bytes(content)
    tiny = Rgba(width=2, height=2, pixels=bytes([200, 40, 10, 255]) * 4)
    told = NewFile(path=str(source), name="../notes.bin", kind=FileKind.VIDEO, mime="video/x", width=640, height=480,
        duration_ms=3000, waveform=bytes([0, 31]), placeholder_rgba=tiny, as_is=True, fresh=True)
    no_picture = NewFile(path=str(source))
    await fails(SottoError.State, "file.metadata", lambda: alice.core.send(place, "", files=[no_picture]))
    nothing = NewFile(path=str(folder / "nothing"))
    await fails(SottoError.InvalidInput, "file.unreadable", lambda: alice.core.send(place, "", files=[nothing]))
    below = NewFile(path=str(source), width=-1)
    await fails(SottoError.InvalidInput, "input.file", lambda: alice.core.send(place, "", files=[below]))
    sent = await alice.core.send(place, "", files=[told])

    (file,) = await bob.until("the file", lambda: bob.core.files(place, 10))
    assert (file.message, file.conversation, file.kind, file.name) == (sent, place, FileKind.VIDEO, "notes.bin"), file
    assert (file.mime, file.width, file.height, file.duration_ms) == ("video/x", 640, 480, 3000), file
    assert (file.state, file.reason, file.have, file.total) == (FileState.REMOTE, None, 0, 150_000), file
    assert file.waveform[:2] == bytes([0, 31]) and file.placeholder and file.available_until_ms > 0, file
    assert file.colour >> 16 > 150 and file.colour & 255 < 60, hex(file.colour)
    assert (await bob.core.message(sent)).files == [file] == [await bob.core.file(file.id)]
    assert await bob.core.files(place, 10, FileKind.IMAGE) == []
    assert await bob.core.files(place, 10, before=file.cursor) == []
    await fails(SottoError.Network, "file.waiting", lambda: bob.core.file_read(file.id, 0, 1))
    await fails(SottoError.Network, "file.waiting", lambda: bob.core.file_export(file.id, str(copy)))

    async def in_state(phone, id, *states):
        async def look():
            return (await phone.core.file(id)).state in states
        await phone.until(f"one of {states}", look)

    await bob.core.file_fetch(file.id)
    await bob.core.file_cancel(file.id)
    await in_state(bob, file.id, FileState.REMOTE, FileState.HERE)
    await bob.core.file_fetch(file.id)
    await in_state(bob, file.id, FileState.HERE)

    def told_whole():
        changes = [e.now for e in bob.told if isinstance(e, SottoEvent.FILE_CHANGED)]
        return any((now.file, now.state, now.have) == (file.id, FileState.HERE, now.total) for now in changes)

    await bob.until("an event that it is here", told_whole)
    assert await bob.core.file_read(file.id, 0, 1 << 20) == content
    assert await bob.core.file_read(file.id, 65_000, 1000) == content[65_000:66_000]
    assert await bob.core.file_read(file.id, 150_000, 1) == b""
    await fails(SottoError.InvalidInput, "input.setting", lambda: bob.core.file_read(file.id, -1, 1))
    await bob.core.file_export(file.id, str(copy))
    assert copy.read_bytes() == content
    await fails(SottoError.InvalidInput, "file.exists", lambda: bob.core.file_export(file.id, str(copy)))
    unknown = FileId(value="A" * 22)
    await fails(SottoError.NotFound, "file.missing", lambda: bob.core.file(unknown))

    limits = await bob.core.auto_download()
    assert (limits.image.metered, limits.video.roaming) == (512 * 1024, 0), limits
    limits.image = NetworkLimits(unmetered=1, metered=2, roaming=3)
    await bob.core.auto_download_set(limits)
    assert await bob.core.auto_download() == limits
    limits.file.metered = -1
    await fails(SottoError.InvalidInput, "input.setting", lambda: bob.core.auto_download_set(limits))

    stored = await bob.core.storage()
    (part,) = stored.parts
    assert (stored.bytes, part.conversation, part.kind, part.bytes) == (150_000, place, FileKind.VIDEO, 150_000), stored
    assert await bob.core.storage_free(place, 3_600_000) == 0
    assert await bob.core.storage_free() == 150_000
    assert (await bob.core.storage()).bytes == 0 and (await bob.core.file(file.id)).state == FileState.REMOTE
    await in_state(alice, (await alice.core.files(place, 1))[0].id, FileState.HERE)  # nodes have all of it


async def invites_are_listed_and_closed(folder):
    phone = await Phone.new(folder, "Alice", nodes=[NOWHERE])
    made = [await phone.core.invite() for _ in range(8)]
    await fails(SottoError.State, "invite.too_many", phone.core.invite)
    assert (await phone.core.invites()) == made
    await phone.core.invite_close(made[3].id)
    await fails(SottoError.NotFound, "invite.missing", lambda: phone.core.invite_close(made[3].id))
    ninth = await phone.core.invite()
    assert (await phone.core.invites()) == made[:3] + made[4:] + [ninth]
    await phone.core.shutdown()


async def every_error_has_its_class(folder):
    """The classes that a call can end in, but Crypto, which scanning shows; none ends in Internal (a unit test maps every
    code)."""
    wrong = config(folder / "never", dns_servers=["dns.example"])
    await fails(SottoError.InvalidInput, "input.setting", lambda: SottoCore.open(wrong, KEY))
    await fails(SottoError.InvalidInput, "input.setting", lambda: SottoCore.open(config(folder / "never"), KEY[1:]))
    await fails(SottoError.InvalidInput, "network.address",
        lambda: SottoCore.open(config(folder / "never", nodes=["nonsense"]), KEY))
    assert not (folder / "never").exists()

    phone = await Phone.open(folder / "phone", nodes=[NOWHERE])
    core = phone.core
    assert (await core.account()) is None and (await core.contacts()) == []
    await fails(SottoError.State, "account.missing", core.phrase)
    await fails(SottoError.State, "account.missing", core.invite)
    await fails(SottoError.InvalidInput, "input.name", lambda: core.account_create("x" * 41))
    words = "abandon " * 11
    for phrase, code in ((words + "about it", "phrase.length"), (words + "abot", "phrase.word"),
            (words + "abandon", "phrase.checksum")):
        error = await fails(SottoError.InvalidInput, code, lambda: core.account_restore(phrase))
        assert ("index 12" in error.detail) == (code == "phrase.word"), error.detail
    check = sotto.phrase_check(words + "abot")
    assert (check.code, [w.index for w in check.wrong]) == (Code.PHRASE_WORD, [12]), check
    assert "about" in check.wrong[0].nearest
    assert sotto.phrase_check(words + "about").code is None
    assert sotto.phrase_check(words).code == Code.PHRASE_LENGTH
    await core.account_restore(words + "about")
    assert (await core.phrase()) == words + "about"
    await fails(SottoError.State, "account.exists", lambda: core.account_create("again"))

    invite = await core.invite()
    await fails(SottoError.InvalidInput, "contact.self", lambda: core.contact_add(invite.link))
    await fails(SottoError.InvalidInput, "invite.truncated", lambda: core.invite_preview(invite.link[:-9]))
    await fails(SottoError.InvalidInput, "input.id", lambda: core.messages(ConversationId(value="nonsense"), 10))
    await fails(SottoError.InvalidInput, "input.setting", lambda: core.settings_set(SettingsPatch(receipt_delay_ms=-1)))
    await fails(SottoError.NotFound, "conversation.missing", lambda: core.messages(ConversationId(value=NO_ID), 10))
    await fails(SottoError.NotFound, "conversation.missing", lambda: core.send(ConversationId(value=NO_ID), "hello"))
    await fails(SottoError.NotFound, "message.missing", lambda: core.retry(MessageId(value=NO_ID)))
    await fails(SottoError.Network, "deadline", lambda: core.sync_once(0))
    await fails(SottoError.Storage, "storage.in_use", lambda: Phone.open(folder / "phone"))
    assert (await core.conversations(Folder.INBOX, 10)) == []
    await fails(SottoError.NotFound, "message.missing", lambda: core.message(MessageId(value=NO_ID)))
    await fails(SottoError.NotFound, "message.missing", lambda: core.messages_around(MessageId(value=NO_ID), 10))
    await fails(SottoError.NotFound, "conversation.missing", lambda: core.conversation(ConversationId(value=NO_ID)))
    await fails(SottoError.InvalidInput, "input.id", lambda: core.contact(ContactId(value="nonsense")))
    for limit in (0, -1, 501):
        await fails(SottoError.InvalidInput, "input.limit", lambda: core.conversations(Folder.INBOX, limit))
    await fails(SottoError.InvalidInput, "input.setting", lambda: core.sync_once(-1))

    # Settings: none missing when read, the rest stays when one changes.
    await core.settings_set(SettingsPatch(typing=True, log=LogLevel.DEBUG))
    now = (await core.settings())
    assert (now.read_receipts, now.typing, now.log) == (True, True, LogLevel.DEBUG), now
    await core.settings_set(SettingsPatch(log=LogLevel.OFF))
    assert (await core.settings()).typing
    await core.shutdown()


async def hostile_arguments_have_typed_errors(folder):
    phone = await Phone.new(folder / "phone", "Carol", nodes=[])
    for what, call, code in cases(sotto, SURFACE.read_text()):
        try:
            answer = call(phone.core)
            answer = await answer if asyncio.iscoroutine(answer) else answer
            said = None
        except SottoError as error:
            said = sotto.code_text(error.code)
        assert said == code, f"{what[:200]}: {said}, not {code}"
    await phone.core.shutdown()


async def a_wrong_key_opens_nothing(folder):
    assert not await sotto.database_exists(str(folder / "phone"))
    phone = await Phone.new(folder / "phone", "Carol", nodes=[])
    await phone.core.shutdown()
    assert await sotto.database_exists(str(folder / "phone"))
    files = lambda: {file.name: file.read_bytes() for file in (folder / "phone").iterdir()}
    before = files()
    wrong = bytes(reversed(KEY))
    await fails(SottoError.Storage, "storage.wrong_key",
        lambda: SottoCore.open(config(folder / "phone", nodes=[]), wrong))
    assert files() == before
    phone = await Phone.open(folder / "phone", nodes=[])
    assert (await phone.core.phrase()) == (await phone.core.phrase()) != ""
    await phone.core.shutdown()


async def a_wiped_account_is_gone(folder):
    phone = await Phone.new(folder / "phone", "Carol", nodes=[])
    await fails(SottoError.Storage, "storage.in_use", lambda: sotto.database_wipe(str(folder / "phone")))
    await phone.core.account_wipe()
    assert list((folder / "phone").iterdir()) == [] and not await sotto.database_exists(str(folder / "phone"))
    await fails(SottoError.State, "closed", phone.core.account_wipe)
    phone = await Phone.new(folder / "phone", "Dave", nodes=[])
    await phone.core.shutdown()
    (folder / "phone" / "account.db").write_bytes(b"damage")
    await sotto.database_wipe(str(folder / "phone"))
    assert list((folder / "phone").iterdir()) == []


async def an_old_copy_is_noticed(folder):
    counted = {"nodes": [], "counter_file": str(folder / "counter")}
    phone = await Phone.new(folder / "phone", "Carol", **counted)
    await phone.core.shutdown()
    shutil.copytree(folder / "phone", folder / "old")
    for _ in range(2):
        phone = await Phone.open(folder / "phone", **counted)
        await phone.core.shutdown()
    await fails(SottoError.Storage, "storage.rolled_back", lambda: Phone.open(folder / "old", **counted))


async def after_the_end_everything_says_so(folder):
    phone = await Phone.new(folder / "phone", "Carol", nodes=[])
    core, ended, open_end = phone.core, phone.core.events(), phone.core.events()
    waiting = asyncio.create_task(ended.ready())
    await asyncio.sleep(0)
    ended.end()
    await asyncio.wait_for(waiting, PATIENCE)
    assert ended.next_batch(64) is None
    await ended.ready()  # at once

    waiting = asyncio.create_task(open_end.ready())
    await asyncio.gather(core.shutdown(), core.shutdown())
    await core.shutdown()
    await asyncio.wait_for(waiting, PATIENCE)
    while (batch := open_end.next_batch(1)) is not None:
        assert len(batch) <= 1
        await open_end.ready()
    for call in (core.account, core.phrase, core.contacts, core.settings, core.diagnostics, core.invite,
            lambda: core.conversations(Folder.INBOX, 1), lambda: core.messages(ConversationId(value=NO_ID), 1), lambda: core.account_create("x"),
            lambda: core.send(ConversationId(value=NO_ID), "x"), lambda: core.sync_once(1000), lambda: core.set_foreground(True)):
        await fails(SottoError.State, "closed", call)
    assert core.connectivity().publish_nodes == 0
    late = core.events()
    await asyncio.wait_for(late.ready(), PATIENCE)
    assert late.next_batch(64) is None
    # The folder is free, for a core that nobody shuts down too.
    phone = await Phone.open(folder / "phone", nodes=[])
    del phone
    phone = await Phone.open(folder / "phone", nodes=[])
    await phone.core.shutdown()


async def a_group_is_made_and_ended(folder):
    alice, bob = await befriended(folder)
    own, them = (await alice.core.account()).id, (await alice.contact()).id
    place = await alice.core.group_create("Lake", [them])

    async def state(phone, *states):
        row = next((row for row in await phone.core.conversations(Folder.REQUESTS, 10)
            + await phone.core.conversations(Folder.INBOX, 10) + await phone.core.conversations(Folder.CLOSED, 10)
            if row.id == place), None)
        return row and row.group.state in states and row

    invited = await bob.until("an invitation", lambda: state(bob, GroupState.INVITED))
    assert (invited.name, invited.contact, invited.state, invited.group.members) == ("Lake", None, None, 1), invited
    assert (await bob.core.group(place)).inviter == own and await bob.core.group_members(place, 10) == []
    await bob.core.group_answer(place, True)
    await bob.until("membership", lambda: state(bob, GroupState.MEMBER))
    await fails(SottoError.State, "group.not_invited", lambda: bob.core.group_answer(place, True))

    async def said(phone, text):
        return next((m for m in await phone.core.messages(place, 50) if m.text == text), None)

    sent = await bob.core.send(place, "hello, group")
    seen = await alice.until("a text", lambda: said(alice, "hello, group"))
    assert (seen.id, seen.author.contact, seen.author.name) == (sent, them, "Bob"), seen
    assert (await alice.core.conversation(place)).last.author == seen.author
    (hit,) = await alice.core.search("group", 10)
    assert hit.author == seen.author
    answer = await alice.core.send(place, "hello, Bob", reply_to=sent)
    reply = (await bob.until("an answer", lambda: said(bob, "hello, Bob"))).reply
    assert reply.mine and reply.author is None, reply

    async def bob_has():
        (one,) = await alice.core.deliveries(answer)
        return one.delivered and one

    await bob.core.send(place, "I have it")  # a message says what its author has
    far = await alice.until("his word", bob_has)
    assert (far.contact, far.name, far.read) == (them, "Bob", False), far

    (first, second) = await alice.core.group_members(place, 10)
    assert (first.contact, first.role, first.own, first.confirmed) == (own, GroupRole.OWNER, True, True), first
    assert (second.contact, second.name, second.role, second.own) == (them, "Bob", GroupRole.MEMBER, False), second
    assert await alice.core.group_members(place, 1, first.cursor) == [second]
    await alice.core.group_invite(place, [them])  # a member already
    await fails(SottoError.State, "group.not_allowed", lambda: bob.core.group_remove(place, first.id))
    await alice.core.group_role(place, second.id, GroupRole.ADMIN)
    await alice.core.group_set(place, GroupPatch(name="Sea", timer_s=3600, who_writes=GroupWho.MEMBERS))

    async def changed():
        group = await bob.core.group(place)
        return group.role == GroupRole.ADMIN and group.name == "Sea" and group.timer_s == 3600

    await bob.until("changes", changed)
    await alice.core.group_remove(place, second.id)
    await bob.until("removal", lambda: state(bob, GroupState.REMOVED))
    await fails(SottoError.State, "group.removed", lambda: bob.core.send(place, "still here"))
    await bob.core.group_leave(place)
    await alice.core.group_close(place)
    assert (await alice.core.group(place)).state == GroupState.CLOSED
    await fails(SottoError.State, "group.closed", lambda: alice.core.send(place, "late"))
    await alice.core.shutdown()
    await bob.core.shutdown()


async def a_cancelled_call_loses_nothing(folder):
    alice, bob = await befriended(folder)
    place, dice = await alice.place(), random.Random(7)

    async def begin(call):
        """Starts a call and cancels it a few turns of the loop later: before, while, or after it is done."""
        task = asyncio.create_task(call)
        for _ in range(dice.randrange(1, 5)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    # A send that has begun happens once, whatever becomes of the call.
    texts = [f"text {n}" for n in range(30)]
    cancelled = [await begin(alice.core.send(place, text)) for text in texts]
    assert any(cancelled)

    async def all_there(phone):
        return [m.text for m in reversed((await phone.page()))] == ["it is me"] + texts

    async def all_delivered():
        return all(m.state == MessageState.DELIVERED for m in (await alice.page()))

    await alice.until("all texts", lambda: all_there(alice))
    await bob.until("all texts at the other side", lambda: all_there(bob))
    await alice.until("delivered", all_delivered)

    # Two listeners, one of which is cancelled all the time, hear the same.
    calm, torn, heard, cut = bob.core.events(), bob.core.events(), [], 0
    for n in range(300):
        draft = asyncio.create_task(bob.core.draft_set(place, f"draft {n}"))
        cut += await begin(torn.ready())
        await draft
        heard += torn.next_batch(dice.randrange(4))
    assert cut > 30, f"only {cut} calls were cut short"
    # A call given up in the middle of shutting down does not stop it.
    await begin(bob.core.shutdown())
    heard, quiet = heard + await to_the_end(torn), await to_the_end(calm)
    heard, quiet = [str(event) for event in heard], [str(event) for event in quiet]
    assert heard == quiet and len(heard) >= 300, (len(heard), len(quiet))
    await fails(SottoError.State, "closed", bob.core.contacts)
    await bob.core.shutdown()
    await alice.core.shutdown()


async def a_slow_listener_is_told(folder):
    dave = await Phone.new(folder / "dave", "Dave", nodes=[])
    phone = await Phone.new(folder / "phone", "Carol", nodes=[])
    await phone.core.contact_add((await dave.core.invite()).link)
    slow, place = phone.core.events(), await phone.place()
    for n in range(1030):
        await phone.core.draft_set(place, f"draft {n}")
    await phone.core.shutdown()
    await dave.core.shutdown()
    first, *rest = await to_the_end(slow)
    assert isinstance(first, SottoEvent.LAGGED), first
    assert first.missed + len(rest) >= 1030, (first.missed, len(rest))  # other changes may have come between


async def main():
    for test in (every_error_has_its_class, hostile_arguments_have_typed_errors, invites_are_listed_and_closed, a_wrong_key_opens_nothing, an_old_copy_is_noticed,
            a_wiped_account_is_gone, after_the_end_everything_says_so, a_slow_listener_is_told, two_people_meet_and_talk,
            a_group_is_made_and_ended, a_cancelled_call_loses_nothing):
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            await test(Path(folder))
        print(f"  ok {test.__name__}, {time.monotonic() - begin:.1f} s")


try:
    asyncio.run(main())
except BaseException:
    traceback.print_exc()
    sys.exit(1)
