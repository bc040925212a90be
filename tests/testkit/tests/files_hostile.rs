//! Files under attack and under bad luck: what a contact, a full disk, a wrong clock and a cancelled upload can do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_crypto::{FileKey, blob_tag, blob_topic, preview_topic};
use sotto_messenger::Code;
use sotto_messenger::engine::call;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{ConversationId, File, FileState, MessageId, MessageState};
use sotto_testkit::{DAY, HOUR, MINUTE, Picked, SECOND, Seeded, World, contacts};
use sotto_wire::content::{Content, File as Named, FileKind, FileWant, Kind, Post};
use sotto_wire::envelope::Envelope;
use sotto_wire::file::{FilePointer, Part};
use sotto_wire::topic::ContentTopic;

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Seeded::new(seed);
    (0..len).map(|_| rng.below(256) as u8).collect()
}

fn small() -> Picked {
    Picked::of(bytes(7, 30_000))
}

/// The only file of a message.
fn only(world: &World, who: usize, message: &MessageId) -> File {
    let mut files = world.files(who, message);
    assert_eq!(files.len(), 1);
    files.remove(0)
}

fn pointer(world: &World, who: usize, message: &MessageId) -> FilePointer {
    let id = only(world, who, message).id.to_bytes().unwrap();
    let row = world.phones[who].read(|reader| reader.tables().files.get(&id).unwrap().unwrap());
    FilePointer::decode(&row.pointer).unwrap()
}

fn topic(pointer: &FilePointer) -> String {
    ContentTopic::Blob(blob_topic(&FileKey::new(pointer.key()))).to_string()
}

fn sent(world: &mut World, picked: &Picked) -> (MessageId, FilePointer) {
    let message = world.send_files(0, "", std::slice::from_ref(picked));
    world.run(3 * MINUTE);
    let pointer = pointer(world, 1, &message);
    (message, pointer)
}

fn fetch(world: &mut World, who: usize, message: &MessageId) {
    let file = only(world, who, message);
    world.fetch(who, &file.id);
}

fn arrived(world: &mut World, who: usize, message: &MessageId, picked: &Picked) -> bool {
    let file = only(world, who, message);
    world.content(who, &file.id).is_some_and(|content| content == picked.bytes)
}

/// Content that a changed program sends.
fn forged(world: &mut World, who: usize, content: Content) {
    let conversation = world.conversation(who);
    world.call(who, call::Forged { conversation, content }).unwrap();
}

/// A post with files that a changed program names.
fn post(world: &mut World, pointers: &[FilePointer], preview_size: u32) {
    let named = |pointer: &FilePointer| Named {
        pointer: pointer.clone(),
        kind: FileKind::Image,
        name: String::new(),
        mime: String::new(),
        width: 0,
        height: 0,
        duration_ms: 0,
        waveform: Vec::new(),
        placeholder: Vec::new(),
        preview_size,
        on_group_lane: false,
        until_s: u64::MAX,
    };
    let files = pointers.iter().map(named).collect();
    forged(world, 0, Content::Post(Box::new(Post { files, ..Post::default() })));
}

/// Messages of a kind that wait for a receipt of the only contact.
fn waiting(world: &World, who: usize, kind: Kind) -> usize {
    world.phones[who].read(|reader| {
        let items = reader.tables().items.of(&contacts(reader).unwrap()[0].chat).unwrap();
        let of = |m: &[u8]| sotto_wire::content::Message::decode(m).is_ok_and(|message| message.kind == kind);
        items.iter().filter(|item| of(&item.m)).count()
    })
}

fn forward(world: &mut World, who: usize, message: &MessageId, to: ConversationId) -> MessageId {
    let call = call::Forward { message: message.clone(), conversations: vec![to] };
    world.call(who, call).unwrap().remove(0)
}

#[test]
fn a_long_post_of_a_blocked_contact_fetches_nothing() {
    let mut world = World::befriended(101);
    world.network_changed(1, false).unwrap();
    world.weather.query_fails = 100;
    let message = world.send_files(0, &"long ".repeat(4000), &[small()]);
    world.run(MINUTE);
    assert_eq!(world.phones[1].messages().len(), 1);
    assert!(world.files(1, &message).is_empty(), "its text and its files are not known yet");
    let contact = world.contact(1);
    world.call(1, call::ContactAnswer { contact, action: ContactAction::Block }).unwrap();
    world.weather.query_fails = 0;
    world.phones[1].asked_for.clear();
    world.run(2 * DAY);
    assert!(world.files(1, &message).is_empty());
    let asked = &world.phones[1].asked_for;
    assert!(asked.iter().all(|topic| !topic.contains("/b")), "a blocked person makes nobody ask stores: {asked:?}");
}

#[test]
fn a_corrupt_file_is_asked_for_again_when_the_person_wants_it_again() {
    let mut world = World::befriended(102);
    let (_, real) = sent(&mut world, &small());
    post(&mut world, &[FilePointer::new(*real.key(), real.size(), [0x55; 32]).unwrap()], 0);
    world.run(MINUTE);
    let message = MessageId::from_bytes(&world.phones[1].messages().last().unwrap().id);
    fetch(&mut world, 1, &message);
    world.run(3 * DAY);
    assert_eq!((only(&world, 1, &message).state, waiting(&world, 1, Kind::FileWant)), (FileState::Corrupt, 0));
    fetch(&mut world, 1, &message);
    world.run(100);
    assert_eq!((only(&world, 1, &message).state, waiting(&world, 1, Kind::FileWant)), (FileState::Coming, 1));
}

#[test]
fn a_damaged_copy_is_no_other_files_and_another_copy_replaces_it() {
    let mut world = World::befriended(107);
    let picked = small();
    let messages = [(); 2].map(|()| world.send_files(0, "", &[Picked { fresh: true, ..picked.clone() }]));
    world.run(3 * MINUTE);
    messages.iter().for_each(|message| fetch(&mut world, 1, message));
    world.run(MINUTE);
    let files = || world.phones[1].folder().join("files").read_dir().unwrap();
    let copy = files().next().unwrap().unwrap().path();
    let damage = |copy: &std::path::Path| {
        let mut sealed = std::fs::read(copy).unwrap();
        sealed[20_000] ^= 1;
        std::fs::write(copy, sealed).unwrap();
    };
    assert_eq!(files().count(), 1, "both have the same");
    damage(&copy);
    let name = u64::from_str_radix(copy.file_name().unwrap().to_str().unwrap(), 16).unwrap().to_be_bytes();
    world.call(1, call::FileDamaged { copy: name }).unwrap();
    for message in &messages {
        let file = only(&world, 1, message);
        assert_eq!((file.state, file.reason), (FileState::Corrupt, Some(Code::FileCorrupt)));
    }
    // What the person picks is another copy.
    let own = world.send_files(1, "", std::slice::from_ref(&picked));
    world.run(MINUTE);
    let file = only(&world, 1, &own);
    assert!(world.content(1, &file.id).unwrap() == picked.bytes);
    for message in &messages {
        fetch(&mut world, 1, message);
        world.run(MINUTE);
        assert!(arrived(&mut world, 1, message, &picked));
    }
    assert_eq!(world.phones[1].folder().join("files").read_dir().unwrap().count(), 1);
    assert!(!copy.exists());
}

#[test]
fn a_damaged_copy_can_be_freed() {
    let mut world = World::befriended(108);
    let (message, _) = sent(&mut world, &small());
    fetch(&mut world, 1, &message);
    world.run(MINUTE);
    let copy = world.phones[1].folder().join("files").read_dir().unwrap().next().unwrap().unwrap().file_name();
    let name = u64::from_str_radix(copy.to_str().unwrap(), 16).unwrap().to_be_bytes();
    world.call(1, call::FileDamaged { copy: name }).unwrap();
    world.call(1, call::StorageFree { conversation: None, before_s: i64::MAX }).unwrap();
    assert_eq!(only(&world, 1, &message).state, FileState::Remote);
    assert_eq!(world.phones[1].folder().join("files").read_dir().unwrap().count(), 0);
}

#[test]
fn a_second_wrong_file_does_not_come_again_each_minute() {
    let mut world = World::befriended(103);
    let (_, real) = sent(&mut world, &small());
    for root in [0x55, 0x56] {
        post(&mut world, &[FilePointer::new(*real.key(), real.size(), [root; 32]).unwrap()], 0);
    }
    world.run(MINUTE);
    let messages: Vec<MessageId> =
        world.phones[1].messages().iter().rev().take(2).map(|row| MessageId::from_bytes(&row.id)).collect();
    world.set_online(0, false); // never hears the question about the first one
    messages.iter().for_each(|message| fetch(&mut world, 1, message));
    world.run(DAY);
    assert_eq!(waiting(&world, 1, Kind::FileWant), 1);
    let next: Vec<_> = messages.iter().filter_map(|message| only(&world, 1, message).next_ms).collect();
    assert!(next.len() == 1 && next[0] > world.now_ms + HOUR, "{next:?}");
}

/// Alice sent Bob a file, and somewhat later she asks Carol. Gives the message, its pointer and Carol's conversation.
fn three(seed: u64, later_ms: i64) -> (World, MessageId, FilePointer, ConversationId) {
    let mut world = World::new(seed, 3);
    for (who, name) in [(0, "Alice"), (1, "Bob"), (2, "Carol")] {
        world.create(who, name);
    }
    world.run(MINUTE);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(MINUTE);
    world.accept(1);
    world.run(MINUTE);
    let (message, first) = sent(&mut world, &small());
    world.run(later_ms);
    let link = world.invite(2);
    world.run(MINUTE);
    world.add(0, &link, "hello");
    world.run(MINUTE);
    let carol = world.phones[0].read(|reader| {
        let asked = |one: &sotto_testkit::Contact| one.person.state == sotto_db::PersonState::Requested;
        contacts(reader).unwrap().into_iter().find(asked).unwrap().conversation
    });
    (world, message, first, ConversationId::from_bytes(&carol))
}

#[test]
fn who_has_not_answered_yet_learns_of_no_earlier_upload_by_a_forward() {
    let (mut world, message, first, carol) = three(103, 0);
    let again = forward(&mut world, 0, &message, carol);
    assert!(pointer(&world, 0, &again) != first, "an upload of its own");
    world.run(MINUTE);
    world.accept(2);
    world.run(5 * MINUTE);
    fetch(&mut world, 2, &again);
    world.run(MINUTE);
    assert!(arrived(&mut world, 2, &again, &small()));
}

#[test]
fn an_upload_of_days_ago_that_is_named_again_is_found_at_once() {
    let (mut world, message, first, carol) = three(111, 3 * DAY);
    world.accept(2);
    world.run(5 * MINUTE);
    let again = forward(&mut world, 0, &message, carol);
    world.run(MINUTE);
    assert!(pointer(&world, 2, &again) == first);
    let parts = world.stored(&topic(&first)).len();
    fetch(&mut world, 2, &again);
    world.run(10 * SECOND);
    assert!(arrived(&mut world, 2, &again, &small()));
    assert_eq!(world.stored(&topic(&first)).len(), parts, "nobody publishes it again");
}

#[test]
fn a_download_does_not_wait_behind_many_uploads() {
    let mut world = World::befriended(112);
    let (message, pointer) = sent(&mut world, &small());
    for seed in 0..9 {
        let picked: Vec<Picked> = (0..10).map(|n| Picked::of(bytes(200 + 10 * seed + n, 30_000))).collect();
        world.send_files(1, "", &picked);
    }
    world.run(5); // so that all of them are due before it
    fetch(&mut world, 1, &message);
    assert!(world.phones[1].asked_for.contains(&topic(&pointer)));
}

#[test]
fn a_received_upload_is_not_named_for_a_file_that_the_person_picks() {
    let mut world = World::befriended(104);
    let (message, first) = sent(&mut world, &small());
    fetch(&mut world, 1, &message);
    world.run(MINUTE);
    assert!(arrived(&mut world, 1, &message, &small()));
    let back = world.send_files(1, "", &[small()]);
    world.run(3 * MINUTE);
    assert!(pointer(&world, 0, &back) != first, "its author would see by the topic who else gets these bytes");
    assert_eq!(world.phones[1].folder().join("files").read_dir().unwrap().count(), 1, "on the disk once");
}

#[test]
fn a_cancelled_upload_deletes_no_message_that_left_before() {
    let mut world = World::befriended(105);
    let (message, _) = sent(&mut world, &small());
    world.set_online(0, false);
    let to = world.conversation(0);
    let again = forward(&mut world, 0, &message, to);
    // A month later the second one was given up, and stores have dropped the upload.
    world.kill(0);
    world.phones[0].tables(|tables| {
        let id = again.to_bytes().unwrap();
        let item = tables.items.of_message(&id).unwrap().unwrap();
        tables.items.remove(&item.parcel).unwrap();
        tables.parcels.remove(&item.parcel).unwrap();
        tables.messages.change(&id, |row| row.state = sotto_db::MessageState::Failed).unwrap();
        let file = tables.attachments.of(&id).unwrap()[0].file;
        tables.files.change(&file, |row| row.until_s = 1).unwrap();
    });
    world.start(0);
    world.call(0, call::Retry { message: again.clone() }).unwrap();
    let file = only(&world, 0, &again);
    assert_eq!(file.state, FileState::Going);
    world.call(0, call::FileCancel { file: file.id }).unwrap();
    assert!(world.files(0, &again).is_empty(), "the one that waits is deleted");
    assert_eq!(only(&world, 0, &message).state, FileState::Here, "the other one stays");
    world.set_online(0, true);
    world.run(HOUR);
    assert_eq!((world.phones[0].messages().len(), world.phones[1].messages().len()), (1, 1));
}

#[test]
fn a_message_whose_file_cannot_be_read_does_not_wait_for_it() {
    let mut world = World::befriended(106);
    world.set_online(0, false);
    let message = world.send_files(0, "", &[small()]);
    for entry in world.phones[0].folder().join("files").read_dir().unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    world.set_online(0, true);
    world.run(MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Failed]);
    let again = world.call(0, call::Retry { message });
    assert_eq!(again.map_err(|error| error.code()), Err(Code::FileUnreadable));
    world.run(HOUR);
    assert_eq!(world.phones[0].states(), [MessageState::Failed], "it would wait for ever");
}

/// Parity is made again where there is room for it.
#[test]
fn an_upload_that_finds_no_room_loses_nothing() {
    let mut world = World::befriended(109);
    world.phones[0].disk_is_full = true;
    let message = world.send_files(0, "", &[small()]);
    world.run(MINUTE);
    let file = only(&world, 0, &message);
    assert_eq!((file.state, file.reason), (FileState::Going, Some(Code::FileNoSpace)));
    assert_eq!(world.phones[0].states(), [MessageState::Queued]);
    world.phones[0].disk_is_full = false;
    world.run(2 * HOUR);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered]);
    let file = only(&world, 0, &message);
    assert_eq!((file.state, file.reason), (FileState::Here, None));
}

#[test]
fn a_download_goes_on_when_the_database_has_room_again() {
    let mut world = World::befriended(107);
    let picked = Picked::of(bytes(17, 9_000_000));
    let (message, pointer) = sent(&mut world, &picked);
    // The manifest comes last, and needs a page of the database.
    let key = FileKey::new(pointer.key());
    let late: Vec<[u8; 16]> = (pointer.layout().parts(false))
        .filter(|part| matches!(part, Part::Parity(_) | Part::ManifestCopy))
        .map(|part| blob_tag(&key, part.index()).0)
        .collect();
    world.forget_stored(|_, payload| Envelope::decode(payload).is_ok_and(|one| late.contains(&one.tag)));
    fetch(&mut world, 1, &message);
    world.phones[1].limit_pages(1);
    let conversation = world.conversation(1);
    let draft = |len| call::DraftSet { conversation: conversation.clone(), text: "a".repeat(len), reply_to: None };
    let mut free = 0; // bytes of pages that earlier rows left
    // A longer row is written before the shorter one is freed, so each begins with none.
    while world.call(1, draft(0)).is_ok() && world.call(1, draft(free + 3000)).is_ok() {
        free += 3000;
    }
    world.call(1, draft(free)).unwrap();
    let asked = world.phones[1].asked_for.len();
    world.run(MINUTE);
    assert_eq!(only(&world, 1, &message).state, FileState::Coming);
    let asked = world.phones[1].asked_for.len() - asked;
    assert!(asked <= 10, "{asked} queries of 2 MiB whose parts cannot be noted");
    world.phones[1].limit_pages(1 << 20);
    world.run(2 * HOUR);
    assert!(arrived(&mut world, 1, &message, &picked));
}

#[test]
fn previews_are_fetched_a_few_at_a_time() {
    let mut world = World::befriended(108);
    world.foreground(1, true).unwrap();
    let mut topics = Vec::new();
    for n in 0..6 {
        let pointers: Vec<FilePointer> =
            (0..10).map(|i| FilePointer::new([n * 10 + i + 1; 32], 5000, [9; 32]).unwrap()).collect();
        topics
            .extend(pointers.iter().map(|one| ContentTopic::Blob(preview_topic(&FileKey::new(one.key()))).to_string()));
        post(&mut world, &pointers, 4000);
    }
    let asked = |world: &World| world.phones[1].asked_for.iter().filter(|topic| topics.contains(topic)).count();
    while asked(&world) == 0 {
        world.run(1);
    }
    world.run(30); // a store needs longer for its answer
    assert!(asked(&world) <= 4, "{} queries at once", asked(&world));
    world.run(MINUTE);
    assert_eq!(asked(&world), 60);
}

#[test]
fn a_clock_that_was_ahead_holds_no_download_back() {
    let mut world = World::befriended(109);
    let (message, pointer) = sent(&mut world, &small());
    let all: Vec<Vec<u8>> = world.stored(&topic(&pointer));
    world.forget_stored(|of, _| of == topic(&pointer));
    world.phones[1].clock_off_ms = 365 * DAY;
    fetch(&mut world, 1, &message);
    world.run(MINUTE);
    world.phones[1].clock_off_ms = 0;
    world.kill(1);
    world.start(1);
    for payload in all {
        world.store(&topic(&pointer), &payload, world.now_ms);
    }
    world.run(3 * DAY);
    assert!(arrived(&mut world, 1, &message, &small()));
}

#[test]
fn who_still_fetches_a_file_does_not_say_that_it_is_gone() {
    let mut world = World::befriended(110);
    let (message, pointer) = sent(&mut world, &small());
    world.forget_stored(|of, _| of == topic(&pointer));
    let to = world.conversation(1);
    let again = forward(&mut world, 1, &message, to);
    world.run(MINUTE);
    fetch(&mut world, 1, &again);
    world.run(10);
    assert_eq!(only(&world, 1, &again).state, FileState::Coming);
    let want = FileWant { message: again.to_bytes().unwrap(), file: 0, missing: vec![1] };
    let before = world.published.len();
    forged(&mut world, 0, Content::FileWant(want));
    world.run(30);
    assert_eq!(waiting(&world, 1, Kind::FileGone), 0);
    world.run(SECOND);
    assert!(world.published.len() > before);
    assert_eq!(waiting(&world, 1, Kind::FileGone), 0);
}

#[test]
fn pointers_to_nothing_do_not_hold_up_what_comes_by_itself() {
    let mut world = World::befriended(40);
    world.network_changed(1, false).unwrap();
    world.run(SECOND);
    for n in 0..7 {
        let nothing = |i: u8| FilePointer::new([10 * n + i + 1; 32], 500, [3; 32]).unwrap();
        post(&mut world, &(0..10).map(nothing).collect::<Vec<_>>(), 0);
        world.run(MINUTE);
    }
    let message = world.send_files(0, "", &[small()]);
    world.run(HOUR);
    assert_eq!(only(&world, 1, &message).state, FileState::Remote, "no place is free");
    world.run(5 * DAY);
    let message = world.send_files(0, "", &[Picked::of(bytes(8, 30_000))]);
    world.run(HOUR);
    assert!(arrived(&mut world, 1, &message, &Picked::of(bytes(8, 30_000))), "what leads to nothing is given up");
}
