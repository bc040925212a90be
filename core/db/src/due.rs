use rusqlite::params;

use crate::row::one;
use crate::{Error, NEVER, Tx};

/// The next times at which something is to be done; `None`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// An outbox row.
    pub publish_ms: Option<i64>,
    /// A look into a store.
    pub check_ms: Option<i64>,
    /// A receipt.
    pub receipt_ms: Option<i64>,
    /// Cards of a contact.
    pub cards_ms: Option<i64>,
    /// Own cards of an invite.
    pub invite_ms: Option<i64>,
    /// What a contact is to be told.
    pub news_ms: Option<i64>,
    /// A hole.
    pub hole_ms: Option<i64>,
    /// Chunks.
    pub fetch_ms: Option<i64>,
}

impl Tx<'_> {
    /// The minimum of each queue.
    pub fn due(&self) -> Result<Due, Error> {
        let min = |sql: &str| one(self.conn, sql, [], |r| r.get::<_, Option<i64>>(0)).map(Option::flatten);
        let publish =
            one(self.conn, "SELECT min(due_ms) FROM outbox WHERE due_ms<?", params![NEVER], |r| r.get(0))?.flatten();
        Ok(Due {
            publish_ms: publish,
            check_ms: min("SELECT min(check_ms) FROM outbox WHERE check_ms IS NOT NULL")?,
            receipt_ms: min("SELECT min(receipt_due_ms) FROM sessions WHERE receipt_due_ms IS NOT NULL")?,
            cards_ms: min("SELECT min(fetch_due_ms) FROM contacts WHERE fetch_due_ms IS NOT NULL")?,
            invite_ms: min("SELECT min(next_card_ms) FROM invites")?,
            news_ms: min("SELECT min(due_ms) FROM news")?,
            hole_ms: min("SELECT min(due_ms) FROM holes")?,
            fetch_ms: min("SELECT min(due_ms) FROM fetches")?.filter(|&at| at < NEVER),
        })
    }
}
