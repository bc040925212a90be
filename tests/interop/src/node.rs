//! Our service node in this process, with the archive that `sotto node` has.

use std::time::Duration;

use sotto_db::archive::{Archive, Retention};
use sotto_net::service::{self, NodeStop};
use sotto_net::{NodeConfig, NodeEvent, NodeKey, Sharding};
use tempfile::TempDir;
use tokio::sync::watch;

#[path = "../../../core/cli/src/node/archive.rs"]
mod archive;

use crate::{CLUSTER, PATIENCE, SHARD};

/// A running service node; it stops when it is dropped.
pub struct Node {
    /// Full multiaddrs: TCP, WebSocket.
    pub addresses: Vec<String>,
    /// The node's own record, if discv5 runs.
    pub record: Option<String>,
    peers: watch::Receiver<(u32, u32)>,
    _stop: NodeStop,
    _folder: TempDir,
}

/// A node of the tests' network on free ports, with limits that no burst of a test reaches.
pub fn node_config() -> NodeConfig {
    let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"];
    let sharding = Sharding::Static(vec![SHARD]);
    let mut config = NodeConfig::new(listen.map(str::to_owned).to_vec(), CLUSTER, sharding);
    config.limits.requests_per_second = 10_000;
    config
}

impl Node {
    /// Starts it on the current runtime.
    pub async fn start(config: NodeConfig) -> Self {
        let (handle, run) = service::start(config, NodeKey::generate()).unwrap();
        let (mut events, requests, stop) = (handle.events, handle.archive, handle.stop);
        tokio::spawn(run);
        let folder = tempfile::tempdir().unwrap();
        let retention = Retention { age: Duration::from_secs(3600), bytes: 1 << 30 };
        let archive = Archive::open(&folder.path().join("archive.db"), retention).unwrap();
        archive::serve(archive, requests).unwrap();
        let mut record = None;
        let addresses = loop {
            match tokio::time::timeout(PATIENCE, events.recv()).await {
                Ok(Some(NodeEvent::Listening(addresses))) => break addresses,
                Ok(Some(NodeEvent::Record(own))) => record = Some(own),
                other => panic!("{other:?}"),
            }
        };
        let (told, peers) = watch::channel((0, 0));
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let NodeEvent::Peers { connected, relays, .. } = event {
                    told.send_replace((connected, relays));
                }
            }
        });
        Self { addresses, record, peers, _stop: stop, _folder: folder }
    }

    /// Waits until the numbers of connected peers and of relay peers among them satisfy `wanted`.
    pub async fn peers(&mut self, wanted: impl Fn(u32, u32) -> bool) {
        let seen = self.peers.wait_for(|(connected, relays)| wanted(*connected, *relays));
        tokio::time::timeout(PATIENCE, seen).await.expect("as many peers as wanted").unwrap();
    }
}
