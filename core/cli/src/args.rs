//! The command line. The doc comments of arguments are the texts of `sotto help`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use log::LevelFilter;
use sotto_messenger::Mode;

/// Marks debug builds: their measurements mean nothing.
const VERSION: &str = if cfg!(debug_assertions) {
    concat!(env!("CARGO_PKG_VERSION"), " (debug build)")
} else {
    env!("CARGO_PKG_VERSION")
};

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 the data cannot be opened, 4 no node was reached.
SIGTERM, Ctrl-C and the end of standard input close cleanly. Standard output is data, the log goes to standard error.";

/// Private messages over Waku: a node, an interface for bots, a terminal chat and a demo.
///
/// Try `sotto demo` first: it starts two nodes and four phones on this machine, which then chat. Next start your own
/// node: `sotto node --data node1 --alone --listen /ip4/127.0.0.1/tcp/60000`. Pass the address that it prints to
/// `sotto chat --data alice --node ADDRESS` in one terminal, and with `--data bob` in another.
#[derive(Debug, Parser)]
#[command(name = "sotto", version = VERSION, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Node(NodeArgs),
    /// The messenger's whole API as JSON-RPC 2.0 over standard input and output, one object a line.
    ///
    /// For bots and tests in any language: docs/rpc.md shows each method, docs/echo_bot.py is a bot in 15 lines.
    /// Example: echo '{"jsonrpc":"2.0","id":1,"method":"version"}' | sotto rpc --data alice
    ///
    /// Requests are pipelined, and answers may come in another order. `next_events` blocks no other call. Exit code 4
    /// means that messages still wait and no node was reached.
    Rpc(PhoneArgs),
    /// A terminal chat: type to send, /help for commands.
    ///
    /// The first start asks for a name, or for the phrase of an account to restore. /invite shows a link for a friend;
    /// /add LINK sends a request by a friend's link. On a terminal it fills the screen. Through a pipe, or with
    /// TERM=dumb, it works line by line. On a full screen the log needs a redirect: 2>FILE. Example: sotto chat --data
    /// alice --node /ip4/127.0.0.1/tcp/60000/p2p/16Uiu2…
    Chat(PhoneArgs),
    Demo(DemoArgs),
}

/// A Waku service node: relays by gossipsub and serves light clients with filter, lightpush and store.
///
/// It prints its addresses when it listens. Pass them to `--node` of `sotto chat` and `sotto rpc`, or to `--peer` of
/// another node. Two nodes are a network if one is the other's peer. A single node needs --alone. Example: sotto node
/// --data node1 --listen /ip4/0.0.0.0/tcp/60000 --listen /ip4/0.0.0.0/tcp/60001/ws
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct NodeArgs {
    /// Folder of this node's identity and archive; made if absent. One process at a time.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Address to listen on: /ip4/…/tcp/PORT, or with /ws at the end for browsers; repeat it for several. Port 0 takes
    /// a free port.
    #[arg(long, value_name = "MULTIADDR", default_value = "/ip4/0.0.0.0/tcp/60000")]
    pub(crate) listen: Vec<String>,
    /// Public address of this node, if others cannot reach the listen address, as behind NAT or in a container: a
    /// multiaddr like /ip4/203.0.113.7/tcp/60000 or /dns4/node.example.org/tcp/443/wss; repeat it for up to 8. Peers
    /// and, with --discv5, the node's record get these addresses instead of the listen addresses, and the node prints
    /// them. With an IP address, the UDP port of --discv5 must be reachable there under the same number.
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) announce: Vec<String>,
    /// Relay peer to stay connected to, a multiaddr ending in /p2p/…; repeat it for several.
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) peer: Vec<String>,
    /// Find other nodes of the network by discv5, on this UDP address, IP:PORT. The node prints its own record with its
    /// addresses, for the --bootstrap of other nodes.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) discv5: Option<SocketAddr>,
    /// Record of a node to start the search from, enr:…; repeat it for several.
    #[arg(long, value_name = "RECORD", requires = "discv5")]
    pub(crate) bootstrap: Vec<String>,
    /// Preset with the network's cluster, shards and message size: local, logos.test, logos.dev, status.prod or
    /// status.staging.
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) preset: String,
    /// Waku cluster instead of the preset's.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cluster: Option<u16>,
    /// Static shards instead of the preset's; repeat it for several.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) shard: Vec<u16>,
    /// Autosharding over this many shards; the node relays and serves all of them.
    #[arg(long, value_name = "NUMBER", conflicts_with = "shard",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) auto_shards: Option<u16>,
    /// This is the only node of its network: accept messages without a relay peer.
    #[arg(long)]
    pub(crate) alone: bool,
    /// Print one line of JSON when all listeners are bound: {"peer_id","addrs","cluster","shards"}, and "record" with
    /// --discv5. The addrs are those of --announce, else the listen addresses.
    #[arg(long)]
    pub(crate) json: bool,
    /// Do not serve a store or keep an archive.
    #[arg(long)]
    pub(crate) no_store: bool,
    /// Delete archived messages older than this.
    #[arg(long, value_name = "HOURS", default_value_t = 30 * 24)]
    pub(crate) retention_hours: u32,
    /// Delete the oldest archived messages above this size.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub(crate) retention_mib: u32,
    /// Largest Waku message, KiB. [default: the preset's]
    #[arg(long, value_name = "KIB")]
    pub(crate) max_message_kib: Option<u32>,
    /// Most connections in all.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) max_connections: u32,
    /// Most connections from one IP address; 127.0.0.1 and ::1 are not limited.
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    pub(crate) max_connections_per_ip: u32,
    /// Most open streams of one connection.
    #[arg(long, value_name = "NUMBER", default_value_t = 128, value_parser = clap::value_parser!(u16).range(16..=4096))]
    pub(crate) max_streams: u16,
    /// Relay peers at one IP address before their scores drop, except at 127.0.0.1 and ::1; 0 for any number.
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub(crate) ip_colocation_limit: u32,
    /// Most filter subscribers.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) max_subscribers: usize,
    /// Most topics of one filter subscriber.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) max_criteria: usize,
    /// Most requests of one peer in a second.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(crate) max_requests_per_second: u32,
    /// Log level on standard error: off, error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) log: LevelFilter,
}

/// The account and its nodes.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PhoneArgs {
    /// Folder of this account's encrypted database; made if absent. One process at a time.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// File with the database's 32-byte key (mode 0600), made if absent; not inside DIR. A counter beside it detects an
    /// old copy of the database. [default: DIR.key]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Network: local, logos.test, logos.dev, status.prod or status.staging.
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) preset: String,
    /// Service node, a multiaddr ending in /p2p/…; repeat it for several. Replaces nodes and trees of the preset.
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) node: Vec<String>,
    /// Tree of service nodes in DNS, enrtree://KEY@DOMAIN; repeat it for several. It is read while too few nodes are
    /// known. Replaces nodes and trees of the preset.
    #[arg(long, value_name = "URL")]
    pub(crate) dns_tree: Vec<String>,
    /// Waku cluster instead of the preset's.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cluster: Option<u16>,
    /// Static shards instead of the preset's; repeat it for several.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) shard: Vec<u16>,
    /// Autosharding over this many shards.
    #[arg(long, value_name = "NUMBER", conflicts_with = "shard",
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) auto_shards: Option<u16>,
    /// log2 of the number of buckets of a lane, 0 to 16; contacts need the same number. [default: the preset's]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) log2_buckets: Option<u8>,
    /// Largest Waku message that the nodes accept, KiB. [default: the preset's]
    #[arg(long, value_name = "KIB")]
    pub(crate) max_message: Option<u32>,
    /// light, relay (receive the whole shard by gossip and relay it), or adaptive: relay while charging on an unmetered
    /// network, as power_changed and network_changed of `sotto rpc` report.
    #[arg(long, value_name = "MODE", default_value = "light")]
    pub(crate) mode: Mode,
    /// Address to serve neighbours at while relaying: /ip4/…/tcp/PORT, or with /ws at the end; repeat it for several.
    /// Port 0 takes a free port.
    #[arg(long, value_name = "MULTIADDR")]
    pub(crate) listen: Vec<String>,
    /// Log level on standard error for this run: off, error, warn, info, debug or trace. [default: the account's
    /// setting]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log: Option<LevelFilter>,
}

/// Two nodes and four phones on this machine, each in its own process: they meet, chat, have a group, are killed, and
/// lose nothing.
///
/// You may kill any of its processes while it runs: the demo restarts them on their folders. The last lines are
/// figures. The exit code is 0 only if nothing was lost or doubled, every message between two was read, and all members
/// of the group show the same.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct DemoArgs {
    /// Folder of all processes, made if absent and kept. [default: a temporary folder, deleted at the end]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print the figures as one JSON object on standard output, and the transcript on standard error.
    #[arg(long)]
    pub(crate) json: bool,
    /// Log level of all processes on standard error.
    #[arg(long, value_name = "LEVEL", default_value = "off")]
    pub(crate) log: LevelFilter,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
