//! `sotto chat` on a full screen: the real program on a pseudo-terminal, with a real node on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Friends, Node, PATIENCE, Rpc};
use terminal::{ENTER, ESC, Terminal};

const CTRL_C: &str = "\u{3}";
const NEXT: &str = "\u{e}";
const BEFORE: &str = "\u{10}";
const PICK_UP: &str = "\u{1b}[1;5A";

/// Makes an account at a terminal.
fn register(terminal: &Terminal, name: &str) {
    terminal.until("What is your name?");
    terminal.write(name);
    terminal.write(ENTER);
    terminal.until("Your recovery phrase");
    terminal.write(ESC);
    terminal.until(&format!("You are {name}"));
}

#[test]
fn two_people_meet_and_talk_on_their_screens() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = |name: &str| folder.path().join(name);
    let mut alice = Terminal::chat(&data("alice"), &node.address, &[]);
    let mut bob = Terminal::chat(&data("bob"), &node.address, &[]);
    register(&alice, "Alice");
    register(&bob, "Bob");
    bob.write("/invite\r");
    let shown = bob.until("Enter goes back.");
    let link = shown.split_whitespace().find(|word| word.contains("/i#")).unwrap();
    bob.write(ENTER);
    bob.until("to nobody");
    alice.paste(&format!("/add {link} it is me"));
    alice.write(ENTER);
    alice.until("will be asked.");
    bob.until("? Alice");
    bob.until("asks you: it is me");
    bob.write("/accept alice\r");
    bob.until("Alice is a contact now.");
    alice.until("Bob accepted.");
    alice.write("/to Bob\r");
    alice.until_to("Bob");
    alice.write("hello Bob\r");
    bob.until("Alice (");
    bob.write(NEXT);
    bob.until_to("Alice");
    bob.until("Alice: hello Bob");
    alice.until("you (read ✓✓): hello Bob");
    // However fast lines are typed, each is one message.
    alice.write("one\rtwo\r");
    bob.until("Alice: two");

    let lines: Vec<String> = (0..200).map(|line| format!("line {line} of a text")).collect();
    alice.paste(&lines.join("\n"));
    alice.until("to Bob (200 lines");
    alice.write(ENTER);
    bob.until("line 199 of a text");
    alice.until("── to Bob ──");

    for terminal in [&alice, &bob] {
        terminal.write("/safety\r");
    }
    let digits = |terminal: &Terminal| {
        let shown = terminal.until("Read it to");
        let groups = shown.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() == 5);
        groups.map(str::to_owned).collect::<Vec<_>>()
    };
    let numbers = [digits(&alice), digits(&bob)];
    assert_eq!((numbers[0].len(), &numbers[0]), (12, &numbers[1]));
    alice.write("/verify\r");
    alice.until("Verified");
    alice.until("Bob · verified");
    alice.write("/quit\r");
    assert_eq!(alice.ended().code(), Some(0));
    bob.write(CTRL_C);
    assert_eq!(bob.ended().code(), Some(0));
    let mut bob = Rpc::on(&data("bob"), &[&node.address]);
    let conversation = bob.contact("accepted")["conversation"].clone();
    bob.texts(&conversation, &["it is me", "hello Bob", "one", "two", &lines.join("\n")]);
}

/// Alice at a terminal, Bob and Carol as her contacts, and a link of hers.
struct Three {
    alice: Terminal,
    bob: Rpc,
    carol: Rpc,
    to_bob: Value,
    to_carol: Value,
    link: Value,
    friends_node: Node,
    folder: tempfile::TempDir,
}

impl Three {
    fn meet() -> Self {
        let Friends { mut alice, bob, conversation, node, folder } = Friends::meet();
        let mut carol = Rpc::on(&folder.path().join("carol"), &[&node.address]);
        carol.register("Carol");
        let link = carol.call("invite", json!({}))["link"].clone();
        alice.call("contact_add", json!({"link": link}));
        let request = carol.contact("incoming");
        carol.call("contact_answer", json!({"contact": request["id"], "action": "accept"}));
        let to_carol = carol.contact("accepted")["conversation"].clone();
        let known = |answer: &Value| {
            let contacts = answer["contacts"].as_array().unwrap();
            contacts.iter().all(|one| one["state"] == "accepted").then_some(())
        };
        alice.until("contacts", json!({}), known);
        let link = alice.call("invite", json!({}))["link"].clone();
        assert!(alice.process.finish().success());
        let alice = Terminal::chat(&folder.path().join("alice"), &node.address, &[]);
        alice.until("Carol");
        Self { alice, bob, carol, to_bob: conversation, to_carol, link, friends_node: node, folder }
    }
}

#[test]
fn nothing_goes_to_anybody_but_whom_it_was_typed_for() {
    let mut three = Three::meet();
    three.alice.until("to nobody");
    three.alice.write("/to Bob\r");
    three.alice.until_to("Bob");
    three.alice.write("for Bob");
    three.alice.until("for Bob");
    // Carol writes and comes first in the list; somebody sends a request, which comes above her.
    three.carol.call("send", json!({"conversation": three.to_carol, "text": "I am Carol"}));
    three.alice.until("Carol (");
    let mut dave = Rpc::on(&three.folder.path().join("dave"), &[&three.friends_node.address]);
    dave.register("Dave");
    dave.call("contact_add", json!({"link": three.link}));
    three.alice.until("? Dave");
    three.alice.write(" alone");
    three.alice.until_to("Bob");
    three.alice.write(ENTER);
    three.bob.texts(&three.to_bob, &["for Bob alone"]);

    // A draft waits where it was begun, after a restart too.
    three.alice.write("not yet");
    three.alice.until("not yet");
    three.alice.write("\u{f}");
    three.alice.write("to Carol\r");
    three.alice.until_screen("Carol and no draft", |screen| {
        let shown = screen.contents();
        shown.contains("── to Carol ─") && !shown.lines().any(|line| line == "not yet")
    });
    three.alice.until("Carol: I am Carol");
    three.alice.write("hello Carol\r");
    three.carol.texts(&three.to_carol, &["I am Carol", "hello Carol"]);
    three.alice.write(CTRL_C);
    assert!(three.alice.ended().success());
    let again = Terminal::chat(&three.folder.path().join("alice"), &three.friends_node.address, &[]);
    again.until("to nobody");
    again.write("/to Bob\r");
    again.until_to("Bob");
    again.until_screen("draft", |screen| screen.contents().lines().any(|line| line == "not yet"));
    again.write(", but now\r");
    three.bob.texts(&three.to_bob, &["for Bob alone", "not yet, but now"]);
    three.carol.texts(&three.to_carol, &["I am Carol", "hello Carol"]);
    again.write(BEFORE);
    again.until_screen("another conversation", |screen| !screen.contents().contains("── to Bob ─"));
}

#[test]
fn a_mebibyte_is_pasted_and_a_byte_more_is_not() {
    let mut friends = Friends::meet();
    assert!(friends.alice.process.finish().success());
    let alice = Terminal::chat(&friends.path("alice"), &friends.node.address, &[]);
    alice.until_to("Bob");
    let text = "word ".repeat(1 << 18)[..1 << 20].to_owned();
    alice.paste(&text);
    alice.until_screen("the text", |screen| screen.contents().matches("word").count() > 100);
    alice.write("x");
    alice.until("a text has at most 1 MiB");
    alice.write(ENTER);
    friends.bob.texts(&friends.conversation, &[&text]);
}

/// History is loaded page by page, and its texts command no terminal.
#[test]
fn one_scrolls_back_to_the_first_message() {
    const PAGE_UP: &str = "\u{1b}[5~";
    const FORGED: &str = "\u{1b}[2J\u{1b}[H\u{9b}2Jhi\r12:00 you (read ✓✓): forged\u{202e}\n12:00 Bob: forged\u{1b}c";
    let mut friends = Friends::meet();
    let mut texts: Vec<String> = (0..130).map(|number| format!("number {number} of many")).collect();
    texts.push(FORGED.to_owned());
    for text in &texts {
        friends.bob.call("send", json!({"conversation": friends.conversation, "text": text}));
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    friends.alice.texts(&friends.conversation, &texts);
    assert!(friends.alice.process.finish().success());
    let mut alice = Terminal::chat(&friends.path("alice"), &friends.node.address, &[]);
    alice.until_to("Bob");
    let shown = alice.until("12:00 Bob: forged");
    assert!(shown.contains("number 129 of many"), "{shown}");
    let part = |line: &str| line.rsplit_once("│\u{200e}").map_or(line, |(_, part)| part).to_owned();
    let forged: Vec<String> = shown.lines().map(part).filter(|line| line.contains("forged")).collect();
    // This terminal shows nothing for the sign that replaces a control character.
    let first = forged[0].trim_end().split_once(' ').unwrap().1.replace(' ', "");
    assert_eq!(first, "Bob:[2J[H2Jhi12:00you(read✓✓):forged");
    assert!(forged[1].starts_with("      │ 12:00 Bob: forged"), "{forged:?}");
    assert_eq!(forged.len(), 2);
    for _ in 0..20 {
        alice.write(PAGE_UP);
    }
    alice.until("Bob: number 0 of many");
    alice.write(ESC);
    alice.until("number 129 of many");
    alice.write(CTRL_C);
    assert!(alice.ended().success());
}

/// Waits until the newest message of a person has some property; returns the message.
fn newest(rpc: &mut Rpc, conversation: &Value, fits: impl Fn(&Value) -> bool) -> Value {
    rpc.until("messages", json!({"conversation": conversation, "limit": 1}), |answer| {
        let newest = answer["messages"][0].clone();
        fits(&newest).then_some(newest)
    })
}

/// Alice does everything with her keys, and sees what Bob does.
#[test]
fn messages_are_picked_answered_and_changed_on_the_screen() {
    let mut friends = Friends::meet();
    let (bob, here) = (&mut friends.bob, friends.conversation.clone());
    assert!(friends.alice.process.finish().success());
    let alice = Terminal::chat(&friends.folder.path().join("alice"), &friends.node.address, &[]);
    alice.until_to("Bob");
    let asked = bob.call("send", json!({"conversation": here, "text": "shall we meet?"}))["message"].clone();
    alice.until("Bob: shall we meet?");
    alice.write(PICK_UP);
    alice.until("picked: Bob's “shall we meet?”");
    alice.write(ENTER);
    alice.until("in reply to Bob's “shall we meet?”");
    alice.write("yes, @Bob\r");
    let reply = newest(bob, &here, |one| one["text"] == "yes, @Bob");
    assert_eq!((&reply["reply"]["message"], &reply["reply"]["mine"]), (&asked, &json!(true)), "{reply}");
    assert_eq!((&reply["mentions"][0]["offset"], &reply["mentions"][0]["length"]), (&json!(5), &json!(4)), "{reply}");
    alice.until("╭ Bob: shall we meet?");
    alice.until_to("Bob");
    bob.call("react", json!({"message": reply["id"], "emoji": "👍", "on": true}));
    alice.until("╰ [👍 1]");

    // The text is changed beside a half-typed one.
    alice.write("half a text");
    alice.write(PICK_UP);
    alice.until_screen("the pick", |screen| {
        let cells = |row| (0..100).filter_map(move |x| screen.cell(row, x));
        let picked = |row: &u16| cells(*row).any(|cell| cell.inverse() && cell.contents() == "@");
        (1..20).filter(picked).count() == 1
    });
    alice.write("\u{f}");
    alice.until("── command on your “yes, @Bob”");
    alice.write("edit\r");
    alice.until("── changes your “yes, @Bob”");
    alice.write(" tonight\r");
    let changed = newest(bob, &here, |one| one["edited"] == true);
    assert_eq!((&changed["id"], &changed["text"]), (&reply["id"], &json!("yes, @Bob tonight")));
    alice.until("[👍 1] · edited");
    alice.until_screen("the half-typed text", |screen| screen.contents().lines().any(|line| line == "half a text"));
    alice.write("\u{15}");

    alice.write(PICK_UP);
    alice.until("picked: your “yes, @Bob tonight”");
    alice.write("/history\r");
    let versions = alice.until("── Versions");
    assert!(versions.contains(": yes, @Bob\n") || versions.contains(": yes, @Bob  "), "{versions}");
    alice.write(ESC);
    alice.until_screen("no versions", |screen| !screen.contents().contains("── Versions"));
    alice.write(PICK_UP);
    alice.until("picked: Bob's “shall we meet?”");
    alice.write("/react 🎉\r");
    alice.until("[🎉 you]");
    alice.write("/pin\r");
    alice.until("[🎉 you] · pinned");
    alice.write("/forward Bob\r");
    let forwarded = newest(bob, &here, |one| one["forwarded"] == true);
    assert_eq!(forwarded["text"], "shall we meet?");
    let first = bob.call("message", json!({"message": asked}));
    assert_eq!((&first["reactions"][0]["emoji"], &first["pinned"]), (&json!("🎉"), &json!(true)), "{first}");

    let poll = json!({"conversation": here, "question": "where?", "choices": ["sea", "hills"]});
    let poll = bob.call("poll_create", poll)["message"].clone();
    alice.until("├ 2 (0) hills");
    alice.write(ESC);
    alice.until_to("Bob");
    alice.write(PICK_UP);
    alice.until("picked: Bob's “where?”");
    alice.write("/vote 2\r");
    alice.until("├ 2 (1: you) hills");
    bob.call("vote", json!({"message": poll, "choices": [1]}));
    alice.until_screen("both votes", |screen| screen.contents().contains("├ 2 (2: "));
    alice.write(ESC);
    alice.until_to("Bob");
    alice.write("/timer 86400\r");
    alice.until("texts disappear after 1 day");
    let timer = |answer: &Value| (answer["timer_s"] == 86_400).then_some(());
    bob.until("conversation", json!({"conversation": here}), timer);
    bob.call("timer_set", json!({"conversation": here, "seconds": 0}));
    alice.until_screen("no timer", |screen| !screen.contents().contains("texts disappear"));

    // Deleted by each of the two.
    alice.write("/search TONIGHT\r");
    alice.until("«tonight»");
    alice.write("/jump 1\r");
    alice.until("picked: your “yes, @Bob tonight”");
    alice.write("/unsend\r");
    alice.until("– deleted by you");
    bob.until("message", json!({"message": reply["id"]}), |one| one["deleted_by"].is_string().then_some(()));
    bob.call("delete_for_everyone", json!({"message": asked}));
    alice.until("Bob – deleted by Bob");
    alice.write(ESC);
    alice.until_to("Bob");
    alice.write(PICK_UP);
    alice.until("picked: Bob's “where?”");
    alice.write("/delete\r");
    alice.until_screen("no poll", |screen| !screen.contents().contains("hills"));
    assert_eq!(bob.call("message", json!({"message": poll}))["text"], "where?");
}

/// A draft waits with the reply it was begun for, over a restart.
#[test]
fn a_half_typed_reply_is_one_after_a_restart() {
    let mut friends = Friends::meet();
    let here = friends.conversation.clone();
    assert!(friends.alice.process.finish().success());
    let folder = friends.path("alice");
    let mut alice = Terminal::chat(&folder, &friends.node.address, &[]);
    alice.until_to("Bob");
    let asked = friends.bob.call("send", json!({"conversation": here, "text": "when?"}))["message"].clone();
    alice.until("Bob: when?");
    alice.write(PICK_UP);
    alice.until("picked: Bob's “when?”");
    alice.write(ENTER);
    alice.until("in reply to Bob's “when?”");
    alice.write("at nine");
    alice.until("at nine");
    alice.write(CTRL_C);
    assert!(alice.ended().success());
    friends.bob.call("send", json!({"conversation": here, "text": "or later?"}));
    let again = Terminal::chat(&folder, &friends.node.address, &[]);
    again.until("Bob: or later?");
    again.until("in reply to Bob's “when?”");
    again.write(" or ten\r");
    let reply = newest(&mut friends.bob, &here, |one| one["text"] == "at nine or ten");
    assert_eq!(reply["reply"]["message"], asked);
    again.until_to("Bob");
}

/// A found message stands in its place, however old it is, and the newest come back.
#[test]
fn one_jumps_to_a_found_message_and_back() {
    let mut friends = Friends::meet();
    let texts: Vec<String> = (0..150).map(|number| format!("number {number} of many")).collect();
    for text in &texts {
        friends.bob.call("send", json!({"conversation": friends.conversation, "text": text}));
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    friends.alice.texts(&friends.conversation, &texts);
    assert!(friends.alice.process.finish().success());
    let alice = Terminal::chat(&friends.path("alice"), &friends.node.address, &[]);
    alice.until("number 149 of many");
    alice.write("/search number 20\r");
    alice.until("── Found");
    alice.write("/jump 1\r");
    alice.until("picked: Bob's “number 20 of many”");
    let shown = alice.until("Bob: number 21 of many");
    assert!(shown.contains("Bob: number 19 of many") && !shown.contains("Bob: number 149"), "{shown}");
    // What comes meanwhile moves nothing.
    friends.bob.call("send", json!({"conversation": friends.conversation, "text": "the newest"}));
    alice.until("(1)");
    assert!(alice.contents().contains("picked: Bob's “number 20 of many”"));
    for _ in 0..20 {
        alice.write("\u{1b}[6~");
    }
    alice.until("Bob: the newest");
    alice.write("/jump 1\r");
    alice.until("Bob: number 20 of many");
    alice.write(ESC);
    alice.until("Bob: the newest");
    alice.until_to("Bob");
}

/// Starts a chat of an existing account.
fn started(folder: &Path, node: &str) -> Terminal {
    let terminal = Terminal::chat(folder, node, &[]);
    terminal.until_screen("a screen", |screen| screen.alternate_screen() && screen.bracketed_paste());
    terminal.until("You are Alice");
    terminal
}

#[test]
fn the_terminal_is_put_back_however_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = folder.path().join("alice");
    let mut rpc = Rpc::on(&data, &[&node.address]);
    rpc.register("Alice");
    assert!(rpc.process.finish().success());
    for end in ["/quit\r", CTRL_C, "TERM", "INT", "HUP"] {
        let mut terminal = started(&data, &node.address);
        if end.len() > 1 && !end.starts_with('/') {
            terminal.signal(end);
        } else {
            terminal.write(end);
        }
        assert_eq!(terminal.ended().code(), Some(0), "{end:?}");
    }
    // Including the text shown outside of the full screen.
    let mut terminal = started(&data, &node.address);
    terminal.write("/invite\r");
    terminal.until_screen("a link", |screen| !screen.alternate_screen() && screen.contents().contains("goes back"));
    terminal.signal("TERM");
    assert_eq!(terminal.ended().code(), Some(0));
}

/// How often the drawing thread and the key thread went to sleep (Linux).
#[cfg(target_os = "linux")]
fn sleeps(pid: u32) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let name = read("comm").trim().to_owned();
        if name == "sotto" || name == "keys" {
            let status = read("status");
            let count = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
            found.push((name, count.unwrap().to_owned()));
        }
    }
    assert_eq!(found.len(), 2, "{found:?}");
    found
}

/// Catches anything that draws or polls more often than once a second: for one second nothing wakes up.
#[cfg(target_os = "linux")]
#[test]
fn it_sleeps_while_nothing_happens() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = folder.path().join("alice");
    let mut rpc = Rpc::on(&data, &[&node.address]);
    rpc.register("Alice");
    assert!(rpc.process.finish().success());
    let terminal = started(&data, &node.address);
    terminal.until("light, sends through 1");
    let end = Instant::now() + PATIENCE;
    loop {
        let before = sleeps(terminal.child.id());
        std::thread::sleep(Duration::from_secs(1));
        if sleeps(terminal.child.id()) == before {
            break;
        }
        assert!(Instant::now() < end, "it wakes up by itself");
    }
}

#[test]
fn it_fits_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = folder.path().join("alice");
    let mut rpc = Rpc::on(&data, &[&node.address]);
    rpc.register("Alice");
    assert!(rpc.process.finish().success());
    let mut terminal = started(&data, &node.address);
    terminal.until("light, sends through 1");
    terminal.write("漢字 and some words");
    for (columns, rows) in [(40, 10), (10, 3), (2, 2), (1, 1), (200, 60), (80, 24)] {
        terminal.resize(columns, rows);
    }
    terminal.until_screen("the whole", |screen| {
        let lines: Vec<String> = screen.contents().lines().map(str::to_owned).collect();
        lines.len() == 24 && lines[22] == "漢字 and some words"
    });
    terminal.write("\u{15}/help\r");
    terminal.until("── Help (1–");
    terminal.write(CTRL_C);
    assert!(terminal.ended().success());
}

#[test]
fn the_status_line_tells_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = folder.path().join("alice");
    let mut rpc = Rpc::on(&data, &[&node.address]);
    rpc.register("Alice");
    assert!(rpc.process.finish().success());
    let mut terminal = started(&data, &node.address);
    terminal.until("light, sends through 1");
    terminal.write("/offline\r");
    terminal.until("offline: what you write waits");
    terminal.write("/online\r");
    terminal.until("light, sends through 1");
    drop(node);
    terminal.until("what you write waits");
    terminal.write(CTRL_C);
    terminal.ended();

    let node = Node::start(&folder.path().join("node"));
    let mut other = Terminal::chat(&data, &node.address, &["--cluster", "99"]);
    other.until("other network: these nodes belong to another cluster");
    other.write(CTRL_C);
    other.ended();
}
