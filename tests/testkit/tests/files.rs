//! Files between two simulated phones: docs/protocol.md, "Files".
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use sotto_crypto::{FileKey, Random, Tag, blob_random, blob_seal, blob_tag, blob_topic, preview_topic};
use sotto_db::{Hash, MessageState};
use sotto_messenger::engine::call;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{AutoDownload, File, FileState, MessageId};
use sotto_messenger::{Code, Event};
use sotto_testkit::life::keeps;
use sotto_testkit::{DAY, HOUR, MINUTE, Picked, SECOND, Seeded, Weather, World};
use sotto_wire::content::{Content, File as Named, FileKind, Kind, Post};
use sotto_wire::envelope::{Envelope, pad};
use sotto_wire::file::{FilePointer, Part};
use sotto_wire::topic::ContentTopic;

/// Four chunks and a parity chunk of 8 KiB, so that much of it is sent quickly.
const SMALL: usize = 30_000;

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = Seeded::new(seed);
    (0..len).map(|_| rng.below(256) as u8).collect()
}

fn small() -> Picked {
    Picked::of(bytes(7, SMALL))
}

/// The only file of a message.
fn only(world: &World, who: usize, message: &MessageId) -> File {
    let mut files = world.files(who, message);
    assert_eq!(files.len(), 1);
    files.remove(0)
}

fn pointer(world: &World, who: usize, file: &File) -> FilePointer {
    let row =
        world.phones[who].read(|reader| reader.tables().files.get(&file.id.to_bytes().unwrap()).unwrap().unwrap());
    FilePointer::decode(&row.pointer).unwrap()
}

fn topic(pointer: &FilePointer) -> String {
    ContentTopic::Blob(blob_topic(&FileKey::new(pointer.key()))).to_string()
}

fn tag(pointer: &FilePointer, part: Part) -> Tag {
    blob_tag(&FileKey::new(pointer.key()), part.index())
}

fn is_part(pointer: &FilePointer, part: Part, payload: &[u8]) -> bool {
    Envelope::decode(payload).is_ok_and(|envelope| envelope.tag == tag(pointer, part).0)
}

/// The stores lose parts of a file.
fn lose(world: &mut World, pointer: &FilePointer, parts: &[Part]) {
    world.forget_stored(|_, payload| parts.iter().any(|part| is_part(pointer, *part, payload)));
}

/// A sent file and its pointer; the receiver has the message, and nothing of the file.
fn sent(world: &mut World, picked: &Picked) -> (MessageId, FilePointer) {
    let message = world.send_files(0, "", std::slice::from_ref(picked));
    world.run(3 * MINUTE);
    let file = only(world, 1, &message);
    assert_eq!(file.state, FileState::Remote);
    (message, pointer(world, 1, &file))
}

fn fetch(world: &mut World, message: &MessageId) {
    let file = only(world, 1, message);
    world.fetch(1, &file.id);
}

fn arrived(world: &mut World, message: &MessageId, picked: &Picked) -> bool {
    let file = only(world, 1, message);
    world.content(1, &file.id).is_some_and(|content| content == picked.bytes)
}

fn code(file: &File) -> Option<&'static str> {
    file.reason.map(Code::as_str)
}

/// Content that a changed program sends.
fn forged(world: &mut World, who: usize, content: Content) {
    let conversation = world.conversation(who);
    world.call(who, call::Forged { conversation, content }).unwrap();
}

fn kinds_of(world: &World, who: usize, kind: Kind) -> usize {
    world.phones[who].read(|reader| {
        let items = reader.tables().items.of(&sotto_testkit::contacts(reader).unwrap()[0].chat).unwrap();
        let of = |m: &[u8]| sotto_wire::content::Message::decode(m).is_ok_and(|message| message.kind == kind);
        items.iter().filter(|item| of(&item.m)).count()
    })
}

#[test]
fn files_of_every_size_arrive_whole() {
    let mut world = World::befriended(1);
    let sizes = [1, 8142, 8143, 32_568, 32_569, 300_000, 3_000_000];
    let picked: Vec<Picked> = (0..).zip(sizes).map(|(seed, len)| Picked::of(bytes(seed, len))).collect();
    let message = world.send_files(0, "Here they are", &picked);
    world.run(2 * MINUTE);
    assert_eq!(world.phones[1].texts(), ["Here they are"]);
    let files = world.files(1, &message);
    assert_eq!(files.iter().map(|file| file.total).collect::<Vec<_>>(), sizes.map(|len| len as u64));
    for (file, picked) in files.iter().zip(&picked) {
        assert_eq!((file.state, file.have), (FileState::Remote, 0), "metered, and not asked for");
        world.fetch(1, &file.id);
        world.run(20 * SECOND);
        assert!(world.content(1, &file.id).unwrap() == picked.bytes);
    }
    for who in [0, 1] {
        let files = world.files(who, &message);
        assert!(files.iter().all(|file| file.state == FileState::Here && file.have == file.total), "{who}");
    }
}

// F1
#[test]
fn any_eighth_of_the_parts_may_be_lost() {
    for seed in 0..12 {
        let mut world = World::befriended(seed);
        let picked = Picked::of(bytes(seed, 20 * 65_486 - 5));
        let (message, pointer) = sent(&mut world, &picked);
        let layout = pointer.layout();
        assert_eq!((layout.data_chunks(), layout.parity_chunks()), (20, 3));
        let mut rng = Seeded::new(seed);
        let mut lost = BTreeSet::new();
        while lost.len() < 3 {
            lost.insert(rng.below(23) as u32);
        }
        let lost: Vec<Part> = lost.into_iter().map(|slot| layout.chunk(slot).unwrap()).collect();
        lose(&mut world, &pointer, &lost);
        fetch(&mut world, &message);
        world.run(20 * SECOND);
        assert!(arrived(&mut world, &message, &picked), "{seed}: {lost:?}");
    }
}

// F2
#[test]
fn one_part_more_is_asked_of_the_author() {
    let mut world = World::befriended(2);
    let (message, pointer) = sent(&mut world, &small());
    lose(&mut world, &pointer, &[Part::Data(0), Part::Data(2), Part::Manifest]);
    fetch(&mut world, &message);
    world.run(5 * MINUTE);
    let file = only(&world, 1, &message);
    assert_eq!((file.state, file.have), (FileState::Coming, 3 * 8142));
    assert!(file.next_ms.is_some());
    world.run(3 * HOUR);
    assert!(arrived(&mut world, &message, &small()));
    assert_eq!(only(&world, 0, &message).state, FileState::Here);
}

/// An envelope of a part as only somebody with the pointer can make it.
fn sealed(pointer: &FilePointer, part: Part, plain: &[u8], random: [u8; 16]) -> Vec<u8> {
    let (key, layout) = (FileKey::new(pointer.key()), pointer.layout());
    let room = layout.class(part).unwrap().size() - 33 - 16 - 1;
    let body = blob_seal(&key, part.index(), &Random(random), &pad(plain, room).unwrap());
    Envelope { tag: tag(pointer, part).0, random, body: &body }.encode().unwrap()
}

// F3
#[test]
fn a_forged_part_costs_one_try() {
    let mut world = World::befriended(3);
    let (message, pointer) = sent(&mut world, &small());
    let layout = pointer.layout();
    // They come first: the stores have them with earlier times.
    let early_ms = world.now_ms - 4 * MINUTE;
    for part in layout.parts(false) {
        let len = layout.part_len(part).unwrap();
        let forged = sealed(&pointer, part, &bytes(99, len), [9; 16]);
        world.store(&topic(&pointer), &forged, early_ms);
        let own = blob_random(&FileKey::new(pointer.key()), part.index()).0;
        world.store(&topic(&pointer), &sealed(&pointer, part, &bytes(98, len), own), early_ms);
    }
    fetch(&mut world, &message);
    world.run(HOUR);
    assert!(arrived(&mut world, &message, &small()));
}

// F4
#[test]
fn a_file_without_its_manifest_is_rebuilt() {
    for lost in [vec![], vec![Part::Data(1)], vec![Part::Parity(0)]] {
        let mut world = World::befriended(4);
        let (message, pointer) = sent(&mut world, &small());
        lose(&mut world, &pointer, &[&lost[..], &[Part::Manifest, Part::ManifestCopy]].concat());
        fetch(&mut world, &message);
        world.run(20 * SECOND);
        assert!(arrived(&mut world, &message, &small()), "{lost:?}");
    }
}

// F5, F18
#[test]
fn a_kill_at_any_effect_of_an_upload_loses_and_doubles_nothing() {
    for n in 0..40 {
        let mut world = World::befriended(5);
        world.kill_after(0, n);
        let sent = world.try_send_files(0, "once", &[small()]);
        for _ in 0..4 {
            world.run(MINUTE);
            if !world.phones[0].is_up() {
                world.start(0);
            }
        }
        world.run(20 * MINUTE);
        let shown: Vec<MessageId> =
            world.phones[1].messages().iter().map(|message| MessageId::from_bytes(&message.id)).collect();
        assert!(shown.len() == 1 || (shown.is_empty() && sent.is_none()), "{n}");
        let folder = world.phones[0].folder().join("files");
        assert_eq!(folder.read_dir().map_or(0, Iterator::count), shown.len(), "{n}: files on the disk");
        let Some(message) = shown.first() else {
            continue;
        };
        let file = only(&world, 0, message);
        assert_eq!((file.state, file.have), (FileState::Here, SMALL as u64), "{n}");
        let pointer = pointer(&world, 0, &file);
        let parts: BTreeSet<Vec<u8>> = world.stored(&topic(&pointer)).into_iter().collect();
        assert_eq!(parts.len(), 4 + 1 + 2, "{n}: each part has one payload");
        fetch(&mut world, message);
        world.run(MINUTE);
        assert!(arrived(&mut world, message, &small()), "{n}");
    }
}

// F5
#[test]
fn a_kill_at_any_effect_of_a_download_loses_nothing() {
    for n in 0..12 {
        let mut world = World::befriended(6);
        let (message, _) = sent(&mut world, &small());
        world.kill_after(1, n);
        let file = only(&world, 1, &message);
        let asked = world.try_call(1, call::FileFetch { file: file.id.clone() });
        world.run(MINUTE);
        if !world.phones[1].is_up() {
            world.start(1);
        }
        if asked.is_none() && only(&world, 1, &message).state == FileState::Remote {
            fetch(&mut world, &message);
        }
        world.run(20 * MINUTE);
        assert!(arrived(&mut world, &message, &small()), "{n}");
        let folder = world.phones[1].folder().join("files");
        assert_eq!(folder.read_dir().unwrap().count(), 1, "{n}");
    }
}

// F6
#[test]
fn a_full_disk_pauses_a_download() {
    let mut world = World::befriended(7);
    let (message, _) = sent(&mut world, &small());
    world.phones[1].disk_is_full = true;
    fetch(&mut world, &message);
    world.run(DAY);
    let file = only(&world, 1, &message);
    assert_eq!((file.state, code(&file), file.next_ms), (FileState::Coming, Some("file.no_space"), None));
    assert!(world.phones[1].events.iter().any(|event| matches!(event, Event::Notice { code: Code::FileNoSpace })));
    world.phones[1].disk_is_full = false;
    world.kill(1);
    world.start(1);
    world.run(MINUTE);
    assert!(arrived(&mut world, &message, &small()), "it goes on at the next start");
    // On demand too.
    let (message, _) = sent(&mut world, &Picked::of(bytes(8, SMALL)));
    world.phones[1].disk_is_full = true;
    fetch(&mut world, &message);
    world.run(MINUTE);
    world.phones[1].disk_is_full = false;
    fetch(&mut world, &message);
    world.run(MINUTE);
    assert!(arrived(&mut world, &message, &Picked::of(bytes(8, SMALL))));
}

// F6: the database is full in the middle.
#[test]
fn a_full_database_loses_no_file() {
    let mut world = World::befriended(8);
    let pages = std::fs::metadata(world.phones[0].folder().join("account.db")).unwrap().len() / 4096;
    for more in [0, 1, 2, 4] {
        world.phones[0].limit_pages(u32::try_from(pages + more).unwrap());
        let prepared = world.prepare(0, &small()).unwrap();
        let conversation = world.conversation(0);
        let post = sotto_messenger::records::NewPost::default();
        let _ = world.try_call(0, call::SendFiles { conversation, post, files: vec![prepared] });
        world.run(MINUTE);
    }
    world.phones[0].limit_pages(1 << 20);
    world.run(HOUR);
    for message in world.phones[0].messages() {
        let message = MessageId::from_bytes(&message.id);
        fetch(&mut world, &message);
        world.run(MINUTE);
        assert!(arrived(&mut world, &message, &small()));
    }
}

/// Bob gets a post that names a file by a pointer that Alice's program made up.
fn post_of(world: &mut World, pointer: FilePointer) -> MessageId {
    let named = Named { pointer, ..named() };
    forged(world, 0, Content::Post(Box::new(Post { files: vec![named], ..Post::default() })));
    world.run(MINUTE);
    MessageId::from_bytes(&world.phones[1].messages().last().unwrap().id)
}

fn named() -> Named {
    Named {
        pointer: FilePointer::new([1; 32], 1, [0; 32]).unwrap(),
        kind: FileKind::File,
        name: String::new(),
        mime: String::new(),
        width: 0,
        height: 0,
        duration_ms: 0,
        waveform: Vec::new(),
        placeholder: Vec::new(),
        preview_size: 0,
        on_group_lane: false,
        until_s: u64::MAX,
    }
}

// F7
#[test]
fn what_is_not_the_named_file_is_asked_for_once_and_then_corrupt() {
    for len in [5000, SMALL] {
        let mut world = World::befriended(9);
        let (_, real) = sent(&mut world, &Picked::of(bytes(7, len)));
        let other = FilePointer::new(*real.key(), real.size(), [0x55; 32]).unwrap();
        let message = post_of(&mut world, other);
        fetch(&mut world, &message);
        world.run(100);
        assert_eq!(kinds_of(&world, 1, Kind::FileWant), 1, "{len}: its author is asked");
        world.run(3 * DAY);
        let file = only(&world, 1, &message);
        let said = (file.state, code(&file), file.have);
        assert_eq!(said, (FileState::Corrupt, Some("file.corrupt"), 0), "{len}");
        assert_eq!(world.phones[1].folder().join("files").read_dir().unwrap().count(), 0, "{len}");
    }
}

/// Whether any file of a phone's folder holds these bytes.
fn lies_open(world: &World, who: usize, secret: &[u8]) -> bool {
    fn any(folder: &std::path::Path, secret: &[u8]) -> bool {
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).any(|path| {
            if path.is_dir() {
                return any(&path, secret);
            }
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(secret.len()).any(|part| part == secret)
        })
    }
    any(world.phones[who].folder(), secret)
}

// F10
#[test]
fn nothing_of_a_file_lies_open_and_a_deleted_one_is_gone() {
    const SECRET: &[u8] = b"the secret canary sings";
    let mut world = World::befriended(10);
    let picked = Picked { name: "canary.txt".into(), preview: SECRET.repeat(40), ..Picked::of(SECRET.repeat(4000)) };
    let (message, _) = sent(&mut world, &picked);
    let fetched = only(&world, 1, &message);
    world.fetch(1, &fetched.id);
    world.run(MINUTE);
    assert!(arrived(&mut world, &message, &picked));
    for who in [0, 1] {
        assert!(!lies_open(&world, who, SECRET), "{who}");
        world.call(who, call::DeleteForMe { message: message.clone() }).unwrap();
        let folder = world.phones[who].folder().join("files");
        assert_eq!(folder.read_dir().unwrap().count(), 0, "{who}");
        world.phones[who].read(|reader| {
            assert_eq!(reader.tables().contents.names().unwrap(), Vec::<[u8; 8]>::new(), "{who}: no key is left");
            let next = |state| reader.tables().files.next(state, 10).unwrap();
            assert!(next(sotto_db::FileState::Coming).is_empty() && next(sotto_db::FileState::Going).is_empty());
        });
        assert!(world.files(who, &message).is_empty());
    }
}

fn on_wifi(world: &mut World, who: usize) {
    world.network_changed(who, false).unwrap();
    world.run(SECOND);
}

fn picture(len: usize) -> Picked {
    Picked { kind: FileKind::Image, preview: bytes(11, 4000), ..Picked::of(bytes(12, len)) }
}

// F11
#[test]
fn a_metered_phone_gets_the_preview_alone() {
    let mut world = World::befriended(11);
    let message = world.send_files(0, "", &[picture(600_000)]);
    world.run(2 * HOUR);
    let file = only(&world, 1, &message);
    assert_eq!((file.state, file.have), (FileState::Remote, 0));
    assert!(file.preview == bytes(11, 4000));
    let pointer = pointer(&world, 1, &file);
    assert!(!world.phones[1].asked_for.contains(&topic(&pointer)), "no store hears of it");
    let preview = ContentTopic::Blob(preview_topic(&FileKey::new(pointer.key()))).to_string();
    let got: usize = world.stored(&preview).iter().map(Vec::len).sum();
    assert!(got <= 10_000, "{got} bytes");
    // It comes by itself when traffic costs nothing.
    on_wifi(&mut world, 1);
    world.run(HOUR);
    assert!(arrived(&mut world, &message, &picture(600_000)));
}

#[test]
fn what_comes_by_itself_follows_the_settings() {
    let mut world = World::befriended(12);
    on_wifi(&mut world, 1);
    let none = sotto_messenger::records::NetworkLimits { unmetered: 0, metered: 0, roaming: 0 };
    let all = AutoDownload { image: none, ..AutoDownload::default() };
    world.call(1, call::AutoDownloadSet { all }).unwrap();
    let message = world.send_files(0, "", &[picture(50_000), small()]);
    world.run(HOUR);
    let states: Vec<FileState> = world.files(1, &message).iter().map(|file| file.state).collect();
    assert_eq!(states, [FileState::Remote, FileState::Here]);
    world.call(1, call::AutoDownloadSet { all: AutoDownload::default() }).unwrap();
    world.run(HOUR);
    assert_eq!(world.files(1, &message)[0].state, FileState::Here, "the settings hold for what is there");
}

// F15
#[test]
fn what_nobody_asked_for_comes_at_any_time_of_half_an_hour() {
    let mut world = World::befriended(13);
    on_wifi(&mut world, 1);
    let mut bins = [0_u32; 6];
    for seed in 0..6 {
        let picked: Vec<Picked> = (0..10).map(|n| Picked::of(bytes(100 + 10 * seed + n, 100))).collect();
        let message = world.send_files(0, "", &picked);
        world.run(10 * SECOND);
        for file in world.files(1, &message) {
            // One that is here already had its time in these seconds.
            let wait = file.next_ms.map_or(0, |next_ms| next_ms - world.now_ms);
            assert!((-10 * SECOND..30 * MINUTE).contains(&wait), "{wait}");
            bins[usize::try_from(wait.max(0) / (5 * MINUTE)).unwrap()] += 1;
        }
    }
    assert_eq!(bins.iter().sum::<u32>(), 60);
    let chi: f64 = bins.iter().map(|n| (f64::from(*n) - 10.0).powi(2) / 10.0).sum();
    assert!(chi < 20.5, "{bins:?}"); // five degrees of freedom, 0.1 %
    // A person who opens one does not wait.
    let message = world.send_files(0, "", &[small()]);
    world.run(10 * SECOND);
    fetch(&mut world, &message);
    world.run(5 * SECOND);
    assert!(arrived(&mut world, &message, &small()));
}

// F16
#[test]
fn a_forward_names_the_upload_again_while_stores_keep_it() {
    let mut world = World::befriended(14);
    let (message, first) = sent(&mut world, &small());
    let conversation = world.conversation(0);
    let forward = |world: &mut World| {
        let call = call::Forward { message: message.clone(), conversations: vec![conversation.clone()] };
        let sent = world.call(0, call).unwrap().remove(0);
        world.run(3 * MINUTE);
        pointer(world, 1, &only(world, 1, &sent))
    };
    assert!(forward(&mut world) == first);
    let again = world.send_files(0, "", &[small()]);
    world.run(3 * MINUTE);
    assert!(pointer(&world, 1, &only(&world, 1, &again)) == first, "a second send too");
    let fresh = world.send_files(0, "", &[Picked { fresh: true, ..small() }]);
    world.run(3 * MINUTE);
    let new = pointer(&world, 1, &only(&world, 1, &fresh));
    assert!(new != first && new.root() == first.root(), "under a new key");
    fetch(&mut world, &fresh);
    world.run(MINUTE);
    assert!(arrived(&mut world, &fresh, &small()));
    world.run(30 * DAY);
    let late = forward(&mut world);
    assert!(late != first && late != new, "stores have dropped both");
    assert_eq!(world.stored(&topic(&late)).len(), 7, "with its parity");
}

// F21
#[test]
fn nothing_comes_by_itself_from_a_request_or_from_the_blocked() {
    let mut world = World::befriended(15);
    on_wifi(&mut world, 1);
    let contact = world.contact(1);
    let message = world.send_files(0, "", &[picture(50_000)]);
    world.run(10 * SECOND);
    assert_eq!(only(&world, 1, &message).state, FileState::Coming);
    let pointer = pointer(&world, 1, &only(&world, 1, &message));
    world.call(1, call::ContactAnswer { contact, action: ContactAction::Block }).unwrap();
    world.run(DAY);
    assert_eq!(only(&world, 1, &message).state, FileState::Remote);
    assert!(!world.phones[1].asked_for.contains(&topic(&pointer)));

    // Alice, changed, sends a file before Bob accepts her.
    let mut world = World::new(16, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    on_wifi(&mut world, 1);
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "hello");
    world.run(MINUTE);
    let before = world.phones[1].messages().len();
    let _ = world.try_send_files(0, "", &[picture(50_000)]);
    world.run(DAY);
    for message in world.phones[1].messages().iter().skip(before) {
        let message = MessageId::from_bytes(&message.id);
        assert!(world.files(1, &message).iter().all(|file| file.state == FileState::Remote));
    }
    assert!(world.phones[1].asked_for.iter().all(|topic| !topic.contains("/b")), "{:?}", world.phones[1].asked_for);
}

// F22
#[test]
fn a_file_sent_twice_lies_on_the_disk_once() {
    let mut world = World::befriended(17);
    let (first, _) = sent(&mut world, &small());
    let second = world.send_files(0, "", &[Picked { fresh: true, ..small() }]);
    world.run(3 * MINUTE);
    for message in [&first, &second] {
        fetch(&mut world, message);
        world.run(MINUTE);
        assert!(arrived(&mut world, message, &small()));
    }
    for who in [0, 1] {
        let count = |world: &World| world.phones[who].folder().join("files").read_dir().unwrap().count();
        assert_eq!(count(&world), 1, "{who}");
        world.call(who, call::DeleteForMe { message: first.clone() }).unwrap();
        let file = only(&world, who, &second);
        assert!(world.content(who, &file.id).unwrap() == small().bytes, "{who}: the other keeps it");
        world.call(who, call::DeleteForMe { message: second.clone() }).unwrap();
        assert_eq!(count(&world), 0, "{who}");
    }
}

#[test]
fn a_cancelled_upload_is_never_sent_and_a_cancelled_download_goes_on_later() {
    let mut world = World::befriended(18);
    world.set_online(0, false);
    let message = world.send_files(0, "", &[small()]);
    let file = only(&world, 0, &message);
    assert_eq!((file.state, file.have), (FileState::Going, 0));
    world.call(0, call::FileCancel { file: file.id }).unwrap();
    world.set_online(0, true);
    world.run(HOUR);
    assert!(world.phones[1].messages().is_empty() && world.phones[0].messages().is_empty());
    assert_eq!(world.phones[0].folder().join("files").read_dir().unwrap().count(), 0);

    let big = Picked::of(bytes(18, 3_000_000));
    let (message, pointer) = sent(&mut world, &big);
    lose(&mut world, &pointer, &(40..46).map(Part::Data).chain((0..7).map(Part::Parity)).collect::<Vec<_>>());
    fetch(&mut world, &message);
    world.run(30 * SECOND);
    let file = only(&world, 1, &message);
    assert!(file.have > 2_000_000 && file.state == FileState::Coming);
    world.call(1, call::FileCancel { file: file.id.clone() }).unwrap();
    assert_eq!(only(&world, 1, &message).state, FileState::Remote);
    world.run(2 * DAY);
    let file = only(&world, 1, &message);
    assert_eq!((file.state, file.have > 2_000_000), (FileState::Remote, true));
    world.fetch(1, &file.id);
    world.run(DAY);
    assert!(arrived(&mut world, &message, &big), "the author sent what was lost");
}

#[test]
fn a_cancelled_upload_that_readers_can_have_publishes_no_more() {
    let mut world = World::befriended(18);
    let message = world.send_files(0, "", &[Picked::of(vec![7; 126 * 65_486])]);
    let file = only(&world, 0, &message);
    let id = file.id.to_bytes().unwrap();
    let row = |world: &World| world.phones[0].read(|reader| reader.tables().files.get(&id).unwrap().unwrap());
    while !row(&world).sent {
        world.run(1);
    }
    let pointer = pointer(&world, 0, &file);
    let parity = |world: &World| {
        let parts = (0..pointer.layout().parity_chunks()).map(Part::Parity);
        let stored = world.stored(&topic(&pointer));
        parts.filter(|part| stored.iter().any(|payload| is_part(&pointer, *part, payload))).count()
    };
    let before = parity(&world);
    assert!(before < 18, "the rest needs another upload");
    assert_eq!(only(&world, 0, &message).state, FileState::Going);
    world.call(0, call::FileCancel { file: file.id }).unwrap();
    assert_eq!(only(&world, 0, &message).state, FileState::Here);
    world.run(HOUR);
    assert_eq!((only(&world, 0, &message).state, parity(&world)), (FileState::Here, before));
    assert_eq!(world.phones[0].messages()[0].state, MessageState::Delivered);
    fetch(&mut world, &message);
    world.run(MINUTE);
    assert_eq!(only(&world, 1, &message).state, FileState::Here);
}

#[test]
fn what_nodes_refuse_is_not_published_for_ever() {
    let mut world = World::befriended(18);
    let (message, pointer) = sent(&mut world, &small());
    world.set_online(0, false);
    let want = sotto_wire::content::FileWant { message: message.to_bytes().unwrap(), file: 0, missing: vec![0xff] };
    forged(&mut world, 1, Content::FileWant(want));
    world.run(MINUTE);
    world.weather.publish_refused = 100;
    let before = world.stored(&topic(&pointer)).len();
    world.set_online(0, true);
    world.run(SECOND);
    assert_eq!(only(&world, 0, &message).state, FileState::Going, "it is published again");
    world.run(HOUR);
    let file = only(&world, 0, &message);
    assert_eq!((file.state, code(&file)), (FileState::Here, None));
    assert_eq!(world.stored(&topic(&pointer)).len(), before);
}

#[test]
fn freed_bytes_can_be_fetched_again() {
    let mut world = World::befriended(19);
    let (message, _) = sent(&mut world, &small());
    fetch(&mut world, &message);
    world.run(MINUTE);
    let conversation = Some(world.conversation(1));
    world.call(1, call::StorageFree { conversation: conversation.clone(), before_s: 0 }).unwrap();
    assert!(arrived(&mut world, &message, &small()), "it is not so old");
    world.call(1, call::StorageFree { conversation, before_s: i64::MAX }).unwrap();
    assert_eq!(only(&world, 1, &message).state, FileState::Remote);
    assert_eq!(world.phones[1].folder().join("files").read_dir().unwrap().count(), 0);
    fetch(&mut world, &message);
    world.run(MINUTE);
    assert!(arrived(&mut world, &message, &small()));
}

#[test]
fn an_author_who_deleted_a_file_says_so() {
    let mut world = World::befriended(20);
    let (message, pointer) = sent(&mut world, &small());
    world.forget_stored(|topic, _| topic == self::topic(&pointer));
    world.call(0, call::DeleteForMe { message: message.clone() }).unwrap();
    fetch(&mut world, &message);
    world.run(DAY);
    let file = only(&world, 1, &message);
    assert_eq!((file.state, code(&file)), (FileState::Gone, Some("file.gone")));
}

#[test]
fn in_foul_weather_all_files_arrive() {
    for seed in 0..6 {
        let mut world = World::befriended(seed);
        world.weather = Weather {
            push_lost: 20,
            push_doubled: 10,
            delay_ms: 3000,
            publish_fails: 20,
            store_misses: 3,
            query_fails: 20,
            ..Weather::default()
        };
        let picked: Vec<Picked> = (0..3).map(|n| Picked::of(bytes(n, [200, SMALL, 700_000][n as usize]))).collect();
        let message = world.send_files(0, "", &picked);
        world.run(30 * MINUTE);
        for file in world.files(1, &message) {
            world.fetch(1, &file.id);
        }
        world.run(3 * DAY);
        for (file, picked) in world.files(1, &message).iter().zip(&picked) {
            assert!(world.content(1, &file.id).is_some_and(|content| content == picked.bytes), "{seed} {file:?}");
        }
        assert!(world.most_ticks < 50, "{}", world.most_ticks);
    }
}

/// Number of envelopes that a phone published in `work`, off the topics of files.
/// P5: a file is found by its name on both phones, also beside a long text, until its message is deleted.
#[test]
fn search_finds_files_by_their_names() {
    let mut world = World::befriended(31);
    let named = |name: &str| Picked { name: name.into(), ..small() };
    let message = world.send_files(0, "on the way", &[named("Reiseplan März.pdf"), named("../sea.jpg")]);
    let long = world.send_files(0, &"long ".repeat(2_000), &[named("Reise.zip")]);
    world.run(5 * MINUTE);
    let found = |world: &World, who: usize, query: &str| {
        world.phones[who].read(|reader| {
            let rows = reader.search(query, None, None, 10).unwrap();
            rows.into_iter().map(|(_, row)| MessageId::from_bytes(&row.id)).collect::<Vec<_>>()
        })
    };
    for who in 0..2 {
        let both: BTreeSet<_> = found(&world, who, "\"reise\" *").into_iter().collect();
        assert_eq!(both, BTreeSet::from([message.clone(), long.clone()]));
        assert_eq!(found(&world, who, "\"way\" \"marz\""), std::slice::from_ref(&message));
        assert_eq!(found(&world, who, "\"sea\""), std::slice::from_ref(&message));
    }
    for one in [&message, &long] {
        world.call(0, call::DeleteForEveryone { message: one.clone() }).unwrap();
    }
    world.run(5 * MINUTE);
    for who in 0..2 {
        assert!(found(&world, who, "\"reise\" *").is_empty());
        world.kill(who);
        assert!(!keeps(world.phones[who].folder(), "Reiseplan"));
        world.start(who);
    }
}

fn answers(world: &mut World, work: impl FnOnce(&mut World)) -> usize {
    let from = world.published.len();
    work(world);
    world.published.len() - from
}

#[test]
fn nobody_can_make_a_phone_publish_a_file_over_and_over() {
    let mut world = World::befriended(21);
    let (message, pointer) = sent(&mut world, &small());
    let id: Hash = message.to_bytes().unwrap();
    let want = |file| {
        let want = sotto_wire::content::FileWant { message: id, file, missing: vec![0xff] };
        Content::FileWant(want)
    };
    let before = world.stored(&topic(&pointer)).len();
    for _ in 0..20 {
        forged(&mut world, 1, want(0));
        world.run(2 * MINUTE);
    }
    let parts = world.stored(&topic(&pointer)).len() - before;
    assert!(parts <= 2 * 6, "{parts} parts again, two answers a day");
    let few = answers(&mut world, |world| {
        for _ in 0..30 {
            forged(world, 1, want(7));
            world.run(SECOND);
        }
    });
    assert!(few < 30 + 30 + 10, "{few}: the wants, their receipts, and hardly an answer");
}

#[test]
fn a_file_that_nodes_refuse_or_that_is_too_old_fails_its_message_and_can_be_sent_again() {
    for refused in [true, false] {
        let mut world = World::befriended(12);
        world.weather.publish_refused = if refused { 100 } else { 0 };
        world.set_online(0, refused);
        let picked = small();
        let message = world.send_files(0, "A plan", std::slice::from_ref(&picked));
        let (reason, soonest, latest) = match refused {
            true => (Code::MessageRefused, 6 * MINUTE, 15 * MINUTE),
            false => (Code::MessageNotDelivered, 29 * DAY, 31 * DAY),
        };
        world.run(soonest);
        let state = |world: &World| world.phones[0].messages()[0].state;
        assert_eq!(state(&world), MessageState::Queued);
        world.run(latest - soonest);
        world.set_online(0, true);
        world.run(SECOND);
        assert_eq!(
            (state(&world), world.phones[0].messages()[0].reason.as_deref()),
            (MessageState::Failed, Some(reason.as_str()))
        );
        assert_eq!(only(&world, 0, &message).state, FileState::Here, "nothing is tried for ever");
        world.weather = Weather::default();
        world.call(0, call::Retry { message: message.clone() }).unwrap();
        world.run(HOUR);
        assert_eq!(state(&world), MessageState::Delivered);
        fetch(&mut world, &message);
        world.run(MINUTE);
        assert!(arrived(&mut world, &message, &picked), "{reason:?}");
    }
}
