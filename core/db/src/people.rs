//! Persons, and what each is to be told.

use rusqlite::params;

use crate::row::{Table, all, count, least, numbers, row, run};
use crate::{Chat, Error};

numbers! {
    /// Where a person stands.
    PersonState {
        /// We asked.
        Requested = 0,
        /// They asked.
        Incoming = 1,
        /// A contact.
        Accepted = 2,
        /// Declined.
        Declined = 3,
        /// Blocked.
        Blocked = 4,
    }
}

numbers! {
    /// What a contact is to be told.
    NewsKind {
        /// The name changed.
        Profile = 0,
        /// The contacts secret changed; a hello says the name too.
        Hello = 1,
    }
}

row! {
    /// An account we know.
    Person in "persons" (chat: Chat) {
        /// Chat key.
        chat: Chat,
        /// Where they stand.
        state: PersonState,
        /// As they call themselves.
        name: String,
        /// Opens their cards and masks handshakes to them.
        contacts_secret: Option<[u8; 16]>,
        /// The invite by which we ask them, or they asked us; none once that was answered.
        invite_secret: Option<[u8; 16]>,
        /// Text of their request.
        request_text: Option<String>,
        /// Safety number compared while the device taken was theirs.
        verified: bool,
        /// Their devices changed, and nobody has said that he saw it.
        devices_changed: bool,
        /// Why our request waits, by code.
        waiting: Option<String>,
        /// When their cards are fetched.
        cards_due_ms: Option<i64>,
        /// Fetches so far.
        cards_tries: u32,
        /// Our hello is on its way or there.
        hello_sent: bool,
        /// The state that unblocking gives back.
        unblocked_state: PersonState,
        /// Made.
        created_ms: i64,
        /// What we call them.
        nickname: Option<String>,
        /// When the person last asked for a new session with them.
        reset_ms: i64,
    }
}

row! {
    /// What a contact is to be told at a time of its own, when all contacts are told the same.
    News in "news" (chat: Chat) {
        /// Whom.
        chat: Chat,
        /// What.
        kind: NewsKind,
        /// When.
        due_ms: i64,
    }
}

impl Table<'_, Person> {
    /// All of them, the one known longest first.
    pub fn all(&self) -> Result<Vec<Person>, Error> {
        all(self.conn, "SELECT * FROM persons ORDER BY created_ms, chat", [], Person::read)
    }

    /// How many are in a state.
    pub fn count_in(&self, state: PersonState) -> Result<u32, Error> {
        count(self.conn, "SELECT count(*) FROM persons WHERE state=?", params![state])
    }

    /// How many in a state came by an invite.
    pub fn count_asking_by(&self, state: PersonState, invite: &[u8; 16]) -> Result<u32, Error> {
        let sql = "SELECT count(*) FROM persons WHERE state=? AND invite_secret=?";
        count(self.conn, sql, params![state, invite])
    }

    /// Whose cards are to be fetched.
    pub fn cards_due(&self, now_ms: i64) -> Result<Vec<Chat>, Error> {
        let sql = "SELECT chat FROM persons WHERE cards_due_ms<=? ORDER BY cards_due_ms, chat LIMIT 16";
        all(self.conn, sql, params![now_ms], |r| r.get(0))
    }

    /// When the next cards are to be fetched.
    pub fn cards_due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(cards_due_ms) FROM persons WHERE cards_due_ms IS NOT NULL")
    }

    /// Makes due now what would be by `until_ms`: a question under way when the process ended has no answer any more.
    pub fn cards_rewind(&mut self, now_ms: i64, until_ms: i64) -> Result<usize, Error> {
        let sql = "UPDATE persons SET cards_due_ms=?1 WHERE cards_due_ms>?1 AND cards_due_ms<=?2";
        run(self.conn, sql, params![now_ms, until_ms])
    }
}

impl Table<'_, News> {
    /// What is to be told by now.
    pub fn due(&self, now_ms: i64) -> Result<Vec<News>, Error> {
        let sql = "SELECT * FROM news WHERE due_ms<=? ORDER BY due_ms, chat LIMIT 32";
        all(self.conn, sql, params![now_ms], News::read)
    }

    /// When the next is to be told.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM news")
    }
}
