//! Our own formats, frozen: a changed byte fails. `vectors/frozen.json` was made by
//! `cargo test -p sotto-crypto --test frozen -- --ignored`, whose keys come from a seeded generator.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing
)]

mod party;

use party::{ALICE, BOB, RECORD, START, Seeded, Wired, settled};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sotto_crypto::{
    Account, Phrase, Session, account_id, blob_open, blob_seal, blob_tag, blob_topic, card_open,
    card_seal, card_tag, mask, safety_number, safety_qr, secret_bucket,
};

const PHRASE: &str = "test test test test test test test test test test test junk";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    text.chunks(2)
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
        .collect()
}

fn wired(w: &Wired) -> Value {
    let s = &w.sealed;
    json!({"tag": hex(&s.tag), "random": hex(&w.random), "n": s.n, "header": hex(&s.header), "message": hex(&s.message)})
}

fn made() -> Value {
    let mut rng = Seeded::new(2026);
    let mut p = settled(&mut rng);
    let before = p.bob.session.to_bytes();
    let texts: Vec<Value> = (0..3)
        .map(|i| wired(&p.alice.send(&mut rng, &[i; 40])))
        .collect();
    let account = Account::from_phrase(&Phrase::parse(PHRASE).unwrap()).unwrap();
    let (secret, file_key, random) = ([7u8; 16], [8u8; 32], [9u8; 16]);
    let tag = card_tag(&secret, 1, &[3; 16], 20_000);
    let block = mask(&p.core, &secret, &tag, &random);
    json!({
        "account": {
            "phrase": PHRASE,
            "id": account_id(account.chat_public()),
            "home_value": hex(&account.home_value()),
            "self_secret": hex(&account.self_secret()),
            "signature": {"label": "sotto/test/1", "bytes": hex(b"frozen"),
                "signature": hex(&account.sign("sotto/test/1", &[b"frozen"]).unwrap())},
        },
        "handshake": {
            "initiator": hex(&ALICE), "recipient": hex(&BOB), "record": hex(&RECORD), "start": START,
            "core": hex(p.core.as_bytes()), "hash": hex(&p.core.hash()), "session": hex(p.bob.session.hash()),
            "secret": hex(&secret), "tag": hex(&tag), "random": hex(&random),
            "block_sha256": hex(&Sha256::digest(block)),
        },
        "ratchet": {"plain": "message i is 40 bytes of i", "receiver": hex(&before), "messages": texts},
        "card": {"secret": hex(&secret), "kind": 1, "device": hex(&[3; 16]), "unix_day": 20_000, "tag": hex(&tag),
            "bucket": hex(&secret_bucket(&secret)), "random": hex(&random), "plain": hex(b"a card"),
            "sealed": hex(&card_seal(&secret, &tag, &random, b"a card"))},
        "blob": {"file_key": hex(&file_key), "topic": hex(&blob_topic(&file_key)), "chunk": 5,
            "tag": hex(&blob_tag(&file_key, 5)), "random": hex(&random), "plain": hex(b"a chunk"),
            "sealed": hex(&blob_seal(&file_key, 5, &random, b"a chunk"))},
        "safety": {"one": hex(&ALICE), "other": hex(&BOB), "number": safety_number(&ALICE, &BOB),
            "qr": hex(&safety_qr(&ALICE, &BOB))},
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

/// Reads the file alone, without the generator: a session written by any version opens these messages.
#[test]
fn the_frozen_bytes_open() {
    let v = frozen();
    let mut session = Session::from_bytes(&unhex(&v["ratchet"]["receiver"])).unwrap();
    for (i, m) in v["ratchet"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let tag = unhex(&m["tag"]).try_into().unwrap();
        let random = unhex(&m["random"]).try_into().unwrap();
        let header = unhex(&m["header"]).try_into().unwrap();
        let done = session
            .decrypt(&tag, &random, &header, &unhex(&m["message"]))
            .unwrap();
        assert_eq!(*done.plaintext, [i as u8; 40]);
        session = done.session;
    }
    let (card, blob) = (&v["card"], &v["blob"]);
    let random = unhex(&card["random"]).try_into().unwrap();
    let opened = card_open(
        &unhex(&card["secret"]).try_into().unwrap(),
        &unhex(&card["tag"]).try_into().unwrap(),
        &random,
        &unhex(&card["sealed"]),
    );
    assert_eq!(opened.unwrap().as_slice(), b"a card");
    let key = unhex(&blob["file_key"]).try_into().unwrap();
    assert_eq!(
        blob_open(&key, 5, &random, &unhex(&blob["sealed"]))
            .unwrap()
            .as_slice(),
        b"a chunk"
    );
    assert!(blob_open(&key, 4, &random, &unhex(&blob["sealed"])).is_none());
}

#[test]
#[ignore = "writes the vectors anew: only for a new format version"]
fn write_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/frozen.json");
    std::fs::write(path, serde_json::to_string_pretty(&made()).unwrap() + "\n").unwrap();
}
