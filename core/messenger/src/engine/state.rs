//! States as the database holds them: numbers that rise.

use crate::records::{ContactState, MessageState};

pub(super) const QUEUED: u8 = 0;
pub(super) const SENT: u8 = 1;
pub(super) const STORED: u8 = 2;
pub(super) const DELIVERED: u8 = 3;
pub(super) const READ: u8 = 4;
pub(super) const FAILED: u8 = 5;
pub(super) const RECEIVED: u8 = 6;

/// A message's state by number.
pub(super) fn message(state: u8) -> MessageState {
    match state {
        QUEUED => MessageState::Queued,
        SENT => MessageState::Sent,
        STORED => MessageState::Stored,
        DELIVERED => MessageState::Delivered,
        READ => MessageState::Read,
        RECEIVED => MessageState::Received,
        _ => MessageState::Failed,
    }
}

pub(super) const REQUESTED: u8 = 0;
pub(super) const INCOMING: u8 = 1;
pub(super) const ACCEPTED: u8 = 2;
pub(super) const DECLINED: u8 = 3;
pub(super) const BLOCKED: u8 = 4;

/// A contact's state by number.
pub(super) fn contact(state: u8) -> ContactState {
    match state {
        REQUESTED => ContactState::Requested,
        INCOMING => ContactState::Incoming,
        ACCEPTED => ContactState::Accepted,
        DECLINED => ContactState::Declined,
        _ => ContactState::Blocked,
    }
}
