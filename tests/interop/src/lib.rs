//! A foreign Waku peer as a child process.
//!
//! The harnesses (`go/`, `js/`) speak one JSON object a line. The first line says `{"peer_id","addrs"}` once all
//! listeners are bound. Then `{"id","method",…parameters}` on stdin is answered by `{"id","result"}` or
//! `{"id","error"}`, in any order, and what happens by itself comes as `{"event",…}`. At the end of stdin a harness
//! stops by itself; its own log goes to stderr.
//!
//! Our side of the tests stands in [`node`], [`client`], [`person`] and [`group`]; [`shape`] reads what it said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub mod client;
pub mod go;
pub mod group;
pub mod js;
pub mod node;
pub mod person;
pub mod shape;

/// Waku cluster of the tests.
pub const CLUSTER: u16 = 66;
/// Its only shard.
pub const SHARD: u16 = 0;

/// Longest wait for any answer or event.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running foreign peer. Dropping it closes its stdin, waits, and kills it if it stays.
pub struct Peer {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    events: Vec<Value>,
    next_id: u64,
    /// libp2p peer id.
    pub peer_id: String,
    /// Full multiaddrs, ending in `/p2p/…`.
    pub addrs: Vec<String>,
}

impl Peer {
    /// Starts `command` and waits until it listens.
    pub fn start(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let mut peer = Self {
            name: name.to_owned(),
            stdin: child.stdin.take(),
            child,
            lines,
            events: Vec::new(),
            next_id: 0,
            peer_id: String::new(),
            addrs: Vec::new(),
        };
        let ready = peer.line(Instant::now() + PATIENCE, "its addresses");
        peer.peer_id = ready["peer_id"].as_str().unwrap().to_owned();
        peer.addrs = ready["addrs"].as_array().unwrap().iter().map(|addr| addr.as_str().unwrap().to_owned()).collect();
        peer
    }

    /// The first address that contains `part` (`"/ws"`, `"/tcp/"`).
    pub fn addr(&self, part: &str) -> String {
        let found = self.addrs.iter().find(|addr| addr.contains(part));
        found.unwrap_or_else(|| panic!("{}: no {part}", self.name)).clone()
    }

    /// Calls a method; `Err` holds the harness's error text.
    pub fn try_call(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.next_id += 1;
        let id = self.next_id;
        let mut request = json!({"id": id, "method": method});
        for (key, value) in params.as_object().unwrap() {
            request[key] = value.clone();
        }
        writeln!(self.stdin.as_mut().unwrap(), "{request}").unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.line(deadline, method);
            if line["id"] == id {
                return match line.get("error") {
                    Some(error) => Err(error.to_string()),
                    None => Ok(line["result"].clone()),
                };
            }
            self.events.push(line);
        }
    }

    /// Calls a method that must succeed.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.try_call(method, params).unwrap_or_else(|error| panic!("{} {method}: {error}", self.name))
    }

    /// The next event of that name, past or to come.
    pub fn event(&mut self, name: &str) -> Value {
        self.event_within(name, PATIENCE).unwrap_or_else(|| panic!("{}: no event {name}", self.name))
    }

    /// The next event of that name, past or within `wait`.
    pub fn event_within(&mut self, name: &str, wait: Duration) -> Option<Value> {
        let deadline = Instant::now() + wait;
        loop {
            if let Some(at) = self.events.iter().position(|event| event["event"] == name) {
                return Some(self.events.remove(at));
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.events.push(line),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("{} ended", self.name),
            }
        }
    }

    fn line(&mut self, deadline: Instant, what: &str) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).unwrap_or_else(|error| panic!("{}: {what}: {error}", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
