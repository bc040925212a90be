//! `sotto chat`: two people at two terminals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::path::Path;

use support::{Node, Process, sotto};

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
    bob.until("a request", |line| {
        line.starts_with("Alice") && line.ends_with("it is me")
    });
    bob.write("/accept 1");
    alice.until("acceptance", |line| line == "Bob accepted.");
    alice.until("the conversation", |line| line == "— Bob —");
    alice.write("hello \u{1b}[31mBob");
    let heard = bob.until("hello", |line| line.contains("Alice: hello"));
    assert!(
        !heard.contains('\u{1b}'),
        "nobody else colours this terminal"
    );
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
    alice.write("/quit");
    assert_eq!(alice.wait().code(), Some(0));
    assert_eq!(bob.finish().code(), Some(0));

    let mut again = chat(&data("alice"), &node.address);
    again.until("history", |line| line.contains("you (read ✓✓): hello"));
    assert_eq!(again.finish().code(), Some(0));
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
