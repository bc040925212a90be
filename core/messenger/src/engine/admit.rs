//! First messages of a session: who may begin one, by which of our keys, and what it begins.

use sotto_crypto::{Block, CardSecret, Decrypted, DeviceId, Opened, PrekeyPair, unmask};
use sotto_db::{Chat, Contact, Hash, Prekey, Secret};
use sotto_wire::content::{Content, Inner, Message, Request};
use sotto_wire::envelope::{split_handshake, unpad};
use sotto_wire::identity::{DeviceRecord, check_not_after, check_version};

use super::receive::{self, Incoming, Verdict};
use super::step::{DAY, HOUR, Step};
use super::{contact, device, found, inbox, invite, old_copy, send, session, state};
use crate::error::{Code, Error, OrBug};

/// A handshake is remembered for so long when nothing confirms it.
const HANDSHAKE_MS: i64 = 33 * DAY;
/// Requests that wait for an answer,
const PENDING: u32 = 200;
/// and those of one invite: no link fills the places of the others.
const PENDING_OF_INVITE: u32 = 25;
/// Secrets tried on a handshake; no more are made.
pub(super) const SECRETS: usize = 32;
/// A device begins one session in this time; more only by fresh pairs, up to [`session::LIVE`].
const START_MS: i64 = HOUR;
/// Furthest a start number may lie ahead of the clock, seconds.
const AHEAD_S: u64 = 86_400;

/// What a private prekey pair was made for, as the database has it.
pub(super) const INVITE: u8 = 0;
pub(super) const BUNDLE: u8 = 1;
pub(super) const RESET: u8 = 2;
/// The kind of a contacts secret; that of an invite's is [`INVITE`].
pub(super) const CONTACTS: u8 = 1;

/// A 2 KiB envelope with an unknown tag: perhaps somebody's first message.
pub(super) fn handshake(step: &mut Step<'_>, envelope: &Incoming<'_>) -> Result<Verdict, Error> {
    let Ok((block, header, message)) = split_handshake(envelope.body) else {
        return Ok(Verdict::Unmatched);
    };
    let secrets = step.tx.secrets()?;
    let unmasked = secrets.into_iter().take(SECRETS).find_map(|row| {
        let block = unmask(&CardSecret::new(&row.secret), &envelope.tag, &envelope.random, block)?;
        Some((block, row))
    });
    let Some((block, secret)) = unmasked else {
        return Ok(Verdict::Unmatched);
    };
    if let Some(known) = step.tx.handshake(&block.hash())? {
        let session = known.session.map(|hash| step.tx.session(&hash));
        return match session.transpose()?.flatten() {
            Some(row) => receive::decrypt(step, envelope, row, header, message),
            None => Ok(Verdict::Dropped),
        };
    }
    let Some((start, pair)) = start(step, &block, secret)? else {
        return Ok(Verdict::Dropped);
    };
    let Ok(session) = start.opened.finish(&start.record.identity, &pair) else {
        return Ok(Verdict::Dropped);
    };
    // Who is no contact yet has few keys kept for him.
    let below = match &start.known {
        Some(contact) if contact.state != state::DECLINED => inbox::room(step, &contact.chat)?,
        _ => Some(inbox::PENDING_MESSAGES),
    };
    let Some(below) = below else {
        return Ok(Verdict::Dropped);
    };
    match session.decrypt(below, &envelope.tag, &envelope.random, header, message) {
        Ok(decrypted) => begin(step, envelope, &start, &decrypted),
        Err(_) => Ok(Verdict::Dropped),
    }
}

/// A session that somebody begins, by keys of ours that he may use. Its first message proves it.
struct Start {
    opened: Opened,
    record: DeviceRecord,
    handshake: Hash,
    secret: Secret,
    prekey: Prekey,
    known: Option<Contact>,
}

/// Who begins a session, if he may; and the private pair that he begins it by.
fn start(step: &mut Step<'_>, block: &Block, secret: Secret) -> Result<Option<(Start, PrekeyPair)>, Error> {
    let own = step.own()?;
    let Some(prekey) = step.tx.prekey(&block.prekey_id())? else {
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
    let known = step.tx.contact(&chat)?;
    let Ok(record) = DeviceRecord::decode(opened.record()) else {
        return Ok(None);
    };
    let version = known.as_ref().and_then(|contact| u64::try_from(contact.list_version).ok());
    let good = chat != own.chat
        && serves(&prekey, &chat, known.as_ref().map(|contact| contact.state))
        && check_not_after(record.not_after_s, step.clock_s()).is_ok()
        && check_version(record.list_version, version, step.clock_s()).is_ok()
        && found::verify_record(&chat, &record);
    if !good {
        return Ok(None);
    }
    if !device::is_itself(step, &chat, &record)? {
        if let Some(mut contact) = known {
            device::changed(step, &mut contact)?;
        }
        return Ok(None);
    }
    if let Err(code) = device::check_suite(step, known.as_ref(), &record, block.suite()) {
        if let Some(mut contact) = known {
            device::refuse(step, &mut contact, code)?;
        }
        return Ok(None);
    }
    if !is_newer(step, &chat, &record, opened.start())? || !is_slow(step, known.as_ref(), &record, &prekey)? {
        return Ok(None);
    }
    let start = Start { opened, record, handshake: block.hash(), secret, prekey, known };
    Ok(Some((start, pair)))
}

/// Was a pair published, or given, under the secret that a block is masked with?
fn belongs(prekey: &Prekey, secret: &Secret) -> bool {
    match prekey.kind {
        INVITE | BUNDLE => prekey.secret == Some(secret.secret),
        RESET => secret.kind == CONTACTS,
        _ => false,
    }
}

/// Who may begin a session by a pair: with an invite anybody who is not blocked, else contacts alone, and by a reset pair
/// only the one that it was given to.
fn serves(prekey: &Prekey, chat: &Chat, state: Option<u8>) -> bool {
    match prekey.kind {
        INVITE => state != Some(state::BLOCKED),
        RESET => state == Some(state::ACCEPTED) && prekey.chat == Some(*chat),
        _ => state == Some(state::ACCEPTED),
    }
}

/// Start numbers of a device rise.
fn is_newer(step: &Step<'_>, chat: &Chat, record: &DeviceRecord, start: u32) -> Result<bool, Error> {
    let known = device::known(step, chat, record)?.map_or(0, |device| device.start_in);
    Ok(rises(start, known, step.clock_s()))
}

/// A start number far ahead is refused, and none known from then, or a wrong clock would shut its device out for good.
fn rises(start: u32, known: u32, clock_s: u64) -> bool {
    let furthest = clock_s.saturating_add(AHEAD_S);
    let counts = u64::from(known) <= furthest;
    u64::from(start) <= furthest && (start > known || !counts)
}

/// May a device begin another session already? A reset pair, or an invite's, begins its first one at any time. A device
/// that is not the confirmed one has to wait where all of the account began so many: it can have any number.
fn is_slow(step: &Step<'_>, known: Option<&Contact>, record: &DeviceRecord, prekey: &Prekey) -> Result<bool, Error> {
    // Nothing is sent before the answer, and one session takes the place of another.
    let Some(contact) = known.filter(|contact| contact.state != state::INCOMING) else {
        return Ok(true);
    };
    let since_ms = step.now_ms.saturating_sub(START_MS);
    let mut lately = step.tx.sessions_of(&contact.chat)?;
    lately.retain(|row| !row.initiator && (since_ms..=step.now_ms).contains(&row.created_ms));
    if is_other(contact, record) && lately.len() >= session::LIVE {
        return Ok(false);
    }
    lately.retain(|row| row.device == record.device_id);
    let fresh_pair = prekey.kind != BUNDLE
        && lately.len() < session::LIVE
        && lately.iter().all(|row| row.prekey_id != Some(prekey.id));
    Ok(lately.is_empty() || fresh_pair)
}

/// The request in a first message, if it is one.
fn request_in(plaintext: &[u8]) -> Option<Request> {
    let inner = Inner::decode(unpad(plaintext).ok()?).ok()?;
    match Message::decode(&inner.message).ok()?.content().ok()? {
        Content::Request(request) => Some(request),
        _ => None,
    }
}

fn begin(step: &mut Step<'_>, envelope: &Incoming<'_>, start: &Start, decrypted: &Decrypted) -> Result<Verdict, Error> {
    let chat = *start.opened.chat_public();
    let request = request_in(&decrypted.plaintext);
    let stranger = match &start.known {
        None => true,
        Some(contact) => contact.state == state::DECLINED,
    };
    if stranger
        && (request.is_none()
            || step.tx.contacts_in(state::INCOMING)? >= PENDING
            || step.tx.contacts_asking_by(state::INCOMING, &start.secret.secret)? >= PENDING_OF_INVITE)
    {
        return Ok(Verdict::Dropped);
    }
    let mut contact = match start.known.clone() {
        Some(contact) => contact,
        None => contact::new(step, &chat, state::DECLINED, String::new())?,
    };
    if contact.state == state::DECLINED && is_other(&contact, &start.record) {
        contact.verified = false; // it asks as a stranger does
    }
    if contact.state == state::INCOMING {
        if is_held(&contact, &start.record) {
            device::changed(step, &mut contact)?;
            return Ok(Verdict::Dropped); // it displaces nothing, and may ask again after the answer
        }
        session::drop_sessions(step, &chat)?; // one session before the answer
    }
    let taken = take_device(step, &mut contact, start)?;
    let row = sotto_db::Session {
        handshake: start.handshake,
        prekey_id: Some(start.prekey.id),
        ..session::session_row(step, &contact, &decrypted.session, start.record.device_id, false, start.opened.start())
    };
    step.tx.session_put(&row)?;
    step.tx.handshake_put(&sotto_db::Handshake {
        handshake: start.handshake,
        session: Some(row.hash),
        secret: Some(start.secret.secret),
        until_ms: step.now_ms.saturating_add(HANDSHAKE_MS),
    })?;
    session::keep_few(step, &row)?;
    session::choose_sending(step, &chat)?;
    let row = step.tx.session(&row.hash)?.or_bug("the session just made")?;
    let request = request.filter(|_| taken);
    if let Some(request) = &request
        && contact.state != state::REQUESTED
    {
        // Before its message is counted: what is pending owes nothing.
        contact::take_request(step, &mut contact, request, start.secret.secret)?;
    }
    receive::moved(step, envelope, row, decrypted)?;
    let Some(mut contact) = step.tx.contact(&chat)?.filter(|_| taken) else {
        return Ok(Verdict::Taken);
    };
    let was_accepted = |known: &Contact| known.state == state::ACCEPTED;
    if start.known.as_ref().is_some_and(was_accepted) {
        if start.prekey.kind == INVITE {
            invite::use_up(step, &start.secret.secret)?;
        }
        // They began anew: the answer, with a pair for the next time.
        old_copy::they_began_anew(step, &chat, decrypted.session.hash())?;
        contact::hello(step, &mut contact)?;
        send::seal_waiting(step, &chat)?;
    } else if let Some(request) = &request
        && contact.state == state::REQUESTED
    {
        contact::take_request(step, &mut contact, request, start.secret.secret)?;
    }
    Ok(Verdict::Taken)
}

fn is_other(contact: &Contact, record: &DeviceRecord) -> bool {
    contact.device.is_some_and(|device| device != record.device_id)
}

/// Is this a device of a verified contact that nobody said is theirs?
fn is_held(contact: &Contact, record: &DeviceRecord) -> bool {
    contact.verified && is_other(contact, record)
}

/// Notes the device that begins a session. True if it is their confirmed one, or is taken for it now: a verified contact's
/// never is before somebody says so.
fn take_device(step: &mut Step<'_>, contact: &mut Contact, start: &Start) -> Result<bool, Error> {
    let record = &start.record;
    let other = is_other(contact, record);
    let taken = !is_held(contact, record);
    if taken {
        contact.list_version = i64::try_from(record.list_version).unwrap_or(i64::MAX);
        device::take(step, contact, record)?;
    } else {
        device::hold(step, contact, record);
    }
    step.tx.contact_put(contact)?;
    if other {
        device::changed(step, contact)?;
    }
    device::remember(step, contact, record, start.opened.start())?;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prekey(kind: u8) -> Prekey {
        Prekey {
            id: [1; 8],
            private: [].as_slice().into(),
            kind,
            secret: (kind != RESET).then_some([2; 16]),
            chat: (kind == RESET).then_some([3; 33]),
            delete_ms: None,
        }
    }

    fn secret(kind: u8, secret: [u8; 16]) -> Secret {
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
        for kind in [INVITE, BUNDLE] {
            assert!(belongs(&prekey(kind), &secret(kind, [2; 16])));
            for other in [INVITE, CONTACTS] {
                let under_another = belongs(&prekey(kind), &secret(other, [9; 16]));
                assert!(!under_another, "only with its own secret");
            }
        }
        assert!(belongs(&prekey(RESET), &secret(CONTACTS, [9; 16])));
        assert!(!belongs(&prekey(RESET), &secret(INVITE, [2; 16])));
        assert!(!belongs(&prekey(3), &secret(CONTACTS, [2; 16])));

        let may = |kind: u8, chat: [u8; 33], state: Option<u8>| serves(&prekey(kind), &chat, state);
        let states = [
            None,
            Some(state::REQUESTED),
            Some(state::INCOMING),
            Some(state::ACCEPTED),
            Some(state::DECLINED),
            Some(state::BLOCKED),
        ];
        for state in states {
            let accepted = state == Some(state::ACCEPTED);
            assert_eq!(may(INVITE, [3; 33], state), state != Some(state::BLOCKED));
            assert_eq!(may(BUNDLE, [3; 33], state), accepted);
            assert_eq!(may(RESET, [3; 33], state), accepted);
            assert!(!may(RESET, [4; 33], state), "given to somebody else");
        }
    }
}
