//! One Waku node behind two channels.

pub mod handle;
pub use handle::{Circle, Command, Connectivity, Event, FailReason, NetHandle, Network, NodeNumber, PublishOutcome, Received};
