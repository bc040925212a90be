#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use rand_core::UnwrapErr;
use sotto_crypto::{Account, DeviceKeys, Phrase, PrekeyPair, card_seal};
use sotto_wire::envelope::{CARD_ROOM, pad};

use super::*;

const NOW_S: u64 = 1_790_000_000;
const DAY_S: u64 = 86_400;
const SECRET: [u8; 16] = [9; 16];
const DEVICE: [u8; 16] = [5; 16];

/// An account that signs any dates.
struct Maker {
    account: Account,
    keys: DeviceKeys,
    rng: UnwrapErr<getrandom::SysRng>,
}

impl Maker {
    fn new() -> Self {
        let mut rng = UnwrapErr(getrandom::SysRng);
        Self {
            account: Account::from_phrase(&Phrase::generate(&mut rng)).unwrap(),
            keys: DeviceKeys::generate(&mut rng),
            rng,
        }
    }

    fn chat(&self) -> [u8; 33] {
        *self.account.chat_public()
    }

    fn card(&mut self, kind: CardKind, device: &[u8; 16], plain: &[u8]) -> Received {
        let secret = CardSecret::new(&SECRET);
        let tag = card_tag(&secret, kind.code(), &DeviceId(*device), (NOW_S / DAY_S) as u32);
        let body = card_seal(&secret, &tag, &Random([1; 16]), &pad(plain, CARD_ROOM).unwrap());
        let envelope = Envelope { tag: tag.0, random: [1; 16], body: &body };
        Received {
            topic: String::new(),
            payload: envelope.encode().unwrap(),
            timestamp_ns: NOW_S as i64 * 1_000_000_000,
            hash: [0; 32],
            node: 1,
            live: false,
        }
    }

    fn list(&mut self, version: u64, not_after_s: u64) -> Received {
        let chat = self.chat();
        let mut record = DeviceRecord {
            list_version: version,
            not_after_s,
            device_id: DEVICE,
            identity: self.keys.identity_public(),
            signing: self.keys.signing_public(),
            suites: 1,
            reserved: [0; 21],
            signature: [0; 64],
        };
        let bytes = record.signed_bytes(&chat);
        record.signature = self.account.sign(LABEL_RECORD, &[&bytes]).unwrap();
        let mut list = DeviceList { chat, version, not_after_s, records: vec![record], signature: [0; 64] };
        let bytes = list.signed_bytes(&secret_hash(&SECRET));
        list.signature = self.account.sign(LABEL_LIST, &[&bytes]).unwrap();
        self.card(CardKind::List, &NO_DEVICE, &list.encode().unwrap())
    }

    fn bundle(&mut self, not_after_s: u64) -> Received {
        let pair = PrekeyPair::generate(&mut self.rng).public();
        let mut bundle = Bundle {
            list_version: NOW_S,
            not_after_s,
            suites: 1,
            prekey_id: pair.id,
            x25519: pair.x25519,
            kem: Box::new(pair.kem),
            signature: [0; 64],
        };
        let bytes = bundle.signed_bytes(&self.chat(), &DEVICE, &secret_hash(&SECRET));
        bundle.signature = self.keys.sign(LABEL_BUNDLE, &[&bytes]);
        self.card(CardKind::Bundle, &DEVICE, &bundle.encode())
    }
}

/// All cards of two days, in pages of one, newest first.
fn keep(maker: &Maker, cards: &[Received], known: u64) -> Found {
    let now_ms = NOW_S as i64 * 1000;
    let times = (now_ms - 2 * 86_400_000, now_ms);
    let mut found = Found::new(SECRET, maker.chat(), known, times);
    for card in cards {
        found.keep(std::slice::from_ref(card), NOW_S);
    }
    found
}

fn found(maker: &Maker, cards: &[Received], known: u64) -> Cards {
    keep(maker, cards, known).cards()
}

#[test]
fn a_list_that_is_old_or_past_its_date_is_refused_by_name() {
    let mut maker = Maker::new();
    let good = maker.list(NOW_S, NOW_S + DAY_S);
    let past = maker.list(NOW_S, NOW_S - 1);
    for (cards, known, taken, refused) in [
        (vec![good.clone()], 0, true, None),
        (vec![good.clone()], NOW_S + 1, false, Some(Code::ListOld)),
        (vec![past.clone()], 0, false, Some(Code::ListExpired)),
        (vec![past.clone(), good], 0, true, None),
    ] {
        let cards = found(&maker, &cards, known);
        assert_eq!((cards.list.is_some(), cards.refused), (taken, refused));
    }
    // It says nothing about another account.
    let other = Maker::new();
    assert_eq!(found(&other, &[past], 0).refused, None);
}

#[test]
fn a_bundle_past_its_date_is_refused_by_name() {
    let mut maker = Maker::new();
    let list = maker.list(NOW_S, NOW_S + DAY_S);
    let (good, past) = (maker.bundle(NOW_S + DAY_S), maker.bundle(NOW_S - 1));
    let cards = found(&maker, &[list.clone(), past.clone()], 0);
    assert!(cards.bundle.is_none());
    assert_eq!(cards.refused, Some(Code::ListExpired));
    let cards = found(&maker, &[list, past, good], 0);
    assert!(cards.bundle.is_some());
    assert_eq!(cards.refused, None);
}

/// Junk under the right tags, as a holder of the secret can make it.
fn junk(maker: &mut Maker, kind: CardKind, device: &[u8; 16], like: &[u8], number: u32) -> Received {
    let mut bytes = like.to_vec();
    let end = bytes.len() - 4; // in the signature
    bytes[end..].copy_from_slice(&number.to_be_bytes());
    maker.card(kind, device, &bytes)
}

#[test]
fn junk_under_the_right_tags_crowds_out_nothing() {
    let mut maker = Maker::new();
    let (list, bundle) = (maker.list(NOW_S, NOW_S + DAY_S), maker.bundle(NOW_S + DAY_S));
    let plain = |card: &Received| {
        let envelope = Envelope::decode(&card.payload).unwrap();
        let (tag, random) = (Tag(envelope.tag), Random(envelope.random));
        let padded = card_open(&CardSecret::new(&SECRET), &tag, &random, envelope.body).unwrap();
        unpad(&padded).unwrap().to_vec()
    };
    let (list_bytes, bundle_bytes) = (plain(&list), plain(&bundle));
    let mut pages = Vec::new();
    for number in 0..400 {
        pages.push(junk(&mut maker, CardKind::List, &NO_DEVICE, &list_bytes, number));
        pages.push(junk(&mut maker, CardKind::Bundle, &DEVICE, &bundle_bytes, number));
        pages.push(maker.card(CardKind::Closed, &NO_DEVICE, &[7; 80]));
        pages.push(maker.card(CardKind::Profile, &NO_DEVICE, &[7; 90]));
    }
    pages.push(bundle); // published after its list, so it comes before it
    pages.push(list);
    let mut found = keep(&maker, &pages, 0);
    assert!(!found.closed);
    assert!(found.candidates.len() <= CANDIDATES, "bounded");
    assert!(found.look_again(), "the list is known now: once more");
    found.keep(&pages, NOW_S);
    assert!(!found.look_again(), "once");
    let cards = found.cards();
    assert!(cards.list.is_some() && cards.bundle.is_some());
    assert_eq!((cards.closed, cards.refused), (false, None));
}

#[test]
fn the_best_of_each_kind_is_kept_whatever_the_order() {
    let mut maker = Maker::new();
    let lists = [1, 3, 2].map(|version| maker.list(NOW_S + version, NOW_S + DAY_S));
    let bundles = [2, 3, 1].map(|hours| maker.bundle(NOW_S + hours * 3600));
    let pages: Vec<Received> = bundles.into_iter().chain(lists).collect();
    let cards = found(&maker, &pages, 0);
    assert_eq!(cards.list.unwrap().version, NOW_S + 3);
    assert_eq!(cards.bundle.unwrap().1.not_after_s, NOW_S + 3 * 3600);
}

#[test]
fn a_card_is_taken_on_its_day_and_the_days_beside_it() {
    let mut maker = Maker::new();
    for (days, taken) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let mut list = maker.list(NOW_S, NOW_S + DAY_S);
        list.timestamp_ns += days * DAY_NS;
        let cards = found(&maker, &[list], 0);
        assert_eq!(cards.list.is_some(), taken, "{days}");
    }
}
