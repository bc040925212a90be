//! Inputs and outputs of the engine. No await, no lock, no clock.

use crate::disk::{Done, Order};
use crate::engine::Step;
use crate::error::Error;
use crate::event::Event;

/// A caller that waits for a sync; the runtime maps it to a channel.
pub type Ticket = u64;

/// An input that is not a call.
#[derive(Debug)]
pub enum Input {
    /// An event of the network.
    Net(sotto_net::Event),
    /// What the disk did.
    Disk(Done),
    /// The deadline of the last [`Effect::WakeAt`] has come.
    Tick,
}

/// A call of the API that changes something, in one transaction of the engine.
pub trait Call: Send + 'static {
    /// The result, returned when the change is on disk.
    type Answer: Send;

    /// Runs the call. After an error nothing is changed. The method of [`Messenger`](crate::Messenger) says the errors.
    fn run(self, step: &mut Step<'_>) -> Result<Self::Answer, Error>;
}

/// The answer to a call, and its effects. The caller gets the answer first: the change is on disk.
pub type Answered<T> = (Result<T, Error>, Vec<Effect>);

/// An answer to a request or contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactAction {
    /// Accept a request.
    Accept,
    /// Decline it; nothing is sent.
    Decline,
    /// Refuse messages and handshakes; the sessions are kept.
    Block,
    /// End the block: the earlier state returns, a contact or a request.
    Unblock,
}

/// Orders to the runtime, carried out in this order.
#[derive(Debug)]
pub enum Effect {
    /// A command for the network.
    Net(sotto_net::Command),
    /// An order to the disk; [`Input::Disk`] answers it.
    Disk(Order),
    /// A sync is done, with the number of messages since it began.
    Synced(Ticket, Result<u32, Error>),
    /// Send an event to the listeners; the change is committed.
    Emit(Event),
    /// Send `Tick` at this time, Unix milliseconds; replaces the earlier time. `None`: nothing is due.
    WakeAt(Option<i64>),
}
