//! Real processes over a line that loses, delays, reorders and goes dead: network namespaces, tun devices, and
//! `tests/netns/relay.py` between them. Needs root, or a system on which `unshare -Ur` may use /dev/net/tun.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Process, Rpc, command, sotto};

const RELAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/netns/relay.py");
/// Messages, half of them each way.
const MESSAGES: usize = 60;
/// The goal for all of them on the bad line.
const WITHIN: Duration = Duration::from_secs(4 * 60);

/// Alice behind the line, the node in the city, Bob beside it.
struct Line {
    process: Process,
    names: Value,
    root: bool,
}

impl Line {
    fn lay() -> Self {
        let id = Command::new("id").arg("-u").output().unwrap();
        let root = id.stdout == b"0\n";
        let mut relay = if root {
            Command::new("python3")
        } else {
            let mut unshare = Command::new("unshare");
            unshare.args(["-Ur", "python3"]);
            unshare
        };
        let mut process = Process::start(relay.arg(RELAY));
        let line = process.line();
        let line = line.expect("this test needs root, or `unshare -Ur`, and /dev/net/tun");
        Self { names: serde_json::from_str(&line).unwrap(), process, root }
    }

    /// A command as it runs in one of the namespaces.
    fn inside(&self, name: &str, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        if !self.root {
            let user = format!("--user=/proc/{}/ns/user", self.process.child.id());
            inside.args([user.as_str(), "--preserve-credentials"]);
        }
        inside
            .arg(format!("--net={}", self.names[name].as_str().unwrap()))
            .arg(command.get_program())
            .args(command.get_args());
        inside
    }

    /// Another weather; what the line has carried until then.
    fn change(&mut self, to: &Value) -> Value {
        self.process.write(&to.to_string());
        serde_json::from_str(&self.process.line().unwrap()).unwrap()
    }
}

fn start_node(line: &Line, folder: &Path) -> (Process, Vec<String>) {
    let mut node = sotto();
    node.args(["node", "--alone", "--json", "--data"])
        .arg(folder)
        .args(["--listen", "/ip4/10.91.1.1/tcp/60000"])
        .args(["--listen", "/ip4/10.91.2.1/tcp/60000"]);
    let mut process = Process::start(&mut line.inside("city", &node));
    let said: Value = serde_json::from_str(&process.line().expect("a node that listens")).unwrap();
    let addresses = said["addrs"].as_array().unwrap().iter();
    let addresses = addresses.map(|one| one.as_str().unwrap().to_owned());
    (process, addresses.collect())
}

/// How long 60 messages took until each was delivered, and what the line carried for them.
fn talk(bad: bool) -> (Duration, Value) {
    let folder = tempfile::tempdir().unwrap();
    let mut line = Line::lay();
    let (_node, addresses) = start_node(&line, &folder.path().join("node"));
    let reach = |part: &str| addresses.iter().find(|one| one.contains(part)).unwrap();
    let phone = |line: &Line, name: &str, part: &str| {
        let command = command(&folder.path().join(name), &[reach(part)]);
        Rpc::start(&mut line.inside(name, &command))
    };
    let mut alice = phone(&line, "alice", "10.91.1.1");
    let mut bob = phone(&line, "bob", "10.91.2.1");
    alice.register("Alice");
    bob.register("Bob");
    let link = bob.call("invite", json!({}))["link"].clone();
    alice.call("contact_add", json!({"link": link}));
    let request = bob.contact("incoming")["id"].clone();
    bob.call("contact_answer", json!({"contact": request, "action": "accept"}));
    let conversation = alice.contact("accepted")["conversation"].clone();
    alice.call("set_foreground", json!({"on": true}));

    let good = json!({});
    let terrible = json!({"rate_kbit": 256, "loss": 0.2, "delay_ms": 300, "reorder": 0.1});
    let before = line.change(if bad { &terrible } else { &good });
    let began = Instant::now();
    for number in 0..MESSAGES {
        if bad && number == MESSAGES / 3 {
            line.change(&json!({"blackhole": true}));
        } else if bad && number == MESSAGES * 2 / 3 {
            line.change(&terrible);
        }
        let params = json!({"conversation": conversation, "text": number.to_string()});
        let phone = if number % 2 == 0 { &mut alice } else { &mut bob };
        phone.call("send", params);
        thread::sleep(Duration::from_millis(500));
    }
    for phone in [&mut alice, &mut bob] {
        settle(phone, &conversation, began);
    }
    let took = began.elapsed();
    let after = line.change(&good);
    let mut carried = after.clone();
    for name in ["packets", "bytes", "lost"] {
        carried[name] = json!(after[name].as_u64().unwrap() - before[name].as_u64().unwrap());
    }
    (took, carried)
}

/// Until a phone shows each message once, and each of its own as delivered.
fn settle(phone: &mut Rpc, conversation: &Value, began: Instant) {
    loop {
        let params = json!({"conversation": conversation, "limit": 500});
        let answer = phone.call("messages", params);
        let messages = answer["messages"].as_array().unwrap();
        let texts = messages.iter().filter_map(|one| one["text"].as_str());
        let mut numbers: Vec<usize> = texts.filter_map(|text| text.parse().ok()).collect();
        numbers.sort_unstable();
        let mine = messages.iter().filter(|one| one["mine"] == true);
        let open = mine.filter(|one| one["state"] != "delivered" && one["state"] != "read");
        let open = open.count();
        if open == 0 && numbers.iter().copied().eq(0..MESSAGES) {
            return;
        }
        assert!(
            began.elapsed() < WITHIN,
            "after 4 minutes {} of {MESSAGES} are shown, {open} not known to be delivered",
            numbers.len()
        );
        phone.call("next_events", json!({"max": 64, "wait_ms": 500}));
    }
}

#[test]
fn sixty_messages_over_a_terrible_line() {
    let (quick, plain) = talk(false);
    let (took, bad) = talk(true);
    println!("good line: {plain} in {quick:?}; terrible line: {bad} in {took:?}");
    assert!(bad["lost"].as_u64().unwrap() > 0, "the line was terrible");
    let bytes = |carried: &Value| carried["bytes"].as_u64().unwrap();
    assert!(bytes(&bad) <= 3 * bytes(&plain), "{bad} is more than three times {plain}");
}
