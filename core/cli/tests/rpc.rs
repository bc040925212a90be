//! `sotto rpc` as a process: order, bounds, ends, and secrets that it never prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::{Value, json};
use support::{Friends, Rpc, command, sotto};

#[test]
fn requests_are_pipelined_and_waiting_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut rpc = Rpc::on(&folder.path().join("a"), &[]);
    let wait = rpc.ask("next_events", json!({"max": 1, "wait_ms": 60_000}));
    let version = rpc.ask("version", json!({}));
    let create = rpc.ask("account_create", json!({"name": "Ada"}));
    let answer = rpc.answer(version);
    assert_eq!(answer["result"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(rpc.answer(create)["result"]["account"]["name"], json!("Ada"));
    // Closing answers waiting callers.
    assert_eq!(rpc.call("close", json!({})), json!({}));
    assert_eq!(rpc.answer(wait)["result"]["events"], json!([]));
}

#[test]
fn a_bad_line_is_answered_and_the_next_one_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut rpc = Rpc::on(&folder.path().join("a"), &[]);
    let code = |rpc: &mut Rpc, line: &str| {
        rpc.process.write(line);
        rpc.any_answer()["error"]["code"].as_i64().unwrap()
    };
    assert_eq!(code(&mut rpc, "{"), -32700);
    assert_eq!(code(&mut rpc, "[]"), -32600);
    let request =
        |method: &str, params: &str| format!(r#"{{"jsonrpc":"2.0","id":"x","method":"{method}","params":{params}}}"#);
    assert_eq!(code(&mut rpc, &request("fly", "{}")), -32601);
    assert_eq!(code(&mut rpc, &request("send", "{}")), -32602);
    assert_eq!(code(&mut rpc, &request("account", "{\"a\":1}")), -32602);
    let long = "x".repeat(9 << 20);
    assert_eq!(code(&mut rpc, &request("account", &long)), -32700);
    // A notification has no answer, an empty line is none: the next answer is the version's.
    rpc.process.write(r#"{"jsonrpc":"2.0","method":"version"}"#);
    rpc.process.write("");
    assert!(rpc.call("version", json!({}))["version"].is_string());
    assert!(rpc.process.finish().success());
}

#[test]
fn each_end_has_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a");
    let run = |command: &mut std::process::Command| {
        let done = command.stdin(Stdio::null()).output().unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    assert_eq!(run(sotto().arg("fly")).0, 2);
    assert_eq!(run(command(&data, &[]).args(["--preset", "moon"])).0, 2);
    assert_eq!(run(&mut command(&data, &["/ip4/1.2.3.4/tcp/1"])).0, 2);
    let inside = data.join("key");
    assert_eq!(run(command(&data, &[]).arg("--key-file").arg(&inside)).0, 2);
    assert_eq!(run(&mut command(&data, &[])).0, 0, "made and closed");

    // Open elsewhere, then with another key.
    let mut open = Rpc::on(&data, &[]);
    open.call("version", json!({}));
    let (code, said) = run(&mut command(&data, &[]));
    assert_eq!(code, 3);
    assert!(said.contains("storage.in_use"), "{said}");
    assert!(open.process.finish().success());
    let other = folder.path().join("other.key");
    std::fs::write(&other, [7; 32]).unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (code, said) = run(command(&data, &[]).arg("--key-file").arg(&other));
    assert_eq!(code, 3);
    assert!(said.contains("storage.wrong_key"), "{said}");

    // Nobody is there, which matters once there is something to send.
    let mut friend = Rpc::on(&folder.path().join("b"), &[]);
    friend.call("account_create", json!({"name": "Bo"}));
    let link = friend.call("invite", json!({}))["link"].clone();
    assert_eq!(friend.process.finish().code(), Some(0));
    let mut alone = Rpc::on(&data, &[]);
    alone.call("account_create", json!({"name": "Ada"}));
    alone.call("contact_add", json!({"link": link}));
    assert_eq!(alone.process.finish().code(), Some(4));
    let mut again = Rpc::on(&data, &[]);
    again.call("close", json!({}));
    assert_eq!(again.process.wait().code(), Some(4));
}

#[test]
fn an_old_copy_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a");
    let once = || {
        let mut rpc = Rpc::on(&data, &[]);
        rpc.call("version", json!({}));
        rpc.process.finish().code()
    };
    assert_eq!(once(), Some(0));
    let old = std::fs::read(data.join("account.db")).unwrap();
    assert_eq!(once(), Some(0));
    std::fs::write(data.join("account.db"), old).unwrap();
    let refused = command(&data, &[]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("storage.rolled_back"));
}

/// No new key beside a database, no new account where one was, and the real folder opens after a start without it.
#[test]
fn what_is_missing_or_empty_is_no_reason_to_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (data, key) = (folder.path().join("a"), folder.path().join("a.key"));
    let mut rpc = Rpc::on(&data, &[]);
    rpc.call("account_create", json!({"name": "Ada"}));
    rpc.call("close", json!({}));
    rpc.process.finish();
    let refused = |what: &str| {
        let output = command(&data, &[]).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(what), "{said}");
    };
    let kept = folder.path().join("kept");
    std::fs::rename(&key, &kept).unwrap();
    refused("put the key file back");
    assert!(!key.exists(), "no new key");
    std::fs::copy(&kept, &key).unwrap();
    for wrong in [0, 31] {
        std::fs::write(&key, vec![1; wrong]).unwrap();
        refused("put the right file back");
    }
    std::fs::copy(&kept, &key).unwrap();

    let aside = folder.path().join("aside");
    std::fs::rename(&data, &aside).unwrap();
    let mut rpc = Rpc::on(&data, &[]);
    assert_eq!(rpc.call("account", json!({})), Value::Null);
    assert_eq!(rpc.process.finish().code(), Some(0));
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&aside, &data).unwrap();

    let database = data.join("account.db");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, []).unwrap();
    refused("storage.corrupt");
    std::fs::write(&database, whole).unwrap();
    let counter = folder.path().join("a.key.counter");
    let count = std::fs::read(&counter).unwrap();
    std::fs::write(&counter, "x").unwrap();
    refused("storage.counter");
    std::fs::write(&counter, count).unwrap();
    let mut rpc = Rpc::on(&data, &[]);
    assert_eq!(rpc.call("account", json!({}))["name"], "Ada");
    assert_eq!(rpc.process.finish().code(), Some(0));
}

#[test]
fn a_signal_closes_cleanly() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a");
        let mut rpc = Rpc::on(&data, &[]);
        rpc.call("version", json!({}));
        rpc.ask("next_events", json!({"max": 1, "wait_ms": 60_000}));
        rpc.process.signal(signal);
        assert_eq!(rpc.process.wait().code(), Some(0), "{signal}");
        let wal = std::fs::metadata(data.join("account.db-wal"));
        assert_eq!(wal.map_or(0, |file| file.len()), 0);
    }
}

#[test]
fn a_text_goes_through_a_node_and_the_process_stays_small() {
    let mut friends = Friends::meet();
    let Friends { alice, bob, conversation, .. } = &mut friends;
    let long = "long text ".repeat(10_000);
    alice.call("send", json!({"conversation": conversation, "text": "hello"}));
    alice.call("send", json!({"conversation": conversation, "text": long}));
    let shown = bob.texts(conversation, &["hello", &long]);
    let last = shown[1]["id"].clone();
    bob.call("mark_read", json!({"conversation": conversation, "message": last}));
    let params = json!({"conversation": conversation, "limit": 10});
    alice.until("messages", params, |answer| {
        let messages = answer["messages"].as_array().unwrap();
        messages.iter().all(|one| one["state"] == "read").then_some(())
    });
    let tasks = format!("/proc/{}/task", alice.process.child.id());
    let threads = std::fs::read_dir(tasks).unwrap().count();
    assert!(threads <= 6, "{threads} threads"); // with the one for files, as a long text is one
    let about = alice.call("diagnostics", json!({}));
    assert_eq!(about["node_reached"], true);
    assert!(about["bytes_written"].as_u64().unwrap() > 100_000);
    assert!(alice.process.finish().success());
}

/// Everything is logged that can be; nothing of what people say or are may be in it, or on the disk in the clear.
#[test]
fn secrets_are_in_no_log_and_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let node = support::Node::start(&folder.path().join("node"));
    let start = |name: &str| {
        let mut command = command(&folder.path().join(name), &[&node.address]);
        command.args(["--log", "trace"]).stderr(Stdio::piped());
        Rpc::start(&mut command)
    };
    let (mut alice, mut bob) = (start("alice"), start("bob"));
    let logs: Vec<_> = [&mut alice, &mut bob]
        .map(|rpc| rpc.process.child.stderr.take().unwrap())
        .into_iter()
        .map(|mut stderr| {
            std::thread::spawn(move || {
                let mut log = String::new();
                stderr.read_to_string(&mut log).unwrap();
                log
            })
        })
        .collect();
    let mut canaries: Vec<String> = Vec::new();
    for (rpc, name) in [(&mut alice, "Canaria-Alice"), (&mut bob, "Canaria-Bob")] {
        let made = rpc.call("account_create", json!({"name": name}));
        let phrase = made["phrase"].as_str().unwrap();
        let words: Vec<&str> = phrase.split(' ').collect();
        canaries.extend([name.to_owned(), words[..3].join(" "), words[9..].join(" ")]);
        canaries.push(made["account"]["id"].as_str().unwrap().to_owned());
    }
    let link = bob.call("invite", json!({}))["link"].clone();
    let text = "canary in the request";
    alice.call("contact_add", json!({"link": link, "text": text}));
    let request = bob.contact("incoming");
    let accept = json!({"contact": request["id"], "action": "accept"});
    bob.call("contact_answer", accept);
    let conversation = alice.contact("accepted")["conversation"].clone();
    let send = json!({"conversation": conversation, "text": "canary in a text"});
    let sent = alice.call("send", send)["message"].clone();
    let draft = json!({"conversation": conversation, "text": "canary in a draft"});
    alice.call("draft_set", draft);
    bob.texts(&conversation, &[text, "canary in a text"]);
    alice.refusal("contact_add", json!({"link": "canary://in-a-bad-link"}));
    let link = link.as_str().unwrap();
    canaries.push(link[link.len() - 40..].to_owned());
    canaries.extend(["canary", "127.0.0.1"].map(str::to_owned));
    canaries.extend([&conversation, &sent].map(|id| id.as_str().unwrap().to_owned()));
    for rpc in [&mut alice, &mut bob] {
        rpc.process.finish();
    }
    let mut said = 0;
    for log in logs {
        let log = log.join().unwrap();
        said += log.lines().count();
        for canary in &canaries {
            assert!(!log.contains(canary), "{canary} was logged");
        }
    }
    assert!(said > 0, "nothing was logged at all");
    for name in ["alice", "bob"] {
        for entry in std::fs::read_dir(folder.path().join(name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path:?} is open to others");
            for canary in &canaries {
                let found = bytes.windows(canary.len()).any(|at| at == canary.as_bytes());
                assert!(!found, "{canary} is in {path:?}");
            }
        }
    }
}

#[test]
fn what_was_sent_offline_leaves_when_a_node_is_there() {
    let mut friends = Friends::meet();
    let alice = friends.path("alice");
    assert!(friends.alice.process.finish().success());
    let mut offline = Rpc::on(&alice, &[]);
    let send = json!({"conversation": friends.conversation, "text": "from the train"});
    offline.call("send", send);
    assert_eq!(offline.process.finish().code(), Some(4), "it waits and no node was reached");
    let mut online = Rpc::on(&alice, &[&friends.node.address]);
    let synced: Value = online.call("sync_once", json!({"deadline_ms": 30_000}));
    assert_eq!(synced["received"], 0);
    friends.bob.texts(&friends.conversation, &["from the train"]);
    assert_eq!(online.process.finish().code(), Some(0));
}

#[test]
fn a_reader_that_goes_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        command(&folder.path().join("a"), &[]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    let request = br#"{"jsonrpc":"2.0","id":1,"method":"version"}"#;
    std::io::Write::write_all(&mut input, &[request, &b"\n"[..]].concat()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(input);
}

#[test]
fn a_call_sees_what_every_call_before_it_did() {
    for round in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let mut rpc = Rpc::on(&folder.path().join("a"), &[]);
        let create = rpc.ask("account_create", json!({"name": "Ada"}));
        let account = rpc.ask("account", json!({}));
        let phrase = rpc.ask("phrase", json!({}));
        let invite = rpc.ask("invite", json!({}));
        let set = rpc.ask("settings", json!({"set": {"typing": true}}));
        let settings = rpc.ask("settings", json!({}));
        let name = rpc.ask("profile_set", json!({"name": "Eva"}));
        let renamed = rpc.ask("account", json!({}));
        let made = rpc.answer(create);
        assert_eq!(rpc.answer(account)["result"]["name"], "Ada", "{round}");
        assert_eq!(rpc.answer(phrase)["result"]["phrase"], made["result"]["phrase"]);
        for id in [invite, set, name] {
            assert!(rpc.answer(id).get("error").is_none());
        }
        assert_eq!(rpc.answer(settings)["result"]["typing"], true);
        assert_eq!(rpc.answer(renamed)["result"]["name"], "Eva", "{round}");
        assert!(rpc.process.finish().success());
    }
}

#[test]
fn every_answer_has_the_id_of_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut rpc = Rpc::on(&folder.path().join("a"), &[]);
    let long = "x".repeat(9 << 20);
    let wrong = [
        (r#""params":{"conversation":"a","text":"\ud83d"}"#, -32602),
        (r#""params":["a","b"]"#, -32600),
        (r#""params":{"text":123456789012345678901234567890}"#, -32602),
        (r#""params":{"text":"a","text":"b"}"#, -32602),
        (r#""params":{"text":"cut"#, -32700),
        (r#""params":{},"more":1"#, -32600),
        (&format!(r#""params":{{"text":"{long}"}}"#), -32700),
        (&format!(r#""params":{{"text":{}"#, "[".repeat(100_000)), -32700),
    ];
    let id = "123456789012345678901234567890";
    for (params, code) in wrong {
        rpc.process.write(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"send",{params}}}"#));
        let line = rpc.process.line().unwrap();
        assert!(line.contains(&format!("\"id\":{id},")), "{line}");
        assert!(line.contains(&format!("\"code\":{code},")), "{line}");
    }
    assert!(rpc.process.finish().success());
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut rpc = Rpc::on(&folder.path().join("a"), &[]);
    rpc.register("Ada");
    let dns = |server: &str| json!({"dns_servers": [server]});
    for (method, params) in [
        ("settings", json!({"set": {"loud": true}})),
        ("settings", json!({"set": {"log": "loud"}})),
        ("settings", json!({"sets": {}})),
        ("network_changed", dns("dns.example")),
        ("network_changed", dns("1.2.3.4:0")),
        ("network_changed", dns("1.2.3.4:99999")),
        ("conversations", json!({"limit": -1})),
        ("conversations", json!({"limit": 1e30})),
        ("next_events", json!({"max": 0, "wait_ms": 0})),
        ("sync_once", json!({"deadline_ms": -1})),
        ("account", json!({"id": 1})),
    ] {
        assert_eq!(rpc.refusal(method, params.clone()), "input.setting", "{method} {params}");
    }
    for limit in [0, 501, u32::MAX] {
        for (method, params) in [
            ("conversations", json!({"limit": limit})),
            ("messages", json!({"conversation": "A".repeat(43), "limit": limit})),
            ("messages_around", json!({"message": "A".repeat(43), "limit": limit})),
            ("incoming", json!({"limit": limit})),
            ("contacts", json!({"limit": limit})),
        ] {
            assert_eq!(rpc.refusal(method, params.clone()), "input.limit", "{method} {params}");
        }
    }
    rpc.call("network_changed", dns("[::1]:5353"));
    rpc.call("network_changed", dns("9.9.9.9"));
    assert!(rpc.process.finish().success());
    for listen in ["nonsense", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/1", "/tcp/1"] {
        let refused = command(&folder.path().join("b"), &[])
            .args(["--mode", "relay", "--listen", listen])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(refused.status.code(), Some(2), "{listen}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("network.address"));
        assert!(!folder.path().join("b").join("account.db").exists());
    }
}

/// JSON makes six bytes of a control character: a page of a few long texts would be over the cap.
#[test]
fn a_page_is_cut_where_the_answer_is_full_and_says_so() {
    let mut friends = Friends::meet();
    let Friends { alice, bob, conversation, .. } = &mut friends;
    let texts: Vec<String> = (0..4).map(|number| format!("{number}{}", "\u{1}".repeat((1 << 20) - 1))).collect();
    for text in &texts {
        let send = json!({"conversation": conversation, "text": text});
        alice.call("send", send);
    }
    alice.call("send", json!({"conversation": conversation, "text": "short"}));
    let draft = json!({"conversation": conversation, "text": texts[0]});
    alice.call("draft_set", draft);
    let mut read = Vec::new();
    let wanted: Vec<&str> = texts.iter().map(String::as_str).chain(["short"]).collect();
    bob.texts(conversation, &wanted);
    let mut params = json!({"limit": 500});
    loop {
        let id = bob.ask("incoming", params.clone());
        let line = bob.process.line().unwrap();
        assert!(line.len() <= 8 << 20, "{}", line.len());
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id);
        let page = answer["result"]["incoming"].as_array().unwrap();
        read.extend(page.iter().map(|one| one["message"]["text"].as_str().unwrap().to_owned()));
        params["after"] = page.last().unwrap()["arrival"].clone();
        if answer["result"]["more"] == false {
            break;
        }
    }
    read.retain(|text| text != "short");
    read.sort_unstable();
    assert!(read == texts, "each once");
    let first = alice.call("messages", json!({"conversation": conversation, "limit": 5}))["messages"][4].clone();
    assert_eq!((first["text"].as_str().unwrap().len(), &first["more"]), (4096, &json!(true)));
    assert!(alice.call("message", json!({"message": first["id"]}))["text"] == texts[0]);
    let row = alice.call("conversations", json!({"limit": 10}))["conversations"][0].clone();
    assert!(row["draft"].as_str().unwrap().chars().count() <= 201, "a row of the list has the beginning alone");
    let id = alice.ask("conversation", json!({"conversation": conversation}));
    assert!(alice.answer(id)["result"]["draft"] == texts[0]);
}

#[test]
fn the_ninth_invite_says_which_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut rpc = Rpc::on(&folder.path().join("a"), &[]);
    rpc.register("Ada");
    let made: Vec<Value> = (0..8).map(|_| rpc.call("invite", json!({}))).collect();
    let ninth = rpc.ask("invite", json!({}));
    let error = rpc.answer(ninth)["error"].clone();
    assert_eq!(error["data"]["code"], "invite.too_many");
    assert_eq!(error["data"]["open"], json!(made));
    rpc.call("invite_close", json!({"invite": made[5]["id"]}));
    let last = rpc.call("invite", json!({}));
    let open = rpc.call("invites", json!({}))["invites"].clone();
    assert_eq!(open[7], last);
    assert!(!open.as_array().unwrap().contains(&made[5]));
    assert!(rpc.process.finish().success());
}
