//! From command-line flags to an open messenger.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sotto_messenger::{Config, Fleet, Messenger, OpenCounter, Preset, Sharding};

use crate::args::PhoneArgs;
use crate::exit::Failure;
use crate::keyfile::{self, with_suffix};

/// Opens the messenger of these flags. Without `online` it gets no nodes.
pub(crate) fn open(args: &PhoneArgs, online: bool) -> Result<Messenger, Failure> {
    let mut fleet = fleet(&args.preset, args.cluster, &args.shard, args.auto_shards)?;
    if let Some(log2) = args.log2_buckets {
        fleet.buckets = vec![(0, log2)];
    }
    if let Some(kib) = args.max_message {
        fleet.max_message_bytes = kib.saturating_mul(1024);
    }
    if !online {
        fleet.nodes.clear();
        fleet.dns_trees.clear();
    } else if !(args.node.is_empty() && args.dns_tree.is_empty()) {
        fleet.nodes.clone_from(&args.node);
        fleet.dns_trees.clone_from(&args.dns_tree);
    }
    let path = key_path(args)?;
    let mut config = Config::new(&args.data, [0; 32], fleet);
    config.key = if Messenger::is_in(&args.data)? { keyfile::read(&path) } else { keyfile::read_or_make(&path) }
        .map_err(key_failure)?;
    config.counter = Some(OpenCounter::file(with_suffix(&path, ".counter")));
    config.receipts = true;
    config.mode = args.mode;
    config.listen.clone_from(&args.listen);
    config.log = args.log;
    Ok(Messenger::open(config)?)
}

fn key_failure(error: std::io::Error) -> Failure {
    Failure::Data(match error.kind() {
        ErrorKind::NotFound => "the key file is missing, and no other key opens the database in the data folder: \
             put the key file back, or choose another folder with --data"
            .into(),
        ErrorKind::InvalidData => {
            format!("key file: {error}: put the right file back, or choose another with --key-file")
        }
        _ => format!("key file: {error}"),
    })
}

/// The preset with the values that flags replace.
pub(crate) fn fleet(
    preset: &str,
    cluster: Option<u16>,
    shards: &[u16],
    auto_shards: Option<u16>,
) -> Result<Fleet, Failure> {
    let preset = Preset::from_name(preset).ok_or_else(|| Failure::Usage(format!("unknown preset {preset}")))?;
    let mut fleet = Fleet::preset(preset);
    if let Some(cluster) = cluster {
        fleet.cluster = cluster;
    }
    if !shards.is_empty() {
        fleet.sharding = Sharding::Static(shards.to_vec());
    }
    if let Some(count) = auto_shards {
        fleet.sharding = Sharding::Auto(count);
    }
    Ok(fleet)
}

/// The key file's path. A path inside the data folder is refused, so that a copy of the folder has no key.
fn key_path(args: &PhoneArgs) -> Result<PathBuf, Failure> {
    let path = match &args.key_file {
        Some(path) => path.clone(),
        None => with_suffix(&args.data, ".key"),
    };
    let folder = std::path::absolute(&args.data).map_err(Failure::io)?;
    let absolute = std::path::absolute(&path).map_err(Failure::io)?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let parent = absolute.parent().map(real).unwrap_or_default();
    if parent.starts_with(real(&folder)) {
        return Err(Failure::Usage("the key file must not lie inside the data folder".into()));
    }
    Ok(path)
}
