//! Own invites: made, used up, closed.

use sotto_crypto::PrekeyPair;
use sotto_db::{PairKind, Secret, SecretKind};
use sotto_wire::identity::secret_hash;
use sotto_wire::invite;

use crate::engine::base::schedule::{self, DAY};
use crate::engine::keys::{Keys, pairs, publish};
use crate::error::{Code, Error};
use crate::records::{Invite, InviteId};

const OPEN_INVITES: usize = 8;
const INVITE_MS: i64 = 7 * DAY;
/// Most secrets that a handshake is tried with; further ones are refused.
pub(crate) const SECRETS: usize = 32;
/// How long the secret of a closed invite still unmasks.
const UNMASK_MS: i64 = 33 * DAY;

/// Makes an invite for one contact and publishes its cards.
pub(crate) fn open(step: &mut Keys<'_>) -> Result<Invite, Error> {
    let own = step.own()?;
    own.in_force()?;
    if !step.may_sign {
        return Err(Code::ClockSkewed.into());
    }
    let open = step.invites.all()?;
    let open = open.iter().filter(|row| is_open(row, step.now_ms));
    // A secret that handshakes are not tried with would be useless.
    if open.count() >= OPEN_INVITES || step.secrets.all()?.len() >= SECRETS {
        return Err(Code::InviteTooMany.into());
    }
    let expires_ms = step.clock_ms.saturating_add(INVITE_MS);
    let link = invite::Invite {
        cluster: step.config.cluster,
        expiry_s: u32::try_from(expires_ms / 1000).map_err(|_| Code::ClockSkewed)?,
        chat: own.chat,
        secret: step.random(),
        name: Some(own.name.clone()).filter(|name| !name.as_str().is_empty()),
        nodes: step.config.invite_nodes.iter().take(invite::MAX_NODES).cloned().collect(),
    };
    let prekey = PrekeyPair::generate(step.rng);
    let keep_ms = INVITE_MS.saturating_add(step.retention_ms()).saturating_add(DAY);
    let until_ms = Some(step.now_ms.saturating_add(keep_ms));
    pairs::store(step, &prekey, PairKind::Invite, (Some(link.secret), None), until_ms)?;
    unmasks(step, link.secret, SecretKind::Invite, until_ms, step.now_ms)?;
    let row = sotto_db::Invite {
        secret: link.secret,
        prekey_id: prekey.id(),
        created_ms: step.now_ms,
        expires_ms: step.now_ms.saturating_add(INVITE_MS),
        uses_left: 1,
        closed_ms: None,
        next_card_ms: step.now_ms,
    };
    publish::publish_invite(step, row)?;
    Ok(Invite {
        id: InviteId::from_bytes(&secret_hash(&link.secret)),
        link: link.to_link().map_err(|_| Code::NetworkAddress)?,
        expires_ms: i64::from(link.expiry_s) * 1000,
    })
}

pub(crate) fn unmasks(
    step: &mut Keys<'_>,
    secret: [u8; 16],
    kind: SecretKind,
    until_ms: Option<i64>,
    created_ms: i64,
) -> Result<(), Error> {
    Ok(step.secrets.put(&Secret { secret, kind, until_ms, created_ms })?)
}

/// Whether it is neither used up, closed nor expired.
pub(crate) fn is_open(row: &sotto_db::Invite, now_ms: i64) -> bool {
    row.closed_ms.is_none() && row.expires_ms > now_ms
}

/// Closes an open invite before its time: it admits nobody from now on. Requests that came by it stay.
pub(crate) fn close(step: &mut Keys<'_>, id: &InviteId) -> Result<(), Error> {
    step.own()?.in_force()?;
    let hash = id.to_bytes()?;
    let wanted = |row: &sotto_db::Invite| is_open(row, step.now_ms) && secret_hash(&row.secret) == hash;
    let row = step.invites.all()?.into_iter().find(wanted);
    end(step, row.ok_or(Code::InviteMissing)?)
}

pub(crate) fn invite_error(error: invite::InviteError) -> Error {
    use invite::InviteError as E;
    Error::new(match error {
        E::Checksum => Code::InviteChecksum,
        E::NewerVersion => Code::InviteNewer,
        E::OtherNetwork => Code::InviteOtherNetwork,
        E::Expired => Code::InviteExpired,
        _ => Code::InviteTruncated,
    })
}

/// Counts a use of an own invite; the last use closes it.
pub(crate) fn use_up(step: &mut Keys<'_>, secret: &[u8; 16]) -> Result<(), Error> {
    let Some(mut row) = step.invites.get(secret)? else {
        return Ok(());
    };
    row.uses_left = row.uses_left.saturating_sub(1);
    if row.uses_left > 0 {
        return Ok(step.invites.put(&row)?);
    }
    end(step, row)
}

/// Ends an invite: its cards say so. Its secret stays for as long as its users may repeat their first message.
fn end(step: &mut Keys<'_>, mut row: sotto_db::Invite) -> Result<(), Error> {
    row.closed_ms = Some(step.now_ms);
    step.prekeys.remove(&row.prekey_id)?;
    if step.handshakes.under(&row.secret)? {
        let until_ms = Some(step.now_ms.saturating_add(UNMASK_MS));
        unmasks(step, row.secret, SecretKind::Invite, until_ms, row.created_ms)?;
    } else {
        step.secrets.remove(&row.secret)?;
    }
    publish::publish_invite(step, row)
}

/// The cards of open invites carry the new name soon, each invite's at its own time.
pub(crate) fn show_soon(step: &mut Keys<'_>) -> Result<(), Error> {
    for row in step.invites.all()? {
        if is_open(&row, step.now_ms) {
            let soon_ms = step.after(&schedule::SOON, 0);
            let next_card_ms = row.next_card_ms.min(soon_ms);
            put_off(step, row, next_card_ms)?;
        }
    }
    Ok(())
}

pub(crate) fn show_now(step: &mut Keys<'_>) -> Result<(), Error> {
    step.invites.all()?.into_iter().try_for_each(|row| put_off(step, row, step.now_ms))
}

pub(crate) fn put_off(step: &mut Keys<'_>, row: sotto_db::Invite, next_card_ms: i64) -> Result<(), Error> {
    Ok(step.invites.put(&sotto_db::Invite { next_card_ms, ..row })?)
}
