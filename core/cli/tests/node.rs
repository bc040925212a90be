//! `sotto node`: its output, its archive, its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sotto_db::archive::{Archive, Entry, Retention};
use support::{Friends, Node, Process, Rpc, sotto};

fn start(folder: &Path, more: &[&str]) -> (Process, Value) {
    let mut process = Process::start(sotto().args(["node", "--json", "--data"]).arg(folder).args(more));
    let line = process.line().expect("a node that listens");
    (process, serde_json::from_str(&line).unwrap())
}

#[test]
fn it_says_where_it_listens_and_stays_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("node");
    let flags = [
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
        "--listen",
        "/ip4/127.0.0.1/tcp/0/ws",
        "--cluster",
        "77",
        "--shard",
        "3",
        "--shard",
        "5",
    ];
    let (mut node, said) = start(&data, &flags);
    let keys: Vec<&String> = said.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["addrs", "cluster", "peer_id", "shards"]);
    assert_eq!((&said["cluster"], &said["shards"]), (&json!(77), &json!([3, 5])));
    let addrs = said["addrs"].as_array().unwrap();
    assert_eq!(addrs.len(), 2);
    let end = format!("/p2p/{}", said["peer_id"].as_str().unwrap());
    for address in addrs {
        let address = address.as_str().unwrap();
        assert!(address.ends_with(&end) && !address.contains("/tcp/0/"), "{address}");
    }
    assert!(addrs[1].as_str().unwrap().contains("/ws/"));
    node.signal("TERM");
    assert_eq!(node.wait().code(), Some(0));
    let (mut again, said_again) = start(&data, &flags);
    assert_eq!(said_again["peer_id"], said["peer_id"]);
    assert_eq!(again.finish().code(), Some(0), "the end of standard input");
    for file in ["node.key", "archive.db"] {
        let mode = std::fs::metadata(data.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn it_takes_cluster_and_shards_from_a_preset_or_from_flags() {
    let folder = tempfile::tempdir().unwrap();
    let eight = json!([0, 1, 2, 3, 4, 5, 6, 7]);
    let cases: [(&[&str], u16, &Value); 5] = [
        (&[], 66, &json!([0])),
        (&["--preset", "logos.dev"], 3, &eight),
        (&["--preset", "status.prod"], 16, &json!([32, 64])),
        (&["--auto-shards", "8"], 66, &eight),
        (&["--preset", "logos.test", "--auto-shards", "2"], 2, &json!([0, 1])),
    ];
    for (flags, cluster, shards) in cases {
        let listen = ["--listen", "/ip4/127.0.0.1/tcp/0"];
        let (mut node, said) = start(folder.path(), &[flags, &listen].concat());
        assert_eq!((&said["cluster"], &said["shards"]), (&json!(cluster), shards));
        assert_eq!(node.finish().code(), Some(0));
    }
    for flags in [&["--auto-shards", "0"][..], &["--auto-shards", "1025"], &["--auto-shards", "8", "--shard", "1"]] {
        let mut command = sotto();
        command.args(["node", "--data"]).arg(folder.path());
        let done = command.args(flags).stdin(Stdio::null()).output().unwrap();
        assert_eq!(done.status.code(), Some(2), "{flags:?}");
    }
}

#[test]
fn without_anybody_on_standard_input_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = sotto()
        .args(["node", "--json", "--listen", "/ip4/127.0.0.1/tcp/0", "--data"])
        .arg(folder.path().join("node"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    assert!(line.contains("peer_id"));
    assert!(child.try_wait().unwrap().is_none());
    support::signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn each_failure_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("node");
    let (node, said) = start(&data, &["--listen", "/ip4/127.0.0.1/tcp/0"]);
    let run = |folder: &Path, more: &[&str]| {
        let mut command = sotto();
        command.args(["node", "--data"]).arg(folder).args(more);
        let done = command.stdin(Stdio::null()).output().unwrap();
        done.status.code().unwrap()
    };
    let other = folder.path().join("other");
    assert_eq!(run(&data, &["--listen", "/ip4/127.0.0.1/tcp/0"]), 3, "in use");
    assert_eq!(run(&other, &["--listen", "somewhere"]), 2);
    assert_eq!(run(&other, &["--peer", "/ip4/127.0.0.1/tcp/1"]), 2);
    assert_eq!(run(&other, &["--announce", "/ip4/0.0.0.0/tcp/60000"]), 2);
    assert_eq!(run(&other, &["--preset", "moon"]), 2);
    let taken = said["addrs"][0].as_str().unwrap();
    let taken = taken.split_once("/p2p/").unwrap().0;
    assert_eq!(run(&other, &["--listen", taken]), 1);
    std::fs::write(other.join("node.key"), [1; 31]).unwrap();
    assert_eq!(run(&other, &["--listen", "/ip4/127.0.0.1/tcp/0"]), 3);
    drop(node);
}

/// Messages that a killed node accepted are there afterwards, for a client that was away.
#[test]
fn the_archive_survives_a_kill() {
    let mut friends = Friends::meet();
    let bob = friends.path("bob");
    assert!(friends.bob.process.finish().success());
    let send = json!({"conversation": friends.conversation, "text": "kept for you"});
    friends.alice.call("send", send);
    let page = json!({"conversation": friends.conversation, "limit": 1});
    friends.alice.until("messages", page, |answer| (answer["messages"][0]["state"] != "queued").then_some(()));
    assert!(friends.alice.process.finish().success());
    // A store query proves that the archive has written everything before it.
    let data = friends.path("node");
    friends.node.process.signal("KILL");
    friends.node.process.wait();
    let node = Node::start(&data);
    let mut bob = Rpc::on(&bob, &[&node.address]);
    bob.texts(&friends.conversation, &["kept for you"]);
}

/// By age and by size, also messages from before the start, and without queries.
#[test]
fn it_keeps_what_it_is_told_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ns = i64::try_from(since.as_nanos()).unwrap();
    let archive = |keep_mib: u64| {
        let retention = Retention { age: Duration::from_secs(u64::from(u32::MAX)), bytes: keep_mib << 20 };
        Archive::open(&folder.path().join("archive.db"), retention).unwrap()
    };
    let entry = |number: u32| {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        Entry {
            hash,
            timestamp_ns: now_ns - i64::from(number / 1000) * 3_600_000_000_000,
            pubsub_topic: "/waku/2/rs/66/0".into(),
            content_topic: "/t/1/a/proto".into(),
            message: vec![7; 1000],
        }
    };
    let all: Vec<Entry> = (0..3000).map(entry).collect();
    archive(100).put(&all).unwrap();
    // A thousand of each: just now, an hour ago, two hours ago.
    for (hours, mib, kept) in [("3", "100", 3000..3001), ("2", "100", 2000..2001), ("2", "1", 100..1000)] {
        let mut flags = vec!["--listen", "/ip4/127.0.0.1/tcp/0"];
        flags.extend(["--retention-hours", hours, "--retention-mib", mib]);
        let (mut node, _) = start(folder.path(), &flags);
        assert_eq!(node.finish().code(), Some(0));
        let left = archive(100);
        let count = left.count().unwrap();
        assert!(kept.contains(&count), "{hours} h, {mib} MiB: {count}");
        assert!(left.used_bytes().unwrap() <= mib.parse::<u64>().unwrap() << 20);
    }
}

#[test]
fn discv5_gives_a_record_and_takes_one() {
    let folder = tempfile::tempdir().unwrap();
    let flags = ["--listen", "/ip4/127.0.0.1/tcp/0", "--discv5", "127.0.0.1:0"];
    let (mut first, said) = start(&folder.path().join("first"), &flags);
    let record = said["record"].as_str().unwrap();
    assert!(record.starts_with("enr:"));
    let more = [&flags[..], &["--bootstrap", record]].concat();
    let (mut second, said) = start(&folder.path().join("second"), &more);
    let other = said["record"].as_str().unwrap();
    assert_ne!(other, record);
    let run = |more: &[&str]| {
        let mut command = sotto();
        command.args(["node", "--data"]).arg(folder.path().join("third")).args(more);
        let done = command.stdin(Stdio::null()).output().unwrap();
        done.status.code().unwrap()
    };
    assert_eq!(run(&["--bootstrap", record]), 2, "a record for nothing");
    assert_eq!(run(&[&flags[..], &["--bootstrap", "enr:AA"]].concat()), 2);
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    assert_eq!(run(&["--discv5", &taken, "--listen", "/ip4/127.0.0.1/tcp/0"]), 1);
    assert_eq!(first.finish().code(), Some(0));
    assert_eq!(second.finish().code(), Some(0));
}

#[test]
fn it_names_the_addresses_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, named] = ["/ip4/203.0.113.7/tcp/60000", "/dns4/node.example.org/tcp/443/wss"];
    let flags = ["--announce", plain, "--announce", named];
    let more = ["--listen", "/ip4/127.0.0.1/tcp/0"];
    let flags = [&flags[..], &more[..]].concat();
    let (mut node, said) = start(&folder.path().join("node"), &flags);
    let id = said["peer_id"].as_str().unwrap();
    let addrs = [plain, named].map(|at| format!("{at}/p2p/{id}"));
    assert_eq!(said["addrs"], json!(addrs));
    assert_eq!(node.finish().code(), Some(0));
    let mut command = sotto();
    command.args(["node", "--announce", "here", "--data"]);
    let done = command.arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8(done.stderr).unwrap();
    assert!(error.contains("address 0 to announce"), "{error}");
    assert_eq!(done.status.code(), Some(2));
}
