//! Opening: folder, database, counter, network, engine, in that order. Nothing runs before all of them are ready.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rand_core::{Rng as _, UnwrapErr};
use sotto_db::Account;
use sotto_net::{NetConfig, NetHandle, Traffic, client};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{Messenger, Shared};
use crate::clock::{Clock, system_clock};
use crate::config::Config;
use crate::disk::Disk;
use crate::engine::{Engine, EngineConfig, book, stored};
use crate::error::{Code, Error, OrBug};
use crate::fleet::{Fleet, Preset};
use crate::runtime::{INBOX_DEPTH, Loop, NetThread};
use crate::status::Status;
use crate::subscription::EVENT_DEPTH;
use crate::worker::Worker;

pub(crate) const DATABASE: &str = "account.db";
/// The folder of sealed files.
pub(crate) const FILES: &str = "files";

impl Messenger {
    /// Opens the account in `config.dir`, or an empty folder, and starts two threads. Blocks for the database only; no
    /// node is connected yet. Errors: `storage.*`, `network.address`, `input.setting`.
    pub fn open(config: Config) -> Result<Self, Error> {
        let traffic = Arc::new(Traffic::default());
        let mut net = NetConfig::new(config.fleet.nodes.clone(), config.fleet.cluster, (&config.fleet.sharding).into());
        net.single_circle = config.fleet.single_circle;
        net.dns_servers.clone_from(&config.dns_servers);
        net.listen.clone_from(&config.listen);
        net.max_message = usize::try_from(config.fleet.max_message_bytes).unwrap_or(usize::MAX);
        net.traffic = Arc::clone(&traffic);
        net.dns_trees.clone_from(&config.fleet.dns_trees);
        client::check(&net).map_err(start_error)?; // checked before anything is made on disk
        let fleet = config.fleet.clone();
        start(config, system_clock(), traffic, |account| {
            net.book = account.read(|tx| book::load(tx, &fleet))?;
            let (handle, actor) = client::start(net).map_err(start_error)?;
            Ok((handle, Some(net_thread(actor)?)))
        })
    }

    /// Opens over a network that the caller runs, with time from `clock`: for tests and simulations. Errors:
    /// `storage.*`, `input.setting`.
    pub fn open_over(config: Config, net: NetHandle, clock: Clock) -> Result<Self, Error> {
        start(config, clock, Arc::default(), |_| Ok((net, None)))
    }
}

fn start_error(error: client::StartError) -> Error {
    use client::StartError as E;
    Error::new(match error {
        E::Address(_) | E::Tree(_) | E::Listen(_) => Code::NetworkAddress,
        E::NoShards | E::DnsServer(_) => Code::BadSetting,
        E::Transport(_) => Code::Internal,
    })
}

fn make_folder(dir: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made = builder.create(dir).map_err(sotto_db::Error::from);
    Ok(made?)
}

fn net_thread(actor: impl Future<Output = ()> + Send + 'static) -> Result<NetThread, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().or_bug("runtime")?;
    let (done, ended) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("sotto-net".into())
        .spawn(move || {
            runtime.block_on(actor);
            // Blocking work of the runtime, if any, is not waited for.
            runtime.shutdown_background();
            let _ = done.send(());
        })
        .or_bug("thread")?;
    Ok(NetThread { thread, ended })
}

/// Opens the database, then the network by `connect`, then starts the engine.
fn start(
    config: Config,
    clock: Clock,
    traffic: Arc<Traffic>,
    connect: impl FnOnce(&Account) -> Result<(NetHandle, Option<NetThread>), Error>,
) -> Result<Messenger, Error> {
    let buckets = config.fleet.check().ok_or(Code::BadSetting)?;
    make_folder(&config.dir)?;
    let mut account = Account::open(&config.dir.join(DATABASE), &config.key)?;
    if let Some(counter) = &config.counter {
        counter.opened(&mut account, UnwrapErr(getrandom::SysRng).next_u64())?;
    }
    let (net, net_thread) = connect(&account)?;
    let reader = account.reader()?;
    let files = config.dir.join(FILES);
    sweep(&account, &files)?;
    log::set_max_level(match config.log {
        Some(level) => level,
        None => stored::settings(&reader, config.receipts)?.log,
    });
    let opened_ms = clock();
    let engine_config = EngineConfig {
        cluster: config.fleet.cluster,
        buckets,
        store_retention_s: config.fleet.store_retention_s,
        single_circle: config.fleet.single_circle,
        network: book::network(&config.fleet),
        invite_nodes: invite_nodes(&config.fleet),
        read_receipts: config.receipts,
        suites: sotto_crypto::SUITES,
        mode: config.mode,
    };
    // Nothing is safe on a system without randomness.
    let rng = Box::new(UnwrapErr(getrandom::SysRng));
    let (engine, first) = Engine::open(account, engine_config, rng, opened_ms)?;
    let (inbox, calls) = mpsc::channel(INBOX_DEPTH);
    let (sender, events) = broadcast::channel(EVENT_DEPTH);
    let status = Arc::new(Status::default());
    let time = (Arc::clone(&clock), opened_ms);
    let (worker, filed) = Worker::new(files.clone());
    let thread = Loop::new(engine, sender, Arc::clone(&status), time, (config.counter, worker));
    let thread = thread.spawn(first, (calls, filed), net, net_thread)?;
    Ok(Messenger {
        shared: Arc::new(Shared {
            inbox: Some(inbox),
            reader: Mutex::new(Some(reader)),
            events,
            status,
            traffic,
            thread: Mutex::new(Some(thread)),
            clock,
            opened_ms,
            cluster: config.fleet.cluster,
            invite_nodes: invite_nodes(&config.fleet),
            receipts: config.receipts,
            database: config.dir.join(DATABASE),
            files,
        }),
    })
}

/// Removes sealed files that the database does not name: what a kill left of them.
fn sweep(account: &Account, files: &Path) -> Result<(), Error> {
    if !files.exists() {
        return Ok(());
    }
    let known = account.read(|tx| tx.contents.names())?;
    let swept = Disk::new(files.to_owned(), UnwrapErr(getrandom::SysRng)).sweep(&known.into_iter().collect());
    Ok(swept.map_err(sotto_db::Error::from)?)
}

/// Nodes that a contact would not find by a preset.
fn invite_nodes(fleet: &Fleet) -> Vec<String> {
    let known: Vec<Fleet> = Preset::ALL.into_iter().map(Fleet::preset).collect();
    let in_preset = |node: &String| known.iter().any(|preset| preset.nodes.contains(node));
    let own = fleet.nodes.iter().filter(|node| !in_preset(node));
    own.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_of_no_preset_go_into_invites() {
        let preset = Fleet::preset(Preset::LogosDev);
        assert_eq!(invite_nodes(&preset), Vec::<String>::new());
        let mut mixed = preset;
        mixed.nodes.push("/ip4/10.0.0.1/tcp/1/p2p/x".into());
        assert_eq!(invite_nodes(&mixed), ["/ip4/10.0.0.1/tcp/1/p2p/x"]);
    }
}
