//! Calls of the API that change something, each in one transaction. Reads never come here.

use sotto_crypto::{Phrase, PhraseError};
use sotto_db::{ContentName, Hash, MessageState, NewsKind, Person, PersonState, SecretKind};
use sotto_wire::content::Content;
use sotto_wire::name::Name;
use zeroize::Zeroizing;

use crate::disk::Imported;
use crate::engine::Step;
use crate::engine::base::own::{self, KEY_NAME, KEY_SETTINGS, NO_SEARCH, settings_of};
use crate::engine::base::schedule::{MINUTE, SECOND};
use crate::engine::carry::{receipt, send};
use crate::engine::file::keep::{self, Prepared};
use crate::engine::file::{auto, down, picture};
use crate::engine::group::join;
use crate::engine::groups;
use crate::engine::hear::incoming;
use crate::engine::input::{Call, ContactAction};
use crate::engine::keys::invite;
use crate::engine::people::{contact, forget, news, reset};
use crate::engine::posts;
use crate::engine::talk::kind::{delete, edit, pin, reaction, vote};
use crate::engine::talk::{effects, read, write};
use crate::error::{Code, Error};
use crate::records::{
    AutoDownload, ContactId, ConversationId, FileId, GroupPatch, GroupRole, Invite, InviteId, MemberId, MessageId,
    NewMention, NewPoll, NewPost, SettingsPatch, level,
};

/// Shortest time between typing notices, milliseconds.
const TYPING_EVERY_MS: i64 = 15 * SECOND;
/// Longest time since a contact was heard from, for a typing notice.
const TYPING_HEARD_MS: i64 = MINUTE;
/// When the last notice left, to any contact; so notices may be rarer.
const KEY_TYPED: &str = "typed_ms";
/// Longest draft, bytes.
const DRAFT_MAX: usize = sotto_wire::file::MAX_LONG;

/// Each call is a struct: its fields, its answer, and its work in the step.
macro_rules! calls {
    ($step:ident: $($name:ident { $($field:ident: $type:ty),* } -> $answer:ty = $run:expr;)*) => {
        $(#[allow(missing_docs)] // the method of `Messenger` says the meaning of each
        pub struct $name { $(pub $field: $type),* }

        impl Call for $name {
            type Answer = $answer;

            fn run(self, $step: &mut Step<'_>) -> Result<$answer, Error> {
                let Self { $($field),* } = self;
                $run
            }
        })*
        crate::closed_debug!($($name),*);
    };
}

calls! { step:
    AccountCreate { name: String } -> Zeroizing<String> = create(step, &name);
    AccountRestore { phrase: Zeroizing<String> } -> () = restore(step, &phrase);
    ProfileSet { name: String } -> () = profile(step, &name);
    AvatarSet { picture: Option<Imported> } -> () = avatar(step, picture);
    InviteCreate {} -> Invite = invite::open(step);
    InviteClose { invite: InviteId } -> () = invite::close(step, &invite);
    ContactAdd { link: String, text: Option<String> } -> ContactId = contact::add(step, &link, text);
    ContactAnswer { contact: ContactId, action: ContactAction } -> () = answer(step, &contact, action);
    ContactVerify { contact: ContactId, devices: Option<[u8; 32]> }
        -> () = contact::find(step, &contact).and_then(|row| contact::verify(step, &row.chat, devices.as_ref()));
    ContactScan { contact: ContactId, qr: Vec<u8> }
        -> () = contact::find(step, &contact).and_then(|row| contact::scan(step, &row.chat, &qr));
    DevicesSeen { contact: ContactId, devices: [u8; 32] }
        -> () = contact::find(step, &contact).and_then(|row| contact::devices_seen(step, &row.chat, &devices));
    Send { conversation: ConversationId, post: NewPost }
        -> MessageId = posts::send(step, &conversation, post, Vec::new());
    SendFiles { conversation: ConversationId, post: NewPost, files: Vec<Prepared> }
        -> MessageId = posts::send(step, &conversation, post, files);
    FileFetch { file: FileId } -> () = down::fetch(step, &file.to_bytes()?);
    FileCancel { file: FileId } -> () = posts::cancel(step, &file);
    FileDamaged { copy: ContentName } -> () = keep::damaged(step, &copy);
    AutoDownloadSet { all: AutoDownload } -> () = auto::set(step, all);
    StorageFree { conversation: Option<ConversationId>, before_s: i64 }
        -> () = posts::free(step, conversation.as_ref(), before_s);
    React { message: MessageId, emoji: String, on: bool }
        -> () = reaction::react(step, &message.to_bytes()?, emoji, on);
    Edit { message: MessageId, text: String, mentions: Vec<NewMention> }
        -> () = posts::mentions(mentions).and_then(|all| edit::edit(step, &message.to_bytes()?, text, all));
    DeleteForEveryone { message: MessageId } -> () = delete::for_everyone(step, &message.to_bytes()?);
    DeleteForMe { message: MessageId } -> () = forget::message(step, &message.to_bytes()?);
    Pin { message: MessageId, on: bool } -> () = pin::pin(step, &message.to_bytes()?, on);
    Forward { message: MessageId, conversations: Vec<ConversationId> }
        -> Vec<MessageId> = posts::forward(step, &message, &conversations);
    TimerSet { conversation: ConversationId, seconds: u32 } -> () = groups::timer(step, &conversation, seconds);
    PollCreate { conversation: ConversationId, poll: NewPoll } -> MessageId = posts::poll(step, &conversation, poll);
    Vote { message: MessageId, choices: Vec<u8> } -> () = vote::vote(step, &message.to_bytes()?, choices);
    Forged { conversation: ConversationId, content: Content }
        -> () = effects::leave(step, &conversation.to_bytes()?, &content).map(drop); // for tests: a changed program
    Answer { arrival: i64, text: String }
        -> MessageId = Ok(MessageId::from_bytes(&write::answer(step, arrival, &text)?));
    Retry { message: MessageId } -> () = write::retry(step, &message.to_bytes()?);
    MarkRead { conversation: ConversationId, message: MessageId }
        -> () = mark_read(step, &conversation.to_bytes()?, &message.to_bytes()?);
    DraftSet { conversation: ConversationId, text: String, reply_to: Option<MessageId> }
        -> () = draft(step, &conversation, text, reply_to);
    ConversationDelete { conversation: ConversationId } -> () = forget::conversation(step, &conversation.to_bytes()?);
    Mute { conversation: ConversationId, until_ms: Option<i64> }
        -> () = read::mute(step, &conversation.to_bytes()?, until_ms);
    Archive { conversation: ConversationId, on: bool } -> () = read::archive(step, &conversation.to_bytes()?, on);
    ConversationPin { conversation: ConversationId, on: bool } -> () = read::pin(step, &conversation.to_bytes()?, on);
    MarkUnread { conversation: ConversationId, on: bool }
        -> () = read::mark_unread(step, &conversation.to_bytes()?, on);
    ContactRemove { contact: ContactId } -> () = contact_of(step, &contact).and_then(|row| forget::person(step, row));
    SessionReset { contact: ContactId } -> () = contact_of(step, &contact).and_then(|row| reset::asked(step, &row));
    NicknameSet { contact: ContactId, nickname: Option<String> } -> () = call_them(step, &contact, nickname.as_deref());
    GroupCreate { name: String, members: Vec<ContactId> } -> ConversationId = groups::create(step, name, &members);
    GroupInvite { conversation: ConversationId, contacts: Vec<ContactId> }
        -> () = groups::invite(step, &conversation, &contacts);
    GroupAnswer { conversation: ConversationId, accept: bool }
        -> () = join::answer(step, &conversation.to_bytes()?, accept);
    GroupRemove { conversation: ConversationId, member: MemberId, ban: bool }
        -> () = groups::remove(step, &conversation, &member, ban);
    GroupSetRole { conversation: ConversationId, member: MemberId, role: GroupRole }
        -> () = groups::role(step, &conversation, &member, role);
    GroupSet { conversation: ConversationId, patch: GroupPatch } -> () = groups::set(step, &conversation, patch);
    GroupLeave { conversation: ConversationId } -> () = groups::leave(step, &conversation);
    GroupClose { conversation: ConversationId } -> () = groups::close(step, &conversation);
    Typing { conversation: ConversationId } -> () = typing(step, &conversation);
    SettingsSet { patch: SettingsPatch } -> () = settings(step, patch);
}

fn named(name: &str) -> Result<Name, Error> {
    Name::chosen(name).map_err(|_| Code::BadName.into())
}

fn create(step: &mut Step<'_>, name: &str) -> Result<Zeroizing<String>, Error> {
    let name = named(name)?;
    let phrase = Phrase::generate(step.rng);
    begin(step, &phrase, &name, false)?;
    Ok(phrase.words())
}

/// The error of a wrong phrase.
pub(crate) fn phrase_error(error: PhraseError) -> Error {
    match error {
        PhraseError::UnknownWord { index } => Error::at(Code::PhraseWord, index),
        PhraseError::WordCount => Code::PhraseLength.into(),
        PhraseError::Checksum => Code::PhraseChecksum.into(),
    }
}

fn restore(step: &mut Step<'_>, phrase: &str) -> Result<(), Error> {
    let phrase = Phrase::parse(phrase).map_err(phrase_error)?;
    begin(step, &phrase, &Name::default(), true)
}

fn begin(step: &mut Step<'_>, phrase: &Phrase, name: &Name, restoring: bool) -> Result<(), Error> {
    let secret = own::create(step, phrase, name, restoring)?;
    let now_ms = step.now_ms;
    invite::unmasks(step, secret, SecretKind::Contacts, None, now_ms)?;
    let clock_ms = step.clock_ms;
    incoming::covered(step, clock_ms)
}

fn profile(step: &mut Step<'_>, name: &str) -> Result<(), Error> {
    let name = named(name)?;
    step.own()?.in_force()?;
    step.kv.set(KEY_NAME, name.as_str().as_bytes())?;
    step.fx.own = true;
    invite::show_soon(step)?;
    news::tell_all(step, NewsKind::Profile)
}

fn avatar(step: &mut Step<'_>, picture: Option<Imported>) -> Result<(), Error> {
    step.own()?.in_force()?;
    picture::set(step, picture)?;
    step.fx.own = true;
    news::tell_all(step, NewsKind::Profile)
}

fn answer(step: &mut Step<'_>, id: &ContactId, action: ContactAction) -> Result<(), Error> {
    let person = contact_of(step, id)?;
    let chat = &person.chat;
    match (action, person.state) {
        (ContactAction::Accept, PersonState::Accepted)
        | (ContactAction::Decline, PersonState::Declined)
        | (ContactAction::Block, PersonState::Blocked) => Ok(()),
        (ContactAction::Accept, PersonState::Incoming) => contact::accept(step, chat),
        (ContactAction::Decline, PersonState::Incoming | PersonState::Requested) => contact::decline(step, chat),
        (ContactAction::Block, _) => contact::block(step, chat),
        (ContactAction::Unblock, PersonState::Blocked) => contact::unblock(step, &person),
        (ContactAction::Accept, PersonState::Blocked) => Err(Code::ContactBlocked.into()),
        _ => Err(Code::ContactState.into()),
    }
}

fn mark_read(step: &mut Step<'_>, conversation: &Hash, id: &Hash) -> Result<(), Error> {
    let place = step.tx.conversations.get(conversation)?.ok_or(Code::ConversationMissing)?;
    let message = step.tx.messages.get(id)?.ok_or(Code::MessageMissing)?;
    if message.conversation != place.id || message.state == MessageState::Deleted {
        return Err(Code::MessageMissing.into());
    }
    let Some(last) = read::mark(step, &message)? else {
        return Ok(());
    };
    if place.kind == sotto_db::Kind::Group {
        return Ok(()); // groups have no mark of their own: nobody is told
    }
    let (_, person) = contact::of_conversation(step, conversation)?;
    if step.own()?.settings.read_receipts && person.state == PersonState::Accepted {
        // The mark carries the own receipts: a message that is missing here, or not whole, was not read.
        receipt::all_owed(step, &person.chat)?;
        send::content(step, &person.chat, &Content::Read(last))?;
    }
    Ok(())
}

fn draft(
    step: &mut Step<'_>,
    conversation: &ConversationId,
    text: String,
    reply_to: Option<MessageId>,
) -> Result<(), Error> {
    if text.len() > DRAFT_MAX {
        return Err(Code::TextTooLong.into());
    }
    write::draft(step, &conversation.to_bytes()?, text, reply_to.map(|id| id.to_bytes()).transpose()?)
}

/// The contact of a call that a replaced install must not make.
fn contact_of(step: &Step<'_>, id: &ContactId) -> Result<Person, Error> {
    step.own()?.in_force()?;
    contact::find(step, id)
}

fn call_them(step: &mut Step<'_>, contact: &ContactId, nickname: Option<&str>) -> Result<(), Error> {
    let nickname = nickname.map(named).transpose()?;
    let person = contact::find(step, contact)?;
    contact::set_nickname(step, &person.chat, nickname.map(|name| name.display()))
}

/// An ordinary small envelope. Nothing is kept for it, so one in the outbox is enough.
fn typing(step: &mut Step<'_>, conversation: &ConversationId) -> Result<(), Error> {
    let own = step.own()?;
    own.in_force()?;
    let conversation = conversation.to_bytes()?;
    let place = step.tx.conversations.get(&conversation)?.ok_or(Code::ConversationMissing)?;
    if place.kind == sotto_db::Kind::Group {
        return Ok(()); // nobody is told in a group
    }
    let (_, person) = contact::of_conversation(step, &conversation)?;
    if !own.settings.typing || person.state != PersonState::Accepted {
        return Ok(());
    }
    let last = step.tx.kv.time(KEY_TYPED)?;
    let session = step.tx.devices.session(&person.chat)?;
    let link = session.map(|hash| step.tx.links.get(&hash)).transpose()?.flatten();
    let heard = link.is_some_and(|link| link.heard_ms >= step.now_ms - TYPING_HEARD_MS);
    if !heard || last > step.now_ms - TYPING_EVERY_MS {
        return Ok(());
    }
    let now_ms = step.now_ms;
    step.kv.set_time(KEY_TYPED, now_ms)?;
    send::content(step, &person.chat, &Content::Typing)
}

fn settings(step: &mut Step<'_>, patch: SettingsPatch) -> Result<(), Error> {
    let stored = step.tx.kv.get(KEY_SETTINGS)?;
    let old = settings_of(stored.as_deref(), step.config.read_receipts);
    let read = patch.read_receipts.unwrap_or(old.read_receipts);
    let typing = patch.typing.unwrap_or(old.typing);
    let delay = patch.receipt_delay_ms.unwrap_or(old.receipt_delay_ms);
    let search = patch.search.unwrap_or(old.search);
    read::set_search(step, search)?;
    let flags = u8::from(read) | if search { 0 } else { NO_SEARCH };
    let mut bytes = vec![flags, u8::from(typing)];
    bytes.extend_from_slice(&delay.to_be_bytes());
    bytes.extend_from_slice(level::name(patch.log.unwrap_or(old.log)).as_bytes());
    step.kv.set(KEY_SETTINGS, &bytes)?;
    step.fx.own = true;
    Ok(())
}
