//! Keys by which others may begin a session: prekey pairs, invites, secrets that unmask handshakes.

use crate::row::{Table, least, numbers, row};
use crate::{Chat, Error, Private};

numbers! {
    /// The purpose of a prekey pair.
    PairKind {
        /// For requests under an invite.
        Invite = 0,
        /// For the bundle under the contacts secret.
        Bundle = 1,
        /// For the reset of a session with one contact.
        Reset = 2,
    }
}

numbers! {
    /// The kind of a secret that unmasks handshakes.
    SecretKind {
        /// An invite secret.
        Invite = 0,
        /// The contacts secret.
        Contacts = 1,
    }
}

row! {
    /// An own invite, open or closed.
    Invite in "invites" (secret: [u8; 16]) {
        /// The invite secret, the primary key.
        secret: [u8; 16],
        /// Id of its prekey pair.
        prekey_id: [u8; 8],
        /// When it was made, Unix milliseconds.
        created_ms: i64,
        /// When it expires, Unix milliseconds.
        expires_ms: i64,
        /// How many more requests may be accepted.
        uses_left: u32,
        /// When the person closed it early, Unix milliseconds.
        closed_ms: Option<i64>,
        /// When its cards are published again, Unix milliseconds.
        next_card_ms: i64,
    }
}

row! {
    /// A private prekey pair.
    Prekey in "prekeys" (id: [u8; 8]) {
        /// Random id; handshakes name the pair by it.
        id: [u8; 8],
        /// Private parts, as `sotto-crypto` stores them.
        private: Private,
        /// The purpose of the pair.
        kind: PairKind,
        /// The secret under which it is published, if any.
        secret: Option<[u8; 16]>,
        /// The contact that got it as a reset pair.
        chat: Option<Chat>,
        /// When it is deleted, Unix milliseconds; none while it is in use.
        delete_ms: Option<i64>,
    }
}

row! {
    /// A secret that unmasks handshakes.
    Secret in "secrets" (secret: [u8; 16]) {
        /// The 16 bytes of the secret; the primary key.
        secret: [u8; 16],
        /// The kind of secret.
        kind: SecretKind,
        /// When it is deleted, Unix milliseconds; none while it is in use.
        until_ms: Option<i64>,
        /// When it was made, Unix milliseconds.
        created_ms: i64,
    }
}

impl Table<'_, Invite> {
    /// All invites, oldest first.
    pub fn all(&self) -> Result<Vec<Invite>, Error> {
        self.rows("SELECT * FROM invites ORDER BY created_ms, rowid", [])
    }

    /// When the next cards of an invite are due, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(next_card_ms) FROM invites")
    }
}

impl Table<'_, Prekey> {
    /// The reset pairs made for a contact.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Prekey>, Error> {
        self.rows("SELECT * FROM prekeys WHERE chat=? ORDER BY id", [chat])
    }

    /// Deletes expired pairs.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        self.run("DELETE FROM prekeys WHERE delete_ms<=?", [now_ms])
    }
}

impl Table<'_, Secret> {
    /// All secrets: those without an end first, then the newest.
    pub fn all(&self) -> Result<Vec<Secret>, Error> {
        self.rows("SELECT * FROM secrets ORDER BY until_ms IS NOT NULL, created_ms DESC, secret", [])
    }

    /// Deletes expired secrets.
    pub fn expire(&mut self, now_ms: i64) -> Result<usize, Error> {
        self.run("DELETE FROM secrets WHERE until_ms<=?", [now_ms])
    }
}
