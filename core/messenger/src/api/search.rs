//! Search over all texts and names of files of this device.

use super::Messenger;
use crate::error::{Code, Error};
use crate::records::{ConversationId, Hit, MessageId};
use crate::search::Query;
use crate::view;

/// Longest page of hits, rows.
const HITS: u32 = 50;

impl Messenger {
    /// Messages that have all words of `query` in their text or the names of their files, in one conversation or all;
    /// the last word may be the beginning of a word. Case and accents do not matter. The latest stored come first;
    /// `before` is the `cursor` of the last hit of the previous page. `limit` is 1 to 50. Nothing leaves the device.
    /// Errors: `input.query` for a query without a word, over 256 bytes or over 16 words; `input.limit`, `input.id`,
    /// `search.off`.
    pub fn search(
        &self,
        query: &str,
        conversation: Option<&ConversationId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Hit>, Error> {
        let query = Query::new(query)?;
        let conversation = conversation.map(ConversationId::to_bytes).transpose()?;
        let before = before.map(|cursor| cursor.parse().map_err(|_| Code::BadId)).transpose()?;
        if !(1..=HITS).contains(&limit) {
            return Err(Code::BadLimit.into());
        }
        self.read(|reader| {
            if !reader.is_searchable()? {
                return Err(Code::SearchOff.into());
            }
            let rows = reader.search(query.index(), conversation.as_ref(), before, limit)?;
            let hit = |(n, row): (i64, sotto_db::Message)| {
                let author = view::author_of(reader, &row.conversation, row.author.as_ref())?;
                let all = format!("{}\n{}", row.text.as_deref().unwrap_or_default(), row.names);
                let (text, marks) = query.excerpt(all.trim());
                Ok(Hit {
                    message: MessageId::from_bytes(&row.id),
                    conversation: ConversationId::from_bytes(&row.conversation),
                    mine: row.is_own(),
                    author,
                    text,
                    marks,
                    time_ms: row.time_s.saturating_mul(1000),
                    cursor: n.to_string(),
                })
            };
            rows.into_iter().map(hit).collect()
        })
    }
}
