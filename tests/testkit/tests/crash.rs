//! A phone is killed before each of its effects and reopened: nothing acknowledged is lost or doubled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{ContactState, MessageState};
use sotto_testkit::{MINUTE, SECOND, World, contacts};

/// A person reopens the app after it died.
fn up(world: &mut World, who: usize) {
    if !world.phones[who].is_up() {
        world.start(who);
        world.run(SECOND);
    }
}

/// Repeats a call until it is done, as a person does who sees that it is not.
fn until(world: &mut World, who: usize, done: impl Fn(&World) -> bool, act: impl Fn(&mut World)) {
    for _ in 0..4 {
        up(world, who);
        if done(world) {
            return;
        }
        act(world);
        world.run(5 * SECOND);
    }
    panic!("not done");
}

fn account(world: &mut World, who: usize) {
    let done = |world: &World| world.phones[who].read(|reader| stored::own(reader).unwrap().is_some());
    until(world, who, done, |world| {
        world.try_call(who, call::AccountCreate { name: format!("{who}") });
    });
}

fn say(world: &mut World, who: usize, text: &str) {
    let done = |world: &World| world.phones[who].texts().iter().any(|shown| shown == text);
    until(world, who, done, |world| {
        world.send(who, text);
    });
}

fn state(world: &World, who: usize) -> Option<ContactState> {
    let contacts = world.phones[who].read(|reader| contacts(reader).unwrap());
    contacts.first().map(|contact| ContactState::from(contact.state))
}

/// The actions of two people; `killed` dies before its `n`th effect.
fn life(killed: Option<(usize, u64)>) -> World {
    let mut world = World::new(3, 2);
    if let Some((who, n)) = killed {
        world.kill_after(who, n);
    }
    account(&mut world, 0);
    account(&mut world, 1);
    let link = loop {
        up(&mut world, 1);
        if let Some(Ok(invite)) = world.try_call(1, call::InviteCreate {}) {
            break invite.link;
        }
    };
    world.run(5 * SECOND);
    up(&mut world, 1);
    world.run(5 * SECOND);
    until(
        &mut world,
        0,
        |world| state(world, 0).is_some(),
        |world| {
            let command = call::ContactAdd { link: link.clone(), text: None };
            world.try_call(0, command);
        },
    );
    for _ in 0..2 {
        world.run(MINUTE);
        up(&mut world, 0);
        up(&mut world, 1);
    }
    world.run(5 * MINUTE);
    until(
        &mut world,
        1,
        |world| state(world, 1) == Some(ContactState::Accepted),
        |world| {
            let contact = world.contact(1);
            let action = ContactAction::Accept;
            world.try_call(1, call::ContactAnswer { contact, action });
        },
    );
    for _ in 0..2 {
        world.run(3 * MINUTE);
        up(&mut world, 0);
        up(&mut world, 1);
    }
    for (who, text) in [(0, "one"), (1, "two"), (0, "three"), (0, "four"), (1, "five")] {
        say(&mut world, who, text);
    }
    say(&mut world, 0, &"long ".repeat(10_000));
    for _ in 0..3 {
        world.run(3 * MINUTE);
        up(&mut world, 0);
        up(&mut world, 1);
    }
    world.run(30 * MINUTE);
    world
}

fn check(world: &World, when: &str) {
    let [alice, bob] = [world.phones[0].texts(), world.phones[1].texts()];
    assert_eq!(alice, bob, "{when}");
    assert_eq!(alice.len(), 6, "{when}: {alice:?}");
    for who in 0..2 {
        let states = world.phones[who].states();
        let delivered = |state: &MessageState| *state >= MessageState::Delivered;
        assert!(states.iter().all(delivered), "{when}: {who} {states:?}");
        assert_eq!(state(world, who), Some(ContactState::Accepted), "{when}");
        let left = world.phones[who].read(|reader| reader.counts().unwrap().parcels);
        assert_eq!(left, 0, "{when}: {who} still has something to send");
    }
}

#[test]
fn killed_before_each_effect() {
    let calm = life(None);
    check(&calm, "calm");
    let points = (0..2).flat_map(|who| (0..calm.phones[who].effects).map(move |n| (who, n)));
    let points: Vec<(usize, u64)> = points.collect();
    std::thread::scope(|scope| {
        for half in points.chunks(points.len().div_ceil(2)) {
            scope.spawn(move || {
                for &(who, n) in half {
                    check(&life(Some((who, n))), &format!("{who} killed before effect {n}"));
                }
            });
        }
    });
}
