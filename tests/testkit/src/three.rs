//! Alice (phone 0), Bob (phone 1) and an empty phone (2), for tests about identity.

use sotto_db::{Chat, Conversation, Device, Peer, Person, PersonState, Reach, Session, Standing, Tables};
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::ContactState;

use crate::{Contact, MINUTE, World, contacts};

/// Alice and Bob have accounts, and one sent the other a request with this text.
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

/// Alice and Bob are contacts; Alice asked.
pub fn friends(seed: u64, text: &str) -> World {
    let mut world = asked(seed, 0, text);
    world.accept(1);
    world.run(MINUTE);
    world
}

/// Phone 2 restores Bob's phrase while Bob's phone is off.
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
    world.phones[who].read(|reader| contacts(reader).unwrap().remove(0))
}

/// The devices that this contact's safety number stands for.
pub fn shown(world: &World, who: usize) -> [u8; 32] {
    let row = contact(world, who);
    world.phones[who].read(|reader| stored::devices(reader, &row.chat).unwrap().1)
}

/// State of this contact.
pub fn state(world: &World, who: usize) -> ContactState {
    ContactState::from(contact(world, who).state)
}

/// Stops a phone, changes its database, and starts it again.
pub fn alter<T>(world: &mut World, who: usize, work: impl FnOnce(&mut Tables<'_>) -> T) -> T {
    world.kill(who);
    let done = world.phones[who].tables(work);
    world.start(who);
    done
}

/// Changes the rows of this contact: person, peer, devices.
pub fn change(world: &mut World, who: usize, work: impl FnOnce(&mut Contact)) {
    let mut row = contact(world, who);
    work(&mut row);
    alter(world, who, |tx| {
        tx.persons.put(&row.person).unwrap();
        tx.peers.put(&row.peer).unwrap();
        row.devices.iter().for_each(|device| tx.devices.put(device).unwrap());
    });
}

/// All sessions of a phone.
pub fn sessions(tx: &Tables<'_>) -> Vec<Session> {
    let hashes = tx.sessions.all().unwrap().into_iter();
    hashes.map(|hash| tx.sessions.get(&hash).unwrap().unwrap()).collect()
}

/// The sending session with the first contact.
pub fn sending(tx: &Tables<'_>) -> Option<Session> {
    let first = tx.persons.all().unwrap().remove(0);
    let hash = tx.devices.session(&first.chat).unwrap()?;
    tx.sessions.get(&hash).unwrap()
}

/// Deletes all sessions of a phone, and begins one with the first contact by the bundle.
pub fn begin_anew(tx: &mut Tables<'_>) {
    lose_sessions(tx);
    let first = tx.persons.all().unwrap().remove(0);
    tx.persons.edit(&first.chat, |person| person.cards_due_ms = Some(1)).unwrap();
    for device in tx.devices.of(&first.chat).unwrap() {
        tx.devices.put(&Device { reset_pair: None, ..device }).unwrap();
    }
}

/// Sets the state of an account in all tables that hold it.
pub fn stand(tx: &mut Tables<'_>, chat: &Chat, state: PersonState) {
    tx.persons.edit(chat, |person| person.state = state).unwrap().unwrap();
    let (reach, standing) = match state {
        PersonState::Accepted => (Reach::All, Standing::Open),
        PersonState::Requested => (Reach::Messages, Standing::Asked),
        PersonState::Incoming => (Reach::Nothing, Standing::Pending),
        PersonState::Declined => (Reach::Nothing, Standing::Closed),
        PersonState::Blocked => (Reach::Nothing, Standing::Blocked),
    };
    tx.peers.edit(chat, |peer| peer.reach = reach).unwrap().unwrap();
    let conversation = tx.conversations.with(chat).unwrap().unwrap();
    tx.conversations.put(&Conversation { standing, ..conversation }).unwrap();
}

/// Gives accounts 1 up to `end` the state of this one.
pub fn crowd(tx: &mut Tables<'_>, like: &Contact, end: u8) {
    let conversation = tx.conversations.get(&like.conversation).unwrap().unwrap();
    for i in 1..end {
        let chat = [i; 33];
        tx.persons.put(&Person { chat, ..like.person.clone() }).unwrap();
        tx.peers.put(&Peer { chat, ..like.peer.clone() }).unwrap();
        for device in &like.devices {
            tx.devices.put(&Device { chat, session: None, ..device.clone() }).unwrap();
        }
        let peer = Some(chat);
        tx.conversations.put(&Conversation { id: [i; 32], peer, ..conversation.clone() }).unwrap();
    }
}

/// Deletes all sessions of a phone.
pub fn lose_sessions(tx: &mut Tables<'_>) {
    for row in sessions(tx) {
        tx.devices.edit(&row.chat, &row.device, |device| device.session = None).unwrap();
        tx.links.remove(&row.hash).unwrap();
        tx.sessions.remove(&row.hash).unwrap();
    }
}
