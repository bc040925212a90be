// Entry functions for what `sotto-crypto` reads: stored secrets, phrases, ids, and everything a stranger can send into
// a handshake or a session. Included by the fuzz crate and by `core/crypto/tests/corpus.rs`, which replays the corpora.

use std::sync::OnceLock;

use sotto_crypto::group::{
    Author, AuthorityKey, BoxPublic, Chain, Epoch, EpochKey, EpochSecret, ExchangeKey, ExchangePublic, GroupId, LeafId,
    LeafKeys, MaskSecret, Opening, Pair, PairKey, Pairing, Place, RunHash, Sender, Signed, introduced, mask_open,
};
use sotto_crypto::{
    Account, BLOCK_LEN, CORE_LEN, CardSecret, DeviceId, DeviceKeys, FileKey, HEADER_LEN, HandshakeCore, LocalKey,
    MessageKey, Phrase, PrekeyPair, Random, Recipient, SafetyQr, Session, Tag, blob_open, block_open, card_open,
    initiate, mask, open_skipped, parse_account_id, takeover_open, unmask, verify_chat, verify_device,
};

type Entry = fn(&[u8]);

pub(crate) const TARGETS: &[(&str, Entry)] = &[
    ("phrase", phrase),
    ("account_id", account_id),
    ("stored_secrets", stored_secrets),
    ("session", session),
    ("session_message", session_message),
    ("handshake_block", handshake_block),
    ("handshake_core", handshake_core),
    ("sealed", sealed),
    ("signatures", signatures),
    ("safety_qr", safety_qr),
    ("group_stored", group_stored),
    ("group_message", group_message),
    ("group_box", group_box),
];

/// The first N bytes, zeros where there are fewer, and what follows.
fn take<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    let mut bytes = [0; N];
    let (head, rest) = data.split_at(data.len().min(N));
    bytes.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
    (bytes, rest)
}

/// Tag and random bytes, and what follows them.
fn outer(data: &[u8]) -> (Tag, Random, &[u8]) {
    let (tag, rest) = take(data);
    let (random, rest) = take(rest);
    (Tag(tag), Random(random), rest)
}

fn phrase(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(phrase) = Phrase::parse(text)
    {
        let words = phrase.words();
        assert_eq!(*Phrase::parse(&words).unwrap().words(), *words);
    }
}

fn account_id(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(chat) = parse_account_id(text)
    {
        assert_eq!(sotto_crypto::account_id(&chat), text);
    }
    let (chat, _) = take::<33>(data);
    if let Ok(same) = parse_account_id(&sotto_crypto::account_id(&chat)) {
        assert_eq!(same, chat);
    }
}

fn stored_secrets(data: &[u8]) {
    if let Ok(account) = Account::from_bytes(data) {
        assert_eq!(account.to_bytes().as_slice(), data);
    }
    if let Ok(keys) = DeviceKeys::from_bytes(data) {
        assert_eq!(keys.to_bytes().as_slice(), data);
    }
    if let Ok(pair) = PrekeyPair::from_bytes(data) {
        assert_eq!(pair.to_bytes().as_slice(), data);
    }
}

fn session(data: &[u8]) {
    if let Ok(session) = Session::from_bytes(data) {
        assert_eq!(session.to_bytes().as_slice(), data);
        let (tag, random, rest) = outer(data);
        let (header, message) = take::<HEADER_LEN>(rest);
        let _ = session.decrypt(u32::MAX, &tag, &random, &header, message);
        let _ = session.receiving_tags(4, 4);
    }
}

/// Fixed parties: what varies is what the stranger sends.
struct Scene {
    bob: DeviceKeys,
    pair: PrekeyPair,
    core: HandshakeCore,
    session: Session,
}

const CHATS: ([u8; 33], [u8; 33]) = ([2; 33], [3; 33]);
const BOB_DEVICE: DeviceId = DeviceId([5; 16]);
const SECRET: CardSecret = CardSecret::new(&[6; 16]);
const RANDOM: Random = Random([1; 16]);

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let (alice, bob) = (DeviceKeys::generate(&mut rng), DeviceKeys::generate(&mut rng));
        let pair = PrekeyPair::generate(&mut rng);
        let identity = bob.identity_public();
        let public = pair.public();
        let to = Recipient { chat: &CHATS.1, device_id: &BOB_DEVICE, identity: &identity, prekey: &public };
        let (mut ours, core) = initiate(&mut rng, &alice, &CHATS.0, &[4; 185], 1, &to).unwrap();
        let first = ours.encrypt(&mut rng, &RANDOM, b"first").unwrap();
        let block = mask(&core, &SECRET, &first.tag, &RANDOM);
        let block = unmask(&SECRET, &first.tag, &RANDOM, &block).unwrap();
        let opened = block.open(&bob, &CHATS.1, &BOB_DEVICE, &pair).unwrap();
        let theirs = opened.finish(&alice.identity_public(), &pair).unwrap();
        let done = theirs.decrypt(u32::MAX, &first.tag, &RANDOM, &first.header, &first.message).unwrap();
        Scene { bob, pair, core, session: done.session }
    })
}

fn session_message(data: &[u8]) {
    let (tag, random, rest) = outer(data);
    let (header, message) = take::<HEADER_LEN>(rest);
    let before = scene().session.to_bytes();
    assert!(scene().session.decrypt(u32::MAX, &tag, &random, &header, message).is_err(), "forged");
    assert_eq!(*scene().session.to_bytes(), *before);
}

fn handshake_block(data: &[u8]) {
    let (tag, random, rest) = outer(data);
    let (block, _) = take::<BLOCK_LEN>(rest);
    assert!(unmask(&SECRET, &tag, &random, &block).is_none(), "forged");
}

/// A stranger who knows the secret masks what they like.
fn handshake_core(data: &[u8]) {
    let (mut core, rest) = take::<CORE_LEN>(data);
    if rest.first().is_some_and(|byte| byte % 2 == 0) {
        // Close to a real one: every byte of the input changes one.
        core = *scene().core.as_bytes();
        for (to, from) in core.iter_mut().zip(data) {
            *to ^= from;
        }
    }
    let core = HandshakeCore::from_bytes(&core).unwrap();
    let block = mask(&core, &SECRET, &Tag([7; 16]), &RANDOM);
    let block = unmask(&SECRET, &Tag([7; 16]), &RANDOM, &block).unwrap();
    assert_eq!(block.hash(), core.hash());
    let opened = block.open(&scene().bob, &CHATS.1, &BOB_DEVICE, &scene().pair);
    // The prekey id (bytes 1 to 8) only says which pair to take.
    let proven = |core: &HandshakeCore| (core.as_bytes()[0], core.as_bytes()[9..].to_vec());
    assert_eq!(opened.is_ok(), proven(&core) == proven(&scene().core), "forged");
}

fn sealed(data: &[u8]) {
    let (tag, random, body) = outer(data);
    assert!(card_open(&SECRET, &tag, &random, body).is_none(), "forged");
    assert!(takeover_open(&SECRET, &random, body).is_none(), "forged");
    assert!(blob_open(&FileKey::new(&[9; 32]), 0, &random, body).is_none(), "forged");
    assert!(block_open(&LocalKey::new(&[9; 32]), &[8; 8], 0, 1, &random, body).is_none(), "forged");
    let (header, message) = take::<HEADER_LEN>(body);
    assert!(open_skipped(&MessageKey::new(&[1; 32]), &[0; 32], &tag, &random, &header, message).is_err(), "forged");
}

fn signatures(data: &[u8]) {
    let (chat, rest) = take::<33>(data);
    let (signature, rest) = take::<64>(rest);
    let (device, message) = take::<32>(rest);
    assert!(verify_chat(&chat, "sotto/fuzz/1", &[message], &signature).is_err(), "forged");
    // Ed25519 keys of low order would verify anything: they must be refused.
    assert!(verify_device(&device, "sotto/fuzz/1", &[message], &signature).is_err(), "forged");
}

fn safety_qr(data: &[u8]) {
    if let Some(qr) = SafetyQr::decode(data) {
        assert_eq!(qr.encode(), data);
        assert!(!qr.is_of(&[0; 33], &[1; 33]), "a fingerprint found by chance");
    }
}

fn group_stored(data: &[u8]) {
    if let Ok(chain) = Chain::from_bytes(data) {
        assert_eq!(chain.to_bytes().as_slice(), data);
        assert_eq!(chain.tags(chain.n(), 3).first().copied(), (chain.n() < u32::MAX).then(|| chain.tag(chain.n())));
    }
    if let Ok(pair) = Pair::from_bytes(data) {
        assert_eq!(pair.to_bytes().as_slice(), data);
        assert_eq!(pair.ahead(pair.k()).map(|ahead| ahead.passed.len()), Ok(0));
    }
    if let Ok(keys) = LeafKeys::from_bytes(data) {
        assert_eq!(keys.to_bytes().as_slice(), data);
    }
    if let Ok(key) = ExchangeKey::from_bytes(data) {
        assert_eq!(key.to_bytes().as_slice(), data);
    }
    if let Ok(key) = AuthorityKey::from_bytes(data) {
        assert_eq!(key.to_bytes().as_slice(), data);
    }
    if let Ok(opening) = Opening::from_bytes(data) {
        assert_eq!(opening.to_bytes(), data);
    }
}

const PLACE: Place = Place { group: GroupId([1; 32]), epoch: Epoch([2; 32]), leaf: LeafId([3; 16]) };

/// Other bytes than the author's open nothing, neither in an envelope nor in a relay.
fn group_message(data: &[u8]) {
    let chain = Chain::covered(&PLACE.epoch, &EpochSecret::new(&[4; 32]), &PLACE.leaf);
    let (leaf, key) = (LeafKeys::from_bytes(&[5; 96]).unwrap(), EpochKey::from_bytes(&[6; 32]).unwrap());
    let (vk, epoch, run) = (leaf.signing_public(), key.public(), RunHash::first(&PLACE));
    let next = ExchangeKey::from_bytes(&[7; 32]).unwrap();
    let opening = Opening::sign(&leaf, &PLACE, &key, &next, None);
    let sender = Sender { place: &PLACE, key: &key, run: &run };
    let sealed = chain.seal(&sender, Some(&opening), &RANDOM, 462, b"text").unwrap();
    let author = Author { leaf: &vk, epoch: Some(&epoch) };
    let (mut tag, mut random, mut body) = (sealed.tag, RANDOM, sealed.body.clone());
    let all = tag.0.iter_mut().chain(&mut random.0).chain(&mut body);
    all.zip(data).for_each(|(to, from)| *to ^= from);
    let same = (tag, random, &body) == (sealed.tag, RANDOM, &sealed.body);
    assert_eq!(chain.open(&PLACE, 0, &author, &tag, &random, &body).is_ok(), same, "forged");

    let (signature, rest) = take::<64>(data);
    let (opening, inner) = rest.split_at(rest.len().min(172));
    let relayed = Signed { signature: &signature, run, opening, inner };
    assert!(relayed.verify(&PLACE, 0, &author).is_err(), "forged");
    assert!(relayed.verify(&PLACE, 1, &author).is_err(), "forged");
}

/// e, an item, X of the issuer, a ciphertext: whatever they are, no secret comes out.
fn group_box(data: &[u8]) {
    let (e, rest) = take::<32>(data);
    let (sealed, rest) = take::<48>(rest);
    let (issuer_x, rest) = take::<32>(rest);
    let (ciphertext, head) = take::<1088>(rest);
    let leaf = LeafKeys::from_bytes(&[5; 96]).unwrap();
    let mine = ExchangeKey::from_bytes(&[7; 32]).unwrap();
    let who = Pairing { group: &PLACE.group, issuer: &PLACE.leaf, reader: &LeafId([8; 16]) };
    let e = BoxPublic(e);
    let intro = introduced(&who, &leaf, &mine, &ExchangePublic(issuer_x), &e, &ciphertext);
    for key in intro.into_iter().chain([PairKey::new(&[9; 32])]) {
        if let Ok(item) = mine.item(&who, &PLACE.epoch, &key, &e) {
            assert!(item.open(&take(head).0, &sealed, &[0; 32]).is_err(), "forged");
        }
        if let Ok(whisper) = mine.whisper(&who, &key, &e) {
            assert!(whisper.open(head, &sealed).is_none(), "forged");
        }
    }
    assert!(mask_open(&MaskSecret::new(&[9; 32]), &RANDOM, data).is_none(), "forged");
}
