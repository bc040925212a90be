//! What goes into the engine and what comes out. No await, no lock, no clock.

use crate::engine::Step;
use crate::error::Error;
use crate::event::Event;

/// A caller that waits for a sync; the runtime maps it to a channel.
pub type Ticket = u64;

/// What moves the engine when nobody calls.
#[derive(Debug)]
pub enum Input {
    /// Something the network said.
    Net(sotto_net::Event),
    /// The deadline of the last [`Effect::WakeAt`] came.
    Tick,
}

/// A call of the API that changes something: one transaction of the engine.
pub trait Call: Send + 'static {
    /// What the caller gets once the change is on disk.
    type Answer: Send;

    /// Does it. After an error nothing is changed.
    ///
    /// # Errors
    /// Those of the method of [`Messenger`](crate::Messenger) that makes this call.
    fn run(self, step: &mut Step<'_>) -> Result<Self::Answer, Error>;
}

/// The answer to a call, and then the effects. Who carries them out gives the answer first: it is on disk, and somebody
/// waits.
pub type Answered<T> = (Result<T, Error>, Vec<Effect>);

/// What to do about a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactAction {
    /// Accept a request.
    Accept,
    /// Decline it; nothing is sent.
    Decline,
    /// Drop the session and refuse handshakes.
    Block,
    /// Take back the block: what was before holds again, a contact or a request.
    Unblock,
}

/// What the engine asks of the runtime, in this order.
#[derive(Debug)]
pub enum Effect {
    /// A command for the network.
    Net(sotto_net::Command),
    /// A sync is done: how many messages came since it was asked for.
    Synced(Ticket, Result<u32, Error>),
    /// Tell the listeners; the change is committed.
    Emit(Event),
    /// Call `Tick` at this time, Unix milliseconds; replaces the earlier one. `None`: nothing is due.
    WakeAt(Option<i64>),
}
