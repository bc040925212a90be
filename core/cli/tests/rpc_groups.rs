//! Groups through `sotto rpc`: three processes and a node.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::{Value, json};
use support::{Node, Rpc};

/// The group's row, in whatever folder it is.
fn row(rpc: &mut Rpc, group: &Value) -> Option<Value> {
    ["inbox", "requests", "closed"].iter().find_map(|folder| {
        let page = rpc.call("conversations", json!({"folder": folder, "limit": 50}));
        page["conversations"].as_array().unwrap().iter().find(|row| row["id"] == *group).cloned()
    })
}

/// Waits until this account is that to the group.
fn reach(rpc: &mut Rpc, group: &Value, states: &[&str]) -> Value {
    let end = std::time::Instant::now() + support::PATIENCE;
    loop {
        let found = row(rpc, group);
        let is = |row: &Value| states.iter().any(|state| row["group"]["state"] == *state);
        match found.filter(is) {
            Some(row) => return row,
            None => assert!(std::time::Instant::now() < end, "never {states:?}"),
        }
        rpc.call("next_events", json!({"max": 64, "wait_ms": 500}));
    }
}

fn says(rpc: &mut Rpc, group: &Value, text: &str) -> Value {
    rpc.call("send", json!({"conversation": group, "text": text}))["message"].clone()
}

/// Waits for a text, and returns its message.
fn hears(rpc: &mut Rpc, group: &Value, text: &str) -> Value {
    rpc.until("messages", json!({"conversation": group, "limit": 50}), |page| {
        page["messages"].as_array().unwrap().iter().find(|one| one["text"] == text).cloned()
    })
}

fn members(rpc: &mut Rpc, group: &Value, count: usize) -> Vec<Value> {
    rpc.until("group_members", json!({"conversation": group, "limit": 50}), |page| {
        page["members"].as_array().filter(|all| all.len() == count).cloned()
    })
}

#[test]
fn three_people_have_a_group() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(&folder.path().join("node"));
    let start = |name: &str| {
        let mut rpc = Rpc::on(&folder.path().join(name), &[&node.address]);
        rpc.register(name);
        rpc
    };
    let (mut alice, mut bob, mut carol) = (start("Alice"), start("Bob"), start("Carol"));
    for friend in [&mut bob, &mut carol] {
        let link = alice.call("invite", json!({}))["link"].clone();
        friend.call("contact_add", json!({"link": link}));
        let asks = alice.contact("incoming")["id"].clone();
        alice.call("contact_answer", json!({"contact": asks, "action": "accept"}));
        friend.contact("accepted");
    }
    let ids: Vec<Value> =
        [&mut alice, &mut bob, &mut carol].map(|one| one.call("account", json!({}))["id"].clone()).into();

    // Bob is invited and accepts; the two talk.
    let made = alice.call("group_create", json!({"name": "Lake", "members": [ids[1]]}));
    let group = made["conversation"].clone();
    let asked = reach(&mut bob, &group, &["invited"]);
    assert_eq!((&asked["name"], &asked["contact"], &asked["state"]), (&json!("Lake"), &Value::Null, &Value::Null));
    assert_eq!(bob.refusal("send", json!({"conversation": group, "text": "early"})), "group.removed");
    bob.call("group_answer", json!({"conversation": group, "action": "accept"}));
    reach(&mut bob, &group, &["member"]);
    says(&mut alice, &group, "hello");
    assert_eq!(hears(&mut bob, &group, "hello")["author"], json!({"contact": ids[0], "name": "Alice"}));

    // Carol comes later, and reads nothing from before. Bob's next text confirms to her what Alice told.
    alice.call("group_invite", json!({"conversation": group, "contacts": [ids[2]]}));
    reach(&mut carol, &group, &["invited"]);
    carol.call("group_answer", json!({"conversation": group, "action": "accept"}));
    reach(&mut carol, &group, &["joining", "member"]);
    members(&mut bob, &group, 3);
    says(&mut bob, &group, "welcome");
    reach(&mut carol, &group, &["member"]);
    let welcome = hears(&mut carol, &group, "welcome");
    assert_eq!(welcome["author"], json!({"contact": ids[1], "name": ""}), "no contact of hers");
    let reply = json!({"conversation": group, "text": "thanks", "reply_to": welcome["id"]});
    carol.call("send", reply);
    assert_eq!(hears(&mut bob, &group, "thanks")["reply"]["mine"], true);
    assert_eq!(hears(&mut alice, &group, "thanks")["reply"]["author"]["name"], "Bob");
    let page = carol.call("messages", json!({"conversation": group, "limit": 50}));
    assert!(page["messages"].as_array().unwrap().iter().all(|one| one["text"] != "hello"));

    // Roles, settings, removal.
    let all = members(&mut alice, &group, 3);
    let id = |account: &Value| all.iter().find(|one| one["contact"] == *account).unwrap()["id"].clone();
    let remove = json!({"conversation": group, "member": id(&ids[2])});
    assert_eq!(bob.refusal("group_remove", remove.clone()), "group.not_allowed");
    alice.call("group_role", json!({"conversation": group, "member": id(&ids[1]), "role": "admin"}));
    let admin = |answer: &Value| (answer["role"] == "admin").then_some(());
    bob.until("group", json!({"conversation": group}), admin);
    bob.call("group_set", json!({"conversation": group, "name": "Sea"}));
    let named = |answer: &Value| (answer["name"] == "Sea").then_some(());
    alice.until("group", json!({"conversation": group}), named);
    bob.call("group_remove", remove);
    reach(&mut carol, &group, &["removed"]);
    assert_eq!(carol.refusal("send", json!({"conversation": group, "text": "still here"})), "group.removed");
    members(&mut alice, &group, 2);
    says(&mut alice, &group, "after Carol");
    hears(&mut bob, &group, "after Carol");

    // Who leaves is out; what was said stays.
    bob.call("group_leave", json!({"conversation": group}));
    reach(&mut bob, &group, &["left"]);
    hears(&mut bob, &group, "after Carol");
    members(&mut alice, &group, 1);
    assert_eq!(bob.refusal("group_close", json!({"conversation": group})), "group.removed");
    alice.call("group_close", json!({"conversation": group}));
    reach(&mut alice, &group, &["closed"]);
    assert_eq!(alice.refusal("send", json!({"conversation": group, "text": "late"})), "group.closed");
    assert!(alice.process.finish().success());
}
