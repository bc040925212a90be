//! Persons, and the news for each.

use rusqlite::params;

use crate::row::{Table, all, count, least, numbers, row};
use crate::{Chat, Error};

numbers! {
    /// The state of a person.
    PersonState {
        /// We sent a request.
        Requested = 0,
        /// They sent a request.
        Incoming = 1,
        /// Accepted on both sides.
        Accepted = 2,
        /// We declined their request.
        Declined = 3,
        /// We blocked them.
        Blocked = 4,
    }
}

numbers! {
    /// News for a contact.
    NewsKind {
        /// The own name changed.
        Profile = 0,
        /// The contacts secret changed; a hello carries it and the name.
        Hello = 1,
    }
}

row! {
    /// The own view of another account.
    Person in "persons" (chat: Chat) {
        /// Chat key of the account.
        chat: Chat,
        /// State of the person.
        state: PersonState,
        /// The name they chose, unproven.
        name: String,
        /// Their contacts secret: it opens their cards and masks handshakes to them.
        contacts_secret: Option<[u8; 16]>,
        /// The invite of the open request, ours or theirs; none once the request was answered.
        invite_secret: Option<[u8; 16]>,
        /// Text of their request, until it is answered.
        request_text: Option<String>,
        /// Whether the person compared the safety number for the confirmed device.
        verified: bool,
        /// Whether their devices changed since the person last looked.
        devices_changed: bool,
        /// Why our request waits, by code.
        waiting: Option<String>,
        /// Next search for their cards, Unix milliseconds.
        cards_due_ms: Option<i64>,
        /// Number of searches so far.
        cards_tries: u32,
        /// Whether our hello is queued or sent.
        hello_sent: bool,
        /// The state that unblocking restores.
        unblocked_state: PersonState,
        /// When the row was made, Unix milliseconds.
        created_ms: i64,
        /// Nickname set on this device.
        nickname: Option<String>,
    }
}

row! {
    /// News that goes to all contacts, each at its own time.
    News in "news" (chat: Chat) {
        /// Chat key of the contact.
        chat: Chat,
        /// The kind of news.
        kind: NewsKind,
        /// When it leaves, Unix milliseconds.
        due_ms: i64,
    }
}

impl Table<'_, Person> {
    /// All persons, the one known longest first.
    pub fn all(&self) -> Result<Vec<Person>, Error> {
        self.rows("SELECT * FROM persons ORDER BY created_ms, chat", [])
    }

    /// Number of persons in a state.
    pub fn count_in(&self, state: PersonState) -> Result<u32, Error> {
        count(self.conn, "SELECT count(*) FROM persons WHERE state=?", [state])
    }

    /// Number of persons in a state that used an invite.
    pub fn count_asking_by(&self, state: PersonState, invite: &[u8; 16]) -> Result<u32, Error> {
        count(self.conn, "SELECT count(*) FROM persons WHERE state=? AND invite_secret=?", params![state, invite])
    }

    /// Persons whose search for cards is due.
    pub fn cards_due(&self, now_ms: i64) -> Result<Vec<Chat>, Error> {
        let sql = "SELECT chat FROM persons WHERE cards_due_ms<=? ORDER BY cards_due_ms, chat LIMIT 16";
        all(self.conn, sql, [now_ms], |r| r.get(0))
    }

    /// When the next search for cards is due, Unix milliseconds.
    pub fn cards_due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(cards_due_ms) FROM persons WHERE cards_due_ms IS NOT NULL")
    }

    /// Makes searches due now that would be due by `until_ms`: queries of an earlier run have no answer any more.
    pub fn cards_rewind(&mut self, now_ms: i64, until_ms: i64) -> Result<(), Error> {
        let sql = "UPDATE persons SET cards_due_ms=?1 WHERE cards_due_ms>?1 AND cards_due_ms<=?2";
        self.exec(sql, params![now_ms, until_ms])
    }
}

impl Table<'_, News> {
    /// News that is due.
    pub fn due(&self, now_ms: i64) -> Result<Vec<News>, Error> {
        self.rows("SELECT * FROM news WHERE due_ms<=? ORDER BY due_ms, chat LIMIT 32", [now_ms])
    }

    /// When the next news is due, Unix milliseconds.
    pub fn due_ms(&self) -> Result<Option<i64>, Error> {
        least(self.conn, "SELECT min(due_ms) FROM news")
    }
}
