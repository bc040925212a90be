//! A group end to end, with layouts and ciphers together: log, box, message, whisper and call in their envelopes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use getrandom::SysRng;
use rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use sotto_crypto::group::{
    Author, AuthorityKey, BoxKey, BoxPublic, Chain, Epoch, EpochKey, EpochSecret, ExchangeKey, ExchangePublic, GroupId,
    LeafId, LeafKeys, MaskSecret, Opened, Opening, Pair, PairError, Pairing, Place, RunHash, Sender, commit, introduce,
    introduced, mask_open, mask_seal, mask_tag,
};
use sotto_crypto::{Random, verify_device};
use sotto_wire::envelope::{Class, Envelope, Form, pad, room, unpad};
use sotto_wire::group::{
    Add, Body, Entry, Genesis, GroupInner, Intro, Item, Items, LABEL_DEPUTY, LABEL_ENTRY, LABEL_STUCK, Leaf, MEMBER,
    Masked, NewLeaf, Part, PartHead, Policy, Root, Signer, Stuck, Whisper, WhisperHead, entry_prefix, epoch_prefix,
    item_counts, leaf_id,
};
use sotto_wire::identity::DeviceRecord;

const R: Root = [1; 32];
const MASK: MaskSecret = MaskSecret::new(&[2; 32]);

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A device with its leaf.
struct Device {
    keys: LeafKeys,
    x: ExchangeKey,
    a: AuthorityKey,
    leaf: Leaf,
    id: LeafId,
}

fn device(chat: u8) -> Device {
    let (keys, x) = (LeafKeys::generate(&mut rng()), ExchangeKey::generate(&mut rng()));
    let a = AuthorityKey::deputy(&mut rng());
    let leaf = Leaf {
        chat: [chat; 33],
        record: DeviceRecord::decode(&[0; 185]).unwrap(),
        delegation: None,
        signing: keys.signing_public(),
        authority: a.public(),
        exchange: x.public().0,
        kem_hash: Sha256::digest(keys.kem_public()).into(),
    };
    let id = LeafId(leaf_id(&R, &leaf.encode().unwrap()));
    Device { keys, x, a, leaf, id }
}

fn entry(author: &Device, seat: u32, parent: Option<&Entry>, body: Body) -> Entry {
    let mut entry = Entry {
        author: author.id.0,
        signer: Signer::Leaf,
        seat,
        depth: parent.map_or(0, |p| p.depth + 1),
        time_s: 1_800_000_000,
        own: parent.map_or([0; 16], |p| entry_prefix(&p.id(&R).unwrap())),
        parents: parent.map(|p| p.id(&R).unwrap()).into_iter().collect(),
        body,
        signature: [0; 64],
    };
    entry.signature = author.keys.sign(LABEL_ENTRY, &[&entry.signed_bytes(&R).unwrap()]);
    entry
}

fn verified(bytes: &[u8], key: &[u8; 32]) -> Entry {
    let entry = Entry::decode(bytes).unwrap();
    let signed = entry.signed_bytes(&R).unwrap();
    verify_device(key, LABEL_ENTRY, &[&signed], &entry.signature).unwrap();
    let mut other = entry.clone();
    other.time_s += 1;
    let signed = other.signed_bytes(&R).unwrap();
    assert!(verify_device(key, LABEL_ENTRY, &[&signed], &entry.signature).is_err());
    entry
}

/// The payload of a masked envelope.
fn masked(what: &Masked) -> Vec<u8> {
    let random = Random([9; 16]);
    let class = what.class().unwrap();
    let padded = pad(&what.encode().unwrap(), room(class, Form::Sealed)).unwrap();
    let body = mask_seal(&MASK, &random, &padded);
    Envelope { tag: mask_tag(&MASK, &random).0, random: random.0, body: &body }.encode().unwrap()
}

fn unmasked(payload: &[u8]) -> Masked {
    let envelope = Envelope::decode(payload).unwrap();
    let random = Random(envelope.random);
    assert_eq!(envelope.tag, mask_tag(&MASK, &random).0);
    Masked::decode(unpad(&mask_open(&MASK, &random, envelope.body).unwrap()).unwrap()).unwrap()
}

/// Alice founds the group, adds Bob, and re-keys.
fn founded(alice: &Device, bob: &Device, eps: &EpochSecret) -> (GroupId, Epoch, [u8; 32]) {
    let genesis = Genesis { root: R, leaf: alice.leaf.clone(), name: "Foxes".to_owned(), policy: Policy::default() };
    let genesis = entry(alice, 0, None, Body::Genesis(Box::new(genesis)));
    let add = Body::Add(Box::new(Add { request: [0; 32], leaf: bob.leaf.clone() }));
    let add = entry(alice, 0, Some(&genesis), add);
    let rekey = entry(alice, 0, Some(&add), Body::Rekey(commit(eps)));
    for one in [&genesis, &add, &rekey] {
        assert!(verified(&one.encode().unwrap(), &alice.leaf.signing) == *one);
    }
    let Body::Rekey(commits) = rekey.body else { panic!("a rekey") };
    (GroupId(genesis.group_id().unwrap()), Epoch(rekey.id(&R).unwrap()), commits)
}

fn head(epoch: &Epoch, issuer: &Device, e: &BoxKey, intros: bool, count: u16) -> PartHead {
    let (epoch, issuer, key) = (epoch.0, issuer.id.0, e.public().0);
    PartHead { epoch, issuer, k: 3, part: 0, parts: 1, key, intros, count }
}

#[test]
fn a_box_brings_the_secret_by_pair_key_and_by_intro() {
    let (alice, bob) = (device(2), device(3));
    let eps = EpochSecret::generate(&mut rng());
    let (group, epoch, commits) = founded(&alice, &bob, &eps);
    let who = Pairing { group: &group, issuer: &alice.id, reader: &bob.id };

    // By an intro: Bob has only his own keys and what the log says of Alice.
    let e = BoxKey::generate(&mut rng());
    let made = introduce(&mut rng(), &who, &alice.x, &e, &bob.x.public(), &bob.keys.kem_public()).unwrap();
    let first = head(&epoch, &alice, &e, true, 1);
    let item = e.item(&who, &epoch, &made.key, &bob.x.public()).unwrap();
    let sealed = item.seal(&first.encode(), &eps);
    let intro = Intro { leaf: bob.id.0, ciphertext: Box::new(made.ciphertext), sealed };
    let payload = masked(&Masked::Part(Part { head: first, items: Items::Intros(vec![intro]) }));
    assert_eq!(payload.len(), Class::Medium.size());
    let Masked::Part(Part { head: came, items: Items::Intros(intros) }) = unmasked(&payload) else { panic!("intros") };
    let (e_came, alice_x) = (BoxPublic(came.key), ExchangePublic(alice.leaf.exchange));
    let q = introduced(&who, &bob.keys, &bob.x, &alice_x, &e_came, &intros[0].ciphertext).unwrap();
    let item = bob.x.item(&who, &epoch, &q, &e_came).unwrap();
    assert!(item.open(&came.encode(), &intros[0].sealed, &commits).unwrap() == eps);

    // By the pair key that follows, two boxes later, among filling.
    let bobs = Pair::new(q, came.k).next().unwrap();
    let pair = Pair::new(made.key, came.k).ahead(came.k + 2).unwrap().pair;
    let e = BoxKey::generate(&mut rng());
    let count = item_counts(2)[0];
    let second = PartHead { k: came.k + 2, ..head(&epoch, &alice, &e, false, count) };
    let item = e.item(&who, &epoch, pair.key(), &bob.x.public()).unwrap();
    let mut items = vec![Item { tag: [0xee; 8], sealed: [0xee; 48] }; usize::from(count)];
    items[5] = Item { tag: item.tag(), sealed: item.seal(&second.encode(), &eps) };
    let payload = masked(&Masked::Part(Part { head: second, items: Items::Tagged(items) }));
    let Masked::Part(Part { head: came, items: Items::Tagged(items) }) = unmasked(&payload) else { panic!("items") };
    let ahead = bobs.ahead(came.k).unwrap();
    assert_eq!(ahead.passed.len(), 1);
    let item = bob.x.item(&who, &epoch, ahead.pair.key(), &BoxPublic(came.key)).unwrap();
    let mine = items.iter().find(|one| one.tag == item.tag()).unwrap();
    assert!(item.open(&came.encode(), &mine.sealed, &commits).unwrap() == eps);
    let moved = PartHead { part: 1, parts: 2, ..came };
    assert_eq!(item.open(&moved.encode(), &mine.sealed, &commits).err(), Some(PairError::Forged));
}

#[test]
fn a_message_fills_its_envelope_and_carries_all_fields() {
    let (alice, bob) = (device(2), device(3));
    let eps = EpochSecret::generate(&mut rng());
    let (group, epoch, _) = founded(&alice, &bob, &eps);
    let place = Place { group, epoch, leaf: alice.id };
    let (key, next, run) = (EpochKey::generate(&mut rng()), ExchangeKey::generate(&mut rng()), RunHash::first(&place));
    let opening = Opening::sign(&alice.keys, &place, &key, &next, None);
    let inner = GroupInner { message: b"M".to_vec(), eks: vec![alice.keys.kem_public()], ..GroupInner::default() };
    let (sender, random) = (Sender { place: &place, key: &key, run: &run }, Random([4; 16]));
    let chain = Chain::covered(&epoch, &eps, &alice.id);
    let room = room(Class::Medium, Form::Sealed);
    let sealed = chain.seal(&sender, Some(&opening), &random, room, &inner.encode().unwrap()).unwrap();
    let payload = Envelope { tag: sealed.tag.0, random: random.0, body: &sealed.body }.encode().unwrap();
    assert_eq!(payload.len(), 2048);

    let envelope = Envelope::decode(&payload).unwrap();
    let mine = Chain::covered(&epoch, &eps, &LeafId(alice.id.0));
    assert_eq!(mine.tag(0).0, envelope.tag);
    let author = Author { leaf: &alice.leaf.signing, epoch: None };
    let tag = sotto_crypto::Tag(envelope.tag);
    let Opened { message, .. } = mine.open(&place, 0, &author, &tag, &Random(envelope.random), envelope.body).unwrap();
    assert!(GroupInner::decode(message.inner()) == Ok(inner));
    assert_eq!(message.proven.opening.unwrap().0.exchange, next.public());
}

#[test]
fn a_stuck_leaf_calls_and_an_admin_whispers() {
    let (alice, bob) = (device(2), device(3));
    let eps = EpochSecret::generate(&mut rng());
    let (group, epoch, _) = founded(&alice, &bob, &eps);
    let fresh = ExchangeKey::generate(&mut rng());
    let (leaf, exchange, epochs) = (bob.id.0, fresh.public().0, vec![epoch_prefix(&epoch.0)]);
    let mut stuck = Stuck { leaf, exchange, time_s: 1_800_000_000, epochs, signature: [0; 64] };
    stuck.signature = bob.keys.sign(LABEL_STUCK, &[&stuck.signed_bytes(&group.0)]);
    let payload = masked(&Masked::Stuck(stuck));
    assert_eq!(payload.len(), 512);
    let Masked::Stuck(call) = unmasked(&payload) else { panic!("a call") };
    let check =
        |group: &[u8; 32]| verify_device(&bob.leaf.signing, LABEL_STUCK, &[&call.signed_bytes(group)], &call.signature);
    assert!(check(&group.0).is_ok() && check(&[0; 32]).is_err(), "a call in another group");

    let who = Pairing { group: &group, issuer: &alice.id, reader: &bob.id };
    let (e, x) = (BoxKey::generate(&mut rng()), ExchangePublic(call.exchange));
    let made = introduce(&mut rng(), &who, &alice.x, &e, &x, &bob.keys.kem_public()).unwrap();
    let key = e.whisper(&who, &made.key, &x).unwrap();
    let (issuer, ciphertext) = (alice.id.0, Box::new(made.ciphertext));
    let head = WhisperHead { issuer, key: e.public().0, ciphertext, tag: key.tag() };
    let sealed = key.seal(&head.encode(), &[7; 800]);
    let payload = masked(&Masked::Whisper(Whisper { head, sealed }));
    assert_eq!(payload.len(), 2048);
    let Masked::Whisper(Whisper { head, sealed }) = unmasked(&payload) else { panic!("a whisper") };
    let e = BoxPublic(head.key);
    let q = introduced(&who, &bob.keys, &fresh, &alice.x.public(), &e, &head.ciphertext).unwrap();
    let key = fresh.whisper(&who, &q, &e).unwrap();
    assert_eq!(key.tag(), head.tag);
    assert_eq!(key.open(&head.encode(), &sealed).unwrap().as_slice(), [7; 800]);
}

#[test]
fn a_deputy_brings_a_new_leaf_in() {
    let (alice, other) = (device(2), device(2));
    let b = AuthorityKey::deputy(&mut rng());
    let signature = alice.a.sign(LABEL_DEPUTY, &[&b.public()]);
    let new = Body::Leaf(Box::new(NewLeaf { leaf: other.leaf, replaces: Some(alice.id.0) }));
    let signer = Signer::Deputy { key: b.public(), signature };
    let (author, parents) = (alice.id.0, vec![[8; 32]]);
    let mut brought = Entry {
        author,
        signer,
        seat: MEMBER,
        depth: 1,
        time_s: 1_800_000_000,
        own: [0; 16],
        parents,
        body: new,
        signature: [0; 64],
    };
    brought.signature = b.sign(LABEL_ENTRY, &[&brought.signed_bytes(&R).unwrap()]);
    let Masked::Entry(came) = unmasked(&masked(&Masked::Entry(Box::new(brought)))) else { panic!("an entry") };
    let Signer::Deputy { key, signature } = came.signer else { panic!("a deputy") };
    verify_device(&alice.leaf.authority, LABEL_DEPUTY, &[&key], &signature).unwrap();
    verified(&came.encode().unwrap(), &key);
}
