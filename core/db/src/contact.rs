use rusqlite::params;

use crate::row::{all, one, row, run};
use crate::{Chat, Error, Hash, Tx};

row! {
    /// An account we know.
    Contact in "contacts" ("chat") {
        /// Chat key.
        chat: Chat,
        /// The 1:1 conversation.
        conversation: Hash,
        /// The engine's number for its state.
        state: u8,
        /// As they call themselves.
        name: String,
        /// Home value.
        home: Option<[u8; 8]>,
        /// Opens their cards and masks handshakes to them.
        contacts_secret: Option<[u8; 16]>,
        /// Their pair for a reset: id ‖ X25519 ‖ ML-KEM.
        reset_pair: Option<Vec<u8>>,
        /// Their device.
        device: Option<[u8; 16]>,
        /// Its signed record.
        record: Option<Vec<u8>>,
        /// Newest list version known.
        list_version: i64,
        /// The invite by which we ask them, or they asked us; none once that was answered.
        invite_secret: Option<[u8; 16]>,
        /// Text of their request.
        request_text: Option<String>,
        /// Safety number compared while `device` was theirs.
        verified: bool,
        /// Their devices changed, and nobody has said that he saw it.
        devices_changed: bool,
        /// The signed record of a device that is not taken as theirs yet.
        other_record: Option<Vec<u8>>,
        /// Why our request waits, by code.
        waiting: Option<String>,
        /// When their cards are fetched.
        fetch_due_ms: Option<i64>,
        /// Fetches so far.
        fetch_tries: u32,
        /// Our hello is in the outbox or there.
        hello_sent: bool,
        /// Highest start number we gave.
        start_out: u32,
        /// The state that unblocking gives back.
        unblocked_state: u8,
        /// When they were last told that wanted messages are gone.
        gone_ms: i64,
        /// Made.
        created_ms: i64,
    }
}

row! {
    /// A device that an account was seen with: its id and its keys belong together.
    Device in "devices" ("chat,device") {
        /// Whose.
        chat: Chat,
        /// Its id.
        device: [u8; 16],
        /// X25519 identity key.
        identity: [u8; 32],
        /// Ed25519 device key.
        signing: [u8; 32],
        /// Highest start number it gave.
        start_in: u32,
        /// Seen last.
        seen_ms: i64,
    }
}

row! {
    /// A conversation.
    Conversation in "conversations" ("id") {
        /// Its id.
        id: Hash,
        /// The other side.
        chat: Chat,
        /// Which wire carries it: 0 ours.
        wire: u8,
        /// Lamport clock.
        lamport: i64,
        /// Prefixes of the newest messages, 8 bytes each, at most 3.
        heads: Vec<u8>,
        /// Unsent text.
        draft: String,
        /// Unread messages.
        unread: u32,
        /// Made.
        created_ms: i64,
        /// Newest message, or made.
        last_ms: i64,
        /// When their last message came, corrected clock; 0: none did.
        arrived_ms: i64,
    }
}

row! {
    /// What a contact is to be told at a time of its own, when all contacts are told the same.
    News in "news" ("chat") {
        /// Whom.
        chat: Chat,
        /// The engine's number for what.
        kind: u8,
        /// When.
        due_ms: i64,
    }
}

impl Tx<'_> {
    /// Notes what a contact is to be told.
    pub fn news_put(&self, news: &News) -> Result<(), Error> {
        news.upsert(self.conn)
    }

    /// What a contact is to be told.
    pub fn news_of(&self, chat: &Chat) -> Result<Option<News>, Error> {
        let sql = "SELECT * FROM news WHERE chat=?";
        one(self.conn, sql, params![chat], News::read)
    }

    /// What is to be told by now.
    pub fn news_due(&self, now_ms: i64) -> Result<Vec<News>, Error> {
        let sql = "SELECT * FROM news WHERE due_ms<=? ORDER BY due_ms, chat LIMIT 32";
        all(self.conn, sql, params![now_ms], News::read)
    }

    /// It was told.
    pub fn news_delete(&self, chat: &Chat) -> Result<(), Error> {
        run(self.conn, "DELETE FROM news WHERE chat=?", params![chat])?;
        Ok(())
    }

    /// Writes a contact.
    pub fn contact_put(&self, contact: &Contact) -> Result<(), Error> {
        contact.upsert(self.conn)
    }

    /// A contact.
    pub fn contact(&self, chat: &Chat) -> Result<Option<Contact>, Error> {
        one(self.conn, "SELECT * FROM contacts WHERE chat=?", params![chat], Contact::read)
    }

    /// All of them.
    pub fn contacts(&self) -> Result<Vec<Contact>, Error> {
        all(self.conn, "SELECT * FROM contacts ORDER BY created_ms, chat", [], Contact::read)
    }

    /// How many are in a state.
    pub fn contacts_in(&self, state: u8) -> Result<u32, Error> {
        Ok(one(self.conn, "SELECT count(*) FROM contacts WHERE state=?", params![state], |r| r.get(0))?.unwrap_or(0))
    }

    /// How many in a state came by an invite.
    pub fn contacts_asking_by(&self, state: u8, invite: &[u8; 16]) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM contacts WHERE state=? AND invite_secret=?";
        Ok(one(self.conn, sql, params![state, invite], |r| r.get(0))?.unwrap_or(0))
    }

    /// Whose cards are to be fetched.
    pub fn contacts_fetch_due(&self, now_ms: i64) -> Result<Vec<Contact>, Error> {
        all(
            self.conn,
            "SELECT * FROM contacts WHERE fetch_due_ms<=? ORDER BY fetch_due_ms, chat LIMIT 16",
            params![now_ms],
            Contact::read,
        )
    }

    /// Makes due now what would be by `until_ms`: a question under way when the process ended has no answer any more.
    pub fn contacts_fetch_rewind(&self, now_ms: i64, until_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE contacts SET fetch_due_ms=?1 WHERE fetch_due_ms>?1 AND fetch_due_ms<=?2";
        run(self.conn, sql, params![now_ms, until_ms])
    }

    /// Writes a device, and forgets those of its account that were seen longest ago: `most` stay, and `keep`.
    pub fn device_put(&self, device: &Device, most: u32, keep: Option<&[u8; 16]>) -> Result<(), Error> {
        device.upsert(self.conn)?;
        let sql = "DELETE FROM devices WHERE chat=?1 AND device IS NOT ?2 AND device IN
            (SELECT device FROM devices WHERE chat=?1 AND device IS NOT ?2 ORDER BY seen_ms DESC, device LIMIT -1 OFFSET ?3)";
        run(self.conn, sql, params![device.chat, keep, most])?;
        Ok(())
    }

    /// The devices of an account that have this id or one of these keys.
    pub fn devices_like(
        &self,
        chat: &Chat,
        device: &[u8; 16],
        identity: &[u8; 32],
        signing: &[u8; 32],
    ) -> Result<Vec<Device>, Error> {
        let sql = "SELECT * FROM devices WHERE chat=? AND (device=? OR identity=? OR signing=?) ORDER BY device";
        let params = params![chat, device, identity, signing];
        all(self.conn, sql, params, Device::read)
    }

    /// Writes a conversation.
    pub fn conversation_put(&self, conversation: &Conversation) -> Result<(), Error> {
        conversation.upsert(self.conn)
    }

    /// A conversation.
    pub fn conversation(&self, id: &Hash) -> Result<Option<Conversation>, Error> {
        one(self.conn, "SELECT * FROM conversations WHERE id=?", params![id], Conversation::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;

    #[test]
    fn the_devices_of_an_account_are_few_and_the_confirmed_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.db");
        let mut account = Account::open(&path, &[7; 32]).unwrap();
        let device = |chat: u8, n: u8| Device {
            chat: [chat; 33],
            device: [n; 16],
            identity: [n; 32],
            signing: [n; 32],
            start_in: 0,
            seen_ms: i64::from(n),
        };
        let left = account.transaction(|tx| {
            tx.device_put(&device(2, 1), 4, None)?;
            for n in 1..=20 {
                tx.device_put(&device(1, n), 4, Some(&[1; 16]))?;
            }
            let known = |chat: u8| {
                let all = (1..=20).filter(|n| {
                    let like = tx.devices_like(&[chat; 33], &[*n; 16], &[0; 32], &[0; 32]);
                    !like.unwrap().is_empty()
                });
                all.collect::<Vec<u8>>()
            };
            Ok::<_, Error>((known(1), known(2)))
        });
        assert_eq!(left.unwrap(), (vec![1, 17, 18, 19, 20], vec![1]));
    }
}
