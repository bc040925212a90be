//! One message of a group, sealed and opened: 100 bytes, unpadded, beside Megolm. Message 0 with its opening, and the
//! first advance of Megolm's ratchet, are not measured.

use super::{ROUNDS, TEXT, UnwrapErr, black_box};

pub(super) mod sotto {
    use super::{ROUNDS, TEXT, UnwrapErr, black_box};
    use getrandom::SysRng;
    use sotto_crypto::group::{
        Author, Chain, Epoch, EpochKey, EpochSecret, ExchangeKey, GroupId, LeafId, LeafKeys, Opening, Place, RunHash,
        Sealed, Sender,
    };
    use sotto_crypto::{Random, Tag};

    const PLACE: Place = Place { group: GroupId([1; 32]), epoch: Epoch([2; 32]), leaf: LeafId([3; 16]) };
    const ROOM: usize = 97 + TEXT.len();

    struct Writer {
        chain: Chain,
        run: RunHash,
        key: EpochKey,
        n: u32,
    }

    struct Wired {
        n: u32,
        tag: Tag,
        random: Random,
        body: Vec<u8>,
    }

    fn send(from: &mut Writer, opening: Option<&Opening>, room: usize) -> Wired {
        let mut random = Random([0; 16]);
        rand_core::Rng::fill_bytes(&mut UnwrapErr(SysRng), &mut random.0);
        let sender = Sender { place: &PLACE, key: &from.key, run: &from.run };
        let Sealed { tag, body, chain, run, .. } = from.chain.seal(&sender, opening, &random, room, &TEXT).unwrap();
        let n = from.n;
        (from.chain, from.run, from.n) = (chain, run, n + 1);
        Wired { n, tag, random, body }
    }

    #[inline(never)]
    fn measured<T>(items: &mut [T], mut op: impl FnMut(&mut T)) {
        items.iter_mut().for_each(&mut op);
    }

    pub(in super::super) fn run(op: &str) {
        let mut rng = UnwrapErr(SysRng);
        let (leaf, key, next) =
            (LeafKeys::generate(&mut rng), EpochKey::generate(&mut rng), ExchangeKey::generate(&mut rng));
        let mut chain = Chain::covered(&PLACE.epoch, &EpochSecret::generate(&mut rng), &PLACE.leaf);
        let opening = Opening::sign(&leaf, &PLACE, &key, &next, None);
        let mut bob = Writer { chain: chain.clone(), run: RunHash::first(&PLACE), key, n: 0 };
        let first = send(&mut bob, Some(&opening), ROOM + 128);
        let vk = leaf.signing_public();
        let unknown = Author { leaf: &vk, epoch: None };
        let opened = chain.open(&PLACE, 0, &unknown, &first.tag, &first.random, &first.body).unwrap();
        chain = opened.chain;
        let (_, epoch) = opened.message.proven.opening.unwrap();
        let author = Author { leaf: &vk, epoch: Some(&epoch) };
        match op {
            "group-seal" => measured(&mut [(); ROUNDS], |()| drop(black_box(send(&mut bob, None, ROOM)))),
            "group-open" => {
                let mut sent: Vec<Wired> = (0..ROUNDS).map(|_| send(&mut bob, None, ROOM)).collect();
                measured(&mut sent, |w| {
                    chain = chain.open(&PLACE, w.n, &author, &w.tag, &w.random, &w.body).unwrap().chain;
                });
            }
            _ => panic!("no such operation"),
        }
    }
}

pub(super) mod megolm {
    use super::{ROUNDS, TEXT, black_box};
    use vodozemac::megolm::{GroupSession, InboundGroupSession, MegolmMessage, SessionConfig};

    #[inline(never)]
    fn measured<T>(items: &mut [T], mut op: impl FnMut(&mut T)) {
        items.iter_mut().for_each(&mut op);
    }

    pub(in super::super) fn run(op: &str) {
        let mut alice = GroupSession::new(SessionConfig::version_1());
        let mut bob = InboundGroupSession::new(&alice.session_key(), SessionConfig::version_1());
        bob.decrypt(&alice.encrypt(TEXT)).unwrap();
        match op {
            "group-seal" => measured(&mut [(); ROUNDS], |()| drop(black_box(alice.encrypt(TEXT)))),
            "group-open" => {
                let mut sent: Vec<MegolmMessage> = (0..ROUNDS).map(|_| alice.encrypt(TEXT)).collect();
                measured(&mut sent, |m| drop(black_box(bob.decrypt(m).unwrap())));
            }
            _ => panic!("no such operation"),
        }
    }
}
