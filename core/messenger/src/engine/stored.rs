//! Rows that the API reads from the database itself, decoded by the engine's rules.

use sotto_db::{Chat, Hash, Reader};
use sotto_wire::identity::{DeviceRecord, secret_hash};
use sotto_wire::invite::{Invite, MAX_NODES};
use sotto_wire::name::Name;
use zeroize::Zeroizing;

use crate::engine::base::own::{
    KEY_ACCOUNT, KEY_NAME, KEY_PHRASE, KEY_RECORD, KEY_REPLACED, KEY_SETTINGS, settings_of,
};
use crate::engine::keys::invite::{invite_error, is_open};
use crate::engine::people::contact;
use crate::error::{Code, Error};
use crate::records::{self, ContactId, InviteId, InvitePreview, Settings};

/// The own account for the API.
#[derive(Clone, PartialEq, Eq)]
pub struct Own {
    /// Chat key of the account.
    pub chat: [u8; 33],
    /// Own name.
    pub name: String,
    /// Whether the phrase was restored elsewhere.
    pub replaced: bool,
}

/// The own account, if there is one.
pub fn own(reader: &Reader) -> Result<Option<Own>, Error> {
    let Some(account) = reader.tables().kv.get(KEY_ACCOUNT)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let account = sotto_crypto::Account::from_bytes(&account);
    let name = reader.tables().kv.get(KEY_NAME)?.unwrap_or_default();
    let name = Name::new(String::from_utf8_lossy(&name)).unwrap_or_default();
    Ok(Some(Own {
        chat: *account.map_err(|_| Code::StorageCorrupt)?.chat_public(),
        name: name.display(),
        replaced: reader.tables().kv.get(KEY_REPLACED)?.is_some(),
    }))
}

/// Chat key of the own account; zeros before there is one.
pub fn own_chat(reader: &Reader) -> Result<Chat, Error> {
    Ok(own(reader)?.map_or([0; 33], |own| own.chat))
}

/// Hashes of the own device, and of the device that verifying a contact accepts.
pub fn devices(reader: &Reader, chat: &Chat) -> Result<(Hash, Hash), Error> {
    let record = reader.tables().kv.get(KEY_RECORD)?.ok_or(Code::StorageCorrupt)?;
    let record = DeviceRecord::decode(&record).map_err(|_| Code::StorageCorrupt)?;
    let theirs = contact::shown_device(&reader.tables().devices.of(chat)?);
    Ok((contact::device_hash(Some(&record)), contact::device_hash(theirs.as_ref())))
}

/// The recovery phrase.
pub fn phrase(reader: &Reader) -> Result<Option<Zeroizing<String>>, Error> {
    let Some(bytes) = reader.tables().kv.get(KEY_PHRASE)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let words = std::str::from_utf8(&bytes).map_err(|_| Code::StorageCorrupt)?;
    Ok(Some(Zeroizing::new(words.to_owned())))
}

/// Reads an invite's link, and judges it as [`ContactAdd`](crate::engine::call::ContactAdd) would at `now_ms`.
pub fn preview(link: &str, cluster: u16, now_ms: i64) -> Result<InvitePreview, Error> {
    let invite = Invite::from_link(link).map_err(invite_error)?;
    let now_s = u64::try_from(now_ms / 1000).unwrap_or(0);
    invite.check(cluster, now_s).map_err(invite_error)?;
    let emoji = sotto_crypto::emoji_hash(&invite.chat);
    Ok(InvitePreview {
        id: ContactId(sotto_crypto::account_id(&invite.chat)),
        name: invite.name.as_ref().map(Name::display).unwrap_or_default(),
        emoji_hash: emoji.into_iter().map(str::to_owned).collect(),
        color_ring: sotto_crypto::color_ring(&invite.chat),
        expires_ms: i64::from(invite.expiry_s) * 1000,
    })
}

/// Open invites, oldest first. Their links carry the current name and these nodes.
pub fn invites(reader: &Reader, cluster: u16, nodes: &[String], now_ms: i64) -> Result<Vec<records::Invite>, Error> {
    let Some(own) = own(reader)? else {
        return Err(Code::AccountMissing.into());
    };
    let open = reader.tables().invites.all()?.into_iter();
    open.filter(|row| is_open(row, now_ms))
        .map(|row| {
            let expiry_s = u32::try_from(row.expires_ms / 1000).map_err(|_| Code::ClockSkewed)?;
            let name = Name::new(own.name.clone()).ok();
            let link = Invite {
                cluster,
                expiry_s,
                chat: own.chat,
                secret: row.secret,
                name: name.filter(|name| !name.as_str().is_empty()),
                nodes: nodes.iter().take(MAX_NODES).cloned().collect(),
            };
            Ok(records::Invite {
                id: InviteId::from_bytes(&secret_hash(&row.secret)),
                link: link.to_link().map_err(|_| Code::NetworkAddress)?,
                expires_ms: i64::from(expiry_s) * 1000,
            })
        })
        .collect()
}

/// All settings with defaults; `read_receipts` is the configured default.
pub fn settings(reader: &Reader, read_receipts: bool) -> Result<Settings, Error> {
    let stored = reader.tables().kv.get(KEY_SETTINGS)?;
    Ok(settings_of(stored.as_deref(), read_receipts))
}

crate::closed_debug!(Own);
