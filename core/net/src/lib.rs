//! One Waku node behind two channels.
//!
//! This crate has two parts. The light client ([`client`]) publishes through one circle of service nodes and receives
//! from another. Commands and events drive it ([`handle`]), and users of its [`NetHandle`] see no type of libp2p. The
//! service node ([`service`]) relays by gossipsub and serves light clients: filter, lightpush, store, metadata, peer
//! exchange. Neither part knows an account, a conversation or a database: content is opaque bytes. The host answers the
//! service node's archive requests.
//!
//! Data path of the client: command → job → a node of the right circle → one exchange of frames on a stream
//! (`exchange`, `streams`) → checked answer → event. Pushes come the other way: stream → frame → check against the
//! subscription → event. `sotto_wire::waku` has all protobufs, hashes and caps.
#![cfg_attr(not(test), deny(clippy::too_many_lines))]

pub mod client;
pub mod config;
pub mod handle;
pub mod service;
pub mod trust;
pub mod turns;

mod address;
mod clock;
mod discovery;
mod exchange;
mod farewell;
mod names;
mod random;
mod recent;
mod streams;
mod traffic;
mod transport;

pub use address::AddressError;
pub use config::{NetConfig, Sharding, Timing};
pub use handle::{
    Circle, Command, Connectivity, Event, FailReason, KnownNode, NetHandle, Network, NodeNumber, PublishOutcome,
    Published, Received, Source, UPLOAD_MOST,
};
pub use service::{Discv5Config, NodeConfig, NodeEvent, NodeHandle, NodeKey};
pub use traffic::Traffic;
pub use trust::{Evidence, Purpose};
