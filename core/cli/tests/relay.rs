//! Adaptive mode as a host uses it: `sotto rpc --mode adaptive`, a charger, and a neighbour that talks through the
//! phone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use serde_json::{Value, json};
use support::{Node, Rpc, command};

fn charge(phone: &mut Rpc, charging: bool) {
    phone.call("power_changed", json!({"charging": charging}));
}

/// Waits for the mesh, or its end; the own topic is received either way.
fn relaying(phone: &mut Rpc, on: bool) -> Value {
    phone.until("connectivity", json!({}), |now| {
        let fits = (now["relay_peers"].as_u64() > Some(0)) == on && now["subscribed"] == true;
        fits.then(|| now.clone())
    })
}

#[test]
fn a_phone_on_a_charger_relays_hears_and_serves_its_neighbour() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let node = Node::start(&path("node"));
    let mut alice = Rpc::start(command(&path("alice"), &[&node.address]).args([
        "--mode",
        "adaptive",
        "--listen",
        "/ip4/127.0.0.1/tcp/0",
    ]));
    alice.register("Alice");
    relaying(&mut alice, false);
    charge(&mut alice, true);
    assert_eq!(alice.call("serving", json!({})), json!({"addresses": []}));
    alice.call("network_changed", json!({"metered": false}));
    relaying(&mut alice, true);
    let serving = alice.call("serving", json!({}));
    let neighbour = serving["addresses"][0].as_str().unwrap().to_owned();

    // Bob finds Alice's cards in the node's store, and then talks only through her.
    let mut bob = Rpc::on(&path("bob"), &[&node.address]);
    bob.register("Bob");
    let link = alice.call("invite", json!({}))["link"].clone();
    bob.call("contact_add", json!({"link": link}));
    let request = alice.contact("incoming");
    let accept = json!({"contact": request["id"], "action": "accept"});
    alice.call("contact_answer", accept);
    let room = bob.contact("accepted")["conversation"].clone();
    bob.call("close", json!({}));
    bob.process.wait();
    let mut bob = Rpc::on(&path("bob"), &[&neighbour]);
    let say = |phone: &mut Rpc, text: &str| {
        phone.call("send", json!({"conversation": room, "text": text}));
    };
    say(&mut bob, "through your phone");
    alice.texts(&room, &["through your phone"]);
    say(&mut alice, "by gossip");
    bob.texts(&room, &["through your phone", "by gossip"]);
    bob.call("close", json!({}));
    bob.process.wait();

    // Off the charger: a light client again, and nothing is lost.
    charge(&mut alice, false);
    relaying(&mut alice, false);
    assert_eq!(alice.call("serving", json!({})), json!({"addresses": []}));
    let mut bob = Rpc::on(&path("bob"), &[&node.address]);
    say(&mut bob, "and now by filter");
    alice.texts(&room, &["through your phone", "by gossip", "and now by filter"]);
    bob.call("close", json!({}));
    alice.call("close", json!({}));
}
