//! One operation, 40 times, in a function that callgrind can find: `sotto-ratchet sotto|vodozemac
//! encrypt|decrypt|pingpong|initiate|respond|group-seal|group-open`. `scripts/bench` runs it. Texts have
//! 100 bytes, unpadded on both sides.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a measuring program")]

use rand_core::UnwrapErr;
use std::hint::black_box;

const ROUNDS: usize = 40;
const TEXT: [u8; 100] = [b'x'; 100];

mod group;

mod sotto {
    use super::{ROUNDS, TEXT, UnwrapErr, black_box};
    use getrandom::SysRng;
    use sotto_crypto::{
        Block, CardSecret, DeviceId, DeviceKeys, HandshakeCore, PrekeyPair, PrekeyPublic, Random, Recipient, Sealed,
        Session, Tag, initiate, mask, unmask,
    };

    const BOB: DeviceId = DeviceId([4; 16]);
    const SECRET: CardSecret = CardSecret::new(&[1; 16]);
    const TAG: Tag = Tag([2; 16]);
    const RANDOM: Random = Random([3; 16]);

    type Wired = (Random, Sealed);

    struct Keys {
        alice: DeviceKeys,
        bob: DeviceKeys,
        prekey: PrekeyPair,
        public: PrekeyPublic,
    }

    fn keys() -> Keys {
        let mut rng = UnwrapErr(SysRng);
        let prekey = PrekeyPair::generate(&mut rng);
        let public = prekey.public();
        Keys { alice: DeviceKeys::generate(&mut rng), bob: DeviceKeys::generate(&mut rng), prekey, public }
    }

    fn outbound(k: &Keys) -> (Session, HandshakeCore) {
        let identity = k.bob.identity_public();
        let to = Recipient { chat: &[3; 33], device_id: &BOB, identity: &identity, prekey: &k.public };
        initiate(&mut UnwrapErr(SysRng), &k.alice, &[2; 33], &[5; 185], 1, &to).unwrap()
    }

    fn block(core: &HandshakeCore) -> Block {
        unmask(&SECRET, &TAG, &RANDOM, &mask(core, &SECRET, &TAG, &RANDOM)).unwrap()
    }

    fn inbound(k: &Keys, block: &Block) -> Session {
        let opened = block.open(&k.bob, &[3; 33], &BOB, &k.prekey).unwrap();
        opened.finish(&k.alice.identity_public(), &k.prekey).unwrap()
    }

    fn send(from: &mut Session) -> Wired {
        let mut rng = UnwrapErr(SysRng);
        let mut random = Random([0; 16]);
        rand_core::Rng::fill_bytes(&mut rng, &mut random.0);
        (random, from.encrypt(&mut rng, &random, &TEXT).unwrap())
    }

    fn receive(to: &mut Session, (random, s): &Wired) {
        *to = to.decrypt(u32::MAX, &s.tag, random, &s.header, &s.message).unwrap().session;
    }

    fn pair() -> (Session, Session) {
        let k = keys();
        let (mut alice, core) = outbound(&k);
        let mut bob = inbound(&k, &block(&core));
        receive(&mut bob, &send(&mut alice));
        receive(&mut alice, &send(&mut bob));
        (alice, bob)
    }

    #[inline(never)]
    fn measured<T>(items: &mut [T], mut op: impl FnMut(&mut T)) {
        items.iter_mut().for_each(&mut op);
    }

    pub(super) fn run(op: &str) {
        let (mut alice, mut bob) = pair();
        // The first message of a chain draws a key; it is not what encrypt and decrypt measure.
        receive(&mut bob, &send(&mut alice));
        match op {
            "encrypt" => measured(&mut [(); ROUNDS], |()| drop(black_box(send(&mut alice)))),
            "decrypt" => {
                let mut sent: Vec<Wired> = (0..ROUNDS).map(|_| send(&mut alice)).collect();
                measured(&mut sent, |w| receive(&mut bob, w));
            }
            "pingpong" => measured(&mut [0; ROUNDS], |turn: &mut usize| {
                let _ = turn;
                std::mem::swap(&mut alice, &mut bob);
                let wired = send(&mut alice);
                receive(&mut bob, &wired);
            }),
            "initiate" => {
                let k = keys();
                measured(&mut [(); ROUNDS], |()| {
                    let (mut session, core) = outbound(&k);
                    black_box((send(&mut session), mask(&core, &SECRET, &TAG, &RANDOM)));
                });
            }
            "respond" => {
                let k = keys();
                let mut made: Vec<(Block, Wired)> = (0..ROUNDS)
                    .map(|_| {
                        let (mut session, core) = outbound(&k);
                        (block(&core), send(&mut session))
                    })
                    .collect();
                measured(&mut made, |(block, w)| receive(&mut inbound(&k, block), w));
            }
            _ => panic!("no such operation"),
        }
    }
}

mod vodozemac_olm {
    use super::{ROUNDS, TEXT, black_box};
    use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};

    fn config() -> SessionConfig {
        SessionConfig::version_1()
    }

    fn outbound(alice: &Account, bob: &mut Account) -> Session {
        bob.generate_one_time_keys(1);
        let key = bob.one_time_keys().into_values().next().unwrap();
        let session = alice.create_outbound_session(config(), bob.curve25519_key(), key).unwrap();
        bob.mark_keys_as_published();
        session
    }

    fn inbound(bob: &mut Account, alice: &Account, first: &OlmMessage) -> Session {
        let OlmMessage::PreKey(m) = first else { panic!("not a first message") };
        bob.create_inbound_session(config(), alice.curve25519_key(), m).unwrap().session
    }

    #[inline(never)]
    fn measured<T>(items: &mut [T], mut op: impl FnMut(&mut T)) {
        items.iter_mut().for_each(&mut op);
    }

    pub(super) fn run(op: &str) {
        let (mine, mut theirs) = (Account::new(), Account::new());
        let mut alice = outbound(&mine, &mut theirs);
        let first = alice.encrypt(TEXT).unwrap();
        let mut bob = inbound(&mut theirs, &mine, &first);
        let answer = bob.encrypt(TEXT).unwrap();
        alice.decrypt(&answer).unwrap();
        let next = alice.encrypt(TEXT).unwrap();
        bob.decrypt(&next).unwrap();
        match op {
            "encrypt" => measured(&mut [(); ROUNDS], |()| drop(black_box(alice.encrypt(TEXT).unwrap()))),
            "decrypt" => {
                let mut sent: Vec<OlmMessage> = (0..ROUNDS).map(|_| alice.encrypt(TEXT).unwrap()).collect();
                measured(&mut sent, |m| drop(black_box(bob.decrypt(m).unwrap())));
            }
            "pingpong" => measured(&mut [0; ROUNDS], |turn: &mut usize| {
                let _ = turn;
                std::mem::swap(&mut alice, &mut bob);
                let m = alice.encrypt(TEXT).unwrap();
                bob.decrypt(&m).unwrap();
            }),
            "initiate" => {
                theirs.generate_one_time_keys(1);
                let key = theirs.one_time_keys().into_values().next().unwrap();
                let identity = theirs.curve25519_key();
                measured(&mut [(); ROUNDS], |()| {
                    let mut session = mine.create_outbound_session(config(), identity, key).unwrap();
                    black_box(session.encrypt(TEXT).unwrap());
                });
            }
            "respond" => {
                let mut made: Vec<OlmMessage> =
                    (0..ROUNDS).map(|_| outbound(&mine, &mut theirs).encrypt(TEXT).unwrap()).collect();
                measured(&mut made, |m| drop(black_box(inbound(&mut theirs, &mine, m))));
            }
            _ => panic!("no such operation"),
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["sotto", op @ ("group-seal" | "group-open")] => group::sotto::run(op),
        ["vodozemac", op @ ("group-seal" | "group-open")] => group::megolm::run(op),
        ["sotto", op] => sotto::run(op),
        ["vodozemac", op] => vodozemac_olm::run(op),
        _ => panic!(
            "usage: sotto-ratchet sotto|vodozemac encrypt|decrypt|pingpong|initiate|respond|group-seal|group-open"
        ),
    }
}
