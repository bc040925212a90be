//! Real processes of the `sotto` program, used as a person would.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Path of the program.
pub fn sotto() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sotto"))
}

/// A child process, with its standard output line by line.
pub struct Process {
    pub child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { input: child.stdin.take(), child, lines }
    }

    pub fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("standard input is open");
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// The next line; `None` at the end of its output.
    pub fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line in time"),
        }
    }

    /// The first line that fits.
    pub fn until(&mut self, what: &str, mut fits: impl FnMut(&str) -> bool) -> String {
        loop {
            match self.line() {
                Some(line) if fits(&line) => return line,
                Some(_) => {}
                None => panic!("ended before: {what}"),
            }
        }
    }

    /// Closes its standard input and waits for its end.
    pub fn finish(&mut self) -> ExitStatus {
        self.input = None;
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by its name to a process.
pub fn signal(pid: u32, name: &str) {
    // The shell's own kill: a small system has no other.
    let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {pid}")]).status();
    assert!(sent.unwrap().success());
}

/// A service node alone in its network.
pub struct Node {
    pub process: Process,
    pub address: String,
}

impl Node {
    pub fn start(folder: &Path) -> Self {
        let mut process = Process::start(
            sotto()
                .args(["node", "--alone", "--json", "--listen"])
                .args(["/ip4/127.0.0.1/tcp/0", "--data"])
                .arg(folder),
        );
        let line = process.line().expect("a node that listens");
        let said: Value = serde_json::from_str(&line).unwrap();
        Self { address: said["addrs"][0].as_str().unwrap().to_owned(), process }
    }
}

/// A `sotto rpc` process.
pub struct Rpc {
    pub process: Process,
    next_id: u64,
    /// Answers that arrived before they were wanted.
    early: VecDeque<Value>,
}

impl Rpc {
    pub fn start(command: &mut Command) -> Self {
        Self { process: Process::start(command), next_id: 0, early: VecDeque::new() }
    }

    /// Starts on a folder, with these nodes.
    pub fn on(folder: &Path, nodes: &[&str]) -> Self {
        Self::start(&mut command(folder, nodes))
    }

    /// Sends a request; returns its id.
    pub fn ask(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.process.write(&request.to_string());
        id
    }

    /// The answer to a request.
    pub fn answer(&mut self, id: u64) -> Value {
        if let Some(at) = self.early.iter().position(|one| one["id"] == id) {
            return self.early.remove(at).unwrap();
        }
        loop {
            let line = self.process.line().expect("an answer");
            let answer: Value = serde_json::from_str(&line).unwrap();
            if answer["id"] == id {
                return answer;
            }
            self.early.push_back(answer);
        }
    }

    /// The next answer, whichever it is.
    pub fn any_answer(&mut self) -> Value {
        serde_json::from_str(&self.process.line().expect("an answer")).unwrap()
    }

    pub fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The dotted code of an error.
    pub fn refusal(&mut self, method: &str, params: Value) -> String {
        let id = self.ask(method, params);
        let answer = self.answer(id);
        answer["error"]["data"]["code"].as_str().unwrap().to_owned()
    }

    /// Asks again after each event until the answer has the wanted state.
    pub fn until<T>(&mut self, method: &str, params: Value, look: impl Fn(&Value) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.call(method, params.clone());
            if let Some(found) = look(&answer) {
                return found;
            }
            assert!(Instant::now() < end, "{method} still says {answer}");
            self.call("next_events", json!({"max": 64, "wait_ms": 500}));
        }
    }

    /// An account, receipts without delay.
    pub fn register(&mut self, name: &str) {
        self.call("account_create", json!({"name": name}));
        let set = json!({"set": {"receipt_delay_ms": 0}});
        self.call("settings", set);
    }

    /// Waits for a contact in a state; its object.
    pub fn contact(&mut self, state: &str) -> Value {
        self.until("contacts", json!({}), |answer| {
            let contacts = answer["contacts"].as_array().unwrap();
            contacts.iter().find(|one| one["state"] == state).cloned()
        })
    }

    /// Waits until the texts of a conversation, oldest first, are these.
    pub fn texts(&mut self, conversation: &Value, wanted: &[&str]) -> Vec<Value> {
        let params = json!({"conversation": conversation, "limit": 500});
        self.until("messages", params, |answer| {
            let mut messages = answer["messages"].as_array().unwrap().clone();
            messages.reverse();
            let begins = |one: &Value, wanted: &&str| {
                let text = one["text"].as_str();
                text.is_some_and(|text| if one["more"] == true { wanted.starts_with(text) } else { text == *wanted })
            };
            messages.retain(|one| one["text"].is_string());
            let same = messages.iter().zip(wanted).all(|(one, wanted)| begins(one, wanted));
            (same && messages.len() == wanted.len()).then(|| messages.clone())
        })
        .into_iter()
        .zip(wanted)
        .map(|(one, wanted)| {
            let whole = self.call("message", json!({"message": one["id"]}));
            assert!(whole["text"] == **wanted, "another text behind the first 4,096 bytes");
            whole
        })
        .collect()
    }
}

/// The command line of [`Rpc::on`].
pub fn command(folder: &Path, nodes: &[&str]) -> Command {
    let mut command = sotto();
    command.args(["rpc", "--data"]).arg(folder);
    for node in nodes {
        command.args(["--node", node]);
    }
    command
}

/// A node and two people who are contacts; the folder goes last.
pub struct Friends {
    pub alice: Rpc,
    pub bob: Rpc,
    pub conversation: Value,
    pub node: Node,
    pub folder: TempDir,
}

impl Friends {
    pub fn meet() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(&folder.path().join("node"));
        let mut alice = Rpc::on(&folder.path().join("alice"), &[&node.address]);
        let mut bob = Rpc::on(&folder.path().join("bob"), &[&node.address]);
        alice.register("Alice");
        bob.register("Bob");
        let link = bob.call("invite", json!({}))["link"].clone();
        alice.call("contact_add", json!({"link": link}));
        let request = bob.contact("incoming");
        bob.call("contact_answer", json!({"contact": request["id"], "action": "accept"}));
        let conversation = alice.contact("accepted")["conversation"].clone();
        Self { alice, bob, conversation, node, folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Processes whose parent is `pid` (Linux).
pub fn children_of(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // The name in parentheses may hold spaces.
        let Some((_, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        let mut fields = rest.split_whitespace();
        let (state, parent) = (fields.next(), fields.next());
        if parent == Some(&pid.to_string()) && state != Some("Z") {
            found.push(id);
        }
    }
    found
}

/// Whether this process runs, and is no zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|rest| !rest.starts_with('Z'))
}
