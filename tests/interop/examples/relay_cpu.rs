//! Processor time of a relay per message it forwards, ours beside go-waku's, in one run: for `docs/budgets.md`.
//!
//! Usage: relay_cpu PATH/TO/sotto PATH/TO/sotto-go-peer [MESSAGES]. The measured relay runs in its own process between
//! two nodes of ours; one client publishes to the first node, another receives from the second. The two relays
//! alternate [`ROUNDS`] times, so that a busy machine is busy for both; the median counts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command as Process, Stdio};

use sotto_interop::client::{client_config, now_ns};
use sotto_interop::node::{Node, node_config};
use sotto_interop::{CLUSTER, PATIENCE, SHARD};
use sotto_net::{Command, Event, NetHandle, PublishOutcome, Published, Purpose, client};

const TOPIC: &str = "/sotto/1/h00-0000/proto";
const PAYLOAD: usize = 2048;
/// Turns of each relay.
const ROUNDS: usize = 5;
/// Messages on their way at a time: go-waku drops what finds 32 before it that it has not looked at.
const AT_ONCE: u64 = 24;

/// A relay as a child process.
struct Relay {
    child: Child,
    address: String,
}

impl Relay {
    fn start(command: &mut Process) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = output.next().expect("a relay that listens").unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        // Whatever else it says is taken.
        std::thread::spawn(move || output.for_each(drop));
        let address = said["addrs"][0].as_str().unwrap().to_owned();
        Self { child, address }
    }

    /// Processor time so far, milliseconds, user and system, as `/proc` has it in clock ticks of 10 ms.
    fn cpu_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<u64>().unwrap();
        (ticks(11) + ticks(12)) * 10
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(node: &str) -> NetHandle {
    let (handle, run) = client::start(client_config(&[node])).unwrap();
    tokio::spawn(run);
    handle
}

/// Sends so many messages through a relay; its processor time for them, milliseconds.
async fn forward(relay: &Relay, messages: u64) -> u64 {
    let mut config = node_config();
    config.peers = vec![relay.address.clone()];
    let mut near = Node::start(config.clone()).await;
    let mut far = Node::start(config).await;
    near.peers(|_, relays| relays == 1).await;
    far.peers(|_, relays| relays == 1).await;
    let mut sender = start(&near.addresses[0]);
    let mut hearer = start(&far.addresses[0]);
    let topics = vec![TOPIC.to_owned()];
    hearer.commands.send(Command::Subscribe { topics }).await.unwrap();
    while !matches!(hearer.events.recv().await.unwrap(), Event::Connectivity(now) if now.subscribed) {}
    let before = relay.cpu_ms();
    let (mut sent, mut taken, mut heard) = (0, 0, 0);
    while heard < messages {
        if sent < messages && sent < taken.min(heard) + AT_ONCE {
            let mut payload = vec![0; PAYLOAD];
            payload[..8].copy_from_slice(&(sent + 1).to_be_bytes());
            let publish = Command::Publish {
                id: sent,
                topic: TOPIC.into(),
                payload,
                timestamp_ns: now_ns(),
                other_ns: None,
                purpose: Purpose::Probe(Vec::new()),
                spread: None,
            };
            sender.commands.send(publish).await.unwrap();
            sent += 1;
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(PATIENCE) => panic!("{} of {messages} messages never came", messages - heard),
            event = sender.events.recv() => if let Event::Published(Published { outcome, .. }) = event.unwrap() {
                assert!(matches!(outcome, PublishOutcome::Relayed { .. }), "{outcome:?}");
                taken += 1;
            },
            event = hearer.events.recv() => if let Event::Message(_) = event.unwrap() {
                heard += 1;
            },
        }
    }
    relay.cpu_ms() - before
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let messages: u64 = arguments.get(3).map_or(5000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (cluster, shard) = (CLUSTER.to_string(), SHARD.to_string());
    optimised(&arguments[1]);
    let mut ours = Process::new(&arguments[1]);
    ours.args(["node", "--json", "--no-store", "--cluster", &cluster])
        .args(["--shard", &shard, "--listen", "/ip4/127.0.0.1/tcp/0"])
        .arg("--data")
        .arg(folder.path().join("node"));
    let mut theirs = Process::new(&arguments[2]);
    // Its lines for the tests are no part of forwarding.
    theirs.args(["-mode", "relay", "-cluster", &cluster, "-shards", &shard]).env("SOTTO_QUIET", "1");
    let mut relays = [("sotto", &mut ours), ("go-waku", &mut theirs)];
    let mut figures = relays.each_ref().map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((_, command), figures) in relays.iter_mut().zip(&mut figures) {
            let relay = Relay::start(command);
            forward(&relay, messages / 10).await; // warm
            figures.push(forward(&relay, messages).await * 1000 / messages);
        }
    }
    for ((name, _), mut figures) in relays.into_iter().zip(figures) {
        figures.sort_unstable();
        println!(
            "relay of {PAYLOAD} B, {name:8} {:>5} us of processor per message ({ROUNDS} times {messages}: {figures:?})",
            figures[ROUNDS / 2]
        );
    }
}

/// Ends the run at a debug build, whose figures are worth nothing.
fn optimised(sotto: &str) {
    let version = Process::new(sotto).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    assert!(!version.contains("debug"), "not a release build: {version}");
}
