//! Waku networks as plain data, by preset or from the app.

use serde::{Deserialize, Serialize};
use sotto_wire::topic::BucketTable;
use sotto_wire::waku::Shard;

/// How content topics map to shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharding {
    /// These shards. The application and version of a content topic select one, so all topics of Sotto share one.
    Static(Vec<u16>),
    /// The shard follows from the content topic, among this many.
    Auto(u16),
}

impl From<&Sharding> for sotto_net::Sharding {
    fn from(sharding: &Sharding) -> Self {
        match sharding {
            Sharding::Static(shards) => Self::Static(shards.clone()),
            Sharding::Auto(count) => Self::Auto(*count),
        }
    }
}

/// A network of service nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// Waku cluster.
    pub cluster: u16,
    /// Shards of the cluster and how topics map to them.
    pub sharding: Sharding,
    /// Multiaddrs ending in `/p2p/…`; both circles choose from them.
    pub nodes: Vec<String>,
    /// Trees of further nodes in DNS, `enrtree://…` (EIP-1459). They are read while too few nodes are known.
    #[serde(default)]
    pub dns_trees: Vec<String>,
    /// Largest Waku message that the nodes accept, bytes.
    pub max_message_bytes: u32,
    /// (from, Unix seconds; log2 of the number of buckets of a lane), ascending; the number only doubles.
    pub buckets: Vec<(u64, u8)>,
    /// Retention of the network's stores, seconds.
    pub store_retention_s: u64,
    /// Whether one node may publish and receive. For a test network on one machine only.
    pub single_circle: bool,
}

/// A network that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// `local`: own nodes on one machine, for tests.
    Local,
    /// `logos.test`.
    LogosTest,
    /// `logos.dev`.
    LogosDev,
    /// `status.prod`.
    StatusProd,
    /// `status.staging`.
    StatusStaging,
}

const KIB: u32 = 1024;
const DAY_S: u64 = 86_400;

impl Preset {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Local, Self::LogosTest, Self::LogosDev, Self::StatusProd, Self::StatusStaging];

    /// The name, for example `status.prod`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::LogosTest => "logos.test",
            Self::LogosDev => "logos.dev",
            Self::StatusProd => "status.prod",
            Self::StatusStaging => "status.staging",
        }
    }

    /// The preset with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    // Addresses and numbers as the fleets' operators published them in August 2026; they change, so an app can override
    // each field.

    fn nodes(self) -> &'static [&'static str] {
        match self {
            Self::Local => &[],
            Self::LogosTest => &[
                "/dns4/node-01.do-ams3.logos.test.status.im/tcp/30303/p2p/16Uiu2HAmQ9X2xDfPG3uL77V9piYDhjq14JhKCtcmNYsTMKNqrKCj",
                "/dns4/node-02.do-ams3.logos.test.status.im/tcp/30303/p2p/16Uiu2HAmB8NYprrfQrgWVzsJtYWkfjsXbmJEGNMG6othXsQ53BwG",
            ],
            Self::LogosDev => &[
                "/dns4/delivery-01.do-ams3.logos.dev.status.im/tcp/30303/p2p/16Uiu2HAmTUbnxLGT9JvV6mu9oPyDjqHK4Phs1VDJNUgESgNSkuby",
                "/dns4/delivery-02.do-ams3.logos.dev.status.im/tcp/30303/p2p/16Uiu2HAmMK7PYygBtKUQ8EHp7EfaD3bCEsJrkFooK8RQ2PVpJprH",
                "/dns4/delivery-01.gc-us-central1-a.logos.dev.status.im/tcp/30303/p2p/16Uiu2HAm4S1JYkuzDKLKQvwgAhZKs9otxXqt8SCGtB4hoJP1S397",
                "/dns4/delivery-02.gc-us-central1-a.logos.dev.status.im/tcp/30303/p2p/16Uiu2HAm8Y9kgBNtjxvCnf1X6gnZJW5EGE4UwwCL3CCm55TwqBiH",
            ],
            Self::StatusProd => &[
                "/dns4/boot-01.do-ams3.status.prod.status.im/tcp/30303/p2p/16Uiu2HAmAR24Mbb6VuzoyUiGx42UenDkshENVDj4qnmmbabLvo31",
                "/dns4/boot-01.gc-us-central1-a.status.prod.status.im/tcp/30303/p2p/16Uiu2HAm8mUZ18tBWPXDQsaF7PbCKYA35z7WB2xNZH2EVq1qS8LJ",
                "/dns4/boot-01.ac-cn-hongkong-c.status.prod.status.im/tcp/30303/p2p/16Uiu2HAmGwcE8v7gmJNEWFtZtojYpPMTHy2jBLL6xRk33qgDxFWX",
            ],
            Self::StatusStaging => &[
                "/dns4/store-01.do-ams3.status.staging.status.im/tcp/30303/p2p/16Uiu2HAm3xVDaz6SRJ6kErwC21zBJEZjavVXg7VSkoWzaV1aMA3F",
            ],
        }
    }

    fn dns_trees(self) -> &'static [&'static str] {
        match self {
            Self::StatusProd => {
                &["enrtree://AMOJVZX4V6EXP7NTJPMAYJYST2QP6AJXYW76IU6VGJS7UVSNDYZG4@boot.prod.status.nodes.status.im"]
            }
            Self::StatusStaging => &[
                "enrtree://AI4W5N5IFEUIHF5LESUAOSMV6TKWF2MB6GU2YK7PU4TYUGUNOCEPW@boot.staging.status.nodes.status.im",
                "enrtree://AI4W5N5IFEUIHF5LESUAOSMV6TKWF2MB6GU2YK7PU4TYUGUNOCEPW@store.staging.status.nodes.status.im",
            ],
            Self::Local | Self::LogosTest | Self::LogosDev => &[],
        }
    }
}

impl Fleet {
    /// The buckets, if a network can be like this: at least one shard, none above 1,023, room for the largest envelope.
    pub(crate) fn check(&self) -> Option<BucketTable> {
        let sharded = match &self.sharding {
            Sharding::Static(list) => !list.is_empty() && list.iter().all(|&shard| shard <= Shard::MAX),
            Sharding::Auto(count) => (1..=Shard::MAX + 1).contains(count),
        };
        let roomy = self.max_message_bytes >= 150 * KIB;
        BucketTable::new(&self.buckets).ok().filter(|_| sharded && roomy)
    }

    /// The fleet of a preset. Its fields may be changed before use.
    pub fn preset(preset: Preset) -> Self {
        let (cluster, sharding, max_message_bytes) = match preset {
            Preset::Local => (66, Sharding::Static(vec![0]), 150 * KIB),
            Preset::LogosTest => (2, Sharding::Auto(8), 150 * KIB),
            Preset::LogosDev => (3, Sharding::Auto(8), 150 * KIB),
            Preset::StatusProd | Preset::StatusStaging => (16, Sharding::Static(vec![32, 64]), 1024 * KIB),
        };
        Self {
            cluster,
            sharding,
            nodes: owned(preset.nodes()),
            dns_trees: owned(preset.dns_trees()),
            max_message_bytes,
            buckets: vec![(0, 0)], // N = 2^⌊log2(users · 109 KB / 3 MB)⌋, which is one below 55 users
            store_retention_s: 30 * DAY_S,
            single_circle: preset == Preset::Local,
        }
    }
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_usable() {
        for preset in Preset::ALL {
            let (name, fleet) = (preset.name(), Fleet::preset(preset));
            assert_eq!(Preset::from_name(name), Some(preset));
            assert!(fleet.check().is_some());
            assert_eq!(fleet.single_circle, name == "local", "only local shares a node between circles");
            for tree in &fleet.dns_trees {
                assert!(tree.parse::<sotto_wire::waku::TreeUrl>().is_ok(), "{tree}");
            }
            assert_eq!(!fleet.dns_trees.is_empty(), name.starts_with("status."));
            for node in &fleet.nodes {
                assert!(node.starts_with("/dns4/") && node.contains("/p2p/16Uiu2"), "{node}");
            }
        }
        assert_eq!(Preset::from_name("mainnet"), None);
    }

    /// As the operators publish them. Status' apps use shards 32 and 64, whatever the nodes' preset says.
    #[test]
    fn every_preset_says_what_its_network_is() {
        let status = Sharding::Static(vec![32, 64]);
        let rows = [
            ("local", 66, Sharding::Static(vec![0]), 153_600),
            ("logos.test", 2, Sharding::Auto(8), 153_600),
            ("logos.dev", 3, Sharding::Auto(8), 153_600),
            ("status.prod", 16, status.clone(), 1_048_576),
            ("status.staging", 16, status, 1_048_576),
        ];
        assert!(rows.iter().map(|row| row.0).eq(Preset::ALL.map(Preset::name)));
        for (name, cluster, sharding, max_message_bytes) in rows {
            let fleet = Fleet::preset(Preset::from_name(name).unwrap());
            assert_eq!(fleet.cluster, cluster, "{name}");
            assert_eq!(fleet.sharding, sharding, "{name}");
            assert_eq!(fleet.max_message_bytes, max_message_bytes, "{name}");
            assert_eq!(fleet.buckets, [(0, 0)], "{name}: one bucket a lane");
        }
    }

    #[test]
    fn what_no_network_can_be_is_refused() {
        let refused = |change: &dyn Fn(&mut Fleet)| {
            let mut fleet = Fleet::preset(Preset::Local);
            change(&mut fleet);
            assert!(fleet.check().is_none(), "{fleet:?}");
        };
        refused(&|fleet| fleet.sharding = Sharding::Static(Vec::new()));
        refused(&|fleet| fleet.sharding = Sharding::Static(vec![1024]));
        refused(&|fleet| fleet.sharding = Sharding::Auto(0));
        refused(&|fleet| fleet.sharding = Sharding::Auto(1025));
        refused(&|fleet| fleet.max_message_bytes = 64 * KIB);
        refused(&|fleet| fleet.buckets = vec![(0, 17)]);
    }
}
