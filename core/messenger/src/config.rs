//! What the host decides before a messenger opens.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::counter::OpenCounter;
use crate::fleet::Fleet;
use crate::records::Settings;

/// How to open a messenger.
pub struct Config {
    /// The folder with the account's database; made if absent (mode 0700). One process at a time.
    pub dir: PathBuf,
    /// The database key, out of the platform's key store. Wiped from memory after the open.
    pub key: Zeroizing<[u8; 32]>,
    /// Where the host keeps the open counter. `None` gives up noticing an old copy of the database.
    pub counter: Option<OpenCounter>,
    /// The service nodes to talk through.
    pub fleet: Fleet,
    /// Settings to change at this open; `None` fields keep what the database says.
    pub settings: Settings,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("cluster", &self.fleet.cluster)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// A configuration without a counter and with settings as they are stored.
    pub fn new(dir: impl Into<PathBuf>, key: [u8; 32], fleet: Fleet) -> Self {
        Self {
            dir: dir.into(),
            key: Zeroizing::new(key),
            counter: None,
            fleet,
            settings: Settings::default(),
        }
    }
}
