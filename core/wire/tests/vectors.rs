//! The frozen vectors of `vectors/`, made by a second implementation (`make.py` beside them), against encoder and
//! decoder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sotto_crypto::{FileKey, Random, Tag, blob_open, blob_random, blob_seal, blob_tag, blob_topic, preview_topic};
use sotto_wire::content::{
    Content, Edit, File, FileGone, FileKind, FileWant, GroupAnswer, GroupInvite, GroupWelcome, Hello, Inner, Kind,
    Mention, Message, OldKey, Pin, Poll, Post, Preview, ProfileUpdate, Range, Reaction, Receipt, Relay, Relayed,
    Remote, Reply, Request, ResetPair, SeqTracker, Vote, conversation_id, message_id, prefix,
};
use sotto_wire::envelope::{self, Class, Envelope, Form, pad, room, unpad};
use sotto_wire::file::{
    FilePointer, HUGE_CHUNK, Hasher, LARGE_CHUNK, LARGE_UP_TO, Layout, MAX_FILE, MAX_LONG, Manifest, POINTER_LEN, Part,
};
use sotto_wire::group::{Leaf, Seed};
use sotto_wire::identity::{
    self, BUNDLE_LEN, Bundle, CLOSED_LEN, Closed, DeviceList, DeviceRecord, MAX_LIST_LEN, Profile, RECORD_LEN,
    secret_hash,
};
use sotto_wire::invite::{Invite, LINK_PREFIX};
use sotto_wire::name::Name;
use sotto_wire::topic::{ContentTopic, Lane, bucket_of, content_topic};
use sotto_wire::waku::{self, Message as _};

const FILES: [(&str, &[&str]); 9] = [
    ("blob", &["bad", "file_key", "good"]),
    ("content", &["bodies", "conversation", "device", "inners", "me", "message", "other", "receipt"]),
    ("envelope", &["envelopes", "pads", "rooms"]),
    ("file", &["bad", "file_key", "good", "layouts", "preview", "preview_topic", "topic"]),
    (
        "group", // read by tests/group.rs
        &[
            "bad_entries",
            "bad_handovers",
            "bad_inners",
            "bad_leaves",
            "bad_masked",
            "bad_parts",
            "entries",
            "genesis",
            "handover",
            "inner",
            "item_counts",
            "leaves",
            "masked_entry",
            "parts",
            "rooms",
            "root",
            "stuck",
            "whisper",
        ],
    ),
    (
        "identity",
        &["bundle", "chat", "closed", "lists", "not_after_s", "profiles", "record", "secret", "secret_hash", "version"],
    ),
    ("invite", &["bad", "chat", "cluster", "expiry_s", "good", "secret"]),
    ("topic", &["blobs", "buckets", "refused"]),
    (
        "waku",
        &["autoshard", "content_topic", "encodings", "frames", "hashes", "pubsub_topic", "request_id", "timestamp"],
    ),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn file(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let entries = value[key].as_array().unwrap();
    assert!(!entries.is_empty(), "{key} is empty");
    entries
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key}"))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no number {key}"))
}

fn small(value: &Value, key: &str) -> u32 {
    number(value, key).try_into().unwrap()
}

fn size(value: &Value, key: &str) -> usize {
    number(value, key).try_into().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    unhex(text(value, key))
}

fn array<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    bytes(value, key).try_into().unwrap()
}

/// Counting bytes, as the Python side makes them.
fn seq<const N: usize>(first: u8) -> [u8; N] {
    let mut next = first;
    [(); N].map(|()| {
        let byte = next;
        next = next.wrapping_add(1);
        byte
    })
}

fn sha(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// A file or a part of one that no test below reads would freeze nothing.
#[test]
fn every_part_of_every_file_is_read() {
    let mut found: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, FILES.map(|(name, _)| name));
    for (name, keys) in FILES {
        let value = file(name);
        let mut found: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, keys, "{name}.json");
    }
}

#[test]
fn envelopes_rooms_and_padding() {
    let v = file("envelope");
    let rooms = [
        ("text", Class::Small, Form::Ratchet, envelope::TEXT_ROOM),
        ("medium", Class::Medium, Form::Ratchet, envelope::MEDIUM_ROOM),
        ("handshake", Class::Medium, Form::Handshake, envelope::HANDSHAKE_ROOM),
        ("card", Class::Medium, Form::Sealed, envelope::CARD_ROOM),
        ("large_chunk", Class::Large, Form::Sealed, LARGE_CHUNK),
        ("huge_chunk", Class::Huge, Form::Sealed, HUGE_CHUNK),
    ];
    assert_eq!(v["rooms"].as_object().unwrap().len(), rooms.len());
    for (name, class, form, constant) in rooms {
        assert_eq!(size(&v["rooms"], name), constant, "{name}");
        assert_eq!(room(class, form), constant, "{name}");
    }

    let cases = list(&v, "envelopes");
    let sizes: Vec<usize> = cases.iter().map(|case| size(case, "size")).collect();
    assert_eq!(sizes, Class::ALL.map(Class::size));
    for case in cases {
        let len = size(case, "size");
        let body: Vec<u8> = (0..len - envelope::HEAD_LEN).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let made = Envelope { tag: array(case, "tag"), random: array(case, "random"), body: &body };
        let payload = made.encode().unwrap();
        assert_eq!(payload.len(), len);
        assert_eq!(envelope::payload_hash(&payload), array(case, "sha256"));
        assert_eq!(Envelope::decode(&payload), Ok(made));
        assert_eq!(made.class().map(Class::size), Some(len));
    }

    for case in list(&v, "pads") {
        let (plain, padded) = (bytes(case, "plain"), bytes(case, "padded"));
        assert_eq!(pad(&plain, size(case, "room")).unwrap(), padded);
        assert_eq!(unpad(&padded).unwrap(), plain);
    }
}

#[test]
fn topics() {
    let v = file("topic");
    for case in list(&v, "buckets") {
        let lane = match text(case, "lane") {
            "h" => Lane::Home,
            "g" => Lane::Group,
            "c" => Lane::Card,
            "p" => Lane::Public,
            other => panic!("lane {other}"),
        };
        let log2_n = u8::try_from(number(case, "log2_n")).unwrap();
        let value: [u8; 8] = array(case, "value");
        let topic = content_topic(lane, log2_n, &value);
        let bucket = bucket_of(&value, log2_n);
        assert_eq!(topic, ContentTopic::Bucket { lane, log2_n, bucket });
        assert_eq!(topic.to_string(), text(case, "topic"));
        assert_eq!(text(case, "topic").parse(), Ok(topic));
    }
    for case in list(&v, "blobs") {
        let topic = ContentTopic::Blob(array(case, "id"));
        assert_eq!(topic.to_string(), text(case, "topic"));
        assert_eq!(text(case, "topic").parse(), Ok(topic));
    }
    for refused in list(&v, "refused") {
        let topic = refused.as_str().unwrap();
        assert!(topic.parse::<ContentTopic>().is_err(), "{topic}");
    }
}

fn record(i: u8, version: u64, not_after_s: u64) -> DeviceRecord {
    DeviceRecord {
        list_version: version,
        not_after_s,
        device_id: seq(0x10 * i),
        identity: seq(0x20 + i),
        signing: seq(0x60 + i),
        suites: 1,
        reserved: [0; 21],
        signature: seq(i),
    }
}

#[test]
fn records_and_lists() {
    let v = file("identity");
    let chat = array(&v, "chat");
    let (version, not_after_s) = (number(&v, "version"), number(&v, "not_after_s"));
    let hash = secret_hash(&array(&v, "secret"));
    assert_eq!(hash, array(&v, "secret_hash"));
    assert_eq!(not_after_s - version, identity::MAX_VALIDITY_S, "the dates are honest ones");

    let want = record(0, version, not_after_s);
    let encoded = bytes(&v["record"], "bytes");
    assert_eq!(encoded.len(), RECORD_LEN);
    assert_eq!(want.encode().as_slice(), encoded);
    assert_eq!(DeviceRecord::decode(&encoded), Ok(want));
    assert_eq!(want.signed_bytes(&chat), bytes(&v["record"], "signed"));

    for case in list(&v, "lists") {
        let count = u8::try_from(number(case, "count")).unwrap();
        let want = DeviceList {
            chat,
            version,
            not_after_s,
            records: (0..count).map(|i| record(i, version, not_after_s)).collect(),
            signature: seq(7),
        };
        let encoded = bytes(case, "bytes");
        assert_eq!(encoded.len(), 114 + usize::from(count) * RECORD_LEN);
        assert!(encoded.len() <= MAX_LIST_LEN && encoded.len() <= envelope::CARD_ROOM);
        assert_eq!(want.encode().unwrap(), encoded);
        assert_eq!(want.signed_bytes(&hash), bytes(case, "signed"));
        assert_eq!(DeviceList::decode(&encoded), Ok(want));
    }
}

#[test]
fn bundles_profiles_and_closed() {
    let v = file("identity");
    let chat = array(&v, "chat");
    let (version, not_after_s) = (number(&v, "version"), number(&v, "not_after_s"));
    let hash = array(&v, "secret_hash");

    let want = Bundle {
        list_version: version,
        not_after_s,
        suites: 1,
        prekey_id: seq(0x30),
        x25519: seq(0x50),
        kem: Box::new(seq(0)),
        signature: seq(9),
    };
    let encoded = bytes(&v["bundle"], "bytes");
    assert_eq!(encoded.len(), BUNDLE_LEN);
    assert_eq!(want.encode(), encoded);
    assert_eq!(want.signed_bytes(&chat, &array(&v["bundle"], "device"), &hash), bytes(&v["bundle"], "signed"));
    assert_eq!(Bundle::decode(&encoded), Ok(want));

    let mut pictures = 0;
    for case in list(&v, "profiles") {
        let encoded = bytes(case, "bytes");
        let name = text(case, "name");
        // 25 bytes and the name, then the picture's length.
        let picture = match encoded[25 + name.len()] {
            0 => None,
            _ => Some(place(70_000, 2)),
        };
        pictures += usize::from(picture.is_some());
        let want = Profile {
            version,
            not_after_s,
            home: seq(0xe0),
            name: Name::new(name).unwrap(),
            picture,
            signature: seq(11),
        };
        assert_eq!(want.encode(), encoded);
        assert_eq!(want.signed_bytes(&chat, &hash), bytes(case, "signed"));
        assert_eq!(Profile::decode(&encoded), Ok(want));
    }
    assert_eq!(pictures, 1);

    let want = Closed { version, not_after_s, signature: seq(13) };
    let encoded = bytes(&v["closed"], "bytes");
    assert_eq!(encoded.len(), CLOSED_LEN);
    assert_eq!(want.encode(), encoded);
    assert_eq!(want.signed_bytes(&chat, &hash), bytes(&v["closed"], "signed"));
    assert_eq!(Closed::decode(&encoded), Ok(want));
}

/// The pointer that `make.py` puts into profiles and contents: its hash is of nothing.
fn pointer(size: u64, chunks: u32) -> FilePointer {
    let mut raw = seq::<32>(0x40).to_vec();
    raw.extend(size.to_be_bytes());
    raw.extend(chunks.to_be_bytes());
    raw.extend(seq::<32>(0xc0));
    assert_eq!(raw.len(), POINTER_LEN);
    FilePointer::decode_bare(&raw).unwrap()
}

#[test]
fn invites() {
    let v = file("invite");
    for case in list(&v, "good") {
        let link = text(case, "link");
        let want = Invite {
            cluster: u16::try_from(number(&v, "cluster")).unwrap(),
            expiry_s: small(&v, "expiry_s"),
            chat: array(&v, "chat"),
            secret: array(&v, "secret"),
            name: case["name"].as_str().map(|name| Name::new(name).unwrap()),
            nodes: list_of_texts(&case["nodes"]),
        };
        assert!(Invite::from_link(link) == Ok(want.clone()), "{link}");
        let fragment = link.strip_prefix(LINK_PREFIX).unwrap();
        assert!(Invite::from_link(fragment) == Ok(want.clone()));
        assert!(Invite::decode(&want.encode().unwrap()) == Ok(want.clone()));
        if case["skips"].is_null() {
            assert_eq!(want.to_link().unwrap(), link);
        } else {
            assert_ne!(want.to_link().unwrap(), link, "what was skipped is gone");
        }
    }
    for case in list(&v, "bad") {
        let link = text(case, "link");
        let error = Invite::from_link(link).unwrap_err();
        assert_eq!(format!("{error:?}"), text(case, "error"), "{link}");
    }
}

fn list_of_texts(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn messages_and_their_ids() {
    let v = file("content");
    let (me, other) = (array(&v, "me"), array(&v, "other"));
    let conversation = conversation_id(&me, &other);
    assert_eq!(conversation, array(&v, "conversation"));
    assert_eq!(conversation, conversation_id(&other, &me));

    let m = &v["message"];
    let encoded = bytes(m, "bytes");
    let want = Message {
        random: array(m, "random"),
        lamport: number(m, "lamport"),
        time_s: number(m, "time_s"),
        parents: bytes(m, "parents").as_chunks::<8>().0.to_vec(),
        kind: Kind::from_code(small(m, "kind")).unwrap(),
        body: bytes(m, "body"),
    };
    assert_eq!(want.parents.len(), 3);
    assert_eq!(want.encode().unwrap(), encoded);
    assert_eq!(Message::decode(&encoded), Ok(want));
    let id = message_id(&conversation, &me, &array(&v, "device"), &encoded);
    assert_eq!(id, array(m, "id"));
    assert_eq!(prefix(&id), id[..8]);
}

fn place(size: u64, chunks: u32) -> FilePointer {
    FilePointer::decode(&pointer(size, chunks).encode()).unwrap()
}

fn post() -> Post {
    Post {
        text: "Hi Bob, see https://a.b".to_owned(),
        reply: Some(Reply { id: seq(0x33), excerpt: "what I said".to_owned() }),
        mentions: vec![Mention { offset: 3, length: 3, chat: array(&file("content"), "me") }],
        preview: Some(Preview {
            url: "https://a.b".to_owned(),
            title: "A page".to_owned(),
            text: "about".to_owned(),
            picture: Some(place(70_000, 2)),
        }),
        files: vec![File {
            pointer: place(300_000, 5),
            kind: FileKind::Image,
            name: "a.jpg".to_owned(),
            mime: "image/jpeg".to_owned(),
            width: 640,
            height: 480,
            duration_ms: 9,
            waveform: seq::<40>(1).to_vec(),
            placeholder: seq::<25>(2).to_vec(),
            preview_size: 4000,
            on_group_lane: true,
            until_s: 1_800_000_000,
        }],
        forwarded: true,
        expire_s: 3600,
        pack: "foxes".to_owned(),
        silent: true,
    }
}

fn content(name: &str) -> Option<Content> {
    let me = Name::new("Zoë 🦊").unwrap();
    let home = seq(0xe0);
    Some(match name {
        "Text" => Content::Text("Grüße 👋".to_owned()),
        "Request" => Content::Request(Request { home, name: me, text: "hello".to_owned() }),
        "Hello" => Content::Hello(Box::new(Hello {
            home,
            contacts_secret: seq(0xa0),
            reset: ResetPair { id: seq(0x30), x25519: seq(0x50), kem: Box::new(seq(0)) },
            list_version: 1_800_000_000,
            name: me,
            picture: None,
        })),
        "Profile" => Content::Profile(ProfileUpdate { home, name: me, picture: Some(place(70_000, 2)) }),
        "Typing" => Content::Typing,
        "Pointer" => Content::Pointer(Remote { kind: Kind::Text, pointer: pointer(300_000, 5) }),
        "List" => {
            let v = file("identity");
            let first = bytes(&v["lists"][0], "bytes");
            Content::List(Box::new(DeviceList::decode(&first).unwrap()))
        }
        "Want" => Content::Want(vec![seq(0), seq(8)]),
        "Gone" => Content::Gone(vec![seq(8)]),
        "Read" => Content::Read(seq(0x33)),
        "Post" => Content::Post(Box::new(post())),
        "Edit" => Content::Edit(Box::new(Edit {
            target: seq(0x33),
            text: "Grüße an Bob".to_owned(),
            mentions: vec![Mention { offset: 11, length: 3, chat: [0; 33] }],
        })),
        "Delete" => Content::Delete(vec![seq(0x33), seq(0x53)]),
        "Reaction" => Content::Reaction(Reaction { target: seq(0x33), emoji: "👍".to_owned(), on: true }),
        "Pin" => Content::Pin(Pin { target: seq(0x33), on: true }),
        "Timer" => Content::Timer(86_400),
        "Poll" => Content::Poll(Box::new(Poll {
            question: "Soup?".to_owned(),
            choices: vec!["yes".to_owned(), "no".to_owned()],
            multiple: true,
            end_s: 1_800_000_000,
            expire_s: 60,
        })),
        "Vote" => Content::Vote(Vote { target: seq(0x33), choices: vec![0, 1] }),
        "GroupInvite" | "GroupAnswer" | "GroupWelcome" | "OldKey" | "Need" | "LogWant" | "Relay" | "GroupGone" => {
            return group_content(name);
        }
        "FileWant" => Content::FileWant(FileWant { message: seq(0x33), file: 1, missing: vec![5, 0x80] }),
        "FileGone" => Content::FileGone(FileGone { message: seq(0x33), file: 9 }),
        "Unknown" => Content::Unknown,
        _ => return None,
    })
}

fn group_content(name: &str) -> Option<Content> {
    let range = |i: u8| Range { epoch: seq(0x21 + i), leaf: seq(0x31 + i), first: i.into(), last: (2 * i).into() };
    let seed = |i: u8| Seed { epoch: seq(0x21 + i), leaf: seq(0x31 + i), seed: seq(0x61 + i) };
    Some(match name {
        "GroupInvite" => Content::GroupInvite(Box::new(GroupInvite {
            group: seq(0x41),
            name: "Füchse 🦊".to_owned(),
            members: 12,
            picture: Some(place(70_000, 2)),
        })),
        "GroupAnswer" => {
            let ek = Box::new(seq(0));
            let v = file("group");
            let mut leaf = Leaf::decode(&bytes(&v["leaves"][0], "bytes")).unwrap();
            leaf.kem_hash = sha(ek.as_slice());
            Content::GroupAnswer(Box::new(GroupAnswer { group: seq(0x41), joins: Some((leaf, ek)) }))
        }
        "GroupWelcome" => Content::GroupWelcome(Box::new(GroupWelcome {
            group: seq(0x41),
            root: seq(0x11),
            mask: seq(0x81),
            bucket: seq(0x91),
            leaf: seq(0x31),
            k: 3,
            pair_key: seq(0xa1),
            seeds: vec![seed(0), seed(1)],
            heads: vec![seq(0xb1), seq(0xd1)],
            pointer: pointer(300_000, 5),
        })),
        "OldKey" => Content::OldKey(OldKey { epoch: seq(0x21), key: seq(0x41) }),
        "Need" => Content::Need(vec![range(0), range(1)]),
        "LogWant" => Content::LogWant(vec![seq(0x20), seq(0x30)]),
        "Relay" => Content::Relay(Box::new(Relay {
            epoch: seq(0x21),
            leaf: seq(0x31),
            n: 7,
            run: seq(0x51),
            what: Relayed::Whole { signature: seq(0x77), opening: seq::<128>(0x61).to_vec(), inner: b"inner".to_vec() },
        })),
        "GroupGone" => Content::GroupGone(vec![range(2)]),
        _ => return None,
    })
}

#[test]
fn bodies_of_every_kind() {
    let v = file("content");
    let mut known = Vec::new();
    for case in list(&v, "bodies") {
        let name = text(case, "content");
        let kind = Kind::from_code(small(case, "kind")).unwrap();
        let (body, encoded) = (bytes(case, "body"), bytes(case, "message"));
        let want = content(name).unwrap_or_else(|| panic!("no content {name}"));
        assert_eq!(kind.code(), small(case, "kind"));
        assert!(Content::decode(kind, &body) == Ok(want.clone()), "{name}");
        if want == Content::Unknown {
            assert!(matches!(kind, Kind::Unknown(_)));
            assert!(want.encode().is_err(), "nobody writes what he cannot read");
        } else {
            known.push(kind.code());
            assert_eq!(want.encode(), Ok((kind, body.clone())), "{name}");
        }
        let message = Message { random: seq(0x70), lamport: 5, time_s: 1_800_000_000, parents: Vec::new(), kind, body };
        assert_eq!(message.encode().unwrap(), encoded, "{name}");
        let decoded = Message::decode(&encoded).unwrap();
        assert_eq!(decoded, message, "{name}");
        assert!(decoded.content() == Ok(want), "{name}");
    }
    // Each known kind once, in order.
    let all: Vec<u32> = (1..1000).filter(|&code| !matches!(Kind::from_code(code), Some(Kind::Unknown(_)))).collect();
    assert_eq!(known, all);
}

#[test]
fn receipts_and_inners() {
    let v = file("content");
    let r = &v["receipt"];
    let session = array(r, "session");
    let contiguous = small(r, "contiguous");
    let above: Vec<u32> = serde_json::from_value(r["above"].clone()).unwrap();
    let want = Receipt::new(session, contiguous, above.iter().copied());
    let encoded = bytes(r, "bytes");
    assert_eq!(want.encode(), encoded);
    assert_eq!(Receipt::decode(&encoded), Ok(want.clone()));
    assert_eq!(want.session(), session);
    for seq in 0..contiguous + 200 {
        let had = (1..=contiguous).contains(&seq) || above.contains(&seq);
        assert_eq!(want.covers(seq), had, "{seq}");
    }
    let mut tracker = SeqTracker::new();
    for seq in (1..=contiguous).chain(above.iter().copied()) {
        tracker.record(seq, 1);
    }
    assert_eq!(tracker.receipt(session), want);

    for case in list(&v, "inners") {
        let receipts = list_of_texts(&case["receipts"]);
        let want = Inner {
            seq: small(case, "seq"),
            floor: small(case, "floor"),
            receipts: receipts.iter().map(|hex| Receipt::decode(&unhex(hex)).unwrap()).collect(),
            message: bytes(case, "message"),
        };
        let encoded = bytes(case, "bytes");
        assert_eq!(want.encode().unwrap(), encoded);
        assert_eq!(Inner::decode(&encoded), Ok(want));
    }
}

#[test]
fn bodies() {
    let v = file("blob");
    let file_key = array(&v, "file_key");
    let mut sizes = Vec::new();
    for case in list(&v, "good") {
        let len = size(case, "size");
        sizes.push(len);
        let plain: Vec<u8> = (0..len).map(|i| (i * 7 % 256) as u8).collect();
        let made = FilePointer::bare(file_key, &plain).unwrap();
        let encoded = bytes(case, "pointer");
        assert_eq!(made.encode().as_slice(), encoded, "{len}");
        let read = FilePointer::decode_bare(&encoded).unwrap();
        assert!(read == made, "{len}");
        assert_eq!(read.size(), len as u64);
        assert_eq!((read.key(), read.root()), (&file_key, &sha(&plain)));
        let layout = read.layout();
        assert_eq!(layout.class(Part::Data(0)).map(Class::size), Some(size(case, "class")));
        assert_eq!((layout.data_chunks(), layout.parity_chunks()), (small(case, "chunks"), 0));
        let parts = (0..layout.data_chunks()).map(Part::Data);
        assert!(layout.parts(false).eq(parts.clone()), "no manifest");
        assert!(parts.map(|part| layout.part_len(part)).eq(plain.chunks(layout.chunk_len()).map(|c| Some(c.len()))));
    }
    for edge in [1, LARGE_CHUNK, LARGE_UP_TO, LARGE_UP_TO + 1, HUGE_CHUNK, MAX_LONG] {
        assert!(sizes.contains(&edge), "{edge} is an edge");
    }
    for case in list(&v, "bad") {
        let error = FilePointer::decode_bare(&bytes(case, "pointer")).unwrap_err();
        assert_eq!(format!("{error:?}"), text(case, "error"));
    }
}

/// The bytes of a file, as the Python side makes them.
fn noise(len: usize) -> Vec<u8> {
    (0u32..).flat_map(|i| sha(&i.to_be_bytes())).take(len).collect()
}

/// F12: everything that a file is on the network follows from its bytes and its key.
#[test]
fn files() {
    let v = file("file");
    let key = FileKey::new(&array(&v, "file_key"));
    assert_eq!(blob_topic(&key), array(&v, "topic"));
    assert_eq!(preview_topic(&key), array(&v, "preview_topic"));
    let preview: Vec<u8> = (0..4000).map(|i| (i % 256) as u8).collect();
    for case in list(&v, "good") {
        let len = size(case, "size");
        let plain = noise(len);
        let layout = Layout::new(len as u64).unwrap();
        assert_eq!((layout.data_chunks(), layout.parity_chunks()), (small(case, "data"), small(case, "parity")));
        let mut chunks: Vec<Vec<u8>> = plain.chunks(layout.chunk_len()).map(<[u8]>::to_vec).collect();
        let filled = chunks.iter().map(|chunk| [&chunk[..], &vec![0; layout.chunk_len() - chunk.len()]].concat());
        let parity = layout.parity(filled).unwrap();
        chunks.extend(parity);
        let hashes = list_of_texts(&case["chunks"]);
        assert!(chunks.iter().map(|chunk| sha(chunk).to_vec()).eq(hashes.iter().map(|hash| unhex(hash))), "{len}");

        let mut manifest = Manifest::default();
        chunks.iter().for_each(|chunk| manifest.push(chunk));
        let mut hasher = Hasher::default();
        hasher.update(&plain);
        assert_eq!(hasher.finish(), sha(&plain));
        let pointer = FilePointer::new(*key.as_bytes(), len as u64, manifest.root()).unwrap();
        assert_eq!(pointer.encode().to_vec(), bytes(case, "pointer"));
        assert!(FilePointer::decode(&bytes(case, "pointer")) == Ok(pointer.clone()));
        assert_eq!(manifest.encode(), bytes(case, "manifest"));
        assert!(Manifest::decode(&bytes(case, "manifest"), &pointer) == Ok(manifest.clone()));

        let order: Vec<u32> = layout.parts(true).map(Part::index).collect();
        assert_eq!(order, serde_json::from_value::<Vec<u32>>(case["order"].clone()).unwrap());
        for envelope in list(case, "envelopes") {
            let index = small(envelope, "index");
            let part = Part::from_index(index);
            let plain = match (layout.slot(part), part) {
                (Some(slot), _) => chunks[slot as usize].clone(),
                (None, Part::Preview) => preview.clone(),
                (None, _) => manifest.encode(),
            };
            assert_eq!(plain.len(), size(envelope, "plain"));
            assert_eq!(plain.len(), layout.part_len(part).unwrap_or(preview.len()));
            let class = layout.class(part).unwrap();
            assert_eq!(class.size(), size(envelope, "class"));
            let (tag, random) = (blob_tag(&key, index), blob_random(&key, index));
            assert_eq!((tag, random), (Tag(array(envelope, "tag")), Random(array(envelope, "random"))));
            let body = blob_seal(&key, index, &random, &pad(&plain, room(class, Form::Sealed)).unwrap());
            let payload = Envelope { tag: tag.0, random: random.0, body: &body }.encode().unwrap();
            assert_eq!(sha(&payload), array(envelope, "sha256"), "{part:?} of {len}");
            let read = Envelope::decode(&payload).unwrap();
            let opened = blob_open(&key, index, &Random(read.random), read.body).unwrap();
            assert!(unpad(&opened).unwrap() == plain);
        }
    }
}

/// F19 among them: a pointer whose number of chunks is not the one of its size.
#[test]
fn file_layouts_and_refused_pointers() {
    let v = file("file");
    let mut sizes = Vec::new();
    for case in list(&v, "layouts") {
        let layout = Layout::new(number(case, "size")).unwrap();
        sizes.push(size(case, "size"));
        assert_eq!(layout.chunk_len(), size(case, "chunk"));
        assert_eq!((layout.data_chunks(), layout.parity_chunks()), (small(case, "data"), small(case, "parity")));
        assert_eq!(layout.class(Part::Manifest).map_or(0, Class::size), size(case, "manifest"));
        assert_eq!(layout.class(Part::Data(0)).map(Class::size), Some(layout.chunk_len() + 50));
    }
    for edge in [1, LARGE_CHUNK, LARGE_UP_TO, LARGE_UP_TO + 1, HUGE_CHUNK, MAX_FILE as usize] {
        assert!(sizes.contains(&edge), "{edge} is an edge");
    }
    for case in list(&v, "bad") {
        let error = FilePointer::decode(&bytes(case, "pointer")).unwrap_err();
        assert_eq!(format!("{error:?}"), text(case, "error"));
    }
}

fn waku_message(v: &Value, payload: Vec<u8>, meta: Option<Vec<u8>>) -> waku::WakuMessage {
    waku::WakuMessage {
        meta,
        ..waku::WakuMessage::new(text(v, "content_topic").to_owned(), payload, text(v, "timestamp").parse().unwrap())
    }
}

/// The hashes are the test vectors of 14/WAKU2-MESSAGE.
#[test]
fn waku_hashes_and_encodings() {
    let v = file("waku");
    let pubsub = text(&v, "pubsub_topic");
    for case in list(&v, "hashes") {
        let meta = case["meta"].as_str().map(unhex);
        let message = waku_message(&v, bytes(case, "payload"), meta);
        assert_eq!(waku::message_hash(pubsub, &message), array(case, "hash"));
    }
    for case in list(&v, "encodings") {
        let encoded = bytes(case, "bytes");
        let plain = waku_message(&v, bytes(&list(&v, "hashes")[0], "payload"), Some(b"super-secret".to_vec()));
        let want = match text(case, "encoder") {
            "minimal" => plain,
            "all fields" => waku::WakuMessage {
                version: Some(0),
                rate_limit_proof: Some(Vec::new()),
                ephemeral: Some(false),
                ..plain
            },
            other => panic!("encoder {other}"),
        };
        assert_eq!(want.encode_to_vec(), encoded);
        assert_eq!(waku::decode::<waku::WakuMessage>(&encoded), Ok(want.clone()));
        assert_eq!(waku::gossip_id(&encoded), array(case, "gossip_id"));
        // Two encodings, two gossip ids, one hash.
        assert_eq!(waku::message_hash(pubsub, &want), array(&list(&v, "hashes")[0], "hash"));
    }
}

#[test]
fn waku_shards() {
    let v = file("waku");
    for case in list(&v, "autoshard") {
        let (app, shards) = (text(case, "app"), u16::try_from(number(case, "shards")).unwrap());
        let want = u16::try_from(number(case, "shard")).unwrap();
        for topic in [format!("/{app}/name/proto"), format!("/0/{app}/other/cbor")] {
            assert_eq!(waku::autoshard(&topic, shards), Ok(want), "{topic}");
        }
    }
}

/// We read the bytes that deployed nodes write, and write the same bytes for them.
#[test]
fn waku_frames() {
    fn both<M: waku::Message + Default + PartialEq + std::fmt::Debug>(want: &M, encoded: &[u8]) {
        assert_eq!(want.encode_to_vec(), encoded);
        assert_eq!(waku::decode::<M>(encoded).as_ref(), Ok(want));
        let framed = waku::encode_framed(want);
        assert_eq!(waku::decode_framed::<M>(&framed, encoded.len()).as_ref(), Ok(want));
    }
    let v = file("waku");
    let id = Some(text(&v, "request_id").to_owned());
    let shard = Some(waku::Shard { cluster: 16, shard: 32 }.to_string());
    let topic = "/t/1/a/proto".to_owned();
    for (name, hex) in v["frames"].as_object().unwrap() {
        let encoded = unhex(hex.as_str().unwrap());
        match name.as_str() {
            "js_filter_subscribe" => both(
                &waku::FilterSubscribeRequest {
                    request_id: id.clone(),
                    filter_subscribe_type: Some(waku::FilterSubscribeType::Subscribe.into()),
                    pubsub_topic: shard.clone(),
                    content_topics: vec![topic.clone()],
                },
                &encoded,
            ),
            "js_store_query" => both(
                &waku::StoreQueryRequest {
                    request_id: id.clone(),
                    include_data: Some(true),
                    pubsub_topic: shard.clone(),
                    content_topics: vec![topic.clone()],
                    ..Default::default()
                },
                &encoded,
            ),
            "js_lightpush_v3" => both(
                &waku::LightPushRequest {
                    request_id: id.clone(),
                    pubsub_topic: shard.clone(),
                    message: Some(waku::WakuMessage {
                        version: Some(0),
                        ephemeral: Some(false),
                        ..waku::WakuMessage::new(
                            topic.clone(),
                            b"hello".to_vec(),
                            text(&v, "timestamp").parse().unwrap(),
                        )
                    }),
                },
                &encoded,
            ),
            "metadata_16_32" => both(&waku::WakuMetadata::new(16, &[32]), &encoded),
            "metadata_js" => {
                let want = waku::WakuMetadata { cluster_id: Some(16), ..Default::default() };
                both(&want, &encoded);
                assert_eq!(want.cluster(), Some(16));
            }
            other => panic!("frame {other}"),
        }
    }
    assert_eq!(v["frames"].as_object().unwrap().len(), 5);
}
