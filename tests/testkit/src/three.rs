//! Alice (phone 0), Bob (phone 1) and an empty phone (2), for tests of who is who.

use sotto_db::{Contact, Session, Tx};
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::ContactState;

use crate::{MINUTE, World};

/// Alice and Bob have accounts, and one asked the other with this text.
pub fn asked(seed: u64, asks: usize, text: &str) -> World {
    let mut world = World::new(seed, 3);
    world.create(0, "Alice");
    world.create(1, "Bob");
    world.run(MINUTE);
    let link = world.invite(1 - asks);
    world.run(MINUTE);
    world.add(asks, &link, text);
    world.run(MINUTE);
    world
}

/// Alice and Bob are contacts: she asked.
pub fn friends(seed: u64, text: &str) -> World {
    let mut world = asked(seed, 0, text);
    world.accept(1);
    world.run(MINUTE);
    world
}

/// Phone 2 restores Bob's phrase, whose phone is off.
pub fn steal(world: &mut World) {
    let phrase = phrase(world, 1).into();
    world.kill(1);
    world.call(2, call::AccountRestore { phrase }).unwrap();
    world.run(MINUTE);
}

/// A phone's recovery phrase.
pub fn phrase(world: &World, who: usize) -> String {
    world.phones[who].read(|reader| stored::phrase(reader).unwrap().unwrap().to_string())
}

/// The first contact of a phone.
pub fn contact(world: &World, who: usize) -> Contact {
    world.phones[who].read(|reader| reader.contacts().unwrap().remove(0))
}

/// What stands beside that contact's safety number: its devices.
pub fn shown(world: &World, who: usize) -> [u8; 32] {
    let row = contact(world, who);
    world.phones[who].read(|reader| stored::devices(reader, &row).unwrap().1)
}

/// Where that contact stands.
pub fn state(world: &World, who: usize) -> ContactState {
    stored::contact_state(contact(world, who).state)
}

/// Changes a phone's database while it is down; it is started again.
pub fn alter<T>(world: &mut World, who: usize, work: impl FnOnce(&Tx<'_>) -> T) -> T {
    world.kill(who);
    let done = world.phones[who].tables(work);
    world.start(who);
    done
}

/// Changes that contact.
pub fn change(world: &mut World, who: usize, work: impl FnOnce(&mut Contact)) {
    alter(world, who, |tx| {
        let mut row = tx.contacts().unwrap().remove(0);
        work(&mut row);
        tx.contact_put(&row).unwrap();
    });
}

/// All sessions of a phone.
pub fn sessions(tx: &Tx<'_>) -> Vec<Session> {
    let hashes = tx.sessions().unwrap().into_iter();
    hashes.map(|hash| tx.session(&hash).unwrap().unwrap()).collect()
}
