//! First messages of a session: who may begin one, by which own key, and its effect.

use sotto_crypto::{Block, CardSecret, Decrypted, DeviceId, Opened, PrekeyPair, unmask};
use sotto_db::{Chat, Hash, PairKind, Person, PersonState, Prekey, Secret, SecretKind};
use sotto_wire::content::{Content, Inner, Message, Request};
use sotto_wire::envelope::{split_handshake, unpad};
use sotto_wire::identity::{DeviceRecord, check_not_after, check_version};

use crate::engine::base::schedule::{DAY, HOUR};
use crate::engine::carry::{link, send};
use crate::engine::hear::incoming::Incoming;
use crate::engine::keys::invite::{self, SECRETS};
use crate::engine::keys::{device, found, session};
use crate::engine::people::kind::{hello, request};
use crate::engine::people::{People, contact, devices, old_copy, sessions};
use crate::engine::talk::inbox;
use crate::error::{Code, Error, OrBug};

/// How long an unconfirmed handshake is remembered.
const HANDSHAKE_MS: i64 = 33 * DAY;
const PENDING: u32 = 200;
/// Most pending requests of one invite, so that no link fills the places of others.
const PENDING_OF_INVITE: u32 = 25;
/// A device begins one session in this time; more only by fresh pairs, up to [`sessions::LIVE`].
const START_MS: i64 = HOUR;
/// Furthest a start number may be ahead of the clock, seconds.
const AHEAD_S: u64 = 86_400;

/// A 2 KiB envelope with an unknown tag: perhaps a first message.
pub(crate) fn handshake<'a>(step: &mut People<'_>, envelope: &Incoming<'a>) -> Result<First<'a>, Error> {
    let Ok((block, header, message)) = split_handshake(envelope.body) else {
        return Ok(First::Nobodys);
    };
    let secrets = step.tx.secrets.all()?;
    let unmasked = secrets.into_iter().take(SECRETS).find_map(|row| {
        let block = unmask(&CardSecret::new(&row.secret), &envelope.tag, &envelope.random, block)?;
        Some((block, row))
    });
    let Some((block, secret)) = unmasked else {
        return Ok(First::Nobodys);
    };
    if let Some(known) = step.tx.handshakes.get(&block.hash())? {
        let session = known.session.map(|hash| step.tx.sessions.get(&hash));
        let known = session.transpose()?.flatten();
        return Ok(known.map_or(First::Refused, |row| First::Again(Box::new(row), (header, message))));
    }
    let Some((start, pair)) = start(step, &block, secret)? else {
        return Ok(First::Refused);
    };
    let Ok(session) = start.opened.finish(&start.record.identity, &pair) else {
        return Ok(First::Refused);
    };
    // Few keys are kept for a stranger.
    let below = match &start.known {
        Some(person) if person.state != PersonState::Declined => inbox::room(step, &person.chat)?,
        _ => Some(inbox::PENDING_MESSAGES),
    };
    let Some(below) = below else {
        return Ok(First::Refused);
    };
    match session.decrypt(below, &envelope.tag, &envelope.random, header, message) {
        Ok(decrypted) => {
            Ok(begin(step, start, decrypted)?.map_or(First::Refused, |begun| First::Begun(Box::new(begun))))
        }
        Err(_) => Ok(First::Refused),
    }
}

/// A session begun by one of our keys that its owner may use. Its first message proves it.
struct Start {
    opened: Opened,
    record: DeviceRecord,
    handshake: Hash,
    secret: Secret,
    prekey: Prekey,
    known: Option<Person>,
}

/// Header and ciphertext of an envelope.
pub(crate) type Split<'a> = (&'a [u8; 106], &'a [u8]);

/// The result of reading a possible first message.
pub(crate) enum First<'a> {
    /// It is under no known secret.
    Nobodys,
    /// Its sender may not begin a session, or not by this key.
    Refused,
    Again(Box<sotto_db::Session>, Split<'a>),
    Begun(Box<Begun>),
}

pub(crate) struct Begun {
    pub(crate) row: sotto_db::Session,
    pub(crate) decrypted: Decrypted,
    start: Start,
    request: Option<Request>,
    /// Whether it comes from the confirmed device.
    taken: bool,
}

/// The account that begins a session, if it may, and the private pair that it uses.
fn start(step: &mut People<'_>, block: &Block, secret: Secret) -> Result<Option<(Start, PrekeyPair)>, Error> {
    let own = step.own()?;
    let Some(prekey) = step.tx.prekeys.get(&block.prekey_id())? else {
        return Ok(None);
    };
    if !belongs(&prekey, &secret) {
        return Ok(None);
    }
    let pair = PrekeyPair::from_bytes(&prekey.private).map_err(|_| Code::StorageCorrupt)?;
    let Ok(opened) = block.open(&own.keys, &own.chat, &DeviceId(own.device), &pair) else {
        return Ok(None);
    };
    let chat = *opened.chat_public();
    let known = step.persons.get(&chat)?;
    let peer = step.tx.peers.get(&chat)?;
    let Ok(record) = DeviceRecord::decode(opened.record()) else {
        return Ok(None);
    };
    let version = peer.and_then(|peer| u64::try_from(peer.list_version).ok());
    let good = chat != own.chat
        && serves(&prekey, &chat, known.as_ref().map(|person| person.state))
        && check_not_after(record.not_after_s, step.clock_s()).is_ok()
        && check_version(record.list_version, version, step.clock_s()).is_ok()
        && found::verify_record(&chat, &record);
    if !good {
        return Ok(None);
    }
    if !device::is_itself(step, &chat, &record)? {
        if known.is_some() {
            devices::changed(step, &chat)?;
        }
        return Ok(None);
    }
    if let Err(code) = device::check_suite(step, &chat, &record, block.suite())? {
        if known.is_some() {
            devices::refuse(step, &chat, code)?;
        }
        return Ok(None);
    }
    let last = device::known(step, &chat, &record)?.map_or(0, |device| device.start_in);
    if !rises(opened.start(), last, step.clock_s()) || !is_slow(step, known.as_ref(), &record, &prekey)? {
        return Ok(None);
    }
    let start = Start { opened, record, handshake: block.hash(), secret, prekey, known };
    Ok(Some((start, pair)))
}

/// Whether a pair was published, or given, under the secret that masks the block.
fn belongs(prekey: &Prekey, secret: &Secret) -> bool {
    match prekey.kind {
        PairKind::Invite | PairKind::Bundle => prekey.secret == Some(secret.secret),
        PairKind::Reset => secret.kind == SecretKind::Contacts,
    }
}

/// Whether an account may begin a session by a pair: by an invite's, all but blocked ones; otherwise contacts only.
fn serves(prekey: &Prekey, chat: &Chat, state: Option<PersonState>) -> bool {
    match prekey.kind {
        PairKind::Invite => state != Some(PersonState::Blocked),
        PairKind::Reset => state == Some(PersonState::Accepted) && prekey.chat == Some(*chat),
        PairKind::Bundle => state == Some(PersonState::Accepted),
    }
}

/// A start number far ahead is refused, a known one ignored: a wrong clock would lock its device out for good.
fn rises(start: u32, known: u32, clock_s: u64) -> bool {
    let furthest = clock_s.saturating_add(AHEAD_S);
    let counts = u64::from(known) <= furthest;
    u64::from(start) <= furthest && (start > known || !counts)
}

/// Whether a device may begin another session now. A reset pair or an invite's pair begins its first one at any time.
/// An unconfirmed device waits if the account has begun too many, because an account can have any number of devices.
fn is_slow(step: &People<'_>, known: Option<&Person>, record: &DeviceRecord, prekey: &Prekey) -> Result<bool, Error> {
    // Nothing is sent before the answer, so one session may replace another.
    let Some(person) = known.filter(|person| person.state != PersonState::Incoming) else {
        return Ok(true);
    };
    let since_ms = step.now_ms.saturating_sub(START_MS);
    let mut lately = step.tx.sessions.of(&person.chat)?;
    lately.retain(|row| !row.initiator && (since_ms..=step.now_ms).contains(&row.created_ms));
    if device::is_other(step, &person.chat, record)? && lately.len() >= sessions::LIVE {
        return Ok(false);
    }
    lately.retain(|row| row.device == record.device_id);
    let fresh_pair = prekey.kind != PairKind::Bundle
        && lately.len() < sessions::LIVE
        && lately.iter().all(|row| row.prekey_id != Some(prekey.id));
    Ok(lately.is_empty() || fresh_pair)
}

fn request_in(plaintext: &[u8]) -> Option<Request> {
    let inner = Inner::decode(unpad(plaintext).ok()?).ok()?;
    match Message::decode(&inner.message).ok()?.content().ok()? {
        Content::Request(request) => Some(request),
        _ => None,
    }
}

/// Stores a new session; `None` if it is refused.
fn begin(step: &mut People<'_>, start: Start, decrypted: Decrypted) -> Result<Option<Begun>, Error> {
    let chat = start.opened.chat_public();
    let request = request_in(&decrypted.plaintext);
    let state = start.known.as_ref().map(|person| person.state);
    let stranger = matches!(state, None | Some(PersonState::Declined));
    if stranger && (request.is_none() || is_full(step, &start.secret)?) {
        return Ok(None);
    }
    if state.is_none() {
        contact::new(step, chat, PersonState::Declined, String::new())?;
    }
    if stranger && device::is_other(step, chat, &start.record)? {
        step.persons.edit(chat, |person| person.verified = false)?; // it asks like a stranger
    }
    if state == Some(PersonState::Incoming) {
        if is_held(step, chat, &start.record)? {
            devices::changed(step, chat)?;
            return Ok(None); // it replaces nothing, and may ask again after the answer
        }
        sessions::drop_sessions(step, chat)?; // one session before the answer
    }
    let taken = take_device(step, chat, &start)?;
    let row = sotto_db::Session {
        handshake: start.handshake,
        prekey_id: Some(start.prekey.id),
        ..session::session_row(step, chat, &decrypted.session, start.record.device_id, false, start.opened.start())
    };
    link::add(step, &row)?;
    let handshake = sotto_db::Handshake {
        handshake: start.handshake,
        session: Some(row.hash),
        secret: Some(start.secret.secret),
        until_ms: step.now_ms.saturating_add(HANDSHAKE_MS),
    };
    session::note_handshake(step, &handshake)?;
    sessions::keep_few(step, &row)?;
    session::choose_sending(step, chat)?;
    let row = step.tx.sessions.get(&row.hash)?.or_bug("the session just made")?;
    let request = request.filter(|_| taken);
    if let Some(request) = &request
        && state != Some(PersonState::Requested)
    {
        // This comes before its message is counted: a pending request owes nothing.
        request::take(step, chat, request, start.secret.secret)?;
    }
    Ok(Some(Begun { row, decrypted, start, request, taken }))
}

pub(crate) fn begun(step: &mut People<'_>, begun: &Begun) -> Result<(), Error> {
    let Begun { row, start, request, taken, .. } = begun;
    let (chat, state) = (&row.chat, start.known.as_ref().map(|person| person.state));
    if !taken {
        return Ok(());
    }
    if state == Some(PersonState::Accepted) {
        if start.prekey.kind == PairKind::Invite {
            invite::use_up(step, &start.secret.secret)?;
        }
        // They began a new session: the answer carries a pair for the next time.
        old_copy::they_began_anew(step, chat, &row.hash)?;
        hello::send(step, chat)?;
        send::seal_waiting(step, chat)?;
    } else if let Some(request) = request
        && contact::state(step, chat)? == Some(PersonState::Requested)
    {
        request::take(step, chat, request, start.secret.secret)?;
    }
    Ok(())
}

fn is_full(step: &People<'_>, invite: &Secret) -> Result<bool, Error> {
    let waiting = PersonState::Incoming;
    Ok(step.persons.count_in(waiting)? >= PENDING
        || step.persons.count_asking_by(waiting, &invite.secret)? >= PENDING_OF_INVITE)
}

fn is_held(step: &People<'_>, chat: &Chat, record: &DeviceRecord) -> Result<bool, Error> {
    let verified = step.persons.get(chat)?.is_some_and(|person| person.verified);
    Ok(verified && device::is_other(step, chat, record)?)
}

/// Records the device that begins a session. True if it is the confirmed device, or becomes it now; a verified
/// contact's new device never does before the person accepts it.
fn take_device(step: &mut People<'_>, chat: &Chat, start: &Start) -> Result<bool, Error> {
    let record = &start.record;
    let other = device::is_other(step, chat, record)?;
    let taken = !is_held(step, chat, record)?;
    if taken {
        device::known_version(step, chat, record.list_version)?;
        devices::take(step, chat, record)?;
    } else {
        devices::hold(step, chat, record)?;
    }
    if other {
        devices::changed(step, chat)?;
    }
    device::meet(step, chat, record, Some(start.opened.start()))?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prekey(kind: PairKind) -> Prekey {
        Prekey {
            id: [1; 8],
            private: [].as_slice().into(),
            kind,
            secret: (kind != PairKind::Reset).then_some([2; 16]),
            chat: (kind == PairKind::Reset).then_some([3; 33]),
            delete_ms: None,
        }
    }

    fn secret(kind: SecretKind, secret: [u8; 16]) -> Secret {
        Secret { secret, kind, until_ms: None, created_ms: 0 }
    }

    #[test]
    fn start_numbers_rise_and_one_from_far_ahead_counts_for_nothing() {
        let now = 1_800_000_000;
        let at = u64::from(now);
        assert!(rises(now, now - 1, at) && !rises(now, now, at) && !rises(now - 1, now, at));
        assert!(rises(now + 86_400, now, at) && !rises(now + 86_401, now, at));
        assert!(rises(now, now + 86_401, at), "its clock was wrong then");
        assert!(!rises(now, now + 86_400, at));
    }

    #[test]
    fn a_prekey_serves_whom_it_was_made_for() {
        for kind in [PairKind::Invite, PairKind::Bundle] {
            assert!(belongs(&prekey(kind), &secret(SecretKind::Invite, [2; 16])));
            for other in [SecretKind::Invite, SecretKind::Contacts] {
                let under_another = belongs(&prekey(kind), &secret(other, [9; 16]));
                assert!(!under_another, "only with its own secret");
            }
        }
        assert!(belongs(&prekey(PairKind::Reset), &secret(SecretKind::Contacts, [9; 16])));
        assert!(!belongs(&prekey(PairKind::Reset), &secret(SecretKind::Invite, [2; 16])));

        let may = |kind: PairKind, chat: [u8; 33], state: Option<PersonState>| serves(&prekey(kind), &chat, state);
        let states = [
            None,
            Some(PersonState::Requested),
            Some(PersonState::Incoming),
            Some(PersonState::Accepted),
            Some(PersonState::Declined),
            Some(PersonState::Blocked),
        ];
        for state in states {
            let accepted = state == Some(PersonState::Accepted);
            assert_eq!(may(PairKind::Invite, [3; 33], state), state != Some(PersonState::Blocked));
            assert_eq!(may(PairKind::Bundle, [3; 33], state), accepted);
            assert_eq!(may(PairKind::Reset, [3; 33], state), accepted);
            assert!(!may(PairKind::Reset, [4; 33], state), "given to somebody else");
        }
    }
}
