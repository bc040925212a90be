//! Messages in the outbox: items, counters, receipts. Knows no name and no shown text.

use sotto_db::{Chat, Hash};
use sotto_wire::content::Kind;

use crate::error::Code;

pub(crate) mod link;
pub(crate) mod outcome;
pub(crate) mod policy;
pub(crate) mod receipt;
pub(crate) mod send;

/// What became of a message that is shown: for the room above.
#[derive(Debug)]
pub(crate) enum Fact {
    Sent(Hash),
    Stored(Hash),
    Delivered(Hash),
    /// Nothing more will come of it, by this code.
    GivenUp(Hash, Code),
    /// All nodes refused content of this kind, which is not shown, for this account.
    Refused(Chat, Kind),
}

use crate::engine::base::room;
use crate::engine::keys::Keys;

room! {
    Carry over keys: Keys {
        items: Item,
        links: Link,
    } and {
        /// Accounts whose sending session has a long chain.
        long: std::collections::BTreeSet<Chat>,
    }
}
