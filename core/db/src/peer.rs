//! Where accounts are reached, and by which devices.

use rusqlite::params;

use crate::row::{Table, all, numbers, one, row, run};
use crate::{Chat, Error, Hash};

/// Devices remembered of an account, beside those that are taken or held.
const KNOWN: u32 = 16;

numbers! {
    /// What may go to an account. Set from above.
    Reach {
        /// Nothing.
        Nothing = 0,
        /// Messages, no receipts: we asked.
        Messages = 1,
        /// All.
        All = 2,
    }
}

numbers! {
    /// What a device is to us.
    Standing {
        /// It was seen.
        Seen = 0,
        /// It is theirs: messages leave for it.
        Taken = 1,
        /// It is said to be theirs, and gets nothing before the person says so.
        Held = 2,
    }
}

row! {
    /// Where an account is reached.
    Peer in "peers" (chat: Chat) {
        /// Chat key.
        chat: Chat,
        /// Home value.
        home: Option<[u8; 8]>,
        /// What may go to it.
        reach: Reach,
        /// Newest list version known.
        list_version: i64,
    }
}

row! {
    /// A device that an account was seen with: its id and its keys belong together.
    Device in "devices" (chat: Chat, device: [u8; 16]) {
        /// Whose.
        chat: Chat,
        /// Its id.
        device: [u8; 16],
        /// X25519 identity key.
        identity: [u8; 32],
        /// Ed25519 device key.
        signing: [u8; 32],
        /// What it is to us.
        standing: Standing,
        /// Its signed record, of one that is taken or held.
        record: Option<Vec<u8>>,
        /// Its pair for a reset: id ‖ X25519 ‖ ML-KEM.
        reset_pair: Option<Vec<u8>>,
        /// The session by which messages leave for it.
        session: Option<Hash>,
        /// Highest start number it gave.
        start_in: u32,
        /// Highest start number we gave it.
        start_out: u32,
        /// Seen last.
        seen_ms: i64,
    }
}

impl Table<'_, Device> {
    /// The devices of an account, the one that is taken first.
    pub fn of(&self, chat: &Chat) -> Result<Vec<Device>, Error> {
        let sql = "SELECT * FROM devices WHERE chat=? ORDER BY standing=1 DESC, device";
        all(self.conn, sql, params![chat], Device::read)
    }

    /// The one with this standing.
    pub fn standing(&self, chat: &Chat, standing: Standing) -> Result<Option<Device>, Error> {
        let sql = "SELECT * FROM devices WHERE chat=? AND standing=? ORDER BY device";
        one(self.conn, sql, params![chat, standing], Device::read)
    }

    /// The session by which messages leave for an account.
    pub fn session(&self, chat: &Chat) -> Result<Option<Hash>, Error> {
        let sql = "SELECT session FROM devices WHERE chat=? AND session IS NOT NULL ORDER BY device";
        one(self.conn, sql, params![chat], |r| r.get(0))
    }

    /// Forgets those of an account that were only seen, longest ago: 16 stay.
    pub fn keep_few(&mut self, chat: &Chat) -> Result<(), Error> {
        let sql = "DELETE FROM devices WHERE chat=?1 AND standing=0 AND device IN
            (SELECT device FROM devices WHERE chat=?1 AND standing=0 ORDER BY seen_ms DESC, device LIMIT -1 OFFSET ?2)";
        run(self.conn, sql, params![chat, KNOWN])?;
        Ok(())
    }

    /// The devices of an account that have this id or one of these keys.
    pub fn like(
        &self,
        chat: &Chat,
        device: &[u8; 16],
        identity: &[u8; 32],
        signing: &[u8; 32],
    ) -> Result<Vec<Device>, Error> {
        let sql = "SELECT * FROM devices WHERE chat=? AND (device=? OR identity=? OR signing=?) ORDER BY device";
        all(self.conn, sql, params![chat, device, identity, signing], Device::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Account;

    #[test]
    fn the_devices_of_an_account_are_few_and_those_taken_or_held_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.db");
        let mut account = Account::open(&path, &[7; 32]).unwrap();
        let device = |chat: u8, n: u8, standing| Device {
            chat: [chat; 33],
            device: [n; 16],
            identity: [n; 32],
            signing: [n; 32],
            standing,
            record: None,
            reset_pair: None,
            session: None,
            start_in: 0,
            start_out: 0,
            seen_ms: i64::from(n),
        };
        let left = account.transaction(|mut tx| {
            tx.devices.put(&device(2, 1, Standing::Seen))?;
            for n in 1..=40 {
                let standing = [Standing::Taken, Standing::Held].get(usize::from(n) - 1);
                tx.devices.put(&device(1, n, *standing.unwrap_or(&Standing::Seen)))?;
                tx.devices.keep_few(&[1; 33])?;
            }
            let known = |chat: u8| {
                let all = tx.devices.of(&[chat; 33]).unwrap();
                all.iter().map(|one| one.device[0]).collect::<Vec<u8>>()
            };
            Ok::<_, Error>((known(1), known(2)))
        });
        let newest = [1, 2].into_iter().chain(25..=40).collect();
        assert_eq!(left.unwrap(), (newest, vec![1]));
    }
}
