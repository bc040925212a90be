use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Chat, Error, Private, Tx};

row! {
    /// An open or closing invite.
    Invite in "invites" ("secret") {
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
    Prekey in "prekeys" ("id") {
        /// Its id.
        id: [u8; 8],
        /// Private parts.
        private: Private,
        /// 0 invite, 1 contacts bundle, 2 reset pair.
        kind: u8,
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
    Secret in "secrets" ("secret") {
        /// The secret.
        secret: [u8; 16],
        /// 0 invite, 1 contacts.
        kind: u8,
        /// When it goes.
        until_ms: Option<i64>,
        /// Made.
        created_ms: i64,
    }
}

impl Tx<'_> {
    /// Writes an invite.
    pub fn invite_put(&self, invite: &Invite) -> Result<(), Error> {
        invite.upsert(self.conn)
    }

    /// An invite.
    pub fn invite(&self, secret: &[u8; 16]) -> Result<Option<Invite>, Error> {
        one(self.conn, "SELECT * FROM invites WHERE secret=?", params![secret], Invite::read)
    }

    /// All of them.
    pub fn invites(&self) -> Result<Vec<Invite>, Error> {
        all(self.conn, "SELECT * FROM invites ORDER BY created_ms, secret", [], Invite::read)
    }

    /// Deletes one.
    pub fn invite_delete(&self, secret: &[u8; 16]) -> Result<(), Error> {
        run(self.conn, "DELETE FROM invites WHERE secret=?", params![secret])?;
        Ok(())
    }

    /// Writes a prekey pair.
    pub fn prekey_put(&self, prekey: &Prekey) -> Result<(), Error> {
        prekey.upsert(self.conn)
    }

    /// A prekey pair.
    pub fn prekey(&self, id: &[u8; 8]) -> Result<Option<Prekey>, Error> {
        one(self.conn, "SELECT * FROM prekeys WHERE id=?", params![id], Prekey::read)
    }

    /// The reset pairs made for a contact.
    pub fn prekeys_of(&self, chat: &Chat) -> Result<Vec<Prekey>, Error> {
        all(self.conn, "SELECT * FROM prekeys WHERE chat=? ORDER BY id", params![chat], Prekey::read)
    }

    /// Deletes a pair.
    pub fn prekey_delete(&self, id: &[u8; 8]) -> Result<(), Error> {
        run(self.conn, "DELETE FROM prekeys WHERE id=?", params![id])?;
        Ok(())
    }

    /// Deletes what is past its time.
    pub fn prekeys_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM prekeys WHERE delete_ms<=?", params![now_ms])
    }

    /// Writes a secret.
    pub fn secret_put(&self, secret: &Secret) -> Result<(), Error> {
        secret.upsert(self.conn)
    }

    /// All of them: what has no end first, then the newest.
    pub fn secrets(&self) -> Result<Vec<Secret>, Error> {
        all(self.conn, "SELECT * FROM secrets ORDER BY until_ms IS NOT NULL, created_ms DESC, secret", [], Secret::read)
    }

    /// Deletes one.
    pub fn secret_delete(&self, secret: &[u8; 16]) -> Result<(), Error> {
        run(self.conn, "DELETE FROM secrets WHERE secret=?", params![secret])?;
        Ok(())
    }

    /// Deletes what is past its time.
    pub fn secrets_expire(&self, now_ms: i64) -> Result<usize, Error> {
        run(self.conn, "DELETE FROM secrets WHERE until_ms<=?", params![now_ms])
    }
}
