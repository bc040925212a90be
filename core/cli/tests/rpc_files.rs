//! Files between two `sotto rpc` processes, over a node.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::{Friends, PATIENCE, Rpc};

const SIZE: usize = 300_000;

/// Bytes without a pattern (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Waits until the newest file of a conversation is in a state.
fn until(rpc: &mut Rpc, conversation: &Value, state: &str) -> Value {
    let params = json!({"conversation": conversation, "limit": 1});
    rpc.until("files", params, |answer| {
        let newest = &answer["files"][0];
        (newest["state"] == state).then(|| newest.clone())
    })
}

fn read(rpc: &mut Rpc, file: &Value, offset: usize, length: usize) -> Vec<u8> {
    let answer = rpc.call("file_read", json!({"file": file, "offset": offset, "length": length}));
    URL_SAFE_NO_PAD.decode(answer["data"].as_str().unwrap()).unwrap()
}

/// Waits until this many files are at rest: they are removed after the answer.
fn until_at_rest(folder: &Path, count: usize) {
    let end = Instant::now() + PATIENCE;
    loop {
        let now = std::fs::read_dir(folder.join("files")).map_or(0, Iterator::count);
        if now == count {
            return;
        }
        assert!(Instant::now() < end, "{now} files are at rest, not {count}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_file_is_sent_read_exported_freed_and_fetched_again() {
    let mut friends = Friends::meet();
    let (source, copy, at_bob) = (friends.path("notes.bin"), friends.path("copy.bin"), friends.path("bob"));
    let Friends { alice, bob, conversation, .. } = &mut friends;
    let bytes = noise(SIZE);
    std::fs::write(&source, &bytes).unwrap();
    let file = json!({"path": source, "name": "../a\u{202e}b.bin", "mime": "application/x-notes"});
    let sent = alice.call("send", json!({"conversation": conversation, "text": "see", "files": [file]}));
    std::fs::remove_file(&source).unwrap(); // the copy is sent

    let came = until(bob, conversation, "remote");
    assert_eq!((&came["kind"], &came["name"]), (&json!("file"), &json!("ab.bin")));
    assert_eq!(
        (&came["mime"], &came["have"], &came["total"]),
        (&json!("application/x-notes"), &json!(0), &json!(SIZE))
    );
    let shown = bob.call("message", json!({"message": sent["message"]}));
    assert_eq!((&shown["text"], &shown["files"]), (&json!("see"), &json!([came])));
    let id = &came["id"];
    assert_eq!(bob.call("file", json!({"file": id})), came);
    let whole = json!({"file": id, "offset": 0, "length": 1});
    assert_eq!(bob.refusal("file_read", whole), "file.waiting");
    assert_eq!(bob.refusal("file_export", json!({"file": id, "path": copy})), "file.waiting");
    assert!(!copy.exists());

    while !bob.call("next_events", json!({"max": 64, "wait_ms": 0}))["events"].as_array().unwrap().is_empty() {}
    bob.call("file_fetch", json!({"file": id}));
    let mut told = Vec::new();
    while told.last().is_none_or(|last: &Value| last["state"] != "here") {
        let answer = bob.call("next_events", json!({"max": 64, "wait_ms": 60_000}));
        let events = answer["events"].as_array().unwrap();
        assert!(!events.is_empty(), "{told:?}");
        told.extend(events.iter().filter(|event| event["type"] == "file").cloned());
    }
    assert!(told.iter().all(|event| event["file"] == *id && event["total"] == SIZE), "{told:?}");
    assert_eq!((&told[0]["state"], &told[told.len() - 1]["have"]), (&json!("coming"), &json!(SIZE)), "{told:?}");
    until(bob, conversation, "here");
    assert!(read(bob, id, 0, 1 << 20) == bytes);
    assert!(read(bob, id, 65_000, 70_000) == bytes[65_000..135_000], "over the border of blocks");
    assert_eq!(read(bob, id, SIZE - 3, 1 << 30), bytes[SIZE - 3..]);
    assert!(read(bob, id, SIZE, 1).is_empty());

    let export = json!({"file": id, "path": copy});
    bob.call("file_export", export.clone());
    assert!(std::fs::read(&copy).unwrap() == bytes);
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o111, 0);
    std::fs::write(&copy, "other").unwrap();
    assert_eq!(bob.refusal("file_export", export), "file.exists");
    assert_eq!(std::fs::read(&copy).unwrap(), b"other");

    let part = json!({"conversation": conversation, "kind": "file", "bytes": SIZE});
    assert_eq!(bob.call("storage", json!({})), json!({"bytes": SIZE, "parts": [part]}));
    let young = json!({"conversation": conversation, "older_than_ms": 3_600_000});
    assert_eq!(bob.call("storage_free", young), json!({"bytes": 0}));
    assert_eq!(bob.call("storage_free", json!({})), json!({"bytes": SIZE}));
    until_at_rest(&at_bob, 0);
    assert_eq!(bob.call("storage", json!({})), json!({"bytes": 0, "parts": []}));
    until(bob, conversation, "remote");
    bob.call("file_fetch", json!({"file": id}));
    until(bob, conversation, "here");
    assert!(read(bob, id, 0, SIZE) == bytes);
    until_at_rest(&at_bob, 1);

    // The author's own, once nodes have it.
    let own = until(alice, conversation, "here");
    assert!(read(alice, &own["id"], 0, SIZE) == bytes);
    assert!(alice.process.finish().success() && bob.process.finish().success());
}

/// A copy that was damaged on the disk is found by its reader, and replaced by another one.
#[test]
fn a_damaged_file_is_fetched_again() {
    let mut friends = Friends::meet();
    let (source, at_bob, copy) = (friends.path("notes.bin"), friends.path("bob"), friends.path("copy.bin"));
    let Friends { alice, bob, conversation, .. } = &mut friends;
    let bytes = noise(SIZE);
    std::fs::write(&source, &bytes).unwrap();
    alice.call("send", json!({"conversation": conversation, "text": "", "files": [{"path": source}]}));
    let id = until(bob, conversation, "remote")["id"].clone();
    for way in ["file_read", "file_export"] {
        bob.call("file_fetch", json!({"file": id}));
        until(bob, conversation, "here");
        until_at_rest(&at_bob, 1);
        let sealed = std::fs::read_dir(at_bob.join("files")).unwrap().next().unwrap().unwrap().path();
        let mut damaged = std::fs::read(&sealed).unwrap();
        damaged[100_000] ^= 1;
        std::fs::write(&sealed, damaged).unwrap();
        assert!(read(bob, &id, 0, 65_000) == bytes[..65_000], "what is whole is read");
        let params = match way {
            "file_read" => json!({"file": id, "offset": 0, "length": SIZE}),
            _ => json!({"file": id, "path": copy}),
        };
        assert_eq!(bob.refusal(way, params), "file.corrupt");
        assert_eq!(until(bob, conversation, "corrupt")["reason"], "file.corrupt");
        assert!(read(bob, &id, 0, 65_000) == bytes[..65_000], "it still is");
    }
    bob.call("file_fetch", json!({"file": id}));
    until(bob, conversation, "here");
    assert!(read(bob, &id, 0, SIZE) == bytes);
    assert!(alice.process.finish().success() && bob.process.finish().success());
}

#[test]
fn a_picture_comes_with_what_its_sender_says_of_it() {
    let mut friends = Friends::meet();
    let (source, preview) = (friends.path("picture.bin"), friends.path("preview.jpg"));
    let Friends { alice, bob, conversation, .. } = &mut friends;
    std::fs::write(&source, noise(1000)).unwrap();
    std::fs::write(&preview, noise(500)).unwrap();
    let pixels = URL_SAFE_NO_PAD.encode([200, 40, 10, 255].repeat(4));
    let file = json!({"path": source, "kind": "image", "name": "a.jpg", "mime": "image/jpeg", "width": 640,
        "height": 480, "preview_path": preview, "placeholder_rgba": {"width": 2, "height": 2, "pixels": pixels}});
    let send = |file: &Value| json!({"conversation": conversation, "text": "", "files": [file]});
    assert_eq!(alice.refusal("send", send(&file)), "file.metadata", "it is no picture that can be cleaned");
    let mut as_is = file.clone();
    as_is["as_is"] = json!(true);
    let voice = json!({"path": source, "kind": "voice", "duration_ms": 3000, "waveform": [0, 31, 7, 16, 1, 2, 3, 4]});
    bob.call("set_foreground", json!({"on": true})); // previews come at once
    let begin = Instant::now();
    alice.call("send", send(&as_is));
    alice.call("send", send(&voice));

    let params = json!({"conversation": conversation, "kind": "image", "limit": 9});
    let came = bob.until("files", params, |answer| answer["files"][0].get("preview").map(|_| answer["files"].clone()));
    assert_eq!(came.as_array().unwrap().len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(30), "the preview was there when the post came");
    let came = &came[0];
    assert_eq!((&came["width"], &came["height"], &came["mime"]), (&json!(640), &json!(480), &json!("image/jpeg")));
    assert_eq!(URL_SAFE_NO_PAD.decode(came["preview"].as_str().unwrap()).unwrap(), noise(500));
    assert!(!came["placeholder"].as_str().unwrap().is_empty());
    let colour: Vec<i64> = serde_json::from_value(came["colour"].clone()).unwrap();
    assert!(colour[0] > 150 && colour[1] < 90 && colour[2] < 60, "{colour:?}");
    let params = json!({"conversation": conversation, "kind": "voice", "limit": 9});
    let note = bob.until("files", params, |answer| answer["files"].get(0).cloned());
    assert_eq!((&note["duration_ms"], &note["waveform"]), (&json!(3000), &json!([0, 31, 7, 16, 1, 2, 3, 4])));
}

#[test]
fn files_that_cannot_be_sent_are_refused_with_a_typed_error() {
    let mut friends = Friends::meet();
    let (empty, good) = (friends.path("empty"), friends.path("good"));
    std::fs::write(&empty, []).unwrap();
    std::fs::write(&good, "good").unwrap();
    let pipe = friends.path("pipe"); // whoever opens it waits for its other end
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let at_alice = friends.path("alice");
    let Friends { alice, conversation, .. } = &mut friends;
    let one = |file: Value| json!([file]);
    for (files, code) in [
        (one(json!({"path": at_alice})), "file.unreadable"),
        (one(json!({"path": "/nowhere"})), "file.unreadable"),
        (one(json!({"path": empty})), "input.empty"),
        (one(json!({"path": good, "mime": "a\nb"})), "input.file"),
        (one(json!({"path": good, "preview_path": empty})), "input.file"),
        (one(json!({"path": good, "preview_path": "/nowhere"})), "file.unreadable"),
        (one(json!({"path": good, "preview_path": pipe})), "file.unreadable"),
        (one(json!({"path": pipe})), "file.unreadable"),
        (one(json!({"path": good, "kind": "poem"})), "input.setting"),
        (one(json!({"path": good, "placeholder_rgba": {"width": 1, "height": 1, "pixels": "+/=="}})), "input.setting"),
        (json!([{"path": good}, {"path": "/nowhere"}]), "file.unreadable"),
        (vec![json!({"path": good}); 11].into(), "input.too_many"),
    ] {
        let send = json!({"conversation": conversation, "text": "", "files": files});
        assert_eq!(alice.refusal("send", send), code, "{files}");
    }
    let good = json!([{"path": good}]);
    let nowhere = json!({"conversation": "A".repeat(43), "text": "", "files": good});
    assert_eq!(alice.refusal("send", nowhere), "conversation.missing");
    until_at_rest(&at_alice, 0);

    let unknown = json!({"file": "A".repeat(22)});
    for method in ["file", "file_fetch", "file_cancel"] {
        assert_eq!(alice.refusal(method, unknown.clone()), "file.missing", "{method}");
        assert_eq!(alice.refusal(method, json!({"file": "nonsense"})), "input.id", "{method}");
    }
    let part = json!({"file": "A".repeat(22), "offset": 0, "length": 1});
    assert_eq!(alice.refusal("file_read", part), "file.missing");
    assert_eq!(alice.refusal("files", json!({"conversation": conversation, "limit": 0})), "input.limit");
    assert_eq!(alice.refusal("auto_download", json!({"set": {}})), "input.setting");
}

/// The other side of a large file's copy: everything else goes on.
#[test]
fn no_call_waits_for_the_copying_of_a_file() {
    let mut friends = Friends::meet();
    let (source, copy) = (friends.path("large"), friends.path("copy"));
    std::fs::write(&source, noise(12 << 20)).unwrap();
    let Friends { alice, conversation, .. } = &mut friends;
    let unread = |rpc: &mut Rpc| rpc.ask("unread", json!({}));
    let files = json!([{"path": source}]);
    let send = alice.ask("send", json!({"conversation": conversation, "text": "", "files": files}));
    let beside = unread(alice);
    assert_eq!(alice.any_answer()["id"], beside);
    assert!(alice.answer(send).get("error").is_none());
    let own = alice.call("files", json!({"conversation": conversation, "limit": 1}))["files"][0]["id"].clone();
    let export = alice.ask("file_export", json!({"file": own, "path": copy}));
    let beside = unread(alice);
    assert_eq!(alice.any_answer()["id"], beside);
    assert!(alice.answer(export).get("error").is_none());
    assert!(std::fs::read(&copy).unwrap() == std::fs::read(&source).unwrap());
}

/// A JPEG of so many bytes: a comment of the camera, and a scan.
fn jpeg(length: usize) -> Vec<u8> {
    let comment = b"\xff\xfe\x00\x0eCAMERA of me";
    let head = [&b"\xff\xd8"[..], comment, b"\xff\xda\x00\x02"].concat();
    let scan = noise(length - head.len() - 2).into_iter().map(|byte| byte & 0x7f);
    [head, scan.collect(), b"\xff\xd9".to_vec()].concat()
}

#[test]
fn a_picture_loses_its_metadata_and_what_is_none_is_refused() {
    let mut friends = Friends::meet();
    let at_alice = friends.path("alice");
    let set = |friends: &mut Friends, name: &str, bytes: &[u8]| {
        let path = friends.path(name);
        std::fs::write(&path, bytes).unwrap();
        friends.alice.refusal("avatar_set", json!({"path": path}))
    };
    assert_eq!(set(&mut friends, "a.gif", b"GIF89a and so on"), "file.metadata");
    assert_eq!(set(&mut friends, "large.jpg", &jpeg(32_700)), "file.too_large");
    assert_eq!(set(&mut friends, "nothing.jpg", b""), "input.empty");
    until_at_rest(&at_alice, 0);
    assert_eq!(friends.alice.call("account", json!({}))["picture"], Value::Null);

    let picture = jpeg(30_000);
    std::fs::write(friends.path("me.jpg"), &picture).unwrap();
    let path = friends.path("me.jpg");
    friends.alice.call("avatar_set", json!({"path": path}));
    let own = friends.alice.call("account", json!({}))["picture"].clone();
    let kept = read(&mut friends.alice, &own, 0, 100_000);
    assert_eq!(kept, [&picture[..2], &picture[18..]].concat(), "without the comment");
    assert_eq!(friends.alice.refusal("file", json!({"file": own})), "file.missing", "of no message");
    let export = friends.path("exported.jpg");
    friends.alice.call("file_export", json!({"file": own, "path": export}));
    assert_eq!(std::fs::read(export).unwrap(), kept);
    until_at_rest(&at_alice, 1);
    friends.alice.call("avatar_set", json!({}));
    assert_eq!(friends.alice.call("account", json!({}))["picture"], Value::Null);
    until_at_rest(&at_alice, 0);
}
