//! The frozen vectors of groups (`vectors/group.json`, made by `make.py`), against encoders and decoders; and what
//! decoders do with any bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Debug;

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sotto_wire::content::{Content, ContentError, GroupAnswer, Kind, Relay, Relayed};
use sotto_wire::envelope::{Class, Form, pad, room};
use sotto_wire::file::FilePointer;
use sotto_wire::group::{
    Ack, Add, Body, ChainRow, Entry, EpochRows, Genesis, GroupError, GroupInner, Handover, Intro, Item, Items, Last,
    Leaf, MAX_ENTRY, MAX_GROUP_INNER, MEMBER, Masked, NewLeaf, Part, PartHead, Policy, Proof, Remove, Seed, Setting,
    Signer, Stuck, Unleaf, Whisper, WhisperHead, Who, entry_prefix, epoch_prefix, group_room, item_counts, leaf_id,
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/group.json")).unwrap()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    text.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn array<const N: usize>(text: &Value) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap().try_into().unwrap()
}

fn list(value: &Value) -> &[Value] {
    let all = value.as_array().unwrap();
    assert!(!all.is_empty());
    all
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

fn refused<T>(cases: &Value, decode: impl Fn(&[u8]) -> Result<T, GroupError>) {
    for (i, case) in list(cases).iter().enumerate() {
        let error = decode(&unhex(&case["bytes"])).err().unwrap_or_else(|| panic!("case {i} decodes"));
        assert_eq!(format!("{error:?}"), case["error"].as_str().unwrap(), "case {i}");
    }
}

fn leaf(first: u8, delegated: bool) -> Leaf {
    let mut leaf = Leaf::decode(&unhex(&vectors()["leaves"][usize::from(delegated)]["bytes"])).unwrap();
    let keys = [&mut leaf.signing, &mut leaf.authority, &mut leaf.exchange, &mut leaf.kem_hash];
    keys.into_iter().zip([0, 0x20, 0x40, 0x60]).for_each(|(key, at)| *key = seq(first + at));
    leaf
}

#[test]
fn leaves_and_their_ids() {
    let v = vectors();
    let root = array(&v["root"]);
    for case in list(&v["leaves"]) {
        let bytes = unhex(&case["bytes"]);
        let delegated = case["delegated"].as_bool().unwrap();
        let leaf = Leaf::decode(&bytes).unwrap();
        assert_eq!(bytes.len(), if delegated { 474 } else { 346 });
        assert_eq!(leaf.chat, bytes[..33]);
        assert_eq!(leaf.record.encode(), bytes[33..218]);
        assert_eq!(leaf.delegation.as_ref().map(|d| **d), delegated.then(|| seq(0x55)));
        assert_eq!((leaf.signing, leaf.authority), (seq(0x10), seq(0x30)));
        assert_eq!((leaf.exchange, leaf.kem_hash), (seq(0x50), seq(0x70)));
        assert_eq!(leaf.encode().unwrap(), bytes);
        assert_eq!(leaf_id(&root, &bytes), array(&case["id"]));
        let mut wrong = leaf;
        wrong.record.reserved[0] ^= 1;
        assert_eq!(wrong.encode(), Err(GroupError::Field), "the record announces the delegation");
    }
    refused(&v["bad_leaves"], Leaf::decode);
}

fn entry(body: Body, seat: u32) -> Entry {
    Entry {
        author: seq(0x31),
        signer: Signer::Leaf,
        seat,
        depth: 3,
        time_s: 1_800_000_000,
        own: [0; 16],
        parents: vec![seq(0x40)],
        body,
        signature: seq(0x77),
    }
}

fn last(leaf: u8) -> Last {
    Last { leaf: seq(leaf), epoch: seq(1), n: 9 }
}

fn setting(name: &str) -> Option<Setting> {
    let pointer = FilePointer::new(seq(0x40), 70_000, seq(0xc0)).unwrap();
    Some(match name {
        "Name" => Setting::Name("Füchse".to_owned()),
        "Picture" => Setting::Picture(Some(pointer)),
        "NoPicture" => Setting::Picture(None),
        "Timer" => Setting::Timer(86_400),
        "Text" => Setting::Text("About foxes".to_owned()),
        "Adds" => Setting::Adds(Who::Members),
        "Sets" => Setting::Sets(Who::Admins),
        "Writes" => Setting::Writes(Who::Members),
        "Link" => Setting::Link(seq(0x61), true),
        "History" => Setting::History(true),
        "UnknownField" => Setting::Unknown(44, b"later".to_vec()),
        _ => return None,
    })
}

fn made(name: &str) -> Entry {
    let deputy = Signer::Deputy { key: seq(0x99), signature: seq(0x99 + 32) };
    let (a, b) = (seq(0x20), seq(0x30));
    let plain = |body| entry(body, MEMBER);
    match name {
        "Genesis" => {
            let leaf = leaf(0x10, false);
            let author = leaf_id(&seq(0x11), &leaf.encode().unwrap());
            let policy = Policy { adds: Who::Members, sets: Who::Admins, writes: Who::Members, history: false };
            let genesis = Genesis { root: seq(0x11), leaf, name: "Foxes".to_owned(), policy };
            let begins = entry(Body::Genesis(Box::new(genesis)), 0);
            Entry { author, depth: 0, parents: Vec::new(), ..begins }
        }
        "Add" => {
            let add = Body::Add(Box::new(Add { request: seq(0x61), leaf: leaf(0x18, false) }));
            Entry { own: seq(0xf0), ..entry(add, 5) }
        }
        "Remove" => {
            let remove = Remove { root_leaf: a, ban: true, last: vec![last(0x20), last(0x30)] };
            Entry { parents: vec![seq(0x40), seq(0x50)], ..entry(Body::Remove(remove), 0) }
        }
        "Leave" => plain(Body::Leave),
        "Leaf" => plain(Body::Leaf(Box::new(NewLeaf { leaf: leaf(0x18, false), replaces: None }))),
        "LeafByB" => {
            let new = Body::Leaf(Box::new(NewLeaf { leaf: leaf(0x18, true), replaces: Some(b) }));
            Entry { signer: deputy, ..plain(new) }
        }
        "UnleafByA" => {
            let unleaf = Body::Unleaf(Unleaf { leaves: vec![a, b], last: vec![last(0x20)] });
            Entry { signer: Signer::Authority, ..plain(unleaf) }
        }
        "Unleaf" => entry(Body::Unleaf(Unleaf { leaves: vec![a], last: Vec::new() }), 2),
        "Grant" => entry(Body::Grant(a, 7), 0),
        "Rekey" => plain(Body::Rekey(seq(0x71))),
        "Refuse" => entry(Body::Refuse(seq(0x61)), 1),
        "Close" => entry(Body::Close, 0),
        "DeputyOff" => Entry { signer: Signer::Authority, ..plain(Body::DeputyOff(seq(0x66))) },
        "Unknown" => plain(Body::Unknown(77, b"later\xff".to_vec())),
        _ => entry(Body::Set(setting(name).unwrap_or_else(|| panic!("no entry {name}"))), 1),
    }
}

#[test]
fn entries_of_every_kind() {
    let v = vectors();
    let root = array(&v["root"]);
    let mut kinds = Vec::new();
    for case in list(&v["entries"]) {
        let (name, bytes) = (case["entry"].as_str().unwrap(), unhex(&case["bytes"]));
        let want = made(name);
        assert!(Entry::decode(&bytes) == Ok(want.clone()), "{name}");
        assert_eq!(want.encode().unwrap(), bytes, "{name}");
        assert_eq!(want.signed_bytes(&root).unwrap(), unhex(&case["signed"]), "{name}");
        assert_eq!(want.id(&root).unwrap(), array(&case["id"]), "{name}");
        assert!(want.id(&[0; 32]).unwrap() != array(&case["id"]), "{name}: r is in the id");
        kinds.push(want.body.kind());
    }
    assert!((0..12).all(|kind| kinds.contains(&kind)), "{kinds:?}");
    let genesis = Entry::decode(&unhex(&v["genesis"]["bytes"])).unwrap();
    assert_eq!(genesis.group_id().unwrap(), array(&v["genesis"]["group"]));
    assert_eq!(made("Add").group_id(), Err(GroupError::Field), "no genesis");
    refused(&v["bad_entries"], Entry::decode);
}

#[test]
fn who_would_be_refused_writes_nothing() {
    let id = seq::<32>(7);
    assert_eq!((epoch_prefix(&id).as_slice(), entry_prefix(&id).as_slice()), (&id[..8], &id[..16]));
    let wrong = [
        (entry(Body::Grant(seq(1), 3), 3), GroupError::Field),
        (entry(Body::Set(Setting::Timer(1)), 0), GroupError::Field),
        (entry(Body::Set(Setting::Name("x".repeat(61))), 0), GroupError::TooLong),
        (entry(Body::Unknown(3, Vec::new()), 0), GroupError::Field),
        (Entry { parents: vec![seq(2), seq(1)], ..entry(Body::Leave, 0) }, GroupError::Order),
        (entry(Body::Unknown(12, vec![0; 2049]), 0), GroupError::TooLong),
    ];
    for (entry, error) in wrong {
        assert_eq!(entry.encode(), Err(error));
        assert_eq!(entry.id(&[0; 32]), Err(error));
    }
    let longest = Entry {
        parents: (0..8).map(seq).collect(),
        signer: Signer::Deputy { key: [1; 32], signature: [2; 64] },
        ..entry(Body::Unknown(12, vec![0; 2048]), MEMBER)
    };
    assert_eq!(longest.encode().unwrap().len(), MAX_ENTRY);
}

fn head(intros: bool, count: u16) -> PartHead {
    PartHead { epoch: seq(0x40), issuer: seq(0x31), k: 5, part: 1, parts: 3, key: seq(0x81), intros, count }
}

fn part(intros: bool, count: u16) -> Part {
    let items = (0..count).map(|i| i as u8);
    let items = if intros {
        let intro = |i: u8| Intro {
            leaf: seq(i),
            ciphertext: Box::new(seq(i.wrapping_mul(3))),
            sealed: seq(i.wrapping_mul(5)),
        };
        Items::Intros(items.map(intro).collect())
    } else {
        Items::Tagged(items.map(|i| Item { tag: seq(i), sealed: seq(i.wrapping_mul(2)) }).collect())
    };
    Part { head: head(intros, count), items }
}

#[test]
fn box_parts() {
    let v = vectors();
    for case in list(&v["parts"]) {
        let (intros, count) = (case["form"] == 1, number(&case["count"]));
        let want = part(intros, count.try_into().unwrap());
        let bytes = want.encode().unwrap();
        assert_eq!(want.head.encode().to_vec(), unhex(&case["head"]));
        assert_eq!(Sha256::digest(&bytes).to_vec(), unhex(&case["sha256"]));
        assert!(Masked::decode(&bytes) == Ok(Masked::Part(want.clone())));
        let class = want.head.class().unwrap();
        assert_eq!(class.size(), number(&case["class"]));
        assert!(bytes.len() <= room(class, Form::Sealed), "it fits its envelope");
    }
    refused(&v["bad_parts"], Part::decode);
    assert_eq!(Part { head: head(true, 16), ..part(false, 16) }.encode(), Err(GroupError::Field));
    assert_eq!(Part { head: head(false, 32), ..part(false, 16) }.encode(), Err(GroupError::Field));
}

/// G15: an observer, and a former member, learn the number of leaves in steps of 16.
#[test]
fn boxes_for_17_to_32_leaves_are_the_same_size() {
    for case in list(&vectors()["item_counts"]) {
        let counts: Vec<u16> = serde_json::from_value(case["counts"].clone()).unwrap();
        assert_eq!(item_counts(number(&case["leaves"])), counts);
    }
    for leaves in 17..=32 {
        assert_eq!(item_counts(leaves), [32]);
    }
    let sealed = |count| {
        let part = part(false, count);
        let bytes = part.encode().unwrap();
        pad(&bytes, room(part.head.class().unwrap(), Form::Sealed)).unwrap().len()
    };
    assert_eq!(sealed(16), sealed(32));
    assert_eq!(item_counts(1_400).len(), 11);
    assert!((0..=2_000).all(|leaves| item_counts(leaves).iter().map(|n| usize::from(*n)).sum::<usize>() >= leaves));
}

#[test]
fn whispers_calls_and_entries_behind_the_mask() {
    let v = vectors();
    let head = WhisperHead { issuer: seq(0x31), key: seq(0x81), ciphertext: Box::new(seq(0)), tag: seq(0x91) };
    assert_eq!(head.encode().to_vec(), unhex(&v["whisper"]["head"]));
    let whisper = Masked::Whisper(Whisper { head, sealed: seq::<40>(0).to_vec() });
    let epochs = vec![seq(1), seq(2)];
    let stuck = Stuck { leaf: seq(0x31), exchange: seq(0x81), time_s: 1_800_000_000, epochs, signature: seq(0x77) };
    assert_eq!(stuck.signed_bytes(&array(&v["stuck"]["group"])), unhex(&v["stuck"]["signed"]));
    let new = Body::Leaf(Box::new(NewLeaf { leaf: leaf(0x18, true), replaces: None }));
    let deputy = Signer::Deputy { key: seq(0x99), signature: seq(0x99 + 32) };
    let by_b = Masked::Entry(Box::new(Entry { signer: deputy, ..entry(new, MEMBER) }));
    let all = [
        (whisper, &v["whisper"]["bytes"], Class::Medium),
        (Masked::Stuck(stuck), &v["stuck"]["bytes"], Class::Small),
        (by_b, &v["masked_entry"], Class::Medium),
    ];
    for (want, bytes, class) in all {
        let bytes = unhex(bytes);
        assert!(Masked::decode(&bytes) == Ok(want.clone()));
        assert_eq!(want.encode().unwrap(), bytes);
        assert_eq!(want.class(), Ok(class));
        assert!(bytes.len() <= room(class, Form::Sealed));
    }
    let by_leaf = Masked::Entry(Box::new(entry(Body::Leave, 0)));
    assert_eq!(by_leaf.encode(), Err(GroupError::Field), "who has a leaf writes in its chain");
    refused(&v["bad_masked"], Masked::decode);
}

#[test]
fn what_messages_carry() {
    let v = vectors();
    let ack = Ack { leaf: seq(0x31), n: 7 };
    let want = GroupInner {
        acks: vec![ack, ack],
        heads: vec![seq(0x40), seq(0x50)],
        message: b"M".to_vec(),
        entries: vec![entry(Body::Leave, MEMBER).encode().unwrap(), b"x".to_vec()],
        seeds: vec![Seed { epoch: seq(0x21), leaf: seq(0x31), seed: seq(0x61) }],
        eks: vec![seq(0)],
        proofs: vec![Proof { reader: seq(0x31), proof: seq(0xd1) }],
        flags: 1,
    };
    let bytes = unhex(&v["inner"]);
    assert!(GroupInner::decode(&bytes) == Ok(want.clone()));
    assert_eq!(want.encode().unwrap(), bytes);
    assert!(GroupInner::decode(b"") == Ok(GroupInner::default()), "a digest");
    refused(&v["bad_inners"], GroupInner::decode);
    let long = GroupInner { message: vec![0; MAX_GROUP_INNER], ..GroupInner::default() };
    assert_eq!(long.encode(), Err(GroupError::TooLong));
    for case in list(&v["rooms"]) {
        let class = Class::of_len(number(&case["class"])).unwrap();
        assert_eq!(group_room(class, number(&case["opening"])), number(&case["inner"]));
    }
}

#[test]
fn handovers() {
    let v = vectors();
    let row = |opening| ChainRow { leaf: seq(0x31), n: 7, chain_key: seq(0x61), tag_key: seq(0x81), opening };
    let chains = vec![row(seq::<128>(0x61).to_vec()), row(Vec::new())];
    let entries = vec![b"one".to_vec(), Vec::new()];
    let want = Handover { entries, epochs: vec![EpochRows { epoch: seq(0x40), chains }], eks: vec![seq(3)] };
    let bytes = unhex(&v["handover"]);
    assert!(Handover::decode(&bytes) == Ok(want.clone()));
    assert_eq!(want.encode().unwrap(), bytes);
    refused(&v["bad_handovers"], Handover::decode);
}

#[test]
fn contents_of_groups_with_impossible_values() {
    let decode = |kind: Kind, body: &[u8]| Content::decode(kind, body).err();
    let range = [[1; 24].as_slice(), &5u32.to_be_bytes(), &4u32.to_be_bytes()].concat();
    assert_eq!(decode(Kind::Need, &range), Some(ContentError::Field), "it ends before it begins");
    for kind in [Kind::Need, Kind::GroupGone, Kind::LogWant] {
        assert_eq!(decode(kind, b""), Some(ContentError::Field));
        assert_eq!(decode(kind, &[0; 33]), Some(ContentError::Field));
    }
    assert_eq!(decode(Kind::Need, &[0; 65 * 32]), Some(ContentError::TooLong));
    assert_eq!(decode(Kind::LogWant, &[0; 65 * 16]), Some(ContentError::TooMany));
    assert_eq!(decode(Kind::OldKey, &[0; 39]), Some(ContentError::Field));

    let answer = |joins| Content::GroupAnswer(Box::new(GroupAnswer { group: seq(1), joins })).encode();
    assert!(answer(None).is_ok(), "declined");
    let other = Some((leaf(0x10, false), Box::new([0; 1184])));
    assert_eq!(answer(other), Err(ContentError::Field), "another key than the leaf's");

    let relay =
        |what| Content::Relay(Box::new(Relay { epoch: seq(1), leaf: seq(1), n: 0, run: seq(1), what })).encode();
    let whole = |opening: usize, inner: usize| Relayed::Whole {
        signature: seq(1),
        opening: vec![1; opening],
        inner: vec![2; inner],
    };
    assert!(relay(Relayed::Hash(seq(3))).is_ok());
    assert!(relay(whole(172, 7_700)).is_ok());
    assert_eq!(relay(whole(127, 1)), Err(ContentError::Field));
    assert!(relay(whole(172, MAX_GROUP_INNER)) == Err(ContentError::TooLong), "over the room");
}

/// What decodes is the only encoding of what was read.
fn canonical<T: PartialEq, E: Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, E>,
    encode: impl Fn(&T) -> Result<Vec<u8>, E>,
) {
    if let Ok(value) = decode(bytes) {
        assert_eq!(encode(&value).expect("what was read can be written"), bytes);
    }
}

fn every_decoder(bytes: &[u8]) {
    canonical(bytes, Leaf::decode, Leaf::encode);
    canonical(bytes, Entry::decode, Entry::encode);
    canonical(bytes, Masked::decode, Masked::encode);
    canonical(bytes, Handover::decode, Handover::encode);
    if let Ok(inner) = GroupInner::decode(bytes) {
        assert!(GroupInner::decode(&inner.encode().unwrap()) == Ok(inner));
    }
}

/// Every whole object in the vectors.
fn whole() -> Vec<Vec<u8>> {
    let v = vectors();
    let mut all: Vec<Vec<u8>> = list(&v["entries"]).iter().map(|case| unhex(&case["bytes"])).collect();
    all.extend(list(&v["leaves"]).iter().map(|case| unhex(&case["bytes"])));
    all.extend([&v["whisper"]["bytes"], &v["stuck"]["bytes"], &v["masked_entry"]].map(unhex));
    all.extend([&v["inner"], &v["handover"]].map(unhex));
    all.extend([part(false, 16), part(true, 1)].map(|part| part.encode().unwrap()));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_decoder_panics_on_noise(bytes in proptest::collection::vec(any::<u8>(), 0..2600)) {
        every_decoder(&bytes);
    }

    /// Whole objects cut, longer, or with changed bytes: closer to the edges than noise is.
    #[test]
    fn no_decoder_panics_on_damage(
        which in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        len in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let all = whole();
        let mut bytes = all[which.index(all.len())].clone();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if cut {
            bytes.resize(len.index(bytes.len() + 40), 0);
        }
        every_decoder(&bytes);
    }
}
