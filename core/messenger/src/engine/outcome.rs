//! What became of a row at the network: taken, refused, to be tried again, in a store.

use sotto_db::{Attempt, Hash, NEVER, Outbox};
use sotto_net::{Command, FailReason, PublishOutcome};

use super::base::schedule;
use super::live::Tries;
use super::send::{CARD, CHUNK, ONCE, UNTIL_RECEIPTED};
use super::step::Step;
use super::trust::Told;
use super::{blob, receipt, state};
use crate::error::{Code, Error, OrBug};
use crate::event::Event;
use crate::records::MessageId;

/// A message counts as refused when all nodes said so again and again so often.
const REFUSALS: u32 = 4;

/// The end of one attempt. `tries`: those in vain, this one included.
pub(super) fn published(
    step: &mut Step<'_>,
    id: i64,
    hash: Hash,
    node: Option<u64>,
    outcome: PublishOutcome,
    tries: Tries,
) -> Result<(), Error> {
    let Some(mut row) = step.tx.outbox(id)? else {
        return Ok(()); // receipted meanwhile
    };
    match outcome {
        PublishOutcome::Relayed { .. } | PublishOutcome::Duplicate => accepted(step, row, hash, node, true),
        PublishOutcome::Accepted => accepted(step, row, hash, node, false),
        PublishOutcome::Refused => {
            let taken = row.attempts > 0;
            if node.is_none() || (tries.refused >= REFUSALS && !taken) {
                return give_up(step, &row, Code::MessageRefused);
            }
            row.due_ms = step.after(&schedule::PUBLISH_REFUSED, tries.refused.saturating_sub(1));
            Ok(step.tx.outbox_update(&row)?)
        }
        PublishOutcome::Failed(reason) => {
            let schedule = match reason {
                FailReason::Busy => &schedule::PUBLISH_BUSY,
                _ => &schedule::PUBLISH_FAILED,
            };
            row.due_ms = step.after(schedule, tries.failed.saturating_sub(1));
            Ok(step.tx.outbox_update(&row)?)
        }
    }
}

fn accepted(step: &mut Step<'_>, mut row: Outbox, hash: Hash, node: Option<u64>, relayed: bool) -> Result<(), Error> {
    if let Some(node) = node {
        match row.chat {
            Some(chat) if row.kind == ONCE => {
                step.fx.trust.push(Told::TookReceipts(node, chat, step.now_ms));
                receipt::again(step, &chat)?;
            }
            chat => step.fx.trust.push(Told::Took(node, row.id, chat)),
        }
    }
    if row.kind == CARD {
        // Nobody answers a card: a store is asked whether it is there.
        row.due_ms = NEVER;
        row.attempts = row.attempts.saturating_add(1);
        row.check_ms = Some(step.after(&schedule::CARD_CHECK, 0));
        step.tx.attempt_put(&Attempt { outbox: row.id, hash, node: number(node), ts_s: row.last_s })?;
        return Ok(step.tx.outbox_update(&row)?);
    }
    if row.kind != UNTIL_RECEIPTED {
        step.tx.outbox_delete(row.id)?;
        return match row.group_key {
            Some(group) if row.kind == CHUNK => blob::chunk_left(step, &group),
            _ => Ok(()),
        };
    }
    let number = number(node);
    step.tx.attempt_put(&Attempt { outbox: row.id, hash, node: number, ts_s: row.last_s })?;
    let attempts = step.tx.attempts(row.id)?;
    let one_took_it = attempts.iter().all(|attempt| attempt.node == number);
    if !relayed && one_took_it && row.attempts == 0 && attempts.len() < 2 {
        // Whether there is a second node shows when it is looked for: only connected ones are counted.
        row.due_ms = step.now_ms.saturating_add(schedule::SECOND_NODE);
        return Ok(step.tx.outbox_update(&row)?);
    }
    if let Some(message) = row.message {
        if relayed || !one_took_it {
            raise(step, &message, state::SENT)?;
        }
        if row.attempts == 0 {
            row.check_ms = Some(step.after(&schedule::STORED_CHECK, 0));
        }
    }
    row.attempts = row.attempts.saturating_add(1);
    let (schedule, number) = match since_proven(step, &attempts) {
        // Two nodes that give no count and took it at once are one attempt.
        Some(since) => (&schedule::RESEND, since.min(row.attempts)),
        // A node may get it by the device's clock, and once more by the corrected one.
        None if step.unproven => (&schedule::RESEND_UNPROVEN, row.attempts.div_ceil(2).max(row.attempts.min(3))),
        None => (&schedule::RESEND_UNPROVEN, row.attempts),
    };
    row.due_ms = step.after(schedule, number.saturating_sub(1));
    Ok(step.tx.outbox_update(&row)?)
}

/// How many of these attempts, newest first, there were since a proven node had it; `None`: none had.
fn since_proven(step: &Step<'_>, attempts: &[Attempt]) -> Option<u32> {
    let proven = |attempt: &Attempt| {
        let node = u64::try_from(attempt.node);
        step.trust.is_proven(node.into_iter())
    };
    let since = attempts.iter().rposition(proven)?.saturating_add(1);
    u32::try_from(since).ok()
}

/// A node as attempts hold it.
fn number(node: Option<u64>) -> i64 {
    node.and_then(|node| i64::try_from(node).ok()).unwrap_or(-1)
}

/// Nothing more will come of this row.
pub(super) fn give_up(step: &mut Step<'_>, row: &Outbox, code: Code) -> Result<(), Error> {
    step.tx.outbox_delete(row.id)?;
    if let Some(group) = row.group_key.as_deref().filter(|_| row.kind == CHUNK) {
        let message = Hash::try_from(group).or_bug("chunks of a message")?;
        if let Some(pointer) = step.tx.outbox_of_message(&message)? {
            step.tx.outbox_delete(pointer.id)?;
        }
        step.tx.outbox_delete_group(group)?;
        return fail(step, &message, code);
    }
    match row.message {
        Some(message) => fail(step, &message, code),
        None => Ok(()),
    }
}

fn fail(step: &mut Step<'_>, id: &Hash, code: Code) -> Result<(), Error> {
    // What was delivered, and asked for again, has not failed.
    if let Some(message) = step.tx.message(id)?
        && message.state < state::DELIVERED
    {
        step.tx.message_set_state(id, state::FAILED, Some(code.as_str()))?;
        step.tx.message_mark(id, false)?; // what is sent once more was not read before
        emit_state(step, &message, state::FAILED);
    }
    Ok(())
}

/// Moves an own message up to a state; never down.
pub(super) fn raise(step: &mut Step<'_>, id: &Hash, to: u8) -> Result<(), Error> {
    let Some(message) = step.tx.message(id)? else {
        return Ok(());
    };
    let late = message.state == state::FAILED && to >= state::DELIVERED;
    if message.mine && (late || message.state < to) {
        step.tx.message_set_state(id, to, None)?;
        emit_state(step, &message, to);
    }
    Ok(())
}

pub(super) fn emit_state(step: &mut Step<'_>, message: &sotto_db::Message, to: u8) {
    step.fx.conversations.insert(message.conversation);
    step.fx.events.push(Event::MessageState { id: MessageId::from_bytes(&message.id), state: state::message(to) });
}

/// Asks another node whether its store holds a row's message.
pub(super) fn check(step: &mut Step<'_>, mut row: Outbox) -> Result<(), Error> {
    row.check_ms = None;
    if row.kind == CARD {
        if row.give_up_ms <= step.now_ms {
            return Ok(step.tx.outbox_delete(row.id)?);
        }
        row.check_ms = Some(step.after(&schedule::CARD_CHECK_AGAIN, 0));
    }
    step.tx.outbox_update(&row)?;
    let attempts = step.tx.attempts(row.id)?;
    let Some(newest) = attempts.first() else {
        return Ok(());
    };
    let taker = u64::try_from(newest.node).ok();
    if row.kind != CARD && taker.is_none() {
        return Ok(()); // from a run before: the node that is asked may be the one that took it
    }
    step.fx.checked.push(row.id);
    step.fx.net.push(Command::Check {
        id: u64::try_from(row.id).unwrap_or(0),
        hashes: attempts.iter().take(50).map(|attempt| attempt.hash).collect(),
        not: taker,
    });
    Ok(())
}

/// A node is gone: what it took a moment ago may be so too.
pub(super) fn lost(step: &mut Step<'_>, node: u64) -> Result<(), Error> {
    let check_ms = step.after(&schedule::LOST_CHECK, 0);
    step.tx.outbox_check_by(number(Some(node)), check_ms)?;
    Ok(())
}

/// No node but the taker has a store: a card counts as published, a message is never said to be stored.
pub(super) fn unchecked(step: &mut Step<'_>, id: i64) -> Result<(), Error> {
    match step.tx.outbox(id)? {
        Some(row) if row.kind == CARD => Ok(step.tx.outbox_delete(row.id)?),
        _ => Ok(()),
    }
}

/// What the store said. A message that nobody holds is published again at once.
pub(super) fn checked(step: &mut Step<'_>, id: i64, present: bool) -> Result<(), Error> {
    let Some(mut row) = step.tx.outbox(id)? else {
        return Ok(());
    };
    if !present {
        let wait = if row.kind == CARD { schedule::CARD_AGAIN.plain(row.attempts) } else { 0 };
        row.due_ms = row.due_ms.min(step.now_ms.saturating_add(wait));
        row.check_ms = None;
        return Ok(step.tx.outbox_update(&row)?);
    }
    if row.kind == CARD {
        return Ok(step.tx.outbox_delete(row.id)?);
    }
    match row.message {
        Some(message) => raise(step, &message, state::STORED),
        None => Ok(()),
    }
}
