//! Properties of groups, by their number in the design, and what only private state shows.

use super::*;
use crate::{DeviceKeys, Random, Tag};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use zeroize::ZeroizeOnDrop;

const PLACE: Place = Place { group: GroupId([1; 32]), epoch: Epoch([2; 32]), leaf: LeafId([3; 16]) };
const OTHER: LeafId = LeafId([4; 16]);
const ROOM: usize = 462;

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// A leaf that writes.
struct Writer {
    leaf: LeafKeys,
    key: EpochKey,
    place: Place,
    chain: Chain,
    run: RunHash,
    before: Option<Before>,
}

struct Wired {
    n: u32,
    tag: Tag,
    random: Random,
    body: Vec<u8>,
}

impl Writer {
    fn new(place: Place, secret: &EpochSecret) -> Self {
        let (leaf, key) = (LeafKeys::generate(&mut rng()), EpochKey::generate(&mut rng()));
        let chain = Chain::covered(&place.epoch, secret, &place.leaf);
        Self { leaf, key, place, chain, run: RunHash::first(&place), before: None }
    }

    fn send(&mut self, inner: &[u8]) -> Wired {
        let n = self.chain.n();
        let random = Random([n as u8; 16]);
        let next = ExchangeKey::generate(&mut rng());
        let opening = Opening::sign(&self.leaf, &self.place, &self.key, &next, self.before);
        let sender = Sender { place: &self.place, key: &self.key, run: &self.run };
        let sealed = self.chain.seal(&sender, (n == 0).then_some(&opening), &random, ROOM, inner).unwrap();
        assert_eq!(sealed.body.len(), ROOM + 17);
        self.chain = sealed.chain;
        self.run = sealed.run;
        Wired { n, tag: sealed.tag, random, body: sealed.body }
    }
}

fn secret() -> EpochSecret {
    EpochSecret::new(&[7; 32])
}

fn chain() -> Chain {
    Chain::covered(&PLACE.epoch, &secret(), &PLACE.leaf)
}

fn open(chain: &Chain, place: &Place, author: &Author<'_>, w: &Wired) -> Result<Opened, GroupOpenError> {
    chain.open(place, w.n, author, &w.tag, &w.random, &w.body)
}

#[test]
fn messages_open_in_any_order_and_the_run_binds_them() {
    let mut writer = Writer::new(PLACE, &secret());
    let vk = writer.leaf.signing_public();
    let sent: Vec<Wired> = (0u8..5).map(|i| writer.send(&[i; 20])).collect();
    let stranger = Author { leaf: &vk, epoch: None };
    assert_eq!(open(&chain(), &PLACE, &stranger, &sent[3]).err(), Some(GroupOpenError::NoOpening));

    let first = open(&chain(), &PLACE, &stranger, &sent[0]).unwrap();
    let (opening, key) = first.message.proven.opening.unwrap();
    assert_eq!((key, opening.key), (writer.key.public(), writer.key.public().to_bytes()));
    let author = Author { leaf: &vk, epoch: Some(&key) };
    let fourth = open(&first.chain, &PLACE, &author, &sent[3]).unwrap();
    assert_eq!(fourth.chain.n(), 4);
    assert_eq!(fourth.skipped.iter().map(|s| (s.n, s.tag)).collect::<Vec<_>>(), [(1, sent[1].tag), (2, sent[2].tag)]);
    assert_eq!(open(&fourth.chain, &PLACE, &author, &sent[1]).err(), Some(GroupOpenError::Behind));

    let mut run = first.message.proven.next;
    assert_eq!(first.message.proven.run, RunHash::first(&PLACE));
    for (skipped, w) in fourth.skipped.iter().zip(&sent[1..]) {
        let message = skipped.key.open(&PLACE, skipped.n, &author, &w.tag, &w.random, &w.body).unwrap();
        assert_eq!(message.inner(), [skipped.n as u8; 20]);
        assert_eq!(message.proven.run, run);
        run = message.proven.next;
    }
    assert_eq!(fourth.message.proven.run, run);
    assert_eq!(run.next(fourth.message.inner()), fourth.message.proven.next);

    // A relay proves the same without the chain.
    let signed = fourth.message.signed().unwrap();
    assert_eq!(signed.verify(&PLACE, 3, &author).unwrap(), fourth.message.proven);
    let other = Signed { inner: b"other", ..signed };
    assert_eq!(other.verify(&PLACE, 3, &author), Err(GroupOpenError::Signature));
}

/// G18: every member has all chains, so only the signature tells members apart.
#[test]
fn sealing_as_another_leaf_is_refused_and_changes_nothing() {
    let mut bob = Writer::new(PLACE, &secret());
    let (vk, key) = (bob.leaf.signing_public(), bob.key.public());
    let author = Author { leaf: &vk, epoch: Some(&key) };
    let first = open(&chain(), &PLACE, &author, &bob.send(b"I am Bob")).unwrap();

    let mut mallory = Writer::new(PLACE, &secret()); // in Bob's place, with her own keys
    let forged = mallory.send(b"I am Bob");
    assert_eq!(open(&chain(), &PLACE, &author, &forged).err(), Some(GroupOpenError::Signature));
    let unknown = Author { leaf: &vk, epoch: None };
    assert_eq!(open(&chain(), &PLACE, &unknown, &forged).err(), Some(GroupOpenError::Signature), "her opening");
    mallory.chain = first.chain.clone();
    mallory.run = first.message.proven.next;
    let forged = mallory.send(b"more");
    assert_eq!(open(&first.chain, &PLACE, &author, &forged).err(), Some(GroupOpenError::Signature));
    // The chain stands where it stood: Bob's own message 1 opens.
    assert!(open(&first.chain, &PLACE, &author, &bob.send(b"more")).is_ok());

    // A second opening of Bob does not replace the known one.
    let mut twin = Writer { key: EpochKey::generate(&mut rng()), leaf: bob.leaf, ..Writer::new(PLACE, &secret()) };
    assert_eq!(open(&chain(), &PLACE, &author, &twin.send(b"twin")).err(), Some(GroupOpenError::Signature));
}

/// G18: the place is in the associated data, and in the signature beneath it.
#[test]
fn a_swap_of_group_epoch_leaf_or_number_is_refused() {
    let mut writer = Writer::new(PLACE, &secret());
    let vk = writer.leaf.signing_public();
    let key = writer.key.public();
    let author = Author { leaf: &vk, epoch: Some(&key) };
    let (w0, w1) = (writer.send(b"zero"), writer.send(b"one"));
    let places = [
        Place { group: GroupId([9; 32]), ..PLACE },
        Place { epoch: Epoch([9; 32]), ..PLACE },
        Place { leaf: OTHER, ..PLACE },
    ];
    let first = open(&chain(), &PLACE, &author, &w0).unwrap();
    let second = open(&first.chain, &PLACE, &author, &w1).unwrap();
    for place in places {
        assert_eq!(open(&chain(), &place, &author, &w0).err(), Some(GroupOpenError::Forged));
        assert_eq!(open(&first.chain, &place, &author, &w1).err(), Some(GroupOpenError::Forged));
        let (zero, one) = (first.message.signed().unwrap(), second.message.signed().unwrap());
        assert_eq!(zero.verify(&place, 0, &author), Err(GroupOpenError::Signature));
        assert_eq!(one.verify(&place, 1, &author), Err(GroupOpenError::Signature));
        assert_eq!(one.verify(&PLACE, 2, &author), Err(GroupOpenError::Signature));
        assert!(first.message.proven.opening.unwrap().0.verify(&place, &vk).is_err());
        assert_ne!(RunHash::first(&place), RunHash::first(&PLACE));
    }
    for (tag, random) in [(Tag([0; 16]), w1.random), (w1.tag, Random([9; 16]))] {
        let wrong = Wired { tag, random, body: w1.body.clone(), n: 1 };
        assert_eq!(open(&first.chain, &PLACE, &author, &wrong).err(), Some(GroupOpenError::Forged));
    }
    let wrong = Wired { n: 2, ..w1 };
    assert_eq!(open(&first.chain, &PLACE, &author, &wrong).err(), Some(GroupOpenError::Forged));
}

#[test]
fn the_opening_belongs_to_message_0_alone() {
    let mut writer = Writer::new(PLACE, &secret());
    writer.before = Some(Before { epoch: [5; 8], count: 3, run: RunHash([6; 32]) });
    let opening = Opening::sign(&writer.leaf, &PLACE, &writer.key, &ExchangeKey::generate(&mut rng()), writer.before);
    let start = (writer.chain.clone(), writer.run);
    let w0 = writer.send(b"zero");
    let vk = writer.leaf.signing_public();
    let first = open(&start.0, &PLACE, &Author { leaf: &vk, epoch: None }, &w0).unwrap();
    assert_eq!(first.message.proven.opening.unwrap().0.before, writer.before);

    let seal = |chain: &Chain, run: &RunHash, opening, inner: &[u8]| {
        let sender = Sender { place: &PLACE, key: &writer.key, run };
        chain.seal(&sender, opening, &Random([0; 16]), ROOM, inner).err()
    };
    assert_eq!(seal(&start.0, &start.1, None, b""), Some(GroupSealError::Opening));
    assert_eq!(seal(&writer.chain, &writer.run, Some(&opening), b""), Some(GroupSealError::Opening));
    assert_eq!(seal(&writer.chain, &writer.run, None, &[0; ROOM - 97]), None);
    assert_eq!(seal(&writer.chain, &writer.run, None, &[0; ROOM - 96]), Some(GroupSealError::TooLong));
    assert_eq!(seal(&start.0, &start.1, Some(&opening), &[0; ROOM - 97 - 172]), None);
    assert_eq!(seal(&start.0, &start.1, Some(&opening), &[0; ROOM - 96 - 172]), Some(GroupSealError::TooLong));
    let (ck, tk, _) = start.0.parts();
    let last = Chain::from_parts(ck, tk, u32::MAX);
    assert_eq!(seal(&last, &start.1, None, b""), Some(GroupSealError::ChainFull));

    for bytes in [&opening.to_bytes()[..127], &[0; 129], &[0; 171], &[0; 173]] {
        assert!(Opening::from_bytes(bytes).is_err());
    }
}

/// What a member seals under a good MAC need not be a message.
#[test]
fn malformed_plaintexts_are_refused() {
    let (mk, _) = chain().step().unwrap();
    let random = Random([1; 16]);
    let author = Author { leaf: &[0; 32], epoch: None };
    let ad = chain::message_ad(&PLACE, 0, &Tag([2; 16]), &random);
    let padded = |plain: &[u8]| [plain, &[0x80, 0]].concat();
    let with_opening = |len: u8| padded(&[&[1; 96][..], &[len], &[0; 180]].concat());
    for plain in [vec![], vec![0; 463], vec![1; 463], padded(&[1; 96]), padded(&[200; 97])] {
        let body = mk.cipher(&random).seal(&ad, &plain);
        let opened = mk.open(&PLACE, 0, &author, &Tag([2; 16]), &random, &body);
        assert_eq!(opened.err(), Some(GroupOpenError::Malformed));
    }
    for len in [0, 1, 127, 129, 171, 173] {
        let body = mk.cipher(&random).seal(&ad, &with_opening(len));
        let opened = mk.open(&PLACE, 0, &author, &Tag([2; 16]), &random, &body);
        assert_eq!(opened.err(), Some(GroupOpenError::Malformed), "{len}");
    }
}

#[test]
fn jumps_are_bounded_and_tags_are_those_of_the_messages() {
    let start = chain();
    assert_eq!(start.skip_to(JUMP_MAX).unwrap().0.len(), 2_000);
    assert_eq!(start.skip_to(2_001).err(), Some(GroupOpenError::TooFarAhead { ahead: 2_001 }));
    let (skipped, there) = start.skip_to(40).unwrap();
    assert_eq!(there.unwrap().n(), 40);
    assert!(start.skip_to(0).unwrap().1.is_none());
    let tags: Vec<Tag> = skipped.iter().map(|s| s.tag).collect();
    assert_eq!(tags, start.tags(0, 40));
    assert!(tags.iter().enumerate().all(|(n, tag)| start.tag(n as u32) == *tag));
    assert_eq!(start.tags_among(300, |tag| *tag == tags[17] || *tag == start.tag(280)), [tags[17], start.tag(280)]);
    assert_eq!(start.tags(u32::MAX - 2, 10).len(), 2);
    let end = Chain::from_parts(start.parts().0, start.parts().1, u32::MAX);
    assert!(end.step().is_none());
    assert!(end.tags(u32::MAX, 10).is_empty());
}

/// G17: one add and seed give a leaf other keys and tags in each live epoch.
#[test]
fn late_chains_differ_between_epochs_leaves_and_adds() {
    let seed = LateSeed::generate(&mut rng());
    let (add, epoch, leaf) = (EntryId([1; 32]), Epoch([2; 32]), LeafId([3; 16]));
    let all = [
        Chain::late(&add, &seed, &epoch, &leaf),
        Chain::late(&add, &seed, &Epoch([9; 32]), &leaf),
        Chain::late(&EntryId([9; 32]), &seed, &epoch, &leaf),
        Chain::late(&add, &seed, &epoch, &LeafId([9; 16])),
        Chain::late(&add, &LateSeed::generate(&mut rng()), &epoch, &leaf),
        Chain::covered(&epoch, &EpochSecret::new(seed.as_bytes()), &leaf),
    ];
    for (i, one) in all.iter().enumerate() {
        for other in &all[..i] {
            assert!(one.tag(0) != other.tag(0) && one.parts().0 != other.parts().0);
        }
    }
}

/// An issuer and one reader of its boxes.
struct Two {
    issuer: ExchangeKey,
    reader: ExchangeKey,
    leaf: LeafKeys,
}

const WHO: Pairing<'_> = Pairing { group: &PLACE.group, issuer: &PLACE.leaf, reader: &OTHER };
const HEAD: [u8; 90] = [5; 90];

fn two() -> Two {
    let (issuer, reader) = (ExchangeKey::generate(&mut rng()), ExchangeKey::generate(&mut rng()));
    Two { issuer, reader, leaf: LeafKeys::generate(&mut rng()) }
}

#[test]
fn an_intro_gives_both_the_same_key_and_nobody_else() {
    let t = two();
    let e = BoxKey::generate(&mut rng());
    let ek = t.leaf.kem_public();
    let made = introduce(&mut rng(), &WHO, &t.issuer, &e, &t.reader.public(), &ek).unwrap();
    let public = t.issuer.public();
    let read =
        |who: &Pairing<'_>, leaf: &LeafKeys, mine: &ExchangeKey, issuer_x: &ExchangePublic, e: &BoxPublic, ct| {
            introduced(who, leaf, mine, issuer_x, e, ct).unwrap()
        };
    let ct = &made.ciphertext;
    assert_eq!(read(&WHO, &t.leaf, &t.reader, &public, &e.public(), ct), made.key);

    let others = two();
    let mut wrong_ct = *ct;
    wrong_ct[0] ^= 1;
    let who = [
        Pairing { group: &GroupId([9; 32]), ..WHO },
        Pairing { issuer: &OTHER, ..WHO },
        Pairing { reader: &PLACE.leaf, ..WHO },
    ];
    let mut keys: Vec<PairKey> =
        who.iter().map(|who| read(who, &t.leaf, &t.reader, &public, &e.public(), ct)).collect();
    keys.push(read(&WHO, &others.leaf, &t.reader, &public, &e.public(), ct));
    keys.push(read(&WHO, &t.leaf, &others.reader, &public, &e.public(), ct));
    keys.push(read(&WHO, &t.leaf, &t.reader, &others.issuer.public(), &e.public(), ct));
    keys.push(read(&WHO, &t.leaf, &t.reader, &public, &BoxKey::generate(&mut rng()).public(), ct));
    keys.push(read(&WHO, &t.leaf, &t.reader, &public, &e.public(), &wrong_ct));
    assert!(keys.iter().all(|key| *key != made.key));

    let low = ExchangePublic([0; 32]);
    let bad = Some(PairError::BadKey);
    assert_eq!(introduce(&mut rng(), &WHO, &t.issuer, &e, &low, &ek).err(), bad);
    assert_eq!(introduce(&mut rng(), &WHO, &t.issuer, &e, &t.reader.public(), &[0xff; 1184]).err(), bad);
    assert_eq!(introduced(&WHO, &t.leaf, &t.reader, &low, &e.public(), ct).err(), bad);
    assert_eq!(introduced(&WHO, &t.leaf, &t.reader, &public, &BoxPublic([0; 32]), ct).err(), bad);
    assert_eq!(e.item(&WHO, &PLACE.epoch, &made.key, &low).err(), bad);
    assert_eq!(t.reader.whisper(&WHO, &made.key, &BoxPublic([0; 32])).err(), bad);
}

/// G14: an issuer who seals another secret for somebody is found by the commit in the entry.
#[test]
fn two_secrets_in_one_box_are_refused() {
    let t = two();
    let (e, pair, real) = (BoxKey::generate(&mut rng()), Pair::new(PairKey::generate(&mut rng()), 0), secret());
    let item = e.item(&WHO, &PLACE.epoch, pair.key(), &t.reader.public()).unwrap();
    let mine = t.reader.item(&WHO, &PLACE.epoch, pair.key(), &e.public()).unwrap();
    assert_eq!(mine.tag(), item.tag());
    let good = item.seal(&HEAD, &real);
    assert!(mine.open(&HEAD, &good, &commit(&real)).unwrap() == real);
    let other = item.seal(&HEAD, &EpochSecret::new(&[8; 32]));
    assert_eq!(mine.open(&HEAD, &other, &commit(&real)).err(), Some(PairError::Commit));
    assert_eq!(mine.open(&[6; 90], &good, &commit(&real)).err(), Some(PairError::Forged), "another head");
    let mut damaged = good;
    damaged[0] ^= 1;
    assert_eq!(mine.open(&HEAD, &damaged, &commit(&real)).err(), Some(PairError::Forged));
}

/// An item is bound to both leaves, group, epoch, pair key, X and e. In no two epochs has a leaf the same tag.
#[test]
fn item_tags_of_a_leaf_have_nothing_in_common() {
    let t = two();
    let (pair, x) = (Pair::new(PairKey::generate(&mut rng()), 0), t.reader.public());
    let (e, next) = (BoxKey::generate(&mut rng()), pair.next().unwrap());
    let tag = |e: &BoxKey, who: &Pairing<'_>, epoch, pair: &Pair, x: &ExchangePublic| {
        e.item(who, &Epoch(epoch), pair.key(), x).unwrap().tag()
    };
    let tags = [
        tag(&e, &WHO, [2; 32], &pair, &x),
        tag(&e, &WHO, [3; 32], &pair, &x),
        tag(&e, &WHO, [2; 32], &next, &x),
        tag(&BoxKey::generate(&mut rng()), &WHO, [2; 32], &pair, &x),
        tag(&e, &WHO, [2; 32], &pair, &t.issuer.public()),
        tag(&e, &Pairing { group: &GroupId([9; 32]), ..WHO }, [2; 32], &pair, &x),
        tag(&e, &Pairing { issuer: &LeafId([9; 16]), ..WHO }, [2; 32], &pair, &x),
        tag(&e, &Pairing { reader: &LeafId([9; 16]), ..WHO }, [2; 32], &pair, &x),
        e.whisper(&WHO, pair.key(), &x).unwrap().tag(),
    ];
    assert!(tags.iter().enumerate().all(|(i, tag)| !tags[..i].contains(tag)));
}

/// G12, G16: a pair moves forward only, lost boxes are passed by, and what is stored after a box opens none before.
#[test]
fn a_pair_forgets_its_used_key() {
    let first = Pair::new(PairKey::generate(&mut rng()), 7);
    let ahead = first.ahead(10).unwrap();
    assert_eq!(ahead.passed.iter().map(Pair::k).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(ahead.pair.k(), 10);
    assert!(ahead.passed[0] == first && ahead.passed[2].next().unwrap() == ahead.pair);
    let after = ahead.pair.next().unwrap();
    assert_eq!(after.ahead(10).err(), Some(PairError::Behind));
    let stored = after.to_bytes();
    let used = ahead.passed.iter().chain([&ahead.pair]);
    assert!(used.map(|pair| *pair.key().as_bytes()).all(|key| !stored.windows(32).any(|part| part == key)));

    assert_eq!(first.ahead(7).unwrap().passed.len(), 0);
    assert_eq!(first.ahead(1_007).unwrap().passed.len(), 1_000);
    assert_eq!(first.ahead(1_008).err(), Some(PairError::TooFarAhead));
    let end = Pair::new(PairKey::generate(&mut rng()), u32::MAX);
    assert!(end.next().is_none() && end.ahead(u32::MAX).is_ok());
}

#[test]
fn a_whisper_is_for_one_leaf() {
    let t = two();
    let e = BoxKey::generate(&mut rng());
    let made = introduce(&mut rng(), &WHO, &t.issuer, &e, &t.reader.public(), &t.leaf.kem_public()).unwrap();
    let key = e.whisper(&WHO, &made.key, &t.reader.public()).unwrap();
    let sealed = key.seal(b"head", b"chains");
    let mine = t.reader.whisper(&WHO, &made.key, &e.public()).unwrap();
    assert_eq!(mine.tag(), key.tag());
    assert_eq!(mine.open(b"head", &sealed).unwrap().as_slice(), b"chains");
    assert!(mine.open(b"Head", &sealed).is_none());
    let other = two().reader.whisper(&WHO, &made.key, &e.public()).unwrap();
    assert!(other.tag() != key.tag() && other.open(b"head", &sealed).is_none());
}

/// G20, G22: who has a published epoch key can write whole transcripts, but no opening and no other epoch; and not
/// against a run hash that the author's next opening names.
#[test]
fn a_published_key_makes_transcripts_deniable_and_adds_nothing() {
    let mut bob = Writer::new(PLACE, &secret());
    let vk = bob.leaf.signing_public();
    let unknown = Author { leaf: &vk, epoch: None };
    let first = open(&chain(), &PLACE, &unknown, &bob.send(b"hello")).unwrap();
    let (opening, key) = first.message.proven.opening.unwrap();
    let second = open(&first.chain, &PLACE, &Author { leaf: &vk, epoch: Some(&key) }, &bob.send(b"yes")).unwrap();
    let published = bob.key.to_bytes();

    // Anybody, with the recorded opening and the key, makes another transcript that verifies.
    let forger = EpochKey::from_bytes(published.as_slice()).unwrap();
    assert_eq!(forger.public(), key, "readers check that it is the opening's");
    let author = Author { leaf: &vk, epoch: Some(&key) };
    let (start, run) = (chain(), RunHash::first(&PLACE));
    let sender = Sender { place: &PLACE, key: &forger, run: &run };
    let random = Random([1; 16]);
    let forged = start.seal(&sender, Some(&opening), &random, ROOM, b"I confess").unwrap();
    let read = start.open(&PLACE, 0, &unknown, &forged.tag, &random, &forged.body).unwrap();
    assert_eq!(read.message.inner(), b"I confess");
    assert!(Signed { inner: b"no", ..second.message.signed().unwrap() }.verify(&PLACE, 1, &author).is_err());

    // The run that Bob's next opening pins has only what he wrote.
    let pinned = Before { epoch: [2; 8], count: 2, run: second.message.proven.next };
    assert_ne!(read.message.proven.next.next(b"yes"), pinned.run);
    assert_eq!(first.message.proven.run.next(b"hello").next(b"yes"), pinned.run);

    // In another epoch the key is worth nothing, and no opening can be made without the leaf key.
    let later = Place { epoch: Epoch([9; 32]), ..PLACE };
    assert!(opening.verify(&later, &vk).is_err());
    let mallory = LeafKeys::generate(&mut rng());
    let made = Opening::sign(&mallory, &later, &forger, &ExchangeKey::generate(&mut rng()), Some(pinned));
    assert!(made.verify(&later, &vk).is_err());
}

/// G19: only the reader for whom a proof was made, or the prover, can make it.
#[test]
fn a_binding_proof_convinces_its_reader_alone() {
    let (bob, mallory) = (DeviceKeys::generate(&mut rng()), DeviceKeys::generate(&mut rng()));
    let (x, other) = (ExchangeKey::generate(&mut rng()), ExchangeKey::generate(&mut rng()));
    let of = Binding { group: &PLACE.group, leaf: &PLACE.leaf, reader: &OTHER, bytes: b"leaf" };
    let proof = bind(&bob, &x.public(), &of).unwrap();
    let identity = bob.identity_public();
    assert!(check_binding(&x, &identity, &of, &proof));
    assert!(!check_binding(&other, &identity, &of, &proof));
    assert!(!check_binding(&x, &mallory.identity_public(), &of, &proof));
    let wrong = [
        Binding { group: &GroupId([9; 32]), ..of },
        Binding { leaf: &OTHER, ..of },
        Binding { reader: &PLACE.leaf, ..of },
        Binding { bytes: b"Leaf", ..of },
    ];
    assert!(wrong.iter().all(|of| !check_binding(&x, &identity, of, &proof)));
    assert!(!check_binding(&x, &identity, &of, &bind(&mallory, &x.public(), &of).unwrap()));
    assert!(!check_binding(&x, &[0; 32], &of, &proof));
    assert!(bind(&bob, &ExchangePublic([0; 32]), &of).is_none());
}

#[test]
fn rows_read_back_and_other_lengths_do_not() {
    let chain = Chain::from_parts(&[1; 32], &[2; 32], 9);
    assert_eq!(chain.to_bytes().as_slice(), [&[1; 32][..], &[2; 32], &[0, 0, 0, 9]].concat());
    assert!(Chain::from_bytes(chain.to_bytes().as_slice()).unwrap() == chain);
    let pair = Pair::new(PairKey::new(&[3; 32]), 8);
    assert!(Pair::from_bytes(pair.to_bytes().as_slice()).unwrap() == pair);
    let (leaf, x) = (LeafKeys::generate(&mut rng()), ExchangeKey::generate(&mut rng()));
    assert_eq!(LeafKeys::from_bytes(leaf.to_bytes().as_slice()).unwrap().kem_public(), leaf.kem_public());
    assert_eq!(ExchangeKey::from_bytes(x.to_bytes().as_slice()).unwrap().public(), x.public());
    let (epoch, b) = (EpochKey::generate(&mut rng()), AuthorityKey::deputy(&mut rng()));
    assert_eq!(EpochKey::from_bytes(epoch.to_bytes().as_slice()).unwrap().public(), epoch.public());
    assert_eq!(AuthorityKey::from_bytes(b.to_bytes().as_slice()).unwrap().public(), b.public());
    for len in [0, 31, 33, 35, 37, 67, 69, 95, 97] {
        let bytes = vec![1; len];
        assert!(Chain::from_bytes(&bytes).is_err() && Pair::from_bytes(&bytes).is_err());
        assert!(LeafKeys::from_bytes(&bytes).is_err() && ExchangeKey::from_bytes(&bytes).is_err());
        assert!(EpochKey::from_bytes(&bytes).is_err() && AuthorityKey::from_bytes(&bytes).is_err());
    }
}

#[test]
fn secrets_are_wiped_and_not_printed() {
    fn wiped<T: ZeroizeOnDrop + std::fmt::Debug>(value: &T) {
        assert!(format!("{value:?}").ends_with("(…)"));
    }
    wiped(&secret());
    wiped(&LateSeed::generate(&mut rng()));
    wiped(&chain());
    wiped(&chain().step().unwrap().0);
    wiped(&PairKey::generate(&mut rng()));
    wiped(&MaskSecret::new(&[1; 32]));
    let t = two();
    let e = BoxKey::generate(&mut rng());
    let item = e.item(&WHO, &PLACE.epoch, &PairKey::generate(&mut rng()), &t.reader.public()).unwrap();
    let key = EpochKey::generate(&mut rng());
    let printed = format!("{item:?}{:?}{e:?}{:?}{:?}{key:?}", t.issuer, t.leaf, Pair::new(PairKey::new(&[1; 32]), 1));
    assert_eq!(printed, "ItemKey(…)ExchangeKey(…)BoxKey(…)LeafKeys(…)Pair(…)EpochKey(…)");
}
