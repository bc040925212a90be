//! Holes: missing parents. Another store is asked, then the author.

use sotto_db::{Hole, NEVER, Tables};
use sotto_net::Circle;
use sotto_wire::content::{Content, Kind, MAX_PREFIXES};

use crate::engine::base::schedule::{self, SECOND};
use crate::engine::carry::send;
use crate::engine::hear::query::{Query, What};
use crate::engine::talk::Talk;
use crate::error::Error;

/// How long before the naming message the search at a store begins, seconds.
const STRETCH_S: i64 = 86_400;
/// How much a message may be overtaken in flight, seconds, and how far ahead it may be dated.
const OVERTAKEN_S: i64 = 60;
const AHEAD_S: i64 = 20;

/// Holes that are due and share one query.
pub(crate) fn due(tx: &Tables<'_>, now_ms: i64) -> Result<Vec<Vec<Hole>>, sotto_db::Error> {
    let mut due = tx.holes.due(now_ms)?;
    if let Some(first) = due.first().cloned() {
        due.retain(|hole| hole.conversation == first.conversation && hole.stage == first.stage);
        due.truncate(MAX_PREFIXES);
    }
    Ok(vec![due])
}

/// Asks another store first, then the author, a few times.
pub(crate) fn ask(step: &mut Talk<'_>, topics: &[String], batch: Vec<Hole>) -> Result<(), Error> {
    let Some(first) = batch.first() else {
        return Ok(());
    };
    let from_s = batch.iter().map(|hole| hole.from_s).min().unwrap_or(0);
    let until_s = batch.iter().map(|hole| hole.until_s).max().unwrap_or(0);
    let from_s = from_s.max(until_s.saturating_sub(STRETCH_S));
    match first.stage {
        0 => step.queries.push(Query {
            what: What::Hole,
            circle: Circle::Other,
            topics: topics.to_vec(),
            // These are our arrival times: with the author's times, the author could choose what we ask for.
            start_ms: from_s.saturating_sub(OVERTAKEN_S).saturating_mul(SECOND),
            end_ms: Some(until_s.saturating_add(AHEAD_S).saturating_mul(SECOND)),
            newest_first: false,
            most_bytes: None,
            from_ns: None,
        }),
        1..4 => {
            let conversation = step.conversations.get(&first.conversation)?;
            if let Some(chat) = conversation.and_then(|row| row.peer) {
                if send::waits(step, &chat, Kind::Want)? {
                    // Another question would only wait beside the last one.
                    let due_ms = step.now_ms.saturating_add(schedule::HOLE_POSTPONED);
                    return put_off(step, batch, due_ms);
                }
                let want = batch.iter().map(|hole| hole.prefix).collect();
                send::content(step, &chat, &Content::Want(want))?;
            }
        }
        _ => {}
    }
    for mut hole in batch {
        hole.stage = hole.stage.saturating_add(1);
        hole.due_ms = step.after(&schedule::HOLE, hole.stage.into());
        if hole.due_ms == NEVER {
            step.holes.remove(&hole.conversation, &hole.prefix)?;
        } else {
            step.holes.note(&hole)?;
        }
    }
    Ok(())
}

pub(crate) fn put_off(step: &mut Talk<'_>, batch: Vec<Hole>, due_ms: i64) -> Result<(), Error> {
    batch.into_iter().try_for_each(|hole| Ok(step.holes.note(&Hole { due_ms, ..hole })?))
}
