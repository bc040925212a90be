//! The formats of groups, frozen: a changed byte fails. `vectors/group.json` was made by
//! `cargo test -p sotto-crypto --test group_frozen -- --ignored`; `vectors/group.py` remakes it from its inputs.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

mod party;

use party::Seeded;
use serde_json::{Value, json};
use sotto_crypto::group::{
    Author, AuthorityKey, Before, Binding, BoxKey, BoxPublic, Chain, EntryId, Epoch, EpochKey, EpochSecret,
    ExchangeKey, GroupId, LateSeed, LeafId, LeafKeys, MaskSecret, Opening, Pair, Pairing, Place, RunHash, Sender, bind,
    check_binding, commit, introduce, introduced, mask_open, mask_seal, mask_tag,
};
use sotto_crypto::{DeviceKeys, Phrase, Random, Tag, verify_device};

const GROUP: GroupId = GroupId([1; 32]);
const EPOCH: Epoch = Epoch([2; 32]);
const ADD: EntryId = EntryId([3; 32]);
const ISSUER: LeafId = LeafId([4; 16]);
const READER: LeafId = LeafId([5; 16]);
const PLACE: Place = Place { group: GROUP, epoch: EPOCH, leaf: READER };
const WHO: Pairing<'_> = Pairing { group: &GROUP, issuer: &ISSUER, reader: &READER };
const NUMBERS: [u32; 4] = [0, 1, 2_000, u32::MAX - 1];
const PHRASE: &str = "test test test test test test test test test test test junk";
const BEFORE: Before = Before { epoch: [6; 8], count: 7, run: RunHash([8; 32]) };
const HEAD: [u8; 90] = [9; 90];
const WHISPER_HEAD: [u8; 1145] = [10; 1145];
const TEXTS: [(&[u8], usize); 3] = [(b"first", 462), (b"", 462), (&[11; 1_900], 1_998)];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap().as_bytes();
    text.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}

fn array<const N: usize>(text: &Value) -> [u8; N] {
    unhex(text).try_into().unwrap()
}

fn chain() -> Chain {
    Chain::covered(&EPOCH, &EpochSecret::new(&[20; 32]), &READER)
}

fn messages() -> Value {
    let leaf = LeafKeys::from_bytes(&[21; 96]).unwrap();
    let (key, next) = (EpochKey::from_bytes(&[22; 32]).unwrap(), ExchangeKey::from_bytes(&[23; 32]).unwrap());
    let opening = Opening::sign(&leaf, &PLACE, &key, &next, Some(BEFORE));
    let (mut chain, mut run, mut texts) = (chain(), RunHash::first(&PLACE), Vec::new());
    for (n, (inner, room)) in (0u8..).zip(TEXTS) {
        let random = Random([30 + n; 16]);
        let sender = Sender { place: &PLACE, key: &key, run: &run };
        let sealed = chain.seal(&sender, (n == 0).then_some(&opening), &random, room, inner).unwrap();
        texts.push(json!({"random": hex(&random.0), "inner": hex(inner), "room": room, "tag": hex(&sealed.tag.0),
            "body": hex(&sealed.body), "run": hex(&sealed.run.0)}));
        (chain, run) = (sealed.chain, sealed.run);
    }
    json!({
        "leaf_private": hex(&[21; 32]), "epoch_private": hex(&[22; 32]), "x_private": hex(&[23; 32]),
        "before": hex(&[&[6; 8][..], &7u32.to_be_bytes(), &[8; 32]].concat()),
        "leaf": hex(&leaf.signing_public()), "opening": hex(&opening.to_bytes()), "texts": texts,
        "after": hex(chain.to_bytes().as_slice()),
    })
}

fn pair() -> Value {
    let mut rng = Seeded::new(2027);
    let encapsulation: [u8; 32] = Seeded::new(2027).bytes();
    let (issuer, reader) = (ExchangeKey::from_bytes(&[40; 32]).unwrap(), ExchangeKey::from_bytes(&[41; 32]).unwrap());
    let leaf = LeafKeys::from_bytes(&[42; 96]).unwrap();
    let e_private: [u8; 32] = Seeded::new(2028).bytes();
    let e = BoxKey::generate(&mut Seeded::new(2028));
    let made = introduce(&mut rng, &WHO, &issuer, &e, &reader.public(), &leaf.kem_public()).unwrap();
    let next = Pair::new(made.key.clone(), 5).next().unwrap();
    let item = e.item(&WHO, &EPOCH, &made.key, &reader.public()).unwrap();
    let whisper = e.whisper(&WHO, &made.key, &reader.public()).unwrap();
    let eps = EpochSecret::new(&[20; 32]);
    json!({
        "issuer_private": hex(&[40; 32]), "reader_private": hex(&[41; 32]), "e_private": hex(&e_private),
        "kem_seed": hex(&[42; 64]), "encapsulation": hex(&encapsulation), "eps": hex(&[20; 32]), "k": 5,
        "head": hex(&HEAD), "whisper_head": hex(&WHISPER_HEAD), "said": hex(b"a whisper"),
        "ek": hex(&leaf.kem_public()), "ciphertext": hex(&made.ciphertext), "key": hex(made.key.as_bytes()),
        "next": hex(next.to_bytes().as_slice()),
        "item_tag": hex(&item.tag()), "item": hex(&item.seal(&HEAD, &eps)),
        "whisper_tag": hex(&whisper.tag()), "whisper": hex(&whisper.seal(&WHISPER_HEAD, b"a whisper")),
    })
}

fn made() -> Value {
    let (eps, late) = (EpochSecret::new(&[20; 32]), LateSeed::new(&[24; 32]));
    let (mask, random) = (MaskSecret::new(&[25; 32]), Random([26; 16]));
    let authority = AuthorityKey::from_phrase(&Phrase::parse(PHRASE).unwrap());
    let deputy = AuthorityKey::from_bytes(&[27; 32]).unwrap().public();
    let device = DeviceKeys::from_bytes(&[28; 64]).unwrap();
    let x = ExchangeKey::from_bytes(&[29; 32]).unwrap();
    let of = Binding { group: &GROUP, leaf: &ISSUER, reader: &READER, bytes: b"a leaf" };
    json!({
        "group": hex(&GROUP.0), "epoch": hex(&EPOCH.0), "add": hex(&ADD.0), "issuer": hex(&ISSUER.0),
        "reader": hex(&READER.0),
        "chains": {"eps": hex(&[20; 32]), "late_seed": hex(&[24; 32]), "numbers": NUMBERS, "commit": hex(&commit(&eps)),
            "covered": hex(chain().to_bytes().as_slice()),
            "late": hex(Chain::late(&ADD, &late, &EPOCH, &READER).to_bytes().as_slice()),
            "tags": NUMBERS.map(|n| hex(&chain().tag(n).0))},
        "mask": {"secret": hex(&[25; 32]), "random": hex(&random.0), "plain": hex(b"a box"),
            "tag": hex(&mask_tag(&mask, &random).0), "sealed": hex(&mask_seal(&mask, &random, b"a box"))},
        "authority": {"phrase": PHRASE, "deputy_private": hex(&[27; 32]), "key": hex(&authority.public()),
            "deputy": hex(&deputy), "cert": hex(&authority.sign("sotto/group-deputy/1", &[&deputy]))},
        "binding": {"identity_private": hex(&[28; 32]), "x_private": hex(&[29; 32]), "leaf_bytes": hex(b"a leaf"),
            "identity": hex(&device.identity_public()), "x": hex(&x.public().0),
            "proof": hex(&bind(&device, &x.public(), &of).unwrap())},
        "messages": messages(),
        "pair": pair(),
    })
}

fn frozen() -> Value {
    serde_json::from_str(include_str!("../vectors/group.json")).unwrap()
}

#[test]
fn the_formats_of_groups_are_the_frozen_ones() {
    let (frozen, made) = (frozen(), made());
    assert_eq!(frozen.as_object().unwrap().len(), made.as_object().unwrap().len());
    for (name, value) in made.as_object().unwrap() {
        assert_eq!(frozen[name], *value, "{name}");
    }
}

/// Reads the file alone: a reader of any version opens these messages, in any order.
#[test]
fn the_frozen_messages_open() {
    let v = &frozen()["messages"];
    let leaf = array(&v["leaf"]);
    let opening = Opening::from_bytes(&unhex(&v["opening"])).unwrap();
    assert_eq!(opening.before, Some(BEFORE));
    let key = opening.verify(&PLACE, &leaf).unwrap();
    let author = Author { leaf: &leaf, epoch: Some(&key) };
    let start = Chain::from_bytes(&unhex(&frozen()["chains"]["covered"])).unwrap();
    for (n, text) in (0u32..).zip(v["texts"].as_array().unwrap()) {
        let (tag, random) = (Tag(array(&text["tag"])), Random(array(&text["random"])));
        let opened = start.open(&PLACE, n, &author, &tag, &random, &unhex(&text["body"])).unwrap();
        assert_eq!(opened.message.inner(), unhex(&text["inner"]));
        assert_eq!(opened.message.proven.next.0, array(&text["run"]));
        assert_eq!(opened.skipped.len(), n as usize);
        assert_eq!(opened.chain.n(), n + 1);
    }
}

#[test]
fn the_frozen_box_whisper_mask_and_proofs_open() {
    let all = frozen();
    let v = &all["pair"];
    let reader = ExchangeKey::from_bytes(&unhex(&v["reader_private"])).unwrap();
    let issuer = ExchangeKey::from_bytes(&unhex(&v["issuer_private"])).unwrap().public();
    let leaf = LeafKeys::from_bytes(&[[0; 32].as_slice(), &unhex(&v["kem_seed"])].concat()).unwrap();
    let e = BoxPublic(ExchangeKey::from_bytes(&unhex(&v["e_private"])).unwrap().public().0);
    let key = introduced(&WHO, &leaf, &reader, &issuer, &e, &array(&v["ciphertext"])).unwrap();
    let item = reader.item(&WHO, &EPOCH, &key, &e).unwrap();
    assert_eq!(item.tag(), array(&v["item_tag"]));
    let secret = item.open(&array(&v["head"]), &array(&v["item"]), &array(&all["chains"]["commit"])).unwrap();
    assert_eq!(secret.as_bytes(), &array(&v["eps"]));
    let whisper = reader.whisper(&WHO, &key, &e).unwrap();
    assert_eq!(whisper.tag(), array(&v["whisper_tag"]));
    let said = whisper.open(&unhex(&v["whisper_head"]), &unhex(&v["whisper"])).unwrap();
    assert_eq!(said.as_slice(), unhex(&v["said"]));

    let v = &all["mask"];
    let (mask, random) = (MaskSecret::new(&array(&v["secret"])), Random(array(&v["random"])));
    assert_eq!(mask_open(&mask, &random, &unhex(&v["sealed"])).unwrap().as_slice(), unhex(&v["plain"]));
    assert!(mask_open(&MaskSecret::new(&[0; 32]), &random, &unhex(&v["sealed"])).is_none());

    let v = &all["authority"];
    let deputy = unhex(&v["deputy"]);
    verify_device(&array(&v["key"]), "sotto/group-deputy/1", &[&deputy], &array(&v["cert"])).unwrap();

    let v = &all["binding"];
    let x = ExchangeKey::from_bytes(&unhex(&v["x_private"])).unwrap();
    let bytes = unhex(&v["leaf_bytes"]);
    let of = Binding { group: &GROUP, leaf: &ISSUER, reader: &READER, bytes: &bytes };
    assert!(check_binding(&x, &array(&v["identity"]), &of, &array(&v["proof"])));
}

#[test]
#[ignore = "writes the vectors anew: only for a new format version"]
fn write_the_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/group.json");
    std::fs::write(path, serde_json::to_string_pretty(&made()).unwrap() + "\n").unwrap();
}
