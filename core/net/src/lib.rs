//! One Waku node behind two channels.
//!
//! Two programs live here. The light client ([`client`]) hands messages to one circle of service nodes and hears from
//! another, and is driven by commands and events only ([`handle`]); whoever holds its [`NetHandle`] meets no type of
//! libp2p. The service node ([`service`]) relays by gossipsub and serves light clients: filter, lightpush, store,
//! metadata, peer exchange. Neither knows an account, a conversation or a database: content is opaque bytes, and the
//! service node asks for its archive by requests that whoever started it answers.
//!
//! Data path of the client: command → job → a node of the right circle → one exchange of frames over a stream
//! (`exchange`, `streams`) → checked answer → event. Pushes come the other way: stream → frame → checked against what
//! is subscribed → event. All protobufs, hashes and caps are `sotto_wire::waku`'s.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

pub mod client;
pub mod config;
pub mod handle;
pub mod service;
pub mod turns;

mod address;
mod clock;
mod discovery;
mod exchange;
mod farewell;
mod known;
mod names;
mod random;
mod recent;
mod streams;
mod traffic;
mod transport;

pub use address::AddressError;
pub use config::{NetConfig, Sharding, Timing};
pub use handle::{
    Circle, Command, Connectivity, Event, FailReason, NetHandle, Network, NodeNumber, PublishOutcome, Received,
};
pub use known::{KnownNode, Source};
pub use service::{Discv5Config, NodeConfig, NodeEvent, NodeHandle, NodeKey};
pub use traffic::Traffic;
