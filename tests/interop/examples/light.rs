//! Our light client behind the line protocol, so that `scripts/bench` measures it as it measures js-waku and go-waku.
//! Methods: `connect` (addr), `subscribe` (topics), `send` (topic, payload in hex). Events: `message` (payload in hex).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write as _;

use serde_json::{Value, json};
use sotto_interop::client::{client_config, now_ns};
use sotto_net::{Command, Event, NetHandle, Published, Purpose, client};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn command(call: &Value) -> Command {
    let text = |key: &str| call[key].as_str().unwrap().to_owned();
    let id = call["id"].as_u64().unwrap();
    match call["method"].as_str().unwrap() {
        "connect" => Command::AddNodes(vec![text("addr")]),
        "subscribe" => Command::Subscribe { topics: serde_json::from_value(call["topics"].clone()).unwrap() },
        "send" => Command::Publish {
            id,
            topic: text("topic"),
            payload: unhex(&text("payload")),
            timestamp_ns: now_ns(),
            other_ns: None,
            purpose: Purpose::Probe(Vec::new()),
            spread: None,
        },
        other => panic!("no method {other}"),
    }
}

#[tokio::main]
async fn main() {
    if cfg!(debug_assertions) {
        panic!("a debug build measures nothing");
    }
    let (handle, run) = client::start(client_config(&[])).unwrap();
    tokio::spawn(run);
    let NetHandle { commands, mut events } = handle;
    // A conversation is on screen: a node to publish to is at hand.
    commands.send(Command::Foreground(true)).await.unwrap();
    say(&json!({"peer_id": "", "addrs": []}));
    let mut lines = BufReader::new(stdin()).lines();
    let mut subscribing = None;
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line.unwrap() else { return };
                let call: Value = serde_json::from_str(&line).unwrap();
                let (id, method) = (call["id"].clone(), call["method"].clone());
                commands.send(command(&call)).await.unwrap();
                if method == "connect" {
                    say(&json!({"id": id, "result": null}));
                } else if method == "subscribe" {
                    subscribing = Some(id);
                }
            }
            event = events.recv() => match event.unwrap() {
                Event::Message(message) => {
                    say(&json!({"event": "message", "payload": hex(&message.payload)}));
                }
                Event::Published(Published { id, outcome, .. }) => {
                    say(&json!({"id": id, "result": format!("{outcome:?}")}));
                }
                Event::Connectivity(now) if now.subscribed => {
                    if let Some(id) = subscribing.take() {
                        say(&json!({"id": id, "result": true}));
                    }
                }
                _ => {}
            },
        }
    }
}
