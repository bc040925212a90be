//! Nodes that were found once are there after a restart, although nobody can be asked for them any more.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;
use std::time::Duration;

use sotto_messenger::{Config, Event, Fleet, Messenger, Preset};
use sotto_net::{NodeConfig, NodeEvent, NodeHandle, NodeKey, Sharding, service};

#[path = "../../net/tests/support/tree.rs"]
mod tree;

const PATIENCE: Duration = Duration::from_secs(60);

/// A node on loopback and its record.
async fn node() -> (NodeHandle, Vec<u8>) {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
    let mut config = NodeConfig::new(listen, 66, Sharding::Static(vec![0]));
    config.store = false;
    let key = NodeKey::generate();
    let bytes = key.to_bytes();
    let (mut handle, run) = service::start(config, key).unwrap();
    tokio::spawn(run);
    let Some(NodeEvent::Listening(addresses)) = handle.events.recv().await else {
        panic!("a node that does not listen");
    };
    let port = addresses[0].split('/').nth(4).unwrap().parse().unwrap();
    (handle, tree::record(&bytes, port))
}

fn open(folder: &Path, tree: &str, dns_server: &str) -> Messenger {
    let mut fleet = Fleet::preset(Preset::Local);
    fleet.single_circle = false;
    fleet.dns_trees = vec![tree.to_owned()];
    let mut config = Config::new(folder, [7; 32], fleet);
    config.dns_servers = vec![dns_server.to_owned()];
    Messenger::open(config).unwrap()
}

/// Waits for a node that pushes.
async fn connected(messenger: &Messenger) {
    let events = messenger.subscribe();
    let subscribed = async {
        while !messenger.connectivity().subscribed {
            let batch = events.next_batch(64).await.expect("it is open");
            assert!(!batch.iter().any(|event| matches!(event, Event::Lagged { .. })));
        }
    };
    tokio::time::timeout(PATIENCE, subscribed).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_book_survives_a_restart() {
    let [one, two] = [node().await, node().await];
    let mut nodes = tree::Tree::new(1, "nodes.example.org");
    nodes.fill(&[one.1.clone(), two.1.clone()], &[]);
    let url = nodes.url().to_string();
    let server = tree::Server::start(vec![nodes]).await;
    let folder = tempfile::tempdir().unwrap();

    let first = open(folder.path(), &url, &server.address);
    first.account_create("Alice").await.unwrap();
    connected(&first).await;
    first.close().await.unwrap();
    assert!(server.count() >= 5);

    // No DNS server answers there.
    let again = open(folder.path(), &url, "127.0.0.1:9");
    connected(&again).await;
    again.close().await.unwrap();

    // Under another tree it is another network.
    let other = tree::Tree::new(2, "other.example.org").url().to_string();
    let elsewhere = open(folder.path(), &other, "127.0.0.1:9");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!elsewhere.connectivity().subscribed);
    elsewhere.close().await.unwrap();
}
