//! Previews: one envelope on a topic of its own.

use sotto_crypto::{FileKey, preview_topic};
use sotto_db::{FileId, NEVER};
use sotto_net::{Circle, Received};
use sotto_wire::topic::ContentTopic;

use crate::disk::Order;
use crate::engine::base::schedule::{self, SECOND};
use crate::engine::file::memory::Work;
use crate::engine::file::{File, change, order, pointer, shown_anew};
use crate::engine::hear::query::{Query, What};
use crate::error::Error;

/// A preview is one envelope; anybody may have published more under its topic.
const SEARCHED: usize = 128 * 1024;
/// Searches in vain after which it is given up.
const TRIES: u32 = 6;

pub(crate) fn ask(step: &mut File<'_>, id: &FileId) -> Result<(), Error> {
    let Some(row) = step.files.get(id)? else {
        return Ok(());
    };
    let pointer = pointer(&row)?;
    let due_ms = if row.preview_tries >= TRIES { NEVER } else { step.after(&schedule::FILE, row.preview_tries) };
    change(step, id, |row| {
        row.preview_tries = row.preview_tries.saturating_add(1);
        row.preview_due_ms = due_ms;
    })?;
    let topic = ContentTopic::Blob(preview_topic(&FileKey::new(pointer.key()))).to_string();
    step.queries.push(Query {
        what: What::Preview { file: *id },
        circle: Circle::Alone,
        topics: vec![topic],
        start_ms: row.since_s.saturating_mul(SECOND),
        end_ms: None,
        newest_first: false,
        most_bytes: Some(SEARCHED),
        from_ns: None,
    });
    Ok(())
}

pub(crate) fn put_off(step: &mut File<'_>, id: &FileId, due_ms: i64) -> Result<(), Error> {
    change(step, id, |row| row.preview_due_ms = due_ms)
}

pub(crate) fn page(step: &mut File<'_>, id: &FileId, messages: Vec<Received>) -> Result<(), Error> {
    let row = step.files.get(id)?.filter(|row| row.preview.is_none());
    let Some(row) = row.filter(|_| !messages.is_empty()) else {
        return Ok(());
    };
    let (pointer, size) = (pointer(&row)?, row.preview_size);
    let envelopes = messages.into_iter().map(|one| one.payload).collect();
    order(step, *id, Work::Preview, |job| Order::Preview { job, pointer, size, envelopes });
    Ok(())
}

pub(crate) fn came(step: &mut File<'_>, id: &FileId, bytes: Vec<u8>) -> Result<(), Error> {
    change(step, id, |row| (row.preview, row.preview_due_ms) = (Some(bytes), NEVER))?;
    shown_anew(step, id)
}
