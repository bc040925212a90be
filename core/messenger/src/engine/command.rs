//! Calls of the API, each one transaction.

use sotto_crypto::{Phrase, PhraseError};
use sotto_db::Hash;
use sotto_net as net;
use sotto_wire::content::Content;
use sotto_wire::name::Name;

use super::base::schedule;
use super::input::{Answer, Command, ContactAction};
use super::own::{self, KEY_NAME, KEY_SETTINGS, settings_of};
use super::step::{MINUTE, SECOND, Step};
use super::{contact, invite, news, receipt, send, state};
use crate::error::{Code, Error};
use crate::records::{ConversationId, MessageId, Settings};

/// A typing notice leaves at most this often,
const TYPING_EVERY_MS: i64 = 15 * SECOND;
/// and only to somebody heard from since.
const TYPING_HEARD_MS: i64 = MINUTE;
/// When one left last, to whomever: it may only be rarer.
const KEY_TYPED: &str = "typed_ms";
/// Longest draft, bytes.
const DRAFT_MAX: usize = sotto_wire::blob::MAX_BLOB;

/// Runs a call that changes something. `Foreground`, `NetworkChanged`, `PowerChanged`, `SyncOnce` and `Close` are the
/// engine's own.
pub(super) fn run(step: &mut Step<'_>, command: Command) -> Result<Answer, Error> {
    match command {
        Command::AccountCreate { name } => {
            let name = named(&name)?;
            let phrase = Phrase::generate(step.rng);
            own::create(step, &phrase, &name, false)?;
            return Ok(Answer::Phrase(phrase.words()));
        }
        Command::AccountRestore { phrase } => {
            let phrase = Phrase::parse(&phrase).map_err(phrase_error)?;
            own::create(step, &phrase, &Name::default(), true)?;
        }
        Command::ProfileSet { name } => profile(step, named(&name)?)?,
        Command::InviteCreate => return invite::open(step).map(Answer::Invite),
        Command::InviteClose { invite } => invite::close(step, &invite)?,
        Command::ContactAdd { link, text } => {
            return contact::add(step, &link, text).map(Answer::Contact);
        }
        Command::ContactAnswer { contact, action } => answer(step, &contact, action)?,
        Command::ContactVerify { contact, devices } => {
            let contact = contact::find(step, &contact)?;
            contact::verify(step, contact, devices.as_ref())?;
        }
        Command::ContactScan { contact, qr } => {
            let contact = contact::find(step, &contact)?;
            contact::scan(step, contact, &qr)?;
        }
        Command::DevicesSeen { contact, devices } => {
            let contact = contact::find(step, &contact)?;
            contact::devices_seen(step, contact, &devices)?;
        }
        Command::Send { conversation, text } => {
            let id = send::text(step, &conversation.to_bytes()?, &text)?;
            return Ok(Answer::Message(MessageId::from_bytes(&id)));
        }
        Command::Answer { arrival, text } => {
            let id = answer_once(step, arrival, &text)?;
            return Ok(Answer::Message(MessageId::from_bytes(&id)));
        }
        Command::Retry { message } => send::retry(step, &message.to_bytes()?)?,
        Command::MarkRead { conversation, message } => {
            mark_read(step, &conversation.to_bytes()?, &message.to_bytes()?)?;
        }
        Command::DraftSet { conversation, text } => draft(step, &conversation, text)?,
        Command::Typing { conversation } => typing(step, &conversation)?,
        Command::SettingsSet { patch } => settings(step, &patch)?,
        Command::Foreground { .. }
        | Command::NetworkChanged { .. }
        | Command::PowerChanged { .. }
        | Command::SyncOnce
        | Command::Close => {}
    }
    Ok(Answer::Done)
}

fn named(name: &str) -> Result<Name, Error> {
    Name::chosen(name).map_err(|_| Code::BadName.into())
}

fn phrase_error(error: PhraseError) -> Error {
    match error {
        PhraseError::UnknownWord { index } => Error::at(Code::PhraseWord, index),
        PhraseError::WordCount => Code::PhraseLength.into(),
        PhraseError::Checksum => Code::PhraseChecksum.into(),
    }
}

fn profile(step: &mut Step<'_>, name: Name) -> Result<(), Error> {
    let own = step.own()?;
    own.in_force()?;
    step.tx.kv_set(KEY_NAME, name.as_str().as_bytes())?;
    step.fx.own = true;
    // Open invites show the new name soon, each at its own time.
    for mut invite in step.tx.invites()? {
        if invite.closed_ms.is_none() && invite.expires_ms > step.now_ms {
            let soon_ms = step.after(&schedule::SOON, 0);
            invite.next_card_ms = invite.next_card_ms.min(soon_ms);
            step.tx.invite_put(&invite)?;
        }
    }
    news::tell_all(step, news::PROFILE)
}

fn answer(step: &mut Step<'_>, id: &crate::records::ContactId, action: ContactAction) -> Result<(), Error> {
    step.own()?.in_force()?;
    let mut row = contact::find(step, id)?;
    match (action, row.state) {
        (ContactAction::Accept, state::ACCEPTED)
        | (ContactAction::Decline, state::DECLINED)
        | (ContactAction::Block, state::BLOCKED) => Ok(()),
        (ContactAction::Accept, state::INCOMING) => contact::accept(step, &mut row),
        (ContactAction::Decline, state::INCOMING | state::REQUESTED) => contact::decline(step, &mut row),
        (ContactAction::Block, _) => contact::block(step, &mut row),
        (ContactAction::Unblock, state::BLOCKED) => contact::unblock(step, &mut row),
        (ContactAction::Accept, state::BLOCKED) => Err(Code::ContactBlocked.into()),
        _ => Err(Code::ContactState.into()),
    }
}

/// Sends the answer to an incoming message, unless that was answered.
fn answer_once(step: &mut Step<'_>, arrival: i64, text: &str) -> Result<Hash, Error> {
    let (message, answer) = step.tx.arrival(arrival)?.ok_or(Code::MessageMissing)?;
    if let Some(answer) = answer {
        return Ok(answer);
    }
    let message = step.tx.message(&message)?.ok_or(Code::MessageMissing)?;
    let id = send::text(step, &message.conversation, text)?;
    step.tx.arrival_answer(arrival, &id)?;
    Ok(id)
}

fn mark_read(step: &mut Step<'_>, conversation: &Hash, id: &Hash) -> Result<(), Error> {
    let (mut conversation, contact) = contact::of_conversation(step, conversation)?;
    let message = step.tx.message(id)?.ok_or(Code::MessageMissing)?;
    if message.conversation != conversation.id {
        return Err(Code::MessageMissing.into());
    }
    let Some(last) = step.tx.messages_mark_read(&message)? else {
        return Ok(());
    };
    conversation.unread = step.tx.messages_unread(&conversation.id)?;
    step.tx.conversation_put(&conversation)?;
    step.fx.conversations.insert(conversation.id);
    if step.own()?.read_receipts && contact.state == state::ACCEPTED {
        // With it goes what we have: a message of theirs that is not here, or not whole, was not read.
        receipt::all_owed(step, &contact.chat)?;
        send::enqueue_content(step, &contact, &Content::Read(last))?;
    }
    Ok(())
}

fn draft(step: &mut Step<'_>, conversation: &ConversationId, text: String) -> Result<(), Error> {
    if text.len() > DRAFT_MAX {
        return Err(Code::TextTooLong.into());
    }
    let conversation = step.tx.conversation(&conversation.to_bytes()?)?;
    let mut conversation = conversation.ok_or(Code::ConversationMissing)?;
    if conversation.draft != text {
        conversation.draft = text;
        step.tx.conversation_put(&conversation)?;
        step.fx.conversations.insert(conversation.id);
    }
    Ok(())
}

/// An ordinary small envelope; nothing is kept for it, so one in the outbox is enough.
fn typing(step: &mut Step<'_>, conversation: &ConversationId) -> Result<(), Error> {
    let own = step.own()?;
    own.in_force()?;
    let (_, contact) = contact::of_conversation(step, &conversation.to_bytes()?)?;
    if !own.typing || contact.state != state::ACCEPTED {
        return Ok(());
    }
    let last = own::time(step.tx, KEY_TYPED)?;
    let session = send::sending_session(step, &contact.chat)?;
    let heard = session.is_some_and(|row| row.heard_ms >= step.now_ms - TYPING_HEARD_MS);
    if !heard || last > step.now_ms - TYPING_EVERY_MS {
        return Ok(());
    }
    own::set_time(step.tx, KEY_TYPED, step.now_ms)?;
    send::content_once(step, &contact, &Content::Typing)
}

fn settings(step: &mut Step<'_>, patch: &Settings) -> Result<(), Error> {
    let stored = step.tx.kv_get(KEY_SETTINGS)?;
    let old = settings_of(stored.as_deref(), step.config.read_receipts);
    let log = patch.log.clone().or(old.log).unwrap_or_default();
    if log.parse::<log::LevelFilter>().is_err() {
        return Err(Code::BadSetting.into());
    }
    let read = patch.read_receipts.or(old.read_receipts) == Some(true);
    let typing = patch.typing.or(old.typing) == Some(true);
    let delay = patch.receipt_delay_ms.or(old.receipt_delay_ms).unwrap_or(0);
    let mut bytes = vec![u8::from(read), u8::from(typing)];
    bytes.extend_from_slice(&delay.to_be_bytes());
    bytes.extend_from_slice(log.as_bytes());
    step.tx.kv_set(KEY_SETTINGS, &bytes)?;
    step.fx.own = true;
    Ok(())
}

/// A new network: whatever waits for another try is tried at once.
pub(super) fn network_changed(step: &mut Step<'_>, network: net::Network) -> Result<(), Error> {
    step.tx.outbox_rewind(step.now_ms)?;
    step.fx.net.push(net::Command::NetworkChanged(network));
    Ok(())
}
