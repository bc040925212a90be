//! Configuration of a messenger.

use std::path::PathBuf;

use log::LevelFilter;
use zeroize::Zeroizing;

use crate::counter::OpenCounter;
use crate::error::{Code, Error};
use crate::fleet::Fleet;

/// How the device receives messages, and what it does for others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// A light client: one node pushes incoming messages. Idle while nothing happens.
    #[default]
    Light,
    /// A relay: receives its whole shard by gossip and relays messages of others. No filter node gets a topic while the
    /// device has relay peers; stores are still asked by topic. Never idle.
    Relay,
    /// A relay while the device charges on an unmetered network, a light client otherwise. Each
    /// [`Messenger::on_power_change`](crate::Messenger::on_power_change) and
    /// [`Messenger::on_network_change`](crate::Messenger::on_network_change) decides again. Light until they are
    /// called.
    Adaptive,
}

impl std::str::FromStr for Mode {
    type Err = Error;

    /// Reads `light`, `relay` or `adaptive`; fails with `input.setting`.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "light" => Ok(Self::Light),
            "relay" => Ok(Self::Relay),
            "adaptive" => Ok(Self::Adaptive),
            _ => Err(Code::BadSetting.into()),
        }
    }
}

/// How to open a messenger.
pub struct Config {
    /// The folder with the account's database; made if absent (mode 0700). One process at a time.
    pub dir: PathBuf,
    /// The database key, from the platform's key store, 32 bytes.
    pub key: Zeroizing<[u8; 32]>,
    /// The host's open counter. Without it an old copy of the database goes unnoticed.
    pub counter: Option<OpenCounter>,
    /// The network: a preset, or the app's own. Nodes that belong to no preset go into invites.
    pub fleet: Fleet,
    /// DNS servers, IP addresses with optional port; empty for the system's. Android has none to read.
    pub dns_servers: Vec<String>,
    /// Light client, relay, or adaptive.
    pub mode: Mode,
    /// Addresses to serve neighbours at while relaying, multiaddrs `/ip4/…/tcp/<port>[/ws]`, port 0 for any: filter and
    /// lightpush for at most 64 connections, no store. Empty to serve nobody.
    /// [`Messenger::serving`](crate::Messenger::serving) returns the actual addresses.
    pub listen: Vec<String>,
    /// Whether read receipts are sent until the person decides.
    pub receipts: bool,
    /// Log level of this run; `None` for the account's setting.
    pub log: Option<LevelFilter>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("cluster", &self.fleet.cluster).finish_non_exhaustive()
    }
}

impl Config {
    /// A light client without counter and read receipts, with the account's log level.
    pub fn new(dir: impl Into<PathBuf>, key: [u8; 32], fleet: Fleet) -> Self {
        Self {
            dir: dir.into(),
            key: Zeroizing::new(key),
            counter: None,
            fleet,
            dns_servers: Vec::new(),
            mode: Mode::Light,
            listen: Vec::new(),
            receipts: false,
            log: None,
        }
    }
}
