//! Properties that only private state shows.

use super::*;
use crate::kdf::derive;
use getrandom::SysRng;
use rand_core::UnwrapErr;

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// Deniability of a running session: everybody who can read the next message could have written it, bit for bit.
#[test]
fn who_receives_a_message_could_have_written_it() {
    let roots = Roots {
        hash: SessionHash([1; 32]),
        root: RootKey::new(&[2; 32]),
        first_a: NextKeys { header: HeaderKey::new(&[3; 32]), tags: None },
        first_b: NextKeys { header: HeaderKey::new(&[4; 32]), tags: Some(TagKey::new(&[5; 32])) },
    };
    let prekey = StaticSecret::random_from_rng(&mut rng());
    let first = StaticSecret::random_from_rng(&mut rng());
    let mut bob = Session::responder(&roots, &prekey);
    let mut alice = Session::initiator(&roots, first, &PublicKey::from(&prekey).to_bytes()).unwrap();
    let pass = |from: &mut Session, to: &mut Session| {
        let random = Random([6; 16]);
        let sealed = from.encrypt(&mut rng(), &random, b"text").unwrap();
        let done = to.decrypt(u32::MAX, &sealed.tag, &random, &sealed.header, &sealed.message);
        *to = done.unwrap().session;
    };
    pass(&mut alice, &mut bob);
    pass(&mut bob, &mut alice);
    pass(&mut alice, &mut bob);

    let mut forger = bob.clone();
    forger.sending.clone_from(&bob.receiving);
    forger.ratchet_public = bob.remote.unwrap();
    forger.previous = alice.previous; // in the header of her last message
    let random = Random([7; 16]);
    let forged = forger.encrypt(&mut rng(), &random, b"a promise").unwrap();
    let hers = alice.encrypt(&mut rng(), &random, b"a promise").unwrap();
    assert_eq!(forged, hers);
    assert!(bob.decrypt(u32::MAX, &forged.tag, &random, &forged.header, &forged.message).is_ok());
}

/// Intermediate keys never live in bare arrays: results of steps and handshakes are wiped when dropped.
#[test]
fn intermediate_keys_are_wiped() {
    fn wiped<T: ZeroizeOnDrop>(_: &T) {}
    let key = [1; 32];
    let (root, chain, keys) = RootKey::new(&key).step(Agreed::new(&key));
    wiped(&root);
    wiped(&chain);
    wiped(&keys);
    let (mk, next) = chain.step();
    wiped(&mk);
    wiped(&next);
    wiped(&mk.cipher(&Random([0; 16])));
    wiped(&derive::<44>(b"", &key, "", &[]));
    wiped(&crate::kdf::derive_four(b"", &key, "", &[]));
    wiped(&agree(&StaticSecret::from(key), &[9; 32]).unwrap());
    let pair = crate::PrekeyPair::generate(&mut rng());
    let (ciphertext, shared) = pair.public().encapsulate(&mut rng()).unwrap();
    wiped(&shared);
    wiped(&pair.decapsulate(&ciphertext));
    wiped(&pair.to_bytes());
    wiped(&crate::bip32::chat_key(&[7; 64]).unwrap());
}
