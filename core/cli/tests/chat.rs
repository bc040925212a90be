//! `sotto chat` line by line: two people at two terminals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::Path;

use serde_json::json;
use support::{Node, Process, Rpc, sotto};

fn chat(folder: &Path, node: &str) -> Process {
    Process::start(sotto().args(["chat", "--node", node, "--data"]).arg(folder))
}

#[test]
fn two_terminals_talk() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = |name: &str| folder.path().join(name);
    let mut alice = chat(&data("alice"), &node.address);
    let mut bob = chat(&data("bob"), &node.address);
    for (terminal, name) in [(&mut alice, "Alice"), (&mut bob, "Bob")] {
        terminal.until("a question", |line| line.contains("your name"));
        terminal.write(name);
        terminal.until("the phrase", |line| line.split_whitespace().count() == 12);
        terminal.until("a greeting", |line| line.contains("You are"));
    }
    bob.write("/invite");
    let link = bob.until("a link", |line| line.contains("/i#"));
    alice.write(&format!("/add {link} it is me"));
    bob.until("a request", |line| line.starts_with("Alice") && line.ends_with("it is me"));
    bob.write("/accept 1");
    alice.until("acceptance", |line| line == "Bob accepted.");
    alice.until("the conversation", |line| line == "— Bob —");
    alice.write("hello \u{1b}[31mBob");
    let heard = bob.until("hello", |line| line.contains("Alice: hello"));
    assert!(!heard.contains('\u{1b}'), "nobody else colours this terminal");
    alice.until("read", |line| line.starts_with("  read ✓✓: hello"));
    bob.write("/offline");
    bob.until("offline", |line| line.contains("what you write waits"));
    bob.write("written in a tunnel");
    bob.write("/online");
    alice.until("the text", |line| line.contains("Bob: written in a tunnel"));
    for terminal in [&mut alice, &mut bob] {
        terminal.write("/safety");
    }
    let digits = |line: &str| line.split(' ').filter(|group| group.len() == 5).count() == 12;
    let numbers = [&mut alice, &mut bob].map(|one| one.until("the safety number", digits));
    assert_eq!(numbers[0], numbers[1]);
    alice.write("/verify");
    alice.until("that it is noted", |line| line == "  verified");
    for (line, answer) in [
        ("/nickname Bobby", "  that is their name here"),
        ("/top", "  listed first"),
        ("/mute 8", "  muted: /mute 0 unmutes"),
        ("/mute 0", "  no longer muted"),
    ] {
        alice.write(line);
        alice.until(line, |said| said == answer);
    }
    bob.write("/clear");
    bob.until("that it is deleted", |line| line == "  all messages here are deleted on this device");
    bob.write("/remove 1");
    bob.until("that she is removed", |line| line == "  removed: they are not told");
    alice.write("/quit");
    assert_eq!(alice.wait().code(), Some(0));
    assert_eq!(bob.finish().code(), Some(0));

    let mut again = chat(&data("alice"), &node.address);
    again.until("history", |line| line.contains("you (read ✓✓): hello"));
    assert_eq!(again.finish().code(), Some(0));
}

/// Messages have numbers here; what people do with them is printed as it comes.
#[test]
fn messages_are_answered_and_changed_by_number() {
    let mut friends = support::Friends::meet();
    let (bob, here) = (&mut friends.bob, friends.conversation.clone());
    assert!(friends.alice.process.finish().success());
    let mut alice = chat(&friends.folder.path().join("alice"), &friends.node.address);
    alice.until("a conversation", |line| line == "— Bob —");
    let asked = bob.call("send", json!({"conversation": here, "text": "shall we meet?"}))["message"].clone();
    alice.until("a question", |line| line.ends_with("Bob: shall we meet?"));
    alice.write("/reply 1 too early");
    alice.until("a refusal", |line| line.starts_with("  ! message.missing"));
    alice.write("/last");
    alice.until("a number", |line| line.starts_with("#1 ") && line.ends_with("Bob: shall we meet?"));
    alice.write("/reply 1 yes, @Bob");
    let newest = json!({"conversation": here, "limit": 1});
    let reply = bob.until("messages", newest.clone(), |answer| {
        let newest = answer["messages"][0].clone();
        (newest["text"] == "yes, @Bob").then_some(newest)
    });
    assert_eq!((&reply["reply"]["message"], &reply["mentions"][0]["offset"]), (&asked, &json!(5)), "{reply}");
    bob.call("react", json!({"message": reply["id"], "emoji": "👍", "on": true}));
    alice.until("the reply", |line| line == "      ╭ Bob: shall we meet?");
    alice.until("the text", |line| line.contains(" you (") && line.ends_with("): yes, @Bob"));
    alice.until("the reaction", |line| line == "      ╰ [👍 1]");
    alice.until("the name", |line| line == "      ╰ names Bob");
    alice.write("/react 1 🎉");
    alice.until("the reaction", |line| line == "      ╰ [🎉 you]");
    alice.write("/pin #1");
    alice.until("the pin", |line| line == "      ╰ [🎉 you] · pinned");
    alice.write("/last");
    alice.until("a number", |line| line.starts_with("#2 ") && line.ends_with("): yes, @Bob"));
    alice.write("/edit 1 mine");
    alice.until("a refusal", |line| line.starts_with("  ! message.not_yours"));
    alice.write("/edit 2 yes, tonight");
    bob.until("message", json!({"message": reply["id"]}), |one| (one["text"] == "yes, tonight").then_some(()));
    alice.until("the new text", |line| line.ends_with("): yes, tonight"));
    alice.write("/history 2");
    alice.until("the first version", |line| line.ends_with(": yes, @Bob"));
    alice.until("the second version", |line| line.ends_with(": yes, tonight"));
    bob.call("edit", json!({"message": asked, "text": "shall we go?"}));
    alice.until("Bob's new text", |line| line.ends_with("Bob: shall we go?"));

    alice.write("/poll where? | sea | hills");
    alice.until("the poll", |line| line.ends_with("): where?"));
    alice.until("a choice", |line| line == "      ├ 2 (0) hills");
    let poll = bob.until("messages", newest, |answer| {
        let newest = answer["messages"][0].clone();
        newest["poll"].is_object().then_some(newest)
    });
    bob.call("vote", json!({"message": poll["id"], "choices": [1]}));
    alice.until("a vote", |line| line == "      ├ 2 (1: Bob) hills");
    alice.write("/last");
    alice.until("a number", |line| line.starts_with("#3 ") && line.ends_with("): where?"));
    alice.write("/vote 3 2");
    alice.until("both votes", |line| line.starts_with("      ├ 2 (2: ") && line.ends_with("hills"));
    alice.write("/timer 60");
    alice.until("the timer", |line| line.starts_with("  new messages here disappear 1 min after reading"));
    bob.until("conversation", json!({"conversation": here}), |one| (one["timer_s"] == 60).then_some(()));
    bob.call("timer_set", json!({"conversation": here, "seconds": 0}));
    alice.until("that it ended", |line| line == "  new messages here stay");

    alice.write("/forward 1 1");
    alice.until("the forwarded text", |line| line.ends_with("): shall we go?"));
    alice.until("that it is forwarded", |line| line == "      ╰ forwarded");
    alice.write("/search tonight");
    alice.until("a hit", |line| line.starts_with("#2 ") && line.ends_with(" you to Bob: yes, «tonight»"));
    alice.write("/jump 2");
    alice.until("what stands around it", |line| line.starts_with("#1 ") && line.ends_with("Bob: shall we go?"));
    alice.until("what is pinned", |line| line == "      ╰ [🎉 you] · edited · pinned");
    alice.write("/pins");
    alice.until("the pinned one", |line| line.starts_with("#1 ") && line.ends_with(" Bob: shall we go?"));
    alice.write("/unsend 2");
    alice.until("that it is deleted", |line| line.ends_with(" – deleted by you"));
    bob.until("message", json!({"message": reply["id"]}), |one| one["deleted_by"].is_string().then_some(()));
    alice.write("/delete 3");
    alice.until("that it is deleted here", |line| line == "  deleted on this device");
    assert_eq!(bob.call("message", json!({"message": poll["id"]}))["text"], "where?");
    bob.call("delete_for_everyone", json!({"message": asked}));
    alice.until("that Bob deleted it", |line| line.ends_with(" Bob – deleted by Bob"));
    assert_eq!(alice.finish().code(), Some(0));
}

/// A file is sent by its path, listed, and saved by its number.
#[test]
fn a_file_is_sent_and_saved() {
    let mut friends = support::Friends::meet();
    assert!(friends.alice.process.finish().success() && friends.bob.process.finish().success());
    let (source, copy) = (friends.path("my notes.bin"), friends.path("copy.bin"));
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    std::fs::write(&source, &bytes).unwrap();
    let mut alice = chat(&friends.path("alice"), &friends.node.address);
    let mut bob = chat(&friends.path("bob"), &friends.node.address);
    alice.until("a conversation", |line| line == "— Bob —");
    bob.until("a conversation", |line| line == "— Alice —");
    alice.write("/send /nowhere/at/all");
    alice.until("a refusal", |line| line.starts_with("  ! file.unreadable"));
    let source = source.to_str().unwrap();
    alice.write(&format!("/send '{source}' for you"));
    alice.until("that it left", |line| line == "  (file, 1.2 MB, here) my notes.bin");
    bob.until("the text", |line| line.ends_with("Alice: for you"));
    bob.until("the file", |line| line.starts_with("      ├ file 1 (file, ") && line.ends_with(") my notes.bin"));
    bob.write("/files");
    let listed = bob.until("a list", |line| line.starts_with('#') && line.ends_with(") my notes.bin"));
    let number = listed[1..].split(' ').next().unwrap().to_owned();
    bob.write(&format!("/save {number} 2"));
    bob.until("a refusal", |line| line.starts_with("  ! file.missing"));
    bob.write(&format!("/save {number} 1 {}", copy.display()));
    let mut progress = 0;
    bob.until("that it is saved", |line| {
        progress += usize::from(line.starts_with("  (file, "));
        line == format!("  saved as {}", copy.display())
    });
    assert!((1..=8).contains(&progress), "{progress} lines of progress");
    assert!(std::fs::read(&copy).unwrap() == bytes);
    bob.write(&format!("/save {number} 1 {}", copy.display()));
    bob.until("a refusal", |line| line.starts_with("  ! file.exists"));
    assert_eq!(alice.finish().code(), Some(0));
    assert_eq!(bob.finish().code(), Some(0));
}

#[test]
fn a_phrase_gives_the_account_back() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let mut chat = chat(&folder.path().join("a"), &node.address);
    chat.write("/restore abandon abandon abandon");
    chat.until("a refusal", |line| line.contains("phrase.length"));
    let words = "abandon ".repeat(11);
    chat.write(&format!("/restore {words}about"));
    chat.until("a greeting", |line| line.contains("You are"));
    chat.write("/phrase");
    chat.until("the phrase", |line| line == format!("{words}about"));
    assert_eq!(chat.finish().code(), Some(0));
}

/// Bob is a contact. Mallory has the name Bob too, and writes texts that look like lines of the chat.
#[test]
fn nobody_speaks_for_another_in_a_terminal() {
    const FORGED: &str =
        "hi\n12:00 Bob: send it to Mallory\r12:01 you (read ✓✓): done\u{2028}  ! closed\u{202e}\u{1b}[2J\u{9b}1m";
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let data = |name: &str| folder.path().join(name);
    let mut alice = chat(&data("alice"), &node.address);
    alice.until("a question", |line| line.contains("your name"));
    alice.write("\u{1b}[31mAlice");
    alice.until("a refusal", |line| line.contains("input.name"));
    alice.write("Alice");
    alice.until("a greeting", |line| line.contains("You are"));
    let mut lines = Vec::new();
    let mut link = || {
        alice.write("/invite");
        alice.until("a link", |line| line.contains("/i#"))
    };
    let links = [link(), link()];
    let mut bob = Rpc::on(&data("bob"), &[&node.address]);
    let mut mallory = Rpc::on(&data("mallory"), &[&node.address]);
    bob.register("Bob");
    mallory.register("Bob");
    bob.call("contact_add", json!({"link": links[0]}));
    alice.until("a request", |line| line.starts_with("Bob"));
    alice.write("/accept 1");
    let conversation = bob.contact("accepted")["conversation"].clone();
    bob.call("send", json!({"conversation": conversation, "text": "I am Bob"}));
    alice.until("Bob", |line| line.ends_with("I am Bob"));

    mallory.call("contact_add", json!({"link": links[1], "text": FORGED}));
    let ask = alice.until("another", |line| {
        lines.push(line.to_owned());
        line.contains("asks to be a contact")
    });
    assert!(!ask.starts_with("Bob asks"), "{ask}");
    let number = alice.until("what to do", |line| {
        lines.push(line.to_owned());
        line.contains("/accept")
    });
    alice.write(number.split(" or ").next().unwrap().trim());
    let conversation = mallory.contact("accepted")["conversation"].clone();
    mallory.call("send", json!({"conversation": conversation, "text": FORGED}));
    mallory.call("send", json!({"conversation": conversation, "text": "the end"}));
    let last = alice.until("the end", |line| {
        lines.push(line.to_owned());
        line.ends_with("the end")
    });
    assert!(!last.contains("Bob: the end"), "two of one name: {last}");
    let forged = ["12:00 Bob", "12:01 you", "  ! closed"];
    for line in &lines {
        assert!(!line.contains(['\u{1b}', '\u{9b}', '\r', '\u{202e}', '\u{2028}']), "{line:?}");
        assert!(!forged.iter().any(|begin| line.starts_with(begin)), "{line:?}");
    }
    assert!(lines.iter().any(|line| line.contains("│ 12:00 Bob: send")), "{lines:?}");
    assert_eq!(alice.finish().code(), Some(0));
}

/// A terminal breaks long lines by itself: Sotto breaks them first.
#[test]
fn a_long_text_is_broken_before_the_terminal_breaks_it() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let alice = folder.path().join("alice");
    let mut friend = Rpc::on(&folder.path().join("bob"), &[&node.address]);
    let mut me = Rpc::on(&alice, &[&node.address]);
    me.register("Alice");
    friend.register("Bob");
    let link = me.call("invite", json!({}))["link"].clone();
    friend.call("contact_add", json!({"link": link}));
    let request = me.contact("incoming");
    me.call("contact_answer", json!({"contact": request["id"], "action": "accept"}));
    let conversation = friend.contact("accepted")["conversation"].clone();
    let text = format!("{}12:00 Bob: forged", "x ".repeat(100));
    friend.call("send", json!({"conversation": conversation, "text": text}));
    me.texts(&conversation, &[&text]);
    assert!(me.process.finish().success());
    // Python provides a terminal for this test.
    let script = "import os,pty,sys,fcntl,termios,struct\n\
        pid,fd=pty.fork()\n\
        if pid==0: os.execv(sys.argv[1],sys.argv[1:])\n\
        fcntl.ioctl(fd,termios.TIOCSWINSZ,struct.pack('HHHH',24,72,0,0))\n\
        got=b''\n\
        while b'forged' not in got: got+=os.read(fd,65536)\n\
        os.write(fd,b'/quit\\n')\n\
        sys.stdout.buffer.write(got+b'\\n')\n";
    let mut terminal = std::process::Command::new("python3");
    terminal.args(["-c", script]).arg(sotto().get_program()).env("TERM", "dumb");
    terminal.args(["chat", "--node", &node.address, "--data"]).arg(&alice);
    let mut terminal = Process::start(&mut terminal);
    let mut lines = Vec::new();
    terminal.until("the text", |line| {
        lines.push(line.trim_end().to_owned());
        line.contains("forged")
    });
    let first = lines.iter().position(|line| line.contains("Bob: x")).unwrap();
    assert!(lines.len() > first + 3, "{lines:?}");
    for line in &lines[first + 1..] {
        assert!(line.starts_with("      │ ") && line.chars().count() <= 72, "{line}");
    }
}

/// A terminal silently swallows the end of a long line; a file or a pipe delivers a text of 1 MiB.
#[test]
fn a_text_of_a_mebibyte_is_sent_and_what_a_terminal_cut_is_not() {
    let mut friends = support::Friends::meet();
    let text = "x".repeat(1 << 20);
    let path = friends.path("text");
    std::fs::write(&path, format!("{text}\n")).unwrap();
    assert!(friends.alice.process.finish().success());
    let (alice, address) = (friends.path("alice"), friends.node.address.clone());
    let mut piped = chat(&alice, &address);
    piped.until("a conversation", |line| line == "— Bob —");
    piped.write(&text);
    piped.write(&format!("/file {}", path.display()));
    piped.until("too long", |line| {
        if line.contains("sent: x") {
            return true;
        }
        assert!(!line.contains(" ! "), "{line}");
        false
    });
    friends.bob.texts(&friends.conversation, &[&text, &text]);
    assert_eq!(piped.finish().code(), Some(0));

    let script = "import os,pty,sys\n\
        pid,fd=pty.fork()\n\
        if pid==0: os.execv(sys.argv[1],sys.argv[1:])\n\
        got=b''\n\
        while b'Bob' not in got: got+=os.read(fd,65536)\n\
        for _ in range(6): os.write(fd,b'y'*1000)\n\
        os.write(fd,b'\\n')\n\
        while b'was not sent' not in got: got+=os.read(fd,65536)\n\
        os.write(fd,b'/quit\\n')\n\
        while True:\n\
        \x20try:\n\
        \x20 if not os.read(fd,65536): break\n\
        \x20except OSError: break\n\
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid,0)[1]))\n";
    let mut terminal = std::process::Command::new("python3");
    terminal.args(["-c", script]).arg(sotto().get_program()).env("TERM", "dumb");
    terminal.args(["chat", "--node", &address, "--data"]).arg(&alice);
    let mut terminal = Process::start(&mut terminal);
    assert_eq!(terminal.wait().code(), Some(0));
    friends.bob.texts(&friends.conversation, &[&text, &text]);
}

#[test]
fn a_terminal_says_in_words_what_a_person_should_know() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let mut old = chat(&folder.path().join("old"), &node.address);
    old.write("Alice");
    let phrase = old.until("the phrase", |line| line.split_whitespace().count() == 12);
    old.until("a connection", |line| line == "  connected");
    let mut new = chat(&folder.path().join("new"), &node.address);
    new.write(&format!("/restore {}", phrase.trim()));
    old.until("a notice", |line| {
        line == "  ! device.replaced: the phrase was restored on another device; this one no longer sends or receives"
    });
}

/// Three terminals have a group: invited, joined, ruled, left.
#[test]
fn a_group_is_made_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let open = |name: &str| {
        let mut terminal = chat(&folder.path().join(name), &node.address);
        terminal.until("a question", |line| line.contains("your name"));
        terminal.write(name);
        terminal.until("a greeting", |line| line.contains("You are"));
        terminal
    };
    let (mut alice, mut bob, mut carol) = (open("Alice"), open("Bob"), open("Carol"));
    for (terminal, name, number) in [(&mut bob, "Bob", 1), (&mut carol, "Carol", 2)] {
        alice.write("/invite");
        let link = alice.until("a link", |line| line.contains("/i#"));
        terminal.write(&format!("/add {link}"));
        alice.until("a request", |line| line.starts_with(name) && line.contains("asks to be a contact"));
        alice.write(&format!("/accept {number}"));
        terminal.until("acceptance", |line| line == "Alice accepted.");
    }
    alice.write("/group Lake | 1");
    alice.until("the group", |line| line == "— Lake (group) —");
    bob.until("an invitation", |line| line == "Lake (group): 1 member, invites you.");
    bob.until("its number", |line| line == "  /accept 2 or /decline 2");
    bob.write("/accept 2");
    bob.until("membership", |line| line == "Lake (group): you are in, 2 members.");
    alice.until("a member", |line| line == "Lake (group): 2 members.");
    alice.write("hello, @Bob");
    bob.until("a text", |line| line.ends_with("Alice: hello, @Bob"));
    bob.write("/to 2");
    bob.until("the group", |line| line == "— Lake (group) —");

    alice.write("/bring 2");
    carol.until("an invitation", |line| line == "Lake (group): 2 members, invites you.");
    carol.write("/accept 2");
    bob.until("Carol", |line| line == "Lake (group): 3 members.");
    bob.write("welcome");
    carol.until("membership", |line| line == "Lake (group): you are in, 3 members.");
    carol.write("/to 2");
    carol.until("a text", |line| line.contains(" (…") && line.ends_with(": welcome"));
    carol.write("thanks");
    alice.until("a text", |line| line.contains("Carol") && line.ends_with(": thanks"));

    alice.write("/kick 2");
    alice.until("a refusal", |line| line.starts_with("  ! group.not_allowed"));
    alice.write("/members");
    alice.until("herself", |line| line == "  1 you, owner");
    alice.until("Bob", |line| line.starts_with("  2 Bob"));
    alice.until("Carol", |line| line.starts_with("  3 Carol"));
    alice.write("/admin 2");
    alice.until("that he is", |line| line == "  an admin now");
    alice.write("/kick 3");
    alice.until("that she is out", |line| line.starts_with("  removed"));
    carol.until("that she is out", |line| line == "Lake (group): you were removed.");
    bob.until("that she is out", |line| line == "Lake (group): 2 members.");
    bob.write("/leave");
    bob.until("that he is out", |line| line == "  you left; what was said stays here until /clear");
    alice.until("that he is out", |line| line == "Lake (group): 1 member.");
    for terminal in [&mut alice, &mut bob, &mut carol] {
        assert_eq!(terminal.finish().code(), Some(0));
    }
}
