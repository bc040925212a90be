//! What docs/ shows works: every example of docs/rpc.md, and the bot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use support::{Node, Process, Rpc, command};

const RPC: &str = include_str!("../../../docs/rpc.md");

/// A request and its answer; `fresh`: in an empty folder.
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
        found.push(Example {
            fresh: kind == " fresh",
            request: read("→ "),
            answer: read("← "),
        });
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

/// Compares an answer with the example's and learns names.
fn compare(key: &str, shown: &Value, came: &Value, names: &mut Names) -> Result<(), String> {
    let different = || Err(format!("{key}: {came} instead of {shown}"));
    match (shown, came) {
        (Value::String(text), _) if text == "…" => Ok(()),
        (Value::String(text), Value::String(came)) if text.starts_with('<') => {
            let known = names.entry(text.clone()).or_insert_with(|| came.clone());
            if known == came { Ok(()) } else { different() }
        }
        (Value::Number(_), Value::Number(_)) if key.ends_with("_ms") => Ok(()),
        (Value::Array(shown), Value::Array(came)) if shown.len() == came.len() => shown
            .iter()
            .zip(came)
            .try_for_each(|(shown, came)| compare(key, shown, came, names)),
        (Value::Object(shown), Value::Object(came)) => {
            let keys = |fields: &serde_json::Map<String, Value>| {
                fields.keys().cloned().collect::<Vec<_>>()
            };
            if keys(shown) != keys(came) {
                return Err(format!(
                    "{key}: fields {:?} instead of {:?}",
                    keys(came),
                    keys(shown)
                ));
            }
            shown
                .iter()
                .try_for_each(|(key, shown)| compare(key, shown, &came[key], names))
        }
        _ if shown == came => Ok(()),
        _ => different(),
    }
}

/// Alice, whom the examples are about, and what others do meanwhile.
struct Stage {
    alice: Rpc,
    bob: Rpc,
    names: Names,
}

impl Stage {
    /// What has to happen before this example.
    fn before(&mut self, method: &str, id: &Value) {
        match method {
            "contacts" => {
                let link = self.names["<link>"].clone();
                let params = json!({"link": link, "text": "It is me, Bob"});
                self.bob.call("contact_add", params);
                self.alice.contact("incoming");
            }
            "conversations" if *id == 14 => {
                let conversation = self.bob.contact("accepted")["conversation"].clone();
                let send = json!({"conversation": conversation, "text": "Hello Alice"});
                self.bob.call("send", send);
                self.alice.texts(&conversation, &["Hello Alice"]);
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
    let mut stage = Stage {
        alice: Rpc::on(&data("alice"), &nodes),
        bob: Rpc::on(&data("bob"), &nodes),
        names: Names::from([("<link of carol>".into(), link.as_str().unwrap().to_owned())]),
    };
    stage.bob.register("Bob");
    // Carol is gone and answers nothing.
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
    assert!(
        stage.alice.process.wait().success(),
        "close ends the program"
    );
}

#[test]
fn the_bot_of_fifteen_lines_says_everything_back() {
    let bot = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/echo_bot.py");
    assert_eq!(std::fs::read_to_string(&bot).unwrap().lines().count(), 15);
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let rpc = command(&folder.path().join("bot"), &[&node.address]);
    let mut bot = Process::start(
        Command::new("python3")
            .arg(&bot)
            .arg(rpc.get_program())
            .args(rpc.get_args()),
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
