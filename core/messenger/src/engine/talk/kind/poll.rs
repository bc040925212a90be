//! Poll: a question with choices.

use sotto_db::{Hash, Message};
use sotto_wire::content::{self, Content, Poll};

use crate::engine::talk::{Talk, write};
use crate::error::{Code, Error};

/// The poll that a message is.
pub(crate) fn of(message: &Message) -> Option<Poll> {
    match content::Message::decode(&message.m).ok()?.content().ok()? {
        Content::Poll(poll) => Some(*poll),
        _ => None,
    }
}

/// Asks a question.
pub(crate) fn create(step: &mut Talk<'_>, conversation: &Hash, mut poll: Poll) -> Result<Hash, Error> {
    let (row, route) = write::open(step, conversation)?;
    poll.expire_s = row.timer_s;
    let (question, expire_s) = (poll.question.clone(), poll.expire_s);
    let content = Content::Poll(Box::new(poll));
    content.encode().map_err(|_| Code::BadPoll)?;
    write::add(step, (row, &route), &content, (question, expire_s))
}
