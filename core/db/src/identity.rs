//! Keys that others may begin a session by: prekey pairs, invites, secrets that unmask handshakes.

use rusqlite::params;

use crate::row::{Table, all, least, numbers, row, run};
use crate::{Chat, Error, Private};

numbers! {
    /// What a prekey pair was made for.
    PairKind {
        /// An invite.
        Invite = 0,
        /// The bundle under the contacts secret.
        Bundle = 1,
        /// A contact, for a reset.
        Reset = 2,
    }
}

numbers! {
    /// Whose secret unmasks a handshake.
    SecretKind {
        /// An invite's.
        Invite = 0,
        /// The contacts secret.
        Contacts = 1,
    }
}

row! {
    /// An open or closing invite.
    Invite in "invites" (secret: [u8; 16]) {
        /// The invite secret.
        secret: [u8; 16],
        /// Its prekey pair.
        prekey_id: [u8; 8],
        /// Made.
        created_ms: i64,
        /// Takes no requests afterwards.
        expires_ms: i64,
        /// Acceptances left.
        uses_left: u32,
        /// Closed before its time.
        closed_ms: Option<i64>,
        /// Its cards are published again.
        next_card_ms: i64,
    }
}

row! {
    /// A private prekey pair.
    Prekey in "prekeys" (id: [u8; 8]) {
        /// Its id.
        id: [u8; 8],
        /// Private parts.
        private: Private,
        /// What it was made for.
        kind: PairKind,
        /// The secret under which it is published.
        secret: Option<[u8; 16]>,
        /// Whose reset pair it is.
        chat: Option<Chat>,
        /// When it goes.
        delete_ms: Option<i64>,
    }
}

row! {
    /// A secret that unmasks handshakes.
    Secret in "secrets" (secret: [u8; 16]) {
        /// The secret.
        secret: [u8; 16],
        /// Whose it is.
        kind: SecretKind,
        /// When it goes.
        until_ms: Option<i64>,
        /// Made.
        created_ms: i64,
    }
}

impl Table<'_, Invite> {
    /// All of them, oldest first.
    pub fn all(&self) -> Result<Vec<Invite>, Error> {
        all(self.conn, "SELECT * FROM invites ORDER BY created_ms, rowid", [], Invite::read)
    }

    /// When the next cards are due.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(next_card_ms) FROM invites")
    }
}

impl Table<'_, Prekey> {
    /// The reset pairs made for a contact.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Prekey>, Error> {
        all(self.conn, "SELECT * FROM prekeys WHERE chat=? ORDER BY id", params![chat], Prekey::read)
    }

    /// Deletes what is past its time.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM prekeys WHERE delete_ms<=?", params![now_ms])
    }
}

impl Table<'_, Secret> {
    /// All of them: what has no end first, then the newest.
    pub fn all(&self) -> Result<Vec<Secret>, Error> {
        let sql = "SELECT * FROM secrets ORDER BY until_ms IS NOT NULL, created_ms DESC, secret";
        all(self.conn, sql, [], Secret::read)
    }

    /// Deletes what is past its time.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM secrets WHERE until_ms<=?", params![now_ms])
    }
}
