//! What the host decides before a messenger opens.

use std::path::PathBuf;

use log::LevelFilter;
use zeroize::Zeroizing;

use crate::counter::OpenCounter;
use crate::error::{Code, Error};
use crate::fleet::Fleet;

/// How messages of others reach this device, and what it does for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// A light client: one node pushes what comes in. Asleep while nothing happens.
    #[default]
    Light,
    /// A relay: hears its whole shard by gossip, passes on what others send, and tells no filter node a topic while it
    /// has relay peers. Stores are still asked by topic. Never asleep.
    Relay,
    /// A relay while the device is charging on a network that costs nothing, a light client otherwise: decided anew by
    /// each [`Messenger::on_power_change`](crate::Messenger::on_power_change) and
    /// [`Messenger::on_network_change`](crate::Messenger::on_network_change). Until they are called, light.
    Adaptive,
}

impl std::str::FromStr for Mode {
    type Err = Error;

    /// `light`, `relay` or `adaptive`; else `input.setting`.
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
    /// The database key, out of the platform's key store.
    pub key: Zeroizing<[u8; 32]>,
    /// Where the host keeps the open counter. `None` gives up noticing an old copy of the database.
    pub counter: Option<OpenCounter>,
    /// The service nodes to talk through: a preset, or an own network. Nodes that belong to no preset go into invites.
    pub fleet: Fleet,
    /// DNS servers, IP addresses with optional port; empty: the system's. Android has none to read.
    pub dns_servers: Vec<String>,
    /// Light client, relay, or each in its time.
    pub mode: Mode,
    /// Where to serve neighbours while relaying, multiaddrs `/ip4/…/tcp/<port>[/ws]`, port 0 for any: filter and
    /// lightpush for at most 64 connections, no store. Empty: nowhere.
    /// [`Messenger::serving`](crate::Messenger::serving)
    /// tells what came of it.
    pub listen: Vec<String>,
    /// Send read receipts until the person decides.
    pub receipts: bool,
    /// Log level of this run; `None`: as the settings say.
    pub log: Option<LevelFilter>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("cluster", &self.fleet.cluster).finish_non_exhaustive()
    }
}

impl Config {
    /// A light client without counter and read receipts, with the log level as it is stored.
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
