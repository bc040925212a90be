//! Runs the examples of docs/: every example of docs/rpc.md, and the bot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Node, PATIENCE, Process, Rpc, children_of, command, is_alive};

const RPC: &str = include_str!("../../../docs/rpc.md");

/// One pixel.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\xdacd\xf8\xcfP\x0f\0\x03\x86\x01\x80Z4}k\0\0\0\0IEND\xaeB`\x82";

/// A request and its answer; `fresh` runs in an empty folder.
struct Example {
    fresh: bool,
    request: Value,
    answer: Value,
}

fn examples() -> Vec<Example> {
    let mut found = Vec::new();
    let mut lines = RPC.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```rpc") else {
            continue;
        };
        let mut read = |arrow: &str| -> Value {
            let line = lines.next().unwrap();
            let json = line.strip_prefix(arrow).unwrap_or_else(|| panic!("{line}"));
            serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
        };
        found.push(Example { fresh: kind == " fresh", request: read("→ "), answer: read("← ") });
        assert_eq!(lines.next(), Some("```"));
    }
    found
}

/// Texts in angle brackets, as far as they are known.
type Names = HashMap<String, String>;

/// The example with names filled in.
fn filled(shown: &Value, names: &Names) -> Value {
    match shown {
        Value::String(text) => Value::String(names.get(text).unwrap_or(text).clone()),
        Value::Array(items) => items.iter().map(|item| filled(item, names)).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| (key.clone(), filled(value, names));
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

/// Compares an answer with the example's, and learns names.
fn compare(key: &str, shown: &Value, came: &Value, names: &mut Names) -> Result<(), String> {
    let different = || Err(format!("{key}: {came} instead of {shown}"));
    match (shown, came) {
        (Value::String(text), _) if text == "…" => Ok(()),
        (Value::String(text), Value::String(came)) if text.starts_with('<') => {
            let known = names.entry(text.clone()).or_insert_with(|| came.clone());
            if known == came { Ok(()) } else { different() }
        }
        (Value::Number(_), Value::Number(_)) if key.ends_with("_ms") => Ok(()),
        (Value::Array(shown), Value::Array(came)) if shown.len() == came.len() => {
            shown.iter().zip(came).try_for_each(|(shown, came)| compare(key, shown, came, names))
        }
        (Value::Object(shown), Value::Object(came)) => {
            let keys = |fields: &serde_json::Map<String, Value>| fields.keys().cloned().collect::<Vec<_>>();
            if keys(shown) != keys(came) {
                return Err(format!("{key}: fields {:?} instead of {:?}", keys(came), keys(shown)));
            }
            shown.iter().try_for_each(|(key, shown)| compare(key, shown, &came[key], names))
        }
        _ if shown == came => Ok(()),
        _ => different(),
    }
}

/// Alice, whose program runs the examples, and the actions of others meanwhile.
struct Stage {
    alice: Rpc,
    bob: Rpc,
    names: Names,
}

impl Stage {
    /// Prepares the state for this example.
    fn before(&mut self, method: &str, id: &Value) {
        match method {
            "contacts" => {
                let link = self.names["<link>"].clone();
                let params = json!({"link": link, "text": "It is me, Bob"});
                self.bob.call("contact_add", params);
                self.alice.contact("incoming");
            }
            "invite_close" if *id == 36 => {
                let made = self.alice.call("invite", json!({}));
                let id = made["id"].as_str().unwrap().to_owned();
                self.names.insert("<other invite>".into(), id);
            }
            "conversations" if *id == 14 => {
                let conversation = self.bob.contact("accepted")["conversation"].clone();
                let send = json!({"conversation": conversation, "text": "Hello Alice"});
                self.bob.call("send", send);
                self.alice.texts(&conversation, &["It is me, Bob", "Hello Alice"]);
            }
            "deliveries" if *id == 92 => {
                let params = json!({"message": self.names["<answer>"]});
                let delivered = |answer: &Value| (answer["state"] == "delivered").then_some(());
                self.alice.until("message", params, delivered);
            }
            "group_members" if *id == 97 => {
                let group = json!({"conversation": self.names["<group>"]});
                let invited = |answer: &Value| (answer["conversations"][0]["name"] == "Lake").then_some(());
                self.bob.until("conversations", json!({"folder": "requests", "limit": 1}), invited);
                self.bob.call("group_answer", json!({"conversation": self.names["<group>"], "action": "accept"}));
                let two = |answer: &Value| (answer["members"] == 2).then_some(());
                self.alice.until("group", group, two);
            }
            "files" if *id == 79 => {
                let params = json!({"conversation": self.names["<conversation>"], "limit": 1});
                let sent = |answer: &Value| (answer["files"][0]["state"] == "here").then_some(());
                self.alice.until("files", params, sent);
            }
            "connectivity" => {
                let subscribed = |answer: &Value| (answer["subscribed"] == true).then_some(());
                self.alice.until("connectivity", json!({}), subscribed);
            }
            _ => {}
        }
    }
}

#[test]
fn every_example_of_the_rpc_chapter_works() {
    let folder = tempfile::tempdir().unwrap();
    let data = |name: &str| folder.path().join(name);
    let node = Node::start(&data("node"));
    let nodes = [node.address.as_str()];
    let mut carol = Rpc::on(&data("carol"), &nodes);
    carol.register("Carol");
    let link = carol.call("invite", json!({}))["link"].clone();
    std::fs::write(data("picture.png"), PICTURE).unwrap();
    let mut stage = Stage {
        alice: Rpc::start(command(&data("alice"), &nodes).current_dir(folder.path())),
        bob: Rpc::on(&data("bob"), &nodes),
        names: Names::from([("<link of carol>".into(), link.as_str().unwrap().to_owned())]),
    };
    stage.bob.register("Bob");
    // Carol's program has ended and answers nothing.
    assert!(carol.process.finish().success());
    for example in examples() {
        let method = example.request["method"].as_str().unwrap().to_owned();
        stage.before(&method, &example.request["id"]);
        let request = filled(&example.request, &stage.names).to_string();
        assert!(!request.contains('<'), "unknown name in {request}");
        let mut fresh = example.fresh.then(|| Rpc::on(&data("fresh"), &nodes));
        let rpc = fresh.as_mut().unwrap_or(&mut stage.alice);
        rpc.process.write(&request);
        let came = rpc.any_answer();
        if let Err(difference) = compare("", &example.answer, &came, &mut stage.names) {
            panic!("{method}: {difference}\nwhole answer: {came}");
        }
    }
    assert!(stage.alice.process.wait().success(), "close ends the program");
}

#[test]
fn the_bot_of_fifteen_lines_says_everything_back() {
    let bot = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/echo_bot.py");
    assert_eq!(std::fs::read_to_string(&bot).unwrap().lines().count(), 15);
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let rpc = command(&folder.path().join("bot"), &[&node.address]);
    let mut bot = Process::start(
        Command::new("python3").arg(&bot).arg(folder.path().join("cursor")).arg(rpc.get_program()).args(rpc.get_args()),
    );
    let link = bot.line().expect("an invite");
    let mut alice = Rpc::on(&folder.path().join("alice"), &[&node.address]);
    alice.register("Alice");
    alice.call("contact_add", json!({"link": link}));
    let conversation = alice.contact("accepted")["conversation"].clone();
    for text in ["hello", "🌱 echo"] {
        alice.call("send", json!({"conversation": conversation, "text": text}));
    }
    let params = json!({"conversation": conversation, "limit": 10});
    alice.until("messages", params, |answer| {
        let messages = answer["messages"].as_array().unwrap();
        let back = messages.iter().rev().filter(|one| one["mine"] == false);
        let back: Vec<&Value> = back.map(|one| &one["text"]).collect();
        (back == [&json!("hello"), &json!("🌱 echo")]).then_some(())
    });
}

/// Starts the bot's process.
fn bot(folder: &Path, node: &str) -> Process {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/echo_bot.py");
    let rpc = command(&folder.join("bot"), &[node]);
    Process::start(
        Command::new("python3").arg(script).arg(folder.join("cursor")).arg(rpc.get_program()).args(rpc.get_args()),
    )
}

/// Kills only the bot, as a crash would, and waits for its `sotto`, which ends with its standard input.
fn kill(bot: Process) {
    let children = children_of(bot.child.id());
    drop(bot);
    let end = Instant::now() + PATIENCE;
    while children.iter().any(|&child| is_alive(child)) {
        assert!(Instant::now() < end, "sotto outlives its bot");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_bot_answers_each_question_once_however_often_it_is_killed() {
    const QUESTIONS: usize = 150;
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let mut first = bot(folder.path(), &node.address);
    let link = first.line().expect("an invite");
    let mut alice = Rpc::on(&folder.path().join("alice"), &[&node.address]);
    alice.register("Alice");
    alice.call("contact_add", json!({"link": link}));
    let conversation = alice.contact("accepted")["conversation"].clone();
    kill(first);

    // The bot is off. Every fiftieth question is long; two are the same.
    let question = |number: usize| match number {
        _ if number % 50 == 7 => format!("{number} {}", "long ".repeat(60_000)),
        1 => "0".to_owned(),
        _ => number.to_string(),
    };
    let mut asked: Vec<String> = (0..QUESTIONS).map(question).collect();
    for text in &asked {
        alice.call("send", json!({"conversation": conversation, "text": text}));
    }
    // Messages sent without a publish node would wait, so all of them reach the node first.
    let all = json!({"conversation": conversation, "limit": 500});
    alice.until("messages", all.clone(), |answer| {
        let mut messages = answer["messages"].as_array().unwrap().iter();
        messages.all(|one| one["state"] != "queued").then_some(())
    });

    let answers = |answer: &Value| -> Vec<Value> {
        let messages = answer["messages"].as_array().unwrap().iter();
        messages.filter(|one| one["mine"] == false && one["text"].is_string()).map(|one| one["id"].clone()).collect()
    };
    // Killed in the middle of its work, several times.
    for part in 1..=4 {
        let bot = bot(folder.path(), &node.address);
        alice.until("messages", all.clone(), |answer| (answers(answer).len() >= part * QUESTIONS / 6).then_some(()));
        kill(bot);
    }
    let _last = bot(folder.path(), &node.address);
    let came = alice.until("messages", all.clone(), |answer| {
        let came = answers(answer);
        (came.len() >= QUESTIONS).then_some(came)
    });
    // One more question: its answer proves that everything before was handled, and nothing comes twice.
    let end = json!({"conversation": conversation, "text": "the end"});
    alice.call("send", end);
    let came = alice.until("messages", all, |answer| {
        let again = answers(answer);
        (again.len() > came.len()).then_some(again)
    });
    let mut whole = |id: Value| alice.call("message", json!({"message": id}))["text"].as_str().unwrap().to_owned();
    let mut came: Vec<String> = came.into_iter().map(&mut whole).collect();
    asked.push("the end".into());
    came.sort_unstable();
    asked.sort_unstable();
    assert_eq!(came.len(), asked.len());
    assert!(came == asked, "each once, and whole");
}
