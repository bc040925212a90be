//! Configuration of a core.

use sotto_messenger::{Code, Config, Fleet, OpenCounter, Sharding};
use zeroize::Zeroizing;

use crate::error::SottoError;
use crate::records::LogLevel;

/// Networks with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoPreset")]
pub enum Preset {
    /// `local`: own nodes on one machine, for tests only.
    Local,
    /// The network `logos.test`.
    LogosTest,
    /// The network `logos.dev`.
    LogosDev,
    /// The network `status.prod`.
    StatusProd,
    /// The network `status.staging`.
    StatusStaging,
}

impl From<Preset> for sotto_messenger::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Local => Self::Local,
            Preset::LogosTest => Self::LogosTest,
            Preset::LogosDev => Self::LogosDev,
            Preset::StatusProd => Self::StatusProd,
            Preset::StatusStaging => Self::StatusStaging,
        }
    }
}

/// How the device receives messages, and what it does for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[uniffi(name = "SottoMode")]
pub enum Mode {
    /// A light client: idle while nothing happens.
    Light,
    /// Receives the whole shard by gossip and relays it; never idle.
    Relay,
    /// A relay while the device charges on an unmetered network, as `power_changed` and `network_changed` report.
    Adaptive,
}

impl From<Mode> for sotto_messenger::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Light => Self::Light,
            Mode::Relay => Self::Relay,
            Mode::Adaptive => Self::Adaptive,
        }
    }
}

/// A Waku network of the app's own. All its users need the same values.
#[derive(Clone, uniffi::Record)]
#[uniffi(name = "SottoNetwork")]
pub struct WakuNetwork {
    /// Waku cluster, 0 to 65,535.
    pub cluster: i32,
    /// Static shards, 0 to 1,023; empty with `auto_shards`.
    #[uniffi(default)]
    pub shards: Vec<i32>,
    /// Autosharding over this many shards.
    #[uniffi(default = None)]
    pub auto_shards: Option<i32>,
    /// Largest Waku message that the nodes accept, bytes; at least 153,600.
    #[uniffi(default = 153600)]
    pub max_message_bytes: i32,
    /// log2 of the number of buckets of a lane, 0 to 16. A phone receives all messages of its bucket.
    #[uniffi(default = 0)]
    pub log2_buckets: i32,
    /// Retention of the network's stores, seconds.
    #[uniffi(default = 2592000)]
    pub store_retention_s: i64,
}

impl WakuNetwork {
    fn fleet(self) -> Option<Fleet> {
        let shards = self.shards.into_iter().map(|shard| shard.try_into().ok());
        let sharding = match (shards.collect::<Option<Vec<u16>>>()?, self.auto_shards) {
            (shards, None) => Sharding::Static(shards),
            (shards, Some(count)) if shards.is_empty() => Sharding::Auto(count.try_into().ok()?),
            _ => return None,
        };
        Some(Fleet {
            cluster: self.cluster.try_into().ok()?,
            sharding,
            nodes: Vec::new(),
            dns_trees: Vec::new(),
            max_message_bytes: self.max_message_bytes.try_into().ok()?,
            buckets: vec![(0, self.log2_buckets.try_into().ok()?)],
            store_retention_s: self.store_retention_s.try_into().ok()?,
            single_circle: false,
        })
    }
}

/// How to open a core. The database key is no field, because hosts print records.
#[derive(Clone, uniffi::Record)]
pub struct SottoConfig {
    /// The folder with the account's database; made if absent. One process at a time.
    pub dir: String,
    /// The preset; ignored if `network` is set.
    pub preset: Preset,
    /// Light client, relay, or adaptive.
    pub mode: Mode,
    /// The app's own network, with its `nodes` or `dns_trees`.
    #[uniffi(default = None)]
    pub network: Option<WakuNetwork>,
    /// Service nodes to use instead of the preset's: multiaddrs ending in `/p2p/…`. They go into invites.
    #[uniffi(default)]
    pub nodes: Vec<String>,
    /// Trees of nodes in DNS instead of the preset's: `enrtree://…` URLs. They are read while too few nodes are known.
    /// With own nodes and no own trees none are read.
    #[uniffi(default)]
    pub dns_trees: Vec<String>,
    /// DNS servers, IP addresses with optional port; empty for the system's. Android has none to read, so its host
    /// passes them here and with each change of the network.
    #[uniffi(default)]
    pub dns_servers: Vec<String>,
    /// Addresses to serve neighbours at while relaying, multiaddrs `/ip4/…/tcp/<port>`, port 0 for any; empty to serve
    /// nobody.
    #[uniffi(default)]
    pub listen: Vec<String>,
    /// Whether read receipts are sent until the person decides.
    #[uniffi(default = false)]
    pub receipts: bool,
    /// A file outside of `dir` and of backups that counts the opens, so that an old copy of the database is noticed.
    /// Without a file it is not noticed.
    #[uniffi(default = None)]
    pub counter_file: Option<String>,
    /// Log level of this run. None: the account's setting.
    #[uniffi(default = None)]
    pub log: Option<LogLevel>,
}

impl SottoConfig {
    /// The messenger's configuration. Wipes `key`.
    pub(crate) fn with_key(self, key: Vec<u8>) -> Result<Config, SottoError> {
        let key = Zeroizing::new(key);
        let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| Code::BadSetting)?;
        let mut fleet = match self.network {
            Some(network) => network.fleet().ok_or(Code::BadSetting)?,
            None => Fleet::preset(self.preset.into()),
        };
        if !self.nodes.is_empty() || !self.dns_trees.is_empty() {
            fleet.nodes = self.nodes;
            fleet.dns_trees = self.dns_trees;
        }
        let mut config = Config::new(self.dir, [0; 32], fleet);
        config.key.copy_from_slice(key);
        config.counter = self.counter_file.map(OpenCounter::file);
        config.dns_servers = self.dns_servers;
        config.mode = self.mode.into();
        config.listen = self.listen;
        config.receipts = self.receipts;
        config.log = self.log.map(Into::into);
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::LevelFilter;

    fn config() -> SottoConfig {
        SottoConfig {
            dir: "folder".into(),
            preset: Preset::LogosDev,
            mode: Mode::Adaptive,
            network: None,
            nodes: Vec::new(),
            dns_trees: Vec::new(),
            dns_servers: vec!["9.9.9.9".into()],
            listen: vec!["/ip4/0.0.0.0/tcp/0".into()],
            receipts: true,
            counter_file: None,
            log: Some(LogLevel::Debug),
        }
    }

    #[test]
    fn all_of_it_arrives() {
        let whole = config().with_key(vec![7; 32]).unwrap();
        assert_eq!(whole.dir.to_str(), Some("folder"));
        assert_eq!(*whole.key, [7; 32]);
        assert_eq!(whole.fleet, Fleet::preset(Preset::LogosDev.into()));
        assert_eq!(whole.dns_servers, ["9.9.9.9"]);
        assert_eq!(whole.mode, sotto_messenger::Mode::Adaptive);
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
    fn every_preset_has_its_name() {
        let all = [Preset::Local, Preset::LogosTest, Preset::LogosDev, Preset::StatusProd, Preset::StatusStaging];
        assert_eq!(all.map(sotto_messenger::Preset::from), sotto_messenger::Preset::ALL);
    }

    fn network() -> WakuNetwork {
        WakuNetwork {
            cluster: 4242,
            shards: vec![1, 3],
            auto_shards: None,
            max_message_bytes: 200_000,
            log2_buckets: 5,
            store_retention_s: 86_400,
        }
    }

    #[test]
    fn an_own_network_takes_the_place_of_the_preset() {
        let mut own = config();
        own.network = Some(network());
        own.nodes = vec!["/ip4/127.0.0.1/tcp/1/p2p/x".into()];
        let fleet = own.with_key(vec![7; 32]).unwrap().fleet;
        assert_eq!((fleet.cluster, fleet.buckets), (4242, vec![(0, 5)]));
        assert_eq!(fleet.sharding, Sharding::Static(vec![1, 3]));
        assert_eq!(fleet.max_message_bytes, 200_000);
        assert_eq!(fleet.nodes, ["/ip4/127.0.0.1/tcp/1/p2p/x"]);
        assert!(!fleet.single_circle);
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
        for change in [
            |network: &mut WakuNetwork| network.cluster = 1 << 16,
            |network: &mut WakuNetwork| network.shards = vec![-1],
            |network: &mut WakuNetwork| network.auto_shards = Some(8),
            |network: &mut WakuNetwork| network.log2_buckets = -1,
        ] {
            let mut network = network();
            change(&mut network);
            let network = Some(network);
            refused(&|config| config.network = network.clone(), vec![7; 32]);
        }
    }
}
