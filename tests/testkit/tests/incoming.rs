//! Own invites are listed and closed. Incoming messages have an order that survives restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sotto_messenger::Code;
use sotto_messenger::engine::{call, stored};
use sotto_messenger::records::{Invite, MessageState};
use sotto_testkit::{DAY, HOUR, MINUTE, World, contacts};

fn invites(world: &World, who: usize) -> Vec<Invite> {
    let now_ms = world.now_ms;
    world.phones[who].read(|reader| stored::invites(reader, 66, &[], now_ms).unwrap())
}

fn close(world: &mut World, who: usize, invite: &Invite) -> Option<Code> {
    let invite = invite.id.clone();
    let answer = world.call(who, call::InviteClose { invite });
    answer.err().map(|error| error.code())
}

#[test]
fn open_invites_are_listed_and_a_closed_one_admits_nobody() {
    let mut world = World::new(1, 3);
    for (who, name) in ["Alice", "Bob", "Carol"].iter().enumerate() {
        world.create(who, name);
    }
    let links: Vec<String> = (0..8).map(|_| world.invite(1)).collect();
    let ninth = world.call(1, call::InviteCreate {}).unwrap_err();
    assert_eq!(ninth.code(), Code::InviteTooMany);
    assert!(ninth.detail().contains("`invites`"), "{ninth}");
    let open = invites(&world, 1);
    assert_eq!(open.len(), 8, "none is replaced");
    let listed: Vec<&String> = open.iter().map(|invite| &invite.link).collect();
    assert_eq!(listed, links.iter().collect::<Vec<_>>());
    world.run(MINUTE);

    // Carol has read the cards of the first invite, and asks only after it was closed; Alice comes later.
    world.add(2, &links[0], "early");
    world.set_online(1, false);
    world.run(10 * MINUTE);
    assert_eq!(close(&mut world, 1, &open[0]), None);
    assert_eq!(close(&mut world, 1, &open[0]), Some(Code::InviteMissing));
    world.set_online(1, true);
    world.run(10 * MINUTE);
    world.add(0, &links[0], "late");
    world.run(HOUR);
    let requests = world.phones[1].read(|reader| contacts(reader).unwrap().len());
    assert_eq!(requests, 0, "nobody is admitted");
    let waiting = world.phones[0].read(|reader| contacts(reader).unwrap()[0].waiting.clone());
    assert_eq!(waiting.as_deref(), Some("invite.used"));
    assert_eq!(invites(&world, 1).len(), 7);
    // There is room again, after a restart too, and any number of times.
    world.kill(1);
    world.start(1);
    for _ in 0..40 {
        world.invite(1);
        let newest = invites(&world, 1).pop().unwrap();
        assert_eq!(close(&mut world, 1, &newest), None);
    }
    world.run(8 * DAY);
    assert!(invites(&world, 1).is_empty(), "expired");
}

#[test]
fn a_request_that_came_by_a_closed_invite_is_accepted() {
    let mut world = World::new(2, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "it is me");
    world.run(10 * MINUTE);
    let open = invites(&world, 1);
    assert_eq!(close(&mut world, 1, &open[0]), None);
    world.run(MINUTE);
    world.accept(1);
    world.run(10 * MINUTE);
    assert!(world.send(0, "hello"));
    assert!(world.send(1, "hello back"));
    world.run(10 * MINUTE);
    assert_eq!(world.phones[0].states(), [MessageState::Delivered; 2]);
    assert_eq!(world.phones[1].states(), [MessageState::Delivered]);
}

/// (number, text) of the messages after a number.
fn incoming(world: &World, who: usize, after: i64) -> Vec<(i64, String)> {
    let rows = world.phones[who].read(|reader| reader.arrivals_page(after, 500).unwrap());
    let shown = |(n, message): (i64, sotto_db::Message)| (n, message.text.unwrap_or_default());
    rows.into_iter().map(shown).collect()
}

fn texts(incoming: &[(i64, String)]) -> Vec<&str> {
    incoming.iter().map(|(_, text)| text.as_str()).collect()
}

#[test]
fn what_comes_in_has_numbers_that_rise_and_stay() {
    let mut world = World::befriended(3);
    for number in 0..20 {
        assert!(world.send(0, &format!("{number}")));
        world.run(MINUTE);
    }
    let first = incoming(&world, 1, 0);
    let wanted: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(texts(&first), wanted);
    assert!(first.windows(2).all(|pair| pair[0].0 < pair[1].0));
    world.kill(1);
    world.start(1);
    world.read_all(1);
    assert!(world.send(0, "after the restart"));
    world.run(MINUTE);
    assert_eq!(incoming(&world, 1, 0)[..20], first, "the numbers stay");
    let last = first[19].0;
    assert_eq!(texts(&incoming(&world, 1, last)), ["after the restart"]);
    assert!(incoming(&world, 0, 0).is_empty(), "own ones are none");
}

#[test]
fn a_long_text_has_its_number_once_it_is_whole() {
    let mut world = World::befriended(4);
    let long = "long ".repeat(60_000);
    // Its chunks are in no store for a while, so later messages are whole first.
    world.set_online(1, false);
    assert!(world.send(0, &long));
    assert!(world.send(0, "short"));
    world.run(MINUTE);
    world.set_online(1, true);
    let mut seen = Vec::new();
    let mut after = 0;
    for _ in 0..600 {
        world.run(1000);
        for (n, text) in incoming(&world, 1, after) {
            assert!(n > after);
            after = n;
            assert!(text == "short" || text == long, "it comes whole");
            seen.push(text.len());
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [5, long.len()], "each once");
}

#[test]
fn what_was_written_before_the_answer_comes_in_with_it() {
    let mut world = World::new(5, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, "");
    world.run(MINUTE);
    for text in ["one", "two", "three"] {
        assert!(world.send(0, text));
        world.run(10 * MINUTE);
    }
    assert!(incoming(&world, 1, 0).is_empty(), "nobody accepted it");
    world.accept(1);
    let came = incoming(&world, 1, 0);
    assert_eq!(texts(&came), ["one", "two", "three"]);
    world.run(MINUTE);
    assert!(world.send(0, "four"));
    world.run(MINUTE);
    assert_eq!(texts(&incoming(&world, 1, came[2].0)), ["four"]);
}

#[test]
fn a_message_is_answered_once() {
    let mut world = World::befriended(6);
    assert!(world.send(0, "a question"));
    world.run(MINUTE);
    let (arrival, _) = incoming(&world, 1, 0)[0];
    let answer = |world: &mut World, arrival: i64| {
        let text = "an answer".to_owned();
        world.call(1, call::Answer { arrival, text }).map_err(|error| error.code())
    };
    let first = answer(&mut world, arrival).unwrap();
    world.kill(1);
    world.start(1);
    assert_eq!(answer(&mut world, arrival), Ok(first));
    assert_eq!(answer(&mut world, arrival + 1), Err(Code::MessageMissing));
    world.run(10 * MINUTE);
    assert_eq!(world.phones[0].texts(), ["a question", "an answer"]);
}
