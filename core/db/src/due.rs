use crate::row::one;
use crate::{Error, NEVER, Tx};

macro_rules! queues {
    ($($(#[$doc:meta])* $name:ident: $sql:literal;)*) => {
        /// When the first of a queue is due; `None`: there is nothing.
        impl Tx<'_> {
            $($(#[$doc])* pub fn $name(&self) -> Result<Option<i64>, Error> {
                let at: Option<Option<i64>> = one(self.conn, $sql, [], |row| row.get(0))?;
                Ok(at.flatten().filter(|&at| at < NEVER))
            })*
        }
    };
}

queues! {
    /// An outbox row.
    outbox_at: "SELECT min(due_ms) FROM outbox";
    /// A look into a store.
    checks_at: "SELECT min(check_ms) FROM outbox WHERE check_ms IS NOT NULL";
    /// A receipt.
    receipts_at: "SELECT min(receipt_due_ms) FROM sessions WHERE receipt_due_ms IS NOT NULL";
    /// The cards of a contact.
    contacts_fetch_at: "SELECT min(fetch_due_ms) FROM contacts WHERE fetch_due_ms IS NOT NULL";
    /// Own cards of an invite.
    invites_at: "SELECT min(next_card_ms) FROM invites";
    /// What a contact is to be told.
    news_at: "SELECT min(due_ms) FROM news";
    /// A hole.
    holes_at: "SELECT min(due_ms) FROM holes";
    /// Chunks.
    fetches_at: "SELECT min(due_ms) FROM fetches";
}
