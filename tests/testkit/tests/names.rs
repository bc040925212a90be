//! Names and texts of people: blank ones are refused, and none commands a screen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Debug;

use sotto_messenger::Code;
use sotto_messenger::engine::input::Call;
use sotto_messenger::engine::{call, stored};
use sotto_testkit::{MINUTE, Shown, World, contacts};

/// Characters that end a line, command a terminal, or change the direction of writing.
const COMMANDS: &[char] = &['\n', '\r', '\u{0}', '\u{1b}', '\u{9b}', '\u{2028}', '\u{202e}', '\u{2066}'];

fn refusal<C: Call<Answer: Shown + Debug>>(world: &mut World, call: C) -> Code {
    world.call(0, call).unwrap_err().code()
}

#[test]
fn a_name_with_control_characters_or_nothing_visible_is_refused() {
    let mut world = World::new(1, 1);
    for name in ["", "  ", "A\nB", "\u{1b}[31mA", "A\u{9b}", "\u{200b}\u{200d}", "\u{3164}", "\u{2028}A"] {
        let name = name.to_owned();
        let create = call::AccountCreate { name: name.clone() };
        assert_eq!(refusal(&mut world, create), Code::BadName, "{name:?}");
    }
    world.create(0, "می‌خواهم");
    let set = call::ProfileSet { name: "\t".into() };
    assert_eq!(refusal(&mut world, set), Code::BadName);
    let own = world.phones[0].read(|reader| stored::own(reader).unwrap().unwrap());
    assert_eq!(own.name, "می‌خواهم");
}

#[test]
fn a_text_in_which_nothing_is_visible_is_refused() {
    let mut world = World::befriended(2);
    let conversation = world.conversation(0);
    for text in ["", " \r\n\t", "\u{200b}\u{feff}", "\u{2028}", "\u{2800}"] {
        let send = call::Send { conversation: conversation.clone(), post: text.to_owned().into() };
        assert_eq!(refusal(&mut world, send), Code::TextEmpty, "{text:?}");
    }
    assert!(world.send(0, " \u{200f}. "));
    world.run(MINUTE);
    assert_eq!(world.phones[1].texts(), [" \u{200f}. "], "as it was written");
}

/// A sender with another program, which does not check its own name.
#[test]
fn a_strangers_name_and_request_command_no_screen() {
    let mut world = World::new(3, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let raw = "M\u{1b}[2J\r\n\u{202e}\u{9b}allory\u{2066}";
    world.kill(0);
    world.phones[0].tables(|tx| tx.kv.set("name", raw.as_bytes()).unwrap());
    world.start(0);
    let link = world.invite(1);
    world.run(MINUTE);
    let text = "it is me\r\n12:00 \u{1b}[31mCarol:\u{202e} hi\u{2028}سلام";
    world.add(0, &link, text);
    world.run(10 * MINUTE);
    let contacts = world.phones[1].read(|reader| contacts(reader).unwrap());
    assert_eq!(contacts[0].name, "M[2J allory");
    let shown = contacts[0].request_text.clone().unwrap();
    assert_eq!(shown, "it is me\n12:00 [31mCarol: hi\nسلام");
    let but_lines = &COMMANDS[1..];
    assert!(!shown.contains(but_lines) && !contacts[0].name.contains(COMMANDS));
    // The other way round: the name in a link.
    let link = world.invite(0);
    let about = stored::preview(&link, 66, world.now_ms).unwrap();
    assert!(!about.name.contains(COMMANDS), "{:?}", about.name);
}

#[test]
fn a_blank_request_is_one_without_a_text() {
    let mut world = World::new(4, 2);
    world.create(0, "Alice");
    world.create(1, "Bob");
    let link = world.invite(1);
    world.run(MINUTE);
    world.add(0, &link, " \u{200b} ");
    world.run(10 * MINUTE);
    let contacts = world.phones[1].read(|reader| contacts(reader).unwrap());
    assert_eq!(contacts[0].request_text, None);
}
