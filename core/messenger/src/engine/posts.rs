//! Posts of the API, as the engine takes them.

use sotto_crypto::parse_account_id;
use sotto_db::{Hash, MessageState};
use sotto_wire::content::{MAX_MENTIONS, Mention, Poll, Preview};

use crate::engine::Step;
use crate::engine::file::keep::{self, Prepared};
use crate::engine::file::up;
use crate::engine::people::forget;
use crate::engine::talk::kind::{poll, post};
use crate::engine::talk::write;
use crate::error::{Code, Error};
use crate::records::{ConversationId, FileId, MessageId, NewMention, NewPoll, NewPost};

/// Stands for everybody in a mention.
pub(crate) const EVERYBODY: [u8; 33] = [0; 33];

/// Mentions of contacts.
pub(crate) fn mentions(new: Vec<NewMention>) -> Result<Vec<Mention>, Error> {
    if new.len() > MAX_MENTIONS {
        return Err(Code::TooMany.into());
    }
    let one = |new: NewMention| {
        let chat = match new.contact {
            Some(id) => parse_account_id(&id.0).map_err(|_| Code::BadId)?,
            None => EVERYBODY,
        };
        let place = |n| usize::try_from(n).map_err(|_| Code::BadMention);
        Ok(Mention { offset: place(new.offset)?, length: place(new.length)?, chat })
    };
    new.into_iter().map(one).collect()
}

pub(crate) fn send(
    step: &mut Step<'_>,
    conversation: &ConversationId,
    new: NewPost,
    files: Vec<Prepared>,
) -> Result<MessageId, Error> {
    let asked = write::is_asked(step, &conversation.to_bytes()?)?;
    let fresh = |file: Prepared| Prepared { fresh: file.fresh || asked, ..file };
    let preview = new.preview.map(|new| Preview { url: new.url, title: new.title, text: new.text, picture: None });
    let draft = post::Draft {
        text: new.text,
        reply_to: new.reply_to.map(|id| id.to_bytes()).transpose()?,
        mentions: mentions(new.mentions)?,
        preview,
        files: files.into_iter().map(|file| keep::take(step, fresh(file))).collect::<Result<_, _>>()?,
        forwarded: false,
        silent: new.silent,
        clears_draft: new.clears_draft,
    };
    Ok(MessageId::from_bytes(&post::send(step, &conversation.to_bytes()?, draft)?))
}

/// Ends a transfer. A message that waits for its upload is deleted; one that left before stays.
pub(crate) fn cancel(step: &mut Step<'_>, file: &FileId) -> Result<(), Error> {
    let file = file.to_bytes()?;
    if !keep::cancel(step, &file)? {
        return Ok(());
    }
    for one in step.tx.attachments.of_file(&file)? {
        let message = step.tx.messages.get(&one.message)?;
        if message.is_some_and(|message| message.is_own() && message.state == MessageState::Queued) {
            forget::message(step, &one.message)?;
        }
    }
    up::cancelled(step, &file)
}

pub(crate) fn free(step: &mut Step<'_>, conversation: Option<&ConversationId>, before_s: i64) -> Result<(), Error> {
    step.own()?;
    let conversation = conversation.map(ConversationId::to_bytes).transpose()?;
    keep::free(step, conversation.as_ref(), before_s)
}

pub(crate) fn forward(
    step: &mut Step<'_>,
    message: &MessageId,
    to: &[ConversationId],
) -> Result<Vec<MessageId>, Error> {
    let to = to.iter().map(ConversationId::to_bytes).collect::<Result<Vec<Hash>, _>>()?;
    let sent = post::forward(step, &message.to_bytes()?, &to)?;
    Ok(sent.iter().map(MessageId::from_bytes).collect())
}

pub(crate) fn poll(step: &mut Step<'_>, conversation: &ConversationId, new: NewPoll) -> Result<MessageId, Error> {
    let end_s = new.end_ms.map_or(Ok(0), |ms| u64::try_from(ms / 1000).map_err(|_| Code::BadPoll))?;
    let NewPoll { question, choices, multiple, .. } = new;
    let poll = Poll { question, choices, multiple, end_s, expire_s: 0 };
    Ok(MessageId::from_bytes(&poll::create(step, &conversation.to_bytes()?, poll)?))
}
