//! `sotto node`: a Waku service node with its archive.

mod archive;

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::time::Duration;

use serde_json::json;
use sotto_db::archive::{Archive, Retention};
use sotto_messenger::Fleet;
use sotto_net::service::{self, Limits};
use sotto_net::{Discv5Config, NodeConfig, NodeEvent, NodeHandle, NodeKey};
use tokio::sync::mpsc;

use crate::args::NodeArgs;
use crate::exit::Failure;
use crate::input::End;
use crate::stop::Stop;
use crate::{keyfile, logger, open, output};

/// Longest time for connections to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs until a signal or the end of standard input.
pub(crate) async fn run(args: &NodeArgs) -> Result<(), Failure> {
    logger::start(args.log);
    let mut stop = Stop::catch().map_err(Failure::io)?;
    let fleet = open::fleet(&args.preset, args.cluster, &args.shard, args.auto_shards)?;
    make_folder(args)?;
    let key = key(args)?;
    let peer_id = key.peer_id();
    if let Some(taken) = args.listen.iter().find(|listen| is_taken(listen)) {
        return Err(Failure::Failed(format!("another process listens on {taken}; choose another --listen address")));
    }
    let archive = match args.no_store {
        true => None,
        false => Some(open_archive(args)?),
    };
    let (handle, node) = service::start(config(args, &fleet), key).map_err(start_failure)?;
    let NodeHandle { mut events, archive: requests, stop: stopper, .. } = handle;
    let node = tokio::spawn(node);
    let archivist = match archive {
        Some(archive) => Some(archive::serve(archive, requests).map_err(Failure::io)?),
        None => None,
    };
    let mut end = End::watch().map_err(Failure::io)?;
    let result = tokio::select! {
        failure = watch(args, &fleet, &peer_id, &mut events) => Err(failure),
        () = stop.asked() => Ok(()),
        () = end.reached() => Ok(()),
    };
    stopper.stop();
    let last = async { while events.recv().await.is_some() {} };
    if tokio::time::timeout(FAREWELL, last).await.is_err() {
        log::warn!("connections did not end in time");
    }
    node.abort();
    // The node's end of the channel is dropped when its task ends.
    let _ = node.await;
    if let Some(archivist) = archivist
        && archivist.join().is_err()
    {
        return Err(Failure::Failed("the archive's thread panicked".into()));
    }
    result
}

/// Prints the node's events until the node stops.
async fn watch(args: &NodeArgs, fleet: &Fleet, peer_id: &str, events: &mut mpsc::Receiver<NodeEvent>) -> Failure {
    let mut record = None;
    loop {
        match events.recv().await {
            Some(NodeEvent::Record(own)) => record = Some(own),
            Some(NodeEvent::Listening(addresses)) => {
                if let Err(error) = announce(args, fleet, peer_id, addresses, record.take()) {
                    return Failure::io(error);
                }
            }
            Some(NodeEvent::Peers { connected, relays, mesh }) => {
                log::info!("{connected} peers, {relays} of them relay, {mesh} in the mesh");
            }
            Some(NodeEvent::ListenFailed(index)) => {
                let address = args.listen.get(index).map_or("", String::as_str);
                return Failure::Failed(format!("cannot listen on {address}"));
            }
            Some(NodeEvent::Stopped) | None => {
                return Failure::Failed("the node stopped unexpectedly".into());
            }
        }
    }
}

fn make_folder(args: &NodeArgs) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(&args.data);
    made.map_err(|error| Failure::Data(error.to_string()))
}

/// Whether another process listens on the address. The network library shares ports where the system allows it, and two
/// processes would then split the incoming connections.
fn is_taken(listen: &str) -> bool {
    let mut parts = listen.split('/').skip(2);
    let address = parts.next().and_then(|part| part.parse::<IpAddr>().ok());
    let port = parts.nth(1).and_then(|part| part.parse::<u16>().ok());
    match (address, port) {
        (Some(address), Some(port)) if port != 0 => {
            TcpListener::bind((address, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        }
        _ => false, // the node reports what is wrong with the address
    }
}

fn key(args: &NodeArgs) -> Result<NodeKey, Failure> {
    let bytes = keyfile::read_or_make(&args.data.join("node.key"))
        .map_err(|error| Failure::Data(format!("node.key: {error}")))?;
    NodeKey::from_bytes(&bytes).map_err(|error| Failure::Data(format!("node.key: {error}")))
}

fn open_archive(args: &NodeArgs) -> Result<Archive, Failure> {
    let retention = Retention {
        age: Duration::from_secs(u64::from(args.retention_hours) * 3600),
        bytes: u64::from(args.retention_mib) << 20,
    };
    Archive::open(&args.data.join("archive.db"), retention).map_err(|error| Failure::Data(error.to_string()))
}

fn config(args: &NodeArgs, fleet: &Fleet) -> NodeConfig {
    let sharding = (&fleet.sharding).into();
    let mut config = NodeConfig::new(args.listen.clone(), fleet.cluster, sharding);
    config.announce.clone_from(&args.announce);
    config.peers.clone_from(&args.peer);
    config.alone = args.alone;
    config.discovery = args.discv5.map(|listen| Discv5Config { listen, bootstrap: args.bootstrap.clone() });
    config.store = !args.no_store;
    let bytes = match args.max_message_kib {
        Some(kib) => kib.saturating_mul(1024),
        None => fleet.max_message_bytes,
    };
    config.max_message = usize::try_from(bytes).unwrap_or(usize::MAX);
    config.limits = Limits {
        connections: args.max_connections,
        connections_per_ip: args.max_connections_per_ip,
        streams: usize::from(args.max_streams),
        relays_per_ip: args.ip_colocation_limit,
        subscribers: args.max_subscribers,
        criteria: args.max_criteria,
        requests_per_second: args.max_requests_per_second,
        ..Limits::default()
    };
    config
}

fn start_failure(error: service::StartError) -> Failure {
    match error {
        service::StartError::Stack(_) | service::StartError::Udp(_) => Failure::Failed(error.to_string()),
        _ => Failure::Usage(error.to_string()),
    }
}

/// Prints the node's addresses: the announced ones, or else the ones it listens on.
fn announce(
    args: &NodeArgs,
    fleet: &Fleet,
    peer_id: &str,
    listening: Vec<String>,
    record: Option<String>,
) -> std::io::Result<()> {
    let with_peer = |address: &String| format!("{address}/p2p/{peer_id}");
    let addresses = match args.announce.is_empty() {
        true => listening,
        false => args.announce.iter().map(with_peer).collect(),
    };
    if args.json {
        let shards: Vec<u16> = match &fleet.sharding {
            sotto_messenger::Sharding::Static(shards) => shards.clone(),
            sotto_messenger::Sharding::Auto(count) => (0..*count).collect(),
        };
        let mut line = json!({
            "peer_id": peer_id,
            "addrs": addresses,
            "cluster": fleet.cluster,
            "shards": shards,
        });
        if let (Some(record), Some(fields)) = (record, line.as_object_mut()) {
            fields.insert("record".into(), record.into());
        }
        return output::line(&line.to_string());
    }
    output::line(&format!("listening on cluster {}:", fleet.cluster))?;
    addresses.iter().chain(&record).try_for_each(|address| output::line(&format!("  {address}")))
}
