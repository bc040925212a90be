//! Our own formats, frozen: a changed byte fails. `vectors/frozen.json` was made by
//! `cargo test -p sotto-crypto --test frozen -- --ignored`, whose keys come from a seeded generator.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

mod party;

use party::{ALICE, BOB, BOB_DEVICE, Party, RECORD, START, Seeded, Wired, pair};
use serde_json::{Value, json};
use sotto_crypto::{
    Account, BLOCK_LEN, CardSecret, DeviceId, DeviceKeys, FileKey, LocalKey, Phrase, PrekeyPair, Random, SafetyQr,
    Sealed, Session, Tag, account_id, blob_open, blob_random, blob_seal, blob_tag, blob_topic, block_open, block_seal,
    card_open, card_seal, card_tag, devices_hash, mask, preview_topic, safety_number, secret_bucket, takeover_open,
    takeover_seal, takeover_tag, unmask,
};

/// Name and size of a file on disk.
const NAME: [u8; 8] = [11; 8];
const SIZE: u64 = 300_000;

const PHRASE: &str = "test test test test test test test test test test test junk";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    text.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

/// Message `n` of its chain.
fn wired(n: u8, w: &Wired) -> Value {
    let s = &w.sealed;
    json!({"tag": hex(&s.tag.0), "random": hex(&w.random.0), "n": n, "header": hex(&s.header),
        "message": hex(&s.message)})
}

/// Every private key of a seeded handshake and of the first messages, in the order in which they are drawn.
struct Drawn {
    alice: [u8; 64],
    bob: [u8; 64],
    prekey: [u8; 104],
    ephemeral: [u8; 32],
    encapsulation: [u8; 32],
    ratchet_alice: [u8; 32],
    ratchet_bob: [u8; 32],
    ratchet_alice_2: [u8; 32],
}

fn drawn(seed: u64) -> Drawn {
    let mut rng = Seeded::new(seed);
    let alice = *DeviceKeys::generate(&mut rng).to_bytes();
    let bob = *DeviceKeys::generate(&mut rng).to_bytes();
    let prekey = *PrekeyPair::generate(&mut rng).to_bytes();
    let (ephemeral, encapsulation, ratchet_alice) = (rng.bytes(), rng.bytes(), rng.bytes());
    rng.bytes::<48>(); // mask secret, tag and random of `pair`
    rng.bytes::<32>(); // random and tag of the first message
    rng.bytes::<16>(); // random of the answer
    let ratchet_bob = rng.bytes();
    rng.bytes::<16>(); // random of the first text
    Drawn { alice, bob, prekey, ephemeral, encapsulation, ratchet_alice, ratchet_bob, ratchet_alice_2: rng.bytes() }
}

fn made() -> Value {
    let d = drawn(2026);
    let mut rng = Seeded::new(2026);
    let mut p = pair(&mut rng);
    let hello = p.alice.send(&mut rng, b"hello");
    p.bob.receive(&hello).unwrap();
    let answer = p.bob.send(&mut rng, b"answer");
    p.alice.receive(&answer).unwrap();
    let before = p.bob.session.to_bytes();
    let texts: Vec<Value> = (0..3).map(|i| wired(i, &p.alice.send(&mut rng, &[i; 40]))).collect();
    let public = PrekeyPair::from_bytes(&d.prekey).unwrap().public();
    let account = Account::from_phrase(&Phrase::parse(PHRASE).unwrap()).unwrap();
    let (secret, file_key, random) = (CardSecret::new(&[7; 16]), FileKey::new(&[8; 32]), Random([9; 16]));
    let local_key = LocalKey::new(&[10; 32]);
    let tag = card_tag(&secret, 1, &DeviceId([3; 16]), 20_000);
    let block = mask(&p.core, &secret, &tag, &random);
    json!({
        "account": {
            "phrase": PHRASE,
            "id": account_id(account.chat_public()),
            "home_value": hex(&account.home_value()),
            "self_secret": hex(account.self_secret().as_bytes()),
            "signature": {"label": "sotto/test/1", "bytes": hex(b"frozen"),
                "signature": hex(&account.sign("sotto/test/1", &[b"frozen"]).unwrap())},
        },
        "handshake": {
            "initiator": hex(&ALICE), "recipient": hex(&BOB), "recipient_device": hex(&BOB_DEVICE.0),
            "record": hex(&RECORD), "start": START,
            "initiator_private": {"identity": hex(&d.alice[..32]), "ephemeral": hex(&d.ephemeral),
                "encapsulation": hex(&d.encapsulation), "ratchet": hex(&d.ratchet_alice)},
            "recipient_private": {"identity": hex(&d.bob[..32]), "prekey_id": hex(&d.prekey[..8]),
                "prekey_x25519": hex(&d.prekey[8..40]), "prekey_kem_seed": hex(&d.prekey[40..])},
            "recipient_public": {"prekey_x25519": hex(&public.x25519), "prekey_kem": hex(&public.kem)},
            "core": hex(p.core.as_bytes()), "hash": hex(&p.core.hash()), "session": hex(p.bob.session.hash()),
            "secret": hex(secret.as_bytes()), "tag": hex(&tag.0), "random": hex(&random.0),
            "block": hex(&block),
        },
        "first_messages": {
            "initiator_plain": hex(b"hello"), "initiator": wired(0, &hello),
            "recipient_ratchet_private": hex(&d.ratchet_bob),
            "recipient_plain": hex(b"answer"), "recipient": wired(0, &answer),
            "initiator_ratchet_private": hex(&d.ratchet_alice_2),
        },
        "ratchet": {"plain": "message i is 40 bytes of i", "receiver": hex(&before), "messages": texts},
        "card": {"secret": hex(secret.as_bytes()), "kind": 1, "device": hex(&[3; 16]), "unix_day": 20_000,
            "tag": hex(&tag.0), "bucket": hex(&secret_bucket(&secret)), "random": hex(&random.0),
                "plain": hex(b"a card"),
            "sealed": hex(&card_seal(&secret, &tag, &random, b"a card"))},
        "takeover": {"self_secret": hex(secret.as_bytes()), "random": hex(&random.0),
            "tag": hex(&takeover_tag(&secret, &random).0),
            "plain": hex(b"a list"), "sealed": hex(&takeover_seal(&secret, &random, b"a list"))},
        "blob": {"file_key": hex(file_key.as_bytes()), "topic": hex(&blob_topic(&file_key)), "chunk": 5,
            "tag": hex(&blob_tag(&file_key, 5).0), "random": hex(&random.0), "plain": hex(b"a chunk"),
            "sealed": hex(&blob_seal(&file_key, 5, &random, b"a chunk"))},
        "file": {"file_key": hex(file_key.as_bytes()), "preview_topic": hex(&preview_topic(&file_key)), "chunk": 5,
            "chunk_random": hex(&blob_random(&file_key, 5).0), "local_key": hex(local_key.as_bytes()),
            "name": hex(&NAME), "block": 3, "size": SIZE, "random": hex(&random.0), "plain": hex(b"a block"),
            "sealed": hex(&block_seal(&local_key, &NAME, 3, SIZE, &random, b"a block"))},
        "safety": {"one": hex(&ALICE), "other": hex(&BOB), "number": safety_number(&ALICE, &BOB),
            "devices_of_one": [hex(&[1; 80])], "devices_of_other": [hex(&[5; 80]), hex(&[4; 80])],
            "qr": hex(&SafetyQr::new(
                &ALICE, devices_hash(&[(DeviceId([1; 16]), [1; 32], [1; 32])]),
                &BOB, devices_hash(&[(DeviceId([5; 16]), [5; 32], [5; 32]), (DeviceId([4; 16]), [4; 32], [4; 32])]),
            ).encode())},
    })
}

fn frozen() -> Value {
    serde_json::from_str(include_str!("../vectors/frozen.json")).unwrap()
}

#[test]
fn the_formats_are_the_frozen_ones() {
    let (frozen, made) = (frozen(), made());
    for (name, value) in made.as_object().unwrap() {
        assert_eq!(frozen[name], *value, "{name}");
    }
}

fn read(m: &Value) -> Wired {
    Wired {
        random: Random(array(&m["random"])),
        sealed: Sealed { tag: Tag(array(&m["tag"])), header: array(&m["header"]), message: unhex(&m["message"]) },
    }
}

fn array<const N: usize>(text: &Value) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

/// The recipient's keys out of the file alone open the block and what follows it.
#[test]
fn the_frozen_handshake_opens_with_the_frozen_keys() {
    let v = frozen();
    let (h, first) = (&v["handshake"], &v["first_messages"]);
    let private = &h["recipient_private"];
    let identity = [unhex(&private["identity"]), vec![0; 32]].concat();
    let keys = DeviceKeys::from_bytes(&identity).unwrap();
    let prekey = ["prekey_id", "prekey_x25519", "prekey_kem_seed"].map(|name| unhex(&private[name]));
    let prekey = PrekeyPair::from_bytes(&prekey.concat()).unwrap();
    let block: [u8; BLOCK_LEN] = array(&h["block"]);
    let (tag, random) = (Tag(array(&h["tag"])), Random(array(&h["random"])));
    let block = unmask(&CardSecret::new(&array(&h["secret"])), &tag, &random, &block);
    let (chat, device) = (array(&h["recipient"]), DeviceId(array(&h["recipient_device"])));
    let opened = block.unwrap().open(&keys, &chat, &device, &prekey).unwrap();
    assert_eq!(opened.chat_public(), &array(&h["initiator"]));
    assert_eq!(opened.record(), &array(&h["record"]));
    assert_eq!(u64::from(opened.start()), h["start"].as_u64().unwrap());
    let initiator = [unhex(&h["initiator_private"]["identity"]), vec![0; 32]].concat();
    let initiator = DeviceKeys::from_bytes(&initiator).unwrap().identity_public();
    let session = opened.finish(&initiator, &prekey).unwrap();
    assert_eq!(session.hash(), &array(&h["session"]));
    let mut bob = Party::new(session);
    assert_eq!(bob.receive(&read(&first["initiator"])).unwrap(), b"hello");
}

/// Reads the file alone, without the generator: a session written by any version opens these messages.
#[test]
fn the_frozen_bytes_open() {
    let v = frozen();
    let mut session = Session::from_bytes(&unhex(&v["ratchet"]["receiver"])).unwrap();
    for (i, m) in v["ratchet"]["messages"].as_array().unwrap().iter().enumerate() {
        let Wired { random, sealed } = read(m);
        let done = session.decrypt(u32::MAX, &sealed.tag, &random, &sealed.header, &sealed.message).unwrap();
        assert_eq!(*done.plaintext, [i as u8; 40]);
        session = done.session;
    }
    let (card, blob) = (&v["card"], &v["blob"]);
    let (tag, random) = (Tag(array(&card["tag"])), Random(array(&card["random"])));
    let opened = card_open(&CardSecret::new(&array(&card["secret"])), &tag, &random, &unhex(&card["sealed"]));
    assert_eq!(opened.unwrap().as_slice(), b"a card");
    let key = FileKey::new(&array(&blob["file_key"]));
    assert_eq!(blob_open(&key, 5, &random, &unhex(&blob["sealed"])).unwrap().as_slice(), b"a chunk");
    let takeover = &v["takeover"];
    let secret = CardSecret::new(&array(&takeover["self_secret"]));
    let sealed = unhex(&takeover["sealed"]);
    let opened = takeover_open(&secret, &random, &sealed).unwrap();
    assert_eq!(opened.as_slice(), b"a list");
    assert!(takeover_open(&CardSecret::new(&[0; 16]), &random, &sealed).is_none());
    assert!(blob_open(&key, 4, &random, &unhex(&blob["sealed"])).is_none());
}

/// A block opens as itself alone: everything that names it is bound.
#[test]
fn the_frozen_block_of_a_file_opens_in_its_place_only() {
    let file = &frozen()["file"];
    let (key, name, random) = (array(&file["local_key"]), array(&file["name"]), array(&file["random"]));
    let (block, size) = (file["block"].as_u64().unwrap() as u32, file["size"].as_u64().unwrap());
    let sealed = unhex(&file["sealed"]);
    let opens = |key: &[u8; 32], name: &[u8; 8], block, size, random: &[u8; 16], sealed: &[u8]| {
        block_open(&LocalKey::new(key), name, block, size, &Random(*random), sealed).map(|plain| plain.to_vec())
    };
    assert_eq!(opens(&key, &name, block, size, &random, &sealed).unwrap(), b"a block");
    assert!(opens(&[0; 32], &name, block, size, &random, &sealed).is_none());
    assert!(opens(&key, &[0; 8], block, size, &random, &sealed).is_none());
    assert!(opens(&key, &name, block + 1, size, &random, &sealed).is_none());
    assert!(opens(&key, &name, block, size + 1, &random, &sealed).is_none());
    assert!(opens(&key, &name, block, size, &[0; 16], &sealed).is_none());
    for place in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[place] ^= 1;
        assert!(opens(&key, &name, block, size, &random, &damaged).is_none(), "byte {place}");
        assert!(opens(&key, &name, block, size, &random, &sealed[..place]).is_none(), "cut at {place}");
    }
}

#[test]
#[ignore = "writes the vectors anew: only for a new format version"]
fn write_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/frozen.json");
    std::fs::write(path, serde_json::to_string_pretty(&made()).unwrap() + "\n").unwrap();
}
