//! One Waku node behind two channels. So far the seam only: commands and events as data; the actor behind it is not built yet.

pub mod handle;
pub use handle::{
    Circle, Command, Connectivity, Event, FailReason, NetHandle, Network, NodeNumber,
    PublishOutcome, Received,
};
