//! `sotto demo`: undisturbed, with its processes killed, and killed itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{PATIENCE, children_of, is_alive, signal, sotto};

fn demo() -> Command {
    let mut command = sotto();
    command.args(["demo", "--json"]).stdin(Stdio::null());
    command
}

fn figures(output: &[u8]) -> Value {
    serde_json::from_slice(output).unwrap()
}

#[test]
fn everything_arrives_once_and_is_read() {
    let done = demo().output().unwrap();
    let transcript = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{transcript}");
    let figures = figures(&done.stdout);
    assert_eq!(figures["sent"], figures["received"]);
    for none in ["lost", "doubled", "out_of_order", "not_read"] {
        assert_eq!(figures[none], 0, "{none}");
    }
    assert!(figures["sent"].as_u64().unwrap() >= 15);
    assert!(figures["wire_bytes_per_text"].as_u64().unwrap() > 0);
    assert!(figures["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert_eq!(figures["files"], 3);
    assert_eq!(figures["file_bytes"], 17_005 + 24_044 + 5_000_000);
    assert_eq!(figures["lives"], 12, "Alice and Bob three times, Carol and node 2 twice, Dora and node 1 once");
    assert_eq!(figures["group_sent"], 13);
    assert_eq!((&figures["group_lost"], &figures["group_doubled"]), (&json!(0), &json!(0)));
    assert_eq!(figures["views_equal"], true);
    for line in [
        "Dora sees what was said since she joined, and nothing from before.",
        "Carol's phone is on and shows nothing of that.",
        "✓✓ 6 of 6 deliveries of Alice's texts",
        "✓✓ 7 of 7 deliveries of Bob's texts",
        "✓✓ 4 of 4 deliveries of Dora's texts",
    ] {
        assert!(transcript.contains(line), "{transcript}");
    }
    assert!(transcript.contains("Both phones show the same safety number"));
    assert!(transcript.contains("It is gone on both phones."));
    let is_hash = |word: &&str| word.len() == 64 && word.bytes().all(|c| c.is_ascii_hexdigit());
    let hashes: Vec<&str> = transcript.split_whitespace().filter(is_hash).collect();
    assert_eq!(hashes.len(), 2, "{transcript}");
    assert_eq!(hashes[0], hashes[1]);
    assert!(transcript.contains("its preview of 903 B was there first"), "{transcript}");
    assert!(transcript.contains("(node 2 was killed and starts again)"), "{transcript}");
    let sent_again = transcript.lines().find(|line| line.contains("her phone knows of")).unwrap();
    let known: u64 = sent_again.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!((2_500_000..=5_000_000).contains(&known), "{sent_again}");
}

#[test]
fn a_folder_that_is_not_empty_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "keep").unwrap();
    let done = demo().arg("--data").arg(folder.path()).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A running demo, and its transcript line by line.
fn running() -> (Child, Receiver<String>) {
    let mut child = demo().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let transcript = BufReader::new(child.stderr.take().unwrap());
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in transcript.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    (child, lines)
}

fn until(lines: &Receiver<String>, part: &str) {
    loop {
        let line = lines.recv_timeout(PATIENCE).expect(part);
        if line.contains(part) {
            return;
        }
    }
}

/// Each of the six processes is killed at another place of the story.
#[test]
fn killed_nodes_and_phones_start_again_and_nothing_is_lost() {
    let (child, lines) = running();
    let places = [
        "Two Waku nodes",
        "They talk",
        "Like a stone",
        "Soup tonight",
        "KB)",
        "Bob accepts",
        "When do we rehearse",
        "Welcome, Dora",
        "The others go on",
        "I hope she",
    ];
    for (killed, place) in places.into_iter().enumerate() {
        until(&lines, place);
        let mut children = children_of(child.id());
        children.sort_unstable();
        // Another one each time: the nodes are the oldest.
        let victim = children[killed % children.len()];
        signal(victim, "KILL");
    }
    thread::spawn(move || while lines.recv().is_ok() {});
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{:?}", done.status);
    let figures = figures(&done.stdout);
    assert_eq!(figures["sent"], figures["received"]);
    assert_eq!((&figures["group_lost"], &figures["views_equal"]), (&json!(0), &json!(true)));
    assert!(figures["lives"].as_u64().unwrap() >= 12 + 8, "{figures}");
}

#[test]
fn when_the_demo_is_killed_no_process_stays() {
    for name in ["KILL", "TERM"] {
        let (mut child, lines) = running();
        until(&lines, "They talk");
        let children = children_of(child.id());
        assert_eq!(children.len(), 4);
        signal(child.id(), name);
        child.wait().unwrap();
        let end = Instant::now() + PATIENCE;
        while children.iter().any(|&id| is_alive(id)) {
            assert!(Instant::now() < end, "some process stays after {name}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
