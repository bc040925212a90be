//! Texts too long for one envelope, between two simulated phones: docs/protocol.md, "Files".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use sotto_crypto::{FileKey, Random, blob_seal, blob_tag, blob_topic};
use sotto_db::{BODY, FileState, Hash};
use sotto_messenger::engine::call;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{MessageId, MessageState};
use sotto_messenger::{Event, records};
use sotto_testkit::{DAY, HOUR, MINUTE, Picked, SECOND, Weather, World};
use sotto_wire::content::{Content, FileWant, Kind, Message, Remote};
use sotto_wire::envelope::{Envelope, pad};
use sotto_wire::file::{FilePointer, Part};
use sotto_wire::topic::ContentTopic;

/// Four chunks of 8 KiB.
const CHUNKS: usize = 4;

fn text() -> String {
    (0..5_000).map(|n| format!("{n:5} ")).collect()
}

/// A text of one chunk.
fn short() -> String {
    "one chunk ".repeat(700)
}

/// The pointer of a message with a long text.
fn pointer(world: &World, who: usize, message: &Hash) -> FilePointer {
    let m = world.phones[who].read(|reader| reader.tables().messages.get(message).unwrap().unwrap().m);
    match Message::decode(&m).unwrap().content().unwrap() {
        Content::Pointer(remote) => remote.pointer,
        _ => panic!("no pointer"),
    }
}

fn topic(pointer: &FilePointer) -> String {
    ContentTopic::Blob(blob_topic(&FileKey::new(pointer.key()))).to_string()
}

fn tag(pointer: &FilePointer, chunk: u32) -> [u8; 16] {
    blob_tag(&FileKey::new(pointer.key()), chunk).0
}

/// How many envelopes of a chunk the stores have.
fn stored(world: &World, pointer: &FilePointer, chunk: u32) -> usize {
    let is_it = |payload: &&Vec<u8>| Envelope::decode(payload).unwrap().tag == tag(pointer, chunk);
    world.stored(&topic(pointer)).iter().filter(is_it).count()
}

fn lose(world: &mut World, pointer: &FilePointer, chunk: u32) {
    world.forget_stored(|_, payload| Envelope::decode(payload).is_ok_and(|one| one.tag == tag(pointer, chunk)));
    assert_eq!(stored(world, pointer, chunk), 0);
}

/// A chunk as only somebody with the pointer can make it.
fn forge(world: &mut World, pointer: &FilePointer, chunk: u32, early_ms: i64) {
    let (part, layout) = (Part::Data(chunk), pointer.layout());
    let plain = vec![b'x'; layout.part_len(part).unwrap()];
    let room = layout.class(part).unwrap().size() - 33 - 16 - 1;
    let random = [9; 16];
    let body = blob_seal(&FileKey::new(pointer.key()), chunk, &Random(random), &pad(&plain, room).unwrap());
    let payload = Envelope { tag: tag(pointer, chunk), random, body: &body }.encode().unwrap();
    let at_ms = world.now_ms - early_ms;
    world.store(&topic(pointer), &payload, at_ms);
}

/// Alice sent a long text while Bob was away, and does not send it again by herself.
fn sent(seed: u64, text: &str) -> (World, Hash, FilePointer) {
    let mut world = World::befriended(seed);
    world.set_online(1, false);
    assert!(world.send(0, text));
    world.run(5 * SECOND);
    let message = world.phones[0].messages()[0].id;
    world.kill(0);
    let later_ms = world.now_ms + 20 * DAY;
    world.phones[0].tables(|tx| {
        let item = tx.items.of_message(&message).unwrap().unwrap();
        tx.parcels.change(&item.parcel, |parcel| (parcel.due_ms, parcel.check_ms) = (later_ms, None)).unwrap();
    });
    world.start(0);
    let pointer = pointer(&world, 0, &message);
    (world, message, pointer)
}

fn is_delivered(world: &World) -> bool {
    world.phones[0].states().iter().all(|state| *state >= MessageState::Delivered)
}

/// Nothing of a body is left on either phone.
fn is_clean(world: &World) {
    for who in [0, 1] {
        let files = world.phones[who].folder().join("files").read_dir().map_or(0, Iterator::count);
        assert_eq!(files, 0, "{who}: no file is left");
        world.phones[who].read(|reader| {
            let tables = reader.tables();
            assert_eq!(tables.contents.names().unwrap(), Vec::<[u8; 8]>::new(), "{who}: no key is left");
            let messages = world.phones[who].messages();
            let rows = messages.iter().map(|message| tables.attachments.of(&message.id).unwrap().len());
            assert_eq!(rows.sum::<usize>(), 0, "{who}: no row is left");
        });
    }
}

#[test]
fn texts_of_every_length_arrive_and_leave_nothing_behind() {
    let mut world = World::befriended(1);
    let lens = [2_000, 8_142, 8_143, 32_568, 32_569, 65_486, 65_487, 300_000, 1 << 20];
    let texts: Vec<String> = lens.iter().map(|len| text().repeat(36)[..*len].to_owned()).collect();
    for text in &texts {
        assert!(world.send(0, text));
        world.run(30 * SECOND);
    }
    assert!(world.phones[1].texts() == texts && is_delivered(&world));
    is_clean(&world);
    for who in [0, 1] {
        let events = &world.phones[who].events;
        assert!(!events.iter().any(|event| matches!(event, Event::File(_))), "{who}: a text is no file");
    }
    for message in world.phones[0].messages() {
        let pointer = pointer(&world, 0, &message.id);
        let parts = world.stored(&topic(&pointer));
        assert_eq!(parts.len(), pointer.layout().data_chunks() as usize, "each chunk leaves once");
    }
}

#[test]
fn a_text_that_is_under_way_is_no_file_of_its_message() {
    let (mut world, message, pointer) = sent(2, &text());
    lose(&mut world, &pointer, 1);
    world.set_online(1, true);
    world.run(5 * SECOND);
    let id = MessageId::from_bytes(&message);
    for who in [0, 1] {
        let conversation = world.conversation(who).to_bytes().unwrap();
        world.phones[who].read(|reader| {
            assert_eq!(reader.tables().attachments.of(&message).unwrap()[0].i, BODY, "{who}");
            assert!(reader.files_page(&conversation, None, None, 10).unwrap().is_empty(), "{who}");
            assert_eq!((reader.stored().unwrap(), reader.stored_bytes().unwrap()), (Vec::new(), 0), "{who}");
        });
        assert!(world.files(who, &id).is_empty(), "{who}");
        world.call(who, call::StorageFree { conversation: None, before_s: i64::MAX }).unwrap();
    }
    world.run(DAY);
    assert_eq!(world.phones[1].texts(), [text()]);
    is_clean(&world);
}

/// The search goes on with what is here after a restart, and the author publishes nothing but what is lost.
#[test]
fn a_lost_chunk_is_asked_of_the_author() {
    let (mut world, message, pointer) = sent(3, &text());
    assert_eq!(pointer.layout().data_chunks() as usize, CHUNKS);
    lose(&mut world, &pointer, 2);
    world.set_online(1, true);
    world.run(5 * SECOND);
    assert_eq!(world.phones[1].texts(), ["…"]);
    world.kill(1);
    world.start(1);
    let have = world.phones[1].read(|reader| {
        let one = reader.tables().attachments.get(&message, &BODY).unwrap().unwrap();
        reader.tables().files.get(&one.file).unwrap().unwrap().have
    });
    assert_eq!(have, [0b1011]);
    world.run(3 * HOUR);
    assert!(world.phones[1].texts() == [text()] && is_delivered(&world));
    let stored: Vec<usize> = (0..4).map(|chunk| stored(&world, &pointer, chunk)).collect();
    assert_eq!(stored, [1; 4]);
    is_clean(&world);
}

#[test]
fn a_forged_chunk_is_dropped_and_its_text_asked_of_the_author() {
    // The only chunk, beside the right one and instead of it; one of several; and one of so many that a store has more
    // than a page of them after they were published again.
    let longest = text().repeat(36)[..1 << 20].to_owned();
    for (text, lost) in [(short(), false), (short(), true), (text(), true), (longest, true)] {
        let (mut world, _, pointer) = sent(4, &text);
        let chunk = pointer.layout().slots() * 3 / 4;
        if lost {
            lose(&mut world, &pointer, chunk);
        }
        forge(&mut world, &pointer, chunk, MINUTE);
        world.set_online(1, true);
        world.run(HOUR);
        assert!(world.phones[1].texts() == [text] && is_delivered(&world), "{lost}");
        let asked = usize::from(lost);
        assert_eq!(stored(&world, &pointer, chunk), 2, "the forged one and the author's");
        assert!(pointer.layout().slots() == 1 || stored(&world, &pointer, 0) == 1 + asked, "all are in doubt");
        is_clean(&world);
    }
}

/// A message that names another content than its chunks are.
#[test]
fn a_text_that_is_wrong_twice_is_unreadable() {
    for text in [short(), text()] {
        let mut world = World::befriended(5);
        assert!(world.send(0, &text));
        world.run(MINUTE);
        let message = world.phones[0].messages()[0].id;
        let mut wrong = pointer(&world, 0, &message).encode();
        wrong[75] ^= 1;
        let remote = Remote { kind: Kind::Text, pointer: FilePointer::decode_bare(&wrong).unwrap() };
        let conversation = world.conversation(0);
        world.call(0, call::Forged { conversation, content: Content::Pointer(remote) }).unwrap();
        world.run(20 * SECOND);
        let shown = |world: &World| world.phones[1].messages().into_iter().map(|one| (one.fetching, one.newer));
        assert!(shown(&world).eq([(false, false), (true, false)]));
        world.run(10 * MINUTE);
        assert!(shown(&world).eq([(false, false), (false, true)]), "shown as unreadable");
        let items = |world: &World, who: usize| world.phones[who].read(|reader| reader.counts().unwrap().parcels);
        assert_eq!(items(&world, 0), 0, "receipted");
        is_clean(&world);
    }
}

/// Two messages with one body, and one with the body of the other side's message.
#[test]
fn one_pointer_may_come_in_several_messages() {
    let mut world = World::befriended(6);
    world.set_online(1, false);
    assert!(world.send(0, &text()));
    world.run(SECOND);
    let message = world.phones[0].messages()[0].id;
    let content = Content::Pointer(Remote { kind: Kind::Text, pointer: pointer(&world, 0, &message) });
    let conversation = world.conversation(0);
    world.call(0, call::Forged { conversation, content: content.clone() }).unwrap();
    world.run(SECOND);
    world.set_online(1, true);
    let conversation = world.conversation(1);
    world.call(1, call::Forged { conversation, content }).unwrap();
    world.run(HOUR);
    assert_eq!(world.phones[1].texts(), [text(), text()]);
    assert_eq!(world.phones[0].texts(), [text(), text()]);
    is_clean(&world);
}

#[test]
fn a_text_is_published_again_twice_a_day_for_somebody_who_asks() {
    let mut world = World::befriended(7);
    assert!(world.send(0, &text()) && world.send(0, "a short one"));
    world.run(MINUTE);
    let messages = world.phones[0].messages();
    let pointer = pointer(&world, 0, &messages[0].id);
    for message in messages {
        for n in 1..=5 {
            let want = FileWant { message: message.id, file: 255, missing: vec![n] };
            let conversation = world.conversation(1);
            world.call(1, call::Forged { conversation, content: Content::FileWant(want) }).unwrap();
            world.run(5 * MINUTE);
        }
    }
    let stored: Vec<usize> = (0..4).map(|chunk| stored(&world, &pointer, chunk)).collect();
    // n as bits: chunk 0, then chunk 1.
    assert_eq!(stored, [2, 2, 1, 1]);
    assert!(is_delivered(&world) && world.phones[1].texts().len() == 2);
}

#[test]
fn killed_at_any_effect_of_a_long_text_nothing_is_lost_or_doubled() {
    for who in [0, 1] {
        for n in 0..24 {
            let mut world = World::befriended(8);
            world.kill_after(who, n);
            let sent = world.send(0, &text());
            for _ in 0..4 {
                world.run(MINUTE);
                if !world.phones[who].is_up() {
                    world.start(who);
                }
            }
            world.run(HOUR);
            let shown = world.phones[1].texts();
            assert!(shown == [text()] || (shown.is_empty() && !sent), "{who} {n}: {}", shown.len());
            assert!(is_delivered(&world), "{who} {n}");
            if !shown.is_empty() {
                let pointer = pointer(&world, 0, &world.phones[0].messages()[0].id);
                let parts: BTreeSet<Vec<u8>> = world.stored(&topic(&pointer)).into_iter().collect();
                assert_eq!(parts.len(), CHUNKS, "{who} {n}: each chunk has one payload");
            }
            is_clean(&world);
        }
    }
}

#[test]
fn a_long_text_is_behind_no_file() {
    let mut world = World::befriended(9);
    world.network_changed(1, false).unwrap();
    let big: Vec<Picked> = (0..2).map(|n| Picked::of(vec![n; 5_000_000 + usize::from(n)])).collect();
    let files = world.send_files(0, "", &big);
    let going = |world: &World| {
        let files = world.files(0, &files);
        files.iter().filter(|file| file.state == records::FileState::Going).count()
    };
    world.run(50);
    assert!(world.send(0, &text()));
    let message = world.phones[0].messages().last().unwrap().id;
    let pointer = pointer(&world, 0, &message);
    assert_eq!(world.stored(&topic(&pointer)).len(), CHUNKS, "at once, beside two uploads");
    for _ in 0..20 {
        world.run(50);
        if world.phones[1].texts() == [text()] {
            break;
        }
    }
    assert_eq!((world.phones[1].texts(), going(&world)), (vec![text()], 2));
    world.run(DAY);
    assert!(is_delivered(&world));
}

#[test]
fn a_text_that_is_refused_or_too_old_fails_and_can_be_sent_again() {
    for refused in [true, false] {
        let mut world = World::befriended(11);
        world.weather.publish_refused = if refused { 100 } else { 0 };
        world.set_online(0, refused);
        assert!(world.send(0, &text()));
        let message = world.phones[0].messages()[0].id;
        let (reason, soonest, latest) = match refused {
            true => ("message.refused", 6 * MINUTE, 15 * MINUTE),
            false => ("message.not_delivered", 29 * DAY, 31 * DAY),
        };
        world.run(soonest);
        assert_eq!(world.phones[0].states(), [MessageState::Queued]);
        world.run(latest - soonest);
        world.set_online(0, true);
        world.run(SECOND);
        assert_eq!(world.phones[0].states(), [MessageState::Failed]);
        assert_eq!(world.phones[0].messages()[0].reason.as_deref(), Some(reason));
        is_clean(&world);
        world.weather = Weather::default();
        world.call(0, call::Retry { message: MessageId::from_bytes(&message) }).unwrap();
        world.run(HOUR);
        assert!(world.phones[1].texts() == [text()] && is_delivered(&world), "{reason}");
        is_clean(&world);
    }
}

#[test]
fn a_deleted_message_ends_its_text_both_ways() {
    for who in [0, 1] {
        let (mut world, message, pointer) = sent(10, &text());
        lose(&mut world, &pointer, 3);
        world.set_online(1, true);
        world.run(5 * SECOND);
        let row = |world: &World, who: usize| {
            world.phones[who].read(|reader| {
                let one = reader.tables().attachments.get(&message, &BODY).unwrap()?;
                Some(reader.tables().files.get(&one.file).unwrap().unwrap().state)
            })
        };
        assert_eq!((row(&world, 0), row(&world, 1)), (Some(FileState::Here), Some(FileState::Coming)));
        world.call(who, call::DeleteForMe { message: MessageId::from_bytes(&message) }).unwrap();
        assert_eq!(row(&world, who), None);
        let files = world.phones[who].folder().join("files").read_dir().map_or(0, Iterator::count);
        assert_eq!(files, 0, "{who}");
        world.run(DAY);
        assert_eq!((row(&world, 0), row(&world, 1)), (None, None), "{who}");
        is_clean(&world);
    }
}

#[test]
fn a_backlog_of_long_texts_loses_none() {
    let mut world = World::befriended(31);
    world.set_online(1, false);
    for n in 0..270 {
        assert!(world.send(0, &format!("{n} {}", "word ".repeat(500))));
    }
    world.run(MINUTE);
    world.set_online(1, true);
    world.run(6 * HOUR);
    let shown = world.phones[1].texts();
    assert_eq!(shown.iter().filter(|text| text.as_str() != "…").count(), 270);
    world.run(HOUR);
    assert!(is_delivered(&world));
    is_clean(&world);
}

#[test]
fn a_long_text_comes_when_the_disk_has_room_again() {
    let mut world = World::befriended(32);
    world.phones[1].disk_is_full = true;
    assert!(world.send(0, &text()));
    world.run(HOUR);
    assert_eq!(world.phones[1].texts(), ["…"]);
    world.phones[1].disk_is_full = false;
    world.run(3 * HOUR);
    assert_eq!(world.phones[1].texts(), [text()]);
}

/// Pointers to nothing, from a changed program.
fn junk(world: &mut World, pointers: u8) -> Vec<String> {
    let conversation = world.conversation(0);
    let mut topics = Vec::new();
    for n in 0..pointers {
        let pointer = FilePointer::bare([n; 32], &[n; 9_000]).unwrap();
        topics.push(topic(&pointer));
        let content = Content::Pointer(Remote { kind: Kind::Text, pointer });
        world.call(0, call::Forged { conversation: conversation.clone(), content }).unwrap();
    }
    world.run(MINUTE);
    topics
}

#[test]
fn pointers_to_nothing_cost_one_question_and_no_place() {
    let mut world = World::befriended(33);
    world.network_changed(1, false).unwrap();
    junk(&mut world, 70);
    world.run(MINUTE);
    world.set_online(0, false); // receipts nothing any more
    world.run(DAY);
    let asked = world.phones[1].read(|reader| {
        let items = reader.tables().items.of(&sotto_testkit::contacts(reader).unwrap()[0].chat).unwrap();
        items.iter().filter(|item| Message::decode(&item.m).is_ok_and(|m| m.kind == Kind::FileWant)).count()
    });
    assert_eq!(asked, 1);
    // Files still come by themselves.
    world.set_online(0, true);
    let message = world.send_files(0, "", &[Picked::of(vec![7; 50_000])]);
    world.run(2 * HOUR);
    assert_eq!(world.files(1, &message)[0].state, records::FileState::Here);
}

#[test]
fn a_blocked_contact_makes_nobody_ask_stores_for_texts() {
    let (mut world, _, pointer) = sent(34, &text());
    (0..CHUNKS as u32).for_each(|chunk| lose(&mut world, &pointer, chunk));
    world.set_online(1, true);
    world.run(30 * SECOND);
    assert_eq!(world.phones[1].texts(), ["…"]);
    let contact = world.contact(1);
    let answer = |action| call::ContactAnswer { contact: contact.clone(), action };
    world.call(1, answer(ContactAction::Block)).unwrap();
    world.phones[1].asked_for.clear();
    world.run(3 * DAY);
    assert!(!world.phones[1].asked_for.contains(&topic(&pointer)));
    world.call(1, answer(ContactAction::Unblock)).unwrap();
    world.run(HOUR);
    assert_eq!(world.phones[1].texts(), [text()]);
}
