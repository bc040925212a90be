//! Pictures of accounts: told to contacts only, kept in the stores, shown when they are here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rand_core::Rng as _;
use sotto_crypto::{FileKey, blob_topic};
use sotto_db::{Chat, FileState};
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::FileId;
use sotto_messenger::view;
use sotto_testkit::{DAY, HOUR, MINUTE, Picked, SECOND, Seeded, Weather, World, contacts};
use sotto_wire::content::{Content, File as Named, FileGone, FileKind as Kind, FileWant, Message, Post, ProfileUpdate};
use sotto_wire::file::FilePointer;
use sotto_wire::name::Name;
use sotto_wire::topic::ContentTopic;

/// Four data chunks.
const LEN: usize = 30_000;

fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    Seeded::new(seed).fill_bytes(&mut bytes);
    bytes
}

fn set(world: &mut World, who: usize, seed: u64) {
    let picture = world.prepare(who, &Picked::of(bytes(seed))).unwrap().imported;
    world.call(who, call::AvatarSet { picture: Some(picture) }).unwrap();
}

fn chat(world: &World, who: usize) -> Chat {
    world.phones[who].read(|reader| stored::own_chat(reader).unwrap())
}

/// The seed of the picture that one phone shows for another, or for itself.
fn shown(world: &mut World, who: usize, of: usize) -> Option<u64> {
    let chat = chat(world, of);
    let id = world.phones[who].read(|reader| view::picture(reader, &chat).unwrap())?;
    let content = world.content(who, &id).unwrap();
    (0..20).find(|seed| bytes(*seed) == content)
}

fn id(world: &World, who: usize) -> FileId {
    let chat = chat(world, who);
    world.phones[who].read(|reader| view::picture(reader, &chat).unwrap().unwrap())
}

fn pointer(world: &World, who: usize) -> FilePointer {
    let id = id(world, who).to_bytes().unwrap();
    let row = world.phones[who].read(|reader| reader.tables().files.get(&id).unwrap().unwrap());
    FilePointer::decode(&row.pointer).unwrap()
}

fn topic(pointer: &FilePointer) -> String {
    ContentTopic::Blob(blob_topic(&FileKey::new(pointer.key()))).to_string()
}

/// What stands for the picture of an account among messages.
fn place(world: &World, of: usize) -> [u8; 32] {
    sotto_wire::envelope::payload_hash(&[b"sotto/picture", chat(world, of).as_slice()].concat())
}

fn files(world: &World, who: usize) -> usize {
    world.phones[who].folder().join("files").read_dir().map_or(0, Iterator::count)
}

fn forged(world: &mut World, who: usize, content: Content) {
    let conversation = world.conversation(who);
    world.call(who, call::Forged { conversation, content }).unwrap();
}

#[test]
fn a_contact_shows_the_picture_until_the_next_one_is_here() {
    let mut world = World::befriended(1);
    set(&mut world, 0, 1);
    assert_eq!(shown(&mut world, 0, 0), Some(1));
    world.run(7 * HOUR);
    assert_eq!(shown(&mut world, 1, 0), Some(1), "also while traffic costs money");
    let first = pointer(&world, 0);
    set(&mut world, 0, 2);
    assert_eq!(files(&world, 0), 1, "the former one is gone at once");
    // Nodes have the profile, and not the picture yet.
    let second = topic(&pointer(&world, 0));
    world.run(MINUTE);
    world.forget_stored(|topic, _| topic == second);
    let searched = |world: &World| world.phones[1].asked_for.contains(&second);
    (0..7 * 60).find(|_| {
        world.run(MINUTE);
        searched(&world)
    });
    assert!(searched(&world));
    assert_eq!(shown(&mut world, 1, 0), Some(1), "until the next one is here");
    world.run(DAY);
    assert_eq!(shown(&mut world, 1, 0), Some(2), "the author was asked for it");
    assert_ne!(pointer(&world, 0), first);
    assert_eq!(files(&world, 1), 1, "the former one went");
    // The same profile again changes nothing.
    world.call(0, call::ProfileSet { name: "Alice B.".to_owned() }).unwrap();
    world.run(7 * HOUR);
    assert_eq!(shown(&mut world, 1, 0), Some(2));
    world.call(0, call::AvatarSet { picture: None }).unwrap();
    assert_eq!((shown(&mut world, 0, 0), files(&world, 0)), (None, 0));
    world.run(7 * HOUR);
    assert_eq!((shown(&mut world, 1, 0), files(&world, 1)), (None, 0));
}

#[test]
fn whoever_becomes_a_contact_later_gets_it_and_nobody_before() {
    let mut world = World::new(2, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    set(&mut world, 0, 3);
    set(&mut world, 1, 4);
    let (alices, bobs) = (topic(&pointer(&world, 0)), topic(&pointer(&world, 1)));
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "hello");
    world.run(DAY);
    for who in [0, 1] {
        assert!([&alices, &bobs].iter().all(|topic| !world.phones[who].asked_for.contains(*topic)), "{who}");
        assert_eq!(shown(&mut world, who, 1 - who), None);
    }
    world.accept(1);
    world.run(HOUR);
    assert_eq!(shown(&mut world, 0, 1), Some(4));
    assert_eq!(shown(&mut world, 1, 0), Some(3));
}

#[test]
fn a_picture_that_nodes_refuse_for_hours_is_published_when_they_take_it() {
    let mut world = World::befriended(13);
    world.weather.publish_refused = 100;
    set(&mut world, 0, 1);
    world.run(6 * HOUR);
    world.weather = Weather::default();
    world.run(DAY);
    let id = id(&world, 0).to_bytes().unwrap();
    assert!(world.phones[0].read(|reader| reader.tables().files.get(&id).unwrap().unwrap().sent));
}

/// What waits for a contact to be told: messages of kind profile, and news that are not composed yet.
fn untold(world: &World) -> (usize, usize) {
    let them = chat(world, 1);
    world.phones[0].read(|reader| {
        let items = reader.tables().items.of(&them).unwrap();
        let profile = |m: &[u8]| Message::decode(m).is_ok_and(|m| m.kind == sotto_wire::content::Kind::Profile);
        let news = reader.tables().news.get(&them).unwrap();
        (items.iter().filter(|item| profile(&item.m)).count(), news.iter().count())
    })
}

#[test]
fn a_contact_learns_of_the_newest_picture_when_nodes_take_its_profile() {
    let mut world = World::befriended(15);
    world.weather.publish_refused = 100;
    for n in 0..3 {
        set(&mut world, 0, n);
        for _ in 0..48 {
            world.run(HOUR / 2);
            let (told, news) = untold(&world);
            assert!((1..=2).contains(&(told + news)) && told <= 1, "{told} {news}");
        }
    }
    world.weather = Weather::default();
    world.run(2 * DAY);
    assert_eq!((shown(&mut world, 1, 0), untold(&world)), (Some(2), (0, 0)));
}

#[test]
fn a_damaged_picture_is_fetched_again() {
    let mut world = World::befriended(16);
    set(&mut world, 0, 4);
    world.run(7 * HOUR);
    assert_eq!(shown(&mut world, 1, 0), Some(4));
    let copy = world.phones[1].folder().join("files").read_dir().unwrap().next().unwrap().unwrap().file_name();
    let copy = u64::from_str_radix(copy.to_str().unwrap(), 16).unwrap().to_be_bytes();
    world.call(1, call::FileDamaged { copy }).unwrap();
    assert_eq!(shown(&mut world, 1, 0), None);
    world.run(MINUTE);
    assert_eq!(shown(&mut world, 1, 0), Some(4));
}

#[test]
fn a_new_contacts_secret_costs_nobody_the_picture() {
    let mut world = World::befriended(3);
    world.add_phone();
    world.create(2, "Carol");
    world.run(MINUTE);
    let link = world.invite(0);
    world.run(MINUTE);
    let carol = world.add(2, &link, "");
    world.run(MINUTE);
    let carols: Vec<_> = world.phones[0].read(|reader| contacts(reader).unwrap());
    let carol_there = carols.iter().find(|one| one.name == "Carol").unwrap().chat;
    let contact = sotto_messenger::records::ContactId(sotto_crypto::account_id(&carol_there));
    world.call(0, call::ContactAnswer { contact: contact.clone(), action: ContactAction::Accept }).unwrap();
    world.run(HOUR);
    // The hello with the new secret replaces the news of the picture.
    set(&mut world, 0, 5);
    let told = topic(&pointer(&world, 0));
    world.call(0, call::ContactAnswer { contact, action: ContactAction::Block }).unwrap();
    world.run(7 * HOUR);
    assert_eq!(shown(&mut world, 1, 0), Some(5));
    assert_eq!(shown(&mut world, 2, 0), None, "{}", carol.0);
    // Whoever was blocked sees nothing published under what they know.
    let before = world.stored(&told).len();
    world.run(17 * DAY);
    assert_eq!(world.stored(&told).len(), before);
    assert_ne!(topic(&pointer(&world, 0)), told);
    assert_eq!(shown(&mut world, 0, 0), Some(5));
}

#[test]
fn a_requester_who_was_away_gets_the_picture_with_the_answer() {
    for seed in 20..30 {
        let mut world = World::new(seed, 2);
        world.create(0, "Alice");
        world.create(1, "Bob");
        world.run(MINUTE);
        set(&mut world, 1, 4);
        let link = world.invite(1);
        world.run(MINUTE);
        world.add(0, &link, "hello");
        world.run(MINUTE);
        world.set_online(0, false);
        world.accept(1);
        world.run(HOUR);
        world.set_online(0, true);
        world.run(HOUR);
        assert_eq!(shown(&mut world, 0, 1), Some(4), "{seed}");
    }
}

#[test]
fn what_was_given_up_begins_again_with_the_next_profile() {
    let mut world = World::befriended(11);
    set(&mut world, 0, 6);
    let topic = topic(&pointer(&world, 0));
    let searched = |world: &World| world.phones[1].asked_for.contains(&topic);
    (0..7 * 60).find(|_| {
        world.forget_stored(|of, _| *of == topic);
        world.run(MINUTE);
        searched(&world)
    });
    // Alice, asked for it, says that she has it no more.
    let state = |world: &World| {
        let coming = |reader: &sotto_db::Reader| {
            let one = reader.tables().attachments.get(&place(world, 0), &1).unwrap().unwrap();
            reader.tables().files.get(&one.file).unwrap().unwrap().state
        };
        world.phones[1].read(coming)
    };
    let gone = FileGone { message: place(&world, 0), file: 1 };
    (0..60).find(|_| {
        world.forget_stored(|of, _| *of == topic);
        forged(&mut world, 0, Content::FileGone(gone.clone()));
        world.run(MINUTE);
        state(&world) == FileState::Gone
    });
    assert_eq!(state(&world), FileState::Gone);
    world.call(0, call::ProfileSet { name: "Alice B.".to_owned() }).unwrap();
    world.run(DAY);
    assert_eq!(shown(&mut world, 1, 0), Some(6));
}

#[test]
fn of_several_profiles_only_the_last_one_waits() {
    let mut world = World::befriended(14);
    world.set_online(1, false);
    for n in 0..3 {
        set(&mut world, 0, n);
        world.run(7 * HOUR);
    }
    world.call(0, call::AvatarSet { picture: None }).unwrap();
    world.run(7 * HOUR);
    let them = chat(&world, 1);
    let waiting = world.phones[0].read(|reader| {
        let items = reader.tables().items.of(&them).unwrap().into_iter();
        items.filter(|item| Message::decode(&item.m).unwrap().kind == sotto_wire::content::Kind::Profile).count()
    });
    assert_eq!(waiting, 1);
    // Nothing of before is in the stores any more.
    world.forget_stored(|_, _| true);
    world.set_online(1, true);
    world.run(DAY);
    assert_eq!(shown(&mut world, 1, 0), None);
}

#[test]
fn the_end_of_a_block_brings_the_picture_back() {
    let mut world = World::befriended(12);
    set(&mut world, 0, 7);
    world.run(7 * HOUR);
    let contact = world.contact(1);
    for (action, seen) in [(ContactAction::Block, None), (ContactAction::Unblock, Some(7))] {
        world.call(1, call::ContactAnswer { contact: contact.clone(), action }).unwrap();
        world.run(HOUR);
        assert_eq!(shown(&mut world, 1, 0), seen);
    }
}

#[test]
fn a_message_with_the_same_bytes_or_pointer_has_a_file_of_its_own() {
    let mut world = World::befriended(13);
    set(&mut world, 0, 8);
    world.run(7 * HOUR);
    let told = pointer(&world, 0);
    // The same bytes as a file: under another key, and freed without the picture.
    let message = world.send_files(0, "", &[Picked::of(bytes(8))]);
    world.run(MINUTE);
    let sent = world.files(0, &message)[0].id.to_bytes().unwrap();
    let row = world.phones[0].read(|reader| reader.tables().files.get(&sent).unwrap().unwrap());
    assert_ne!(row.pointer, told.encode());
    // Bob, changed, posts the picture's pointer as a file.
    let named = Named { pointer: told, kind: Kind::File, name: "a".to_owned(), ..named() };
    let post = Post { text: "look".to_owned(), files: vec![named], ..Post::default() };
    forged(&mut world, 1, Content::Post(Box::new(post)));
    world.run(HOUR);
    for who in [0, 1] {
        world.call(who, call::StorageFree { conversation: None, before_s: i64::MAX }).unwrap();
        world.run(MINUTE);
        assert_eq!(shown(&mut world, who, 0), Some(8), "{who}");
    }
    // Bob names a file of Alice's as his picture: it goes with its message all the same.
    let file = FilePointer::decode(&row.pointer).unwrap();
    forged(&mut world, 1, named_picture(file));
    world.run(HOUR);
    world.call(0, call::DeleteForMe { message }).unwrap();
    let gone = world.phones[0].read(|reader| reader.tables().files.get(&sent).unwrap().is_none());
    assert!(gone);
}

fn named_picture(picture: FilePointer) -> Content {
    Content::Profile(ProfileUpdate { home: [1; 8], name: Name::new("Bob").unwrap(), picture: Some(picture) })
}

fn named() -> Named {
    Named {
        pointer: FilePointer::new([1; 32], 1, [2; 32]).unwrap(),
        kind: Kind::File,
        name: String::new(),
        mime: String::new(),
        width: 0,
        height: 0,
        duration_ms: 0,
        waveform: Vec::new(),
        placeholder: Vec::new(),
        preview_size: 0,
        on_group_lane: false,
        until_s: 0,
    }
}

#[test]
fn the_stores_have_it_as_long_as_it_is_shown() {
    let mut world = World::befriended(4);
    set(&mut world, 0, 6);
    world.run(DAY);
    let topic = topic(&pointer(&world, 0));
    let parts = world.stored(&topic).len();
    assert_eq!(parts, 4 + 1 + 2);
    // Stores keep 30 days; every 15 days it is published again, with the same payloads.
    world.run(17 * DAY);
    let all = world.stored(&topic);
    assert_eq!(all.len(), 2 * parts);
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), parts);
    assert_eq!(shown(&mut world, 0, 0), Some(6));
}

#[test]
fn a_blocked_contact_has_no_picture_and_gets_none() {
    let mut world = World::befriended(5);
    for who in [0, 1] {
        set(&mut world, who, 7);
    }
    world.run(7 * HOUR);
    assert_eq!(shown(&mut world, 1, 0), Some(7));
    let contact = world.contact(1);
    let action = ContactAction::Block;
    world.call(1, call::ContactAnswer { contact: contact.clone(), action }).unwrap();
    assert_eq!(shown(&mut world, 1, 0), None);
    set(&mut world, 1, 8);
    set(&mut world, 0, 9);
    let (new, asked) = (topic(&pointer(&world, 0)), topic(&pointer(&world, 1)));
    // Alice, changed, asks for the new one.
    let place = place(&world, 1);
    world.run(HOUR);
    let published = world.stored(&asked).len();
    forged(&mut world, 0, Content::FileWant(FileWant { message: place, file: 0, missing: vec![0xff] }));
    world.run(DAY);
    assert_eq!(world.stored(&asked).len(), published);
    assert!(!world.phones[1].asked_for.contains(&new));
    assert_eq!(shown(&mut world, 0, 1), Some(7), "the last one that she was told");
    world.call(1, call::ContactRemove { contact }).unwrap();
    assert_eq!(files(&world, 1), 1, "the own one");
}

#[test]
fn a_hostile_profile_costs_nothing() {
    let mut world = World::befriended(6);
    let named = |picture| {
        Content::Profile(ProfileUpdate { home: [1; 8], name: Name::new("Alice").unwrap(), picture: Some(picture) })
    };
    let large = FilePointer::new([1; 32], 32_569, [2; 32]).unwrap();
    forged(&mut world, 0, named(large.clone()));
    world.run(HOUR);
    assert!(!world.phones[1].asked_for.contains(&topic(&large)));
    // A new pointer to nothing every minute: one at a time is looked for.
    for n in 0..60 {
        forged(&mut world, 0, named(FilePointer::new([n; 32], 30_000, [2; 32]).unwrap()));
        world.run(MINUTE);
    }
    let rows = world.phones[1].read(|reader| reader.tables().files.next(FileState::Coming, 200).unwrap().len());
    assert!(rows <= 1, "{rows}");
    assert_eq!(files(&world, 1), 0);
}

#[test]
fn nobody_can_make_a_phone_publish_its_picture_over_and_over() {
    let mut world = World::befriended(7);
    set(&mut world, 0, 10);
    world.run(7 * HOUR);
    let place = place(&world, 0);
    let topic = topic(&pointer(&world, 0));
    let before = world.stored(&topic).len();
    for _ in 0..20 {
        // All contacts share the answers, so one of them cannot waste them.
        forged(&mut world, 1, Content::FileWant(FileWant { message: place, file: 1, missing: vec![1] }));
        world.run(2 * MINUTE);
    }
    let parts = world.stored(&topic).len() - before;
    assert_eq!(parts, 2 * 5, "two answers a day, each with all data and the manifest");
}

#[test]
fn a_picture_is_no_file_of_a_conversation() {
    let mut world = World::befriended(8);
    set(&mut world, 0, 11);
    let own = id(&world, 0);
    world.call(0, call::FileCancel { file: own.clone() }).unwrap();
    world.run(7 * HOUR);
    assert_eq!(shown(&mut world, 1, 0), Some(11), "its upload cannot be cancelled");
    for who in [0, 1] {
        let conversation = world.conversation(who).to_bytes().unwrap();
        world.phones[who].read(|reader| {
            assert!(reader.files_page(&conversation, None, None, 10).unwrap().is_empty());
            assert!(reader.stored().unwrap().is_empty());
        });
        world.call(who, call::StorageFree { conversation: None, before_s: i64::MAX }).unwrap();
        assert_eq!(shown(&mut world, who, 0), Some(11));
        let conversation = world.conversation(who);
        world.call(who, call::ConversationDelete { conversation }).unwrap();
        assert_eq!(shown(&mut world, who, 0), Some(11));
    }
}

#[test]
fn a_kill_at_any_effect_loses_no_picture() {
    for n in 0..24 {
        let mut world = World::befriended(9);
        world.kill_after((n % 2) as usize, n / 2);
        let picture = world.prepare(0, &Picked::of(bytes(12))).unwrap().imported;
        let done = world.try_call(0, call::AvatarSet { picture: Some(picture) });
        for _ in 0..8 {
            world.run(HOUR);
            for who in [0, 1] {
                if !world.phones[who].is_up() {
                    world.start(who);
                }
            }
        }
        world.run(30 * SECOND);
        let own = shown(&mut world, 0, 0);
        assert!(own == Some(12) || (own.is_none() && done.is_none()), "{n}");
        assert_eq!(shown(&mut world, 1, 0), own, "{n}");
        assert_eq!((files(&world, 0), files(&world, 1)), (own.iter().count(), own.iter().count()), "{n}");
    }
}
