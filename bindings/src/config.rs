//! How the host opens a core.

use log::LevelFilter;
use sotto_messenger::{Code, Config, Fleet, OpenCounter};
use zeroize::Zeroizing;

use crate::error::SottoError;

/// How to open a core. The database key is not in it: hosts print records.
#[derive(Clone, uniffi::Record)]
pub struct SottoConfig {
    /// The folder with the account's database; made if absent. One process at a time.
    pub dir: String,
    /// The network: `local`, `logos.test`, `logos.dev`, `status.prod` or `status.staging`.
    pub preset: String,
    /// Service nodes to use instead of the preset's: multiaddrs ending in `/p2p/…`. They go into invites.
    #[uniffi(default)]
    pub nodes: Vec<String>,
    /// Trees of nodes in DNS to use instead of the preset's: `enrtree://…` URLs. Read when too few nodes are known. With
    /// own nodes and no own trees none are read.
    #[uniffi(default)]
    pub dns_trees: Vec<String>,
    /// DNS servers, IP addresses with optional port; empty: the system's. Android has none to read, so its host gives
    /// them here and with each change of the network.
    #[uniffi(default)]
    pub dns_servers: Vec<String>,
    /// `light`; `relay`: hear the whole shard by gossip and pass it on; or `adaptive`: relay while charging on a network
    /// that is not metered, as `power_changed` and `network_changed` say.
    #[uniffi(default = "light")]
    pub mode: String,
    /// Where to serve neighbours while relaying, multiaddrs `/ip4/…/tcp/<port>`, port 0 for any; empty: nowhere.
    #[uniffi(default)]
    pub listen: Vec<String>,
    /// Send read receipts until the person decides.
    #[uniffi(default = false)]
    pub receipts: bool,
    /// A file outside `dir`, and outside of backups, that counts the opens, so that an old copy of the database is
    /// noticed. None: it is not.
    #[uniffi(default = None)]
    pub counter_file: Option<String>,
    /// Log level of this run (off, error, warn, info, debug, trace). None: as the settings say.
    #[uniffi(default = None)]
    pub log: Option<String>,
}

impl SottoConfig {
    /// The messenger's configuration. Wipes `key`.
    pub(crate) fn with_key(self, key: Vec<u8>) -> Result<Config, SottoError> {
        let key = Zeroizing::new(key);
        let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| Code::BadSetting)?;
        let mut fleet = Fleet::preset(&self.preset).ok_or(Code::BadSetting)?;
        if !self.nodes.is_empty() || !self.dns_trees.is_empty() {
            fleet.nodes = self.nodes;
            fleet.dns_trees = self.dns_trees;
        }
        let log = self.log.map(|level| level.parse::<LevelFilter>());
        let mut config = Config::new(self.dir, [0; 32], fleet);
        config.key.copy_from_slice(key);
        config.counter = self.counter_file.map(OpenCounter::file);
        config.dns_servers = self.dns_servers;
        config.mode = self.mode.parse()?;
        config.listen = self.listen;
        config.receipts = self.receipts;
        config.log = log.transpose().map_err(|_| Code::BadSetting)?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::Mode;

    fn config() -> SottoConfig {
        SottoConfig {
            dir: "folder".into(),
            preset: "logos.dev".into(),
            nodes: Vec::new(),
            dns_trees: Vec::new(),
            dns_servers: vec!["9.9.9.9".into()],
            mode: "adaptive".into(),
            listen: vec!["/ip4/0.0.0.0/tcp/0".into()],
            receipts: true,
            counter_file: None,
            log: Some("debug".into()),
        }
    }

    #[test]
    fn all_of_it_arrives() {
        let whole = config().with_key(vec![7; 32]).unwrap();
        assert_eq!(whole.dir.to_str(), Some("folder"));
        assert_eq!(*whole.key, [7; 32]);
        assert_eq!(whole.fleet, Fleet::preset("logos.dev").unwrap());
        assert_eq!(whole.dns_servers, ["9.9.9.9"]);
        assert_eq!(whole.mode, Mode::Adaptive);
        assert_eq!(whole.listen, ["/ip4/0.0.0.0/tcp/0"]);
        assert!(whole.receipts && whole.counter.is_none());
        assert_eq!(whole.log, Some(LevelFilter::Debug));

        let mut own = config();
        own.nodes = vec!["/ip4/127.0.0.1/tcp/1/p2p/x".into()];
        own.counter_file = Some("counter".into());
        own.log = None;
        let own = own.with_key(vec![7; 32]).unwrap();
        assert_eq!(own.fleet.nodes, ["/ip4/127.0.0.1/tcp/1/p2p/x"]);
        assert!(own.counter.is_some() && own.log.is_none());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |change: &dyn Fn(&mut SottoConfig), key: Vec<u8>| {
            let mut config = config();
            change(&mut config);
            let error = config.with_key(key).unwrap_err();
            assert_eq!(error, SottoError::from(Code::BadSetting));
        };
        refused(&|_| {}, vec![7; 31]);
        refused(&|_| {}, Vec::new());
        refused(&|config| config.preset = "mainnet".into(), vec![7; 32]);
        refused(&|config| config.mode = "heavy".into(), vec![7; 32]);
        refused(&|config| config.log = Some("loud".into()), vec![7; 32]);
    }
}
