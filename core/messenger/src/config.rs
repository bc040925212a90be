//! What the host decides before a messenger opens.

use std::path::PathBuf;

use log::LevelFilter;
use zeroize::Zeroizing;

use crate::counter::OpenCounter;
use crate::fleet::Fleet;

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
    /// Send read receipts until the person decides.
    pub receipts: bool,
    /// Log level of this run; `None`: as the settings say.
    pub log: Option<LevelFilter>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("cluster", &self.fleet.cluster)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A configuration without counter and read receipts, with the log level as it is stored.
    pub fn new(dir: impl Into<PathBuf>, key: [u8; 32], fleet: Fleet) -> Self {
        Self {
            dir: dir.into(),
            key: Zeroizing::new(key),
            counter: None,
            fleet,
            dns_servers: Vec::new(),
            receipts: false,
            log: None,
        }
    }
}
