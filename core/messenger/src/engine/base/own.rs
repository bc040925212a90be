//! The own account as stored: keys, name, device record, settings.

use log::LevelFilter;
use sotto_crypto::{Account, DeviceKeys, Phrase};
use sotto_db::Tables;
use sotto_wire::identity::{DeviceList, DeviceRecord, LABEL_LIST, LABEL_RECORD, MAX_VALIDITY_S, next_version};
use sotto_wire::name::Name;
use zeroize::Zeroizing;

use crate::engine::base::schedule;
use crate::engine::base::step::Base;
use crate::error::{Code, Error, OrBug};
use crate::records::Settings;

/// A record with less time left than this is not shown to others, seconds.
const RENEW_LEFT_S: u64 = 12 * 3600;
/// Default mean of the receipt delay, milliseconds.
const RECEIPT_DELAY_MS: u32 = 3000;

pub(crate) const KEY_ACCOUNT: &str = "account";
pub(crate) const KEY_PHRASE: &str = "phrase";
pub(crate) const KEY_DEVICE: &str = "device";
pub(crate) const KEY_NAME: &str = "name";
pub(crate) const KEY_RECORD: &str = "record";
pub(crate) const KEY_CONTACTS_SECRET: &str = "contacts_secret";
pub(crate) const KEY_SETTINGS: &str = "settings";
pub(crate) const KEY_REPLACED: &str = "replaced";
pub(crate) const KEY_RESTORING: &str = "restoring";
pub(crate) const KEY_PUBLISHED: &str = "published_ms";
pub(crate) const KEY_NEXT_SELF: &str = "next_self_ms";
/// When the cards under the contacts secret are due.
pub(crate) const KEY_NEXT_CONTACTS: &str = "next_contacts_ms";
/// The devices as contacts were last told, and when they changed.
pub(crate) const KEY_TOLD: &str = "list_told";
pub(crate) const KEY_LIST_CHANGED: &str = "list_changed_ms";
/// The load of the own bucket, and whether it was left.
pub(crate) const KEY_BUCKET: &str = "bucket";
pub(crate) const KEY_BUCKET_LEFT: &str = "bucket_left";
/// Version of the last profile.
pub(crate) const KEY_PROFILE: &str = "profile_version";

pub(crate) struct Own {
    pub(crate) account: Account,
    pub(crate) chat: [u8; 33],
    pub(crate) device: [u8; 16],
    pub(crate) keys: DeviceKeys,
    pub(crate) name: Name,
    pub(crate) record: DeviceRecord,
    pub(crate) contacts_secret: Zeroizing<[u8; 16]>,
    pub(crate) settings: Settings,
    /// Whether the phrase was restored elsewhere: then this install does nothing more.
    pub(crate) replaced: bool,
    /// Whether the own bucket is busy and polled.
    pub(crate) bucket_left: bool,
    /// Whether the own list in the stores must be read.
    pub(crate) next_self_ms: i64,
    /// When the cards under the contacts secret are due.
    pub(crate) next_contacts_ms: i64,
    /// When the list under the self secret was last published; 0 if it must be.
    pub(crate) published_ms: i64,
}

fn stored<const N: usize>(tx: &Tables<'_>, key: &str) -> Result<[u8; N], Error> {
    let bytes = tx.kv.get(key)?.ok_or(Code::StorageCorrupt)?;
    bytes.as_slice().try_into().map_err(|_| Code::StorageCorrupt.into())
}

/// The flag of settings without search.
pub(crate) const NO_SEARCH: u8 = 2;

/// Settings as stored: flags 1 (1 read receipts, 2 no search) ‖ typing 1 ‖ receipt delay 4 ‖ log level.
pub(crate) fn settings_of(bytes: Option<&[u8]>, read_receipts: bool) -> Settings {
    let mut settings = Settings {
        read_receipts,
        typing: false,
        receipt_delay_ms: RECEIPT_DELAY_MS,
        search: true,
        log: LevelFilter::Warn,
    };
    if let Some([flags, typing, d0, d1, d2, d3, log @ ..]) = bytes {
        settings.read_receipts = flags & 1 > 0;
        settings.search = flags & NO_SEARCH == 0;
        settings.typing = *typing == 1;
        settings.receipt_delay_ms = u32::from_be_bytes([*d0, *d1, *d2, *d3]);
        let level = std::str::from_utf8(log).ok().and_then(|name| name.parse().ok());
        settings.log = level.unwrap_or(settings.log);
    }
    settings
}

impl Own {
    pub(crate) fn load(tx: &Tables<'_>, read_receipts: bool) -> Result<Option<Self>, Error> {
        let Some(account) = tx.kv.get(KEY_ACCOUNT)? else {
            return Ok(None);
        };
        let corrupt = |_| Error::from(Code::StorageCorrupt);
        let account = Account::from_bytes(&Zeroizing::new(account)).map_err(corrupt)?;
        let device: Zeroizing<[u8; 80]> = Zeroizing::new(stored(tx, KEY_DEVICE)?);
        let (id, keys) = device.split_first_chunk().ok_or(Code::StorageCorrupt)?;
        let record = DeviceRecord::decode(&stored::<185>(tx, KEY_RECORD)?);
        let name = tx.kv.get(KEY_NAME)?.unwrap_or_default();
        Ok(Some(Self {
            chat: *account.chat_public(),
            account,
            device: *id,
            keys: DeviceKeys::from_bytes(keys).map_err(corrupt)?,
            name: Name::new(String::from_utf8_lossy(&name)).unwrap_or_default(),
            record: record.map_err(|_| Code::StorageCorrupt)?,
            contacts_secret: Zeroizing::new(stored(tx, KEY_CONTACTS_SECRET)?),
            settings: settings_of(tx.kv.get(KEY_SETTINGS)?.as_deref(), read_receipts),
            replaced: tx.kv.get(KEY_REPLACED)?.is_some(),
            bucket_left: tx.kv.get(KEY_BUCKET_LEFT)?.is_some(),
            next_self_ms: tx.kv.time(KEY_NEXT_SELF)?,
            next_contacts_ms: tx.kv.time(KEY_NEXT_CONTACTS)?,
            published_ms: tx.kv.time(KEY_PUBLISHED)?,
        }))
    }

    /// Refuses calls that a replaced install must not make.
    pub(crate) fn in_force(&self) -> Result<(), Error> {
        if self.replaced { Err(Code::DeviceReplaced.into()) } else { Ok(()) }
    }

    /// The device list, signed for the card under a secret.
    pub(crate) fn list(&self, record: &DeviceRecord, secret_hash: &[u8; 32]) -> Result<DeviceList, Error> {
        let mut list = DeviceList {
            chat: self.chat,
            version: record.list_version,
            not_after_s: record.not_after_s,
            records: vec![*record],
            signature: [0; 64],
        };
        let bytes = list.signed_bytes(secret_hash);
        list.signature = self.sign(LABEL_LIST, &bytes)?;
        Ok(list)
    }

    /// Whether a list names this device. A device with this id and other keys is another device.
    pub(crate) fn is_in(&self, list: &DeviceList) -> bool {
        list.record(&self.device).is_some_and(|record| {
            record.identity == self.keys.identity_public() && record.signing == self.keys.signing_public()
        })
    }

    pub(crate) fn sign(&self, label: &str, bytes: &[u8]) -> Result<[u8; 64], Error> {
        let signed = self.account.sign(label, &[bytes]);
        signed.or_bug("signature")
    }
}

crate::closed_debug!(Own);

/// Makes or restores the account of this install; returns its contacts secret.
pub(crate) fn create(step: &mut Base<'_>, phrase: &Phrase, name: &Name, restoring: bool) -> Result<[u8; 16], Error> {
    if step.own.is_some() {
        return Err(Code::AccountExists.into());
    }
    let account = Account::from_phrase(phrase).or_bug("account of a phrase")?;
    let device: [u8; 16] = step.random();
    let keys = DeviceKeys::generate(step.rng);
    let secret: [u8; 16] = step.random();
    let version = next_version(None, step.clock_s());
    let suites = step.config.suites;
    let record = sign_record(&account, &keys, &device, suites, version, step.clock_s())?;
    step.kv.set(KEY_ACCOUNT, account.to_bytes().as_slice())?;
    step.kv.set(KEY_PHRASE, phrase.words().as_bytes())?;
    let stored = Zeroizing::new([device.as_slice(), keys.to_bytes().as_slice()].concat());
    step.kv.set(KEY_DEVICE, &stored)?;
    step.kv.set(KEY_NAME, name.as_str().as_bytes())?;
    step.kv.set(KEY_RECORD, &record.encode())?;
    step.kv.set(KEY_CONTACTS_SECRET, &secret)?;
    if restoring {
        step.kv.set(KEY_RESTORING, &[1])?;
    }
    step.kv.set_time(KEY_NEXT_SELF, step.now_ms)?;
    let contacts_ms = step.after(&schedule::REFRESH, 0);
    step.kv.set_time(KEY_NEXT_CONTACTS, contacts_ms)?;
    step.fx.own = true;
    log::info!("account {}", if restoring { "restored" } else { "made" });
    Ok(secret)
}

fn sign_record(
    account: &Account,
    keys: &DeviceKeys,
    device: &[u8; 16],
    suites: u32,
    version: u64,
    clock_s: u64,
) -> Result<DeviceRecord, Error> {
    let mut record = DeviceRecord {
        list_version: version,
        not_after_s: clock_s.saturating_add(MAX_VALIDITY_S),
        device_id: *device,
        identity: keys.identity_public(),
        signing: keys.signing_public(),
        suites,
        reserved: [0; 21],
        signature: [0; 64],
    };
    let bytes = record.signed_bytes(account.chat_public());
    let signed = account.sign(LABEL_RECORD, &[&bytes]);
    record.signature = signed.or_bug("signature")?;
    Ok(record)
}

/// The device record, signed again only before it expires or for other suites. A new version is signed after a look at
/// the stores ([`renew_record`]): two installs of one phrase would outbid each other for ever.
pub(crate) fn record(step: &mut Base<'_>) -> Result<DeviceRecord, Error> {
    let own = step.own()?;
    let left_s = own.record.not_after_s.saturating_sub(step.clock_s());
    let speaks = own.record.suites == step.config.suites;
    if speaks && (RENEW_LEFT_S..=MAX_VALIDITY_S).contains(&left_s) { Ok(own.record) } else { renew_record(step, None) }
}

/// As [`record`], or the existing record while the clock must not sign a new one; for uses of its version only.
pub(crate) fn record_or_old(step: &mut Base<'_>) -> Result<DeviceRecord, Error> {
    match record(step) {
        Err(error) if error.code() == Code::ClockSkewed => Ok(step.own()?.record),
        record => record,
    }
}

/// Signs a new version of the device record, above `over` if another one was seen.
pub(crate) fn renew_record(step: &mut Base<'_>, over: Option<u64>) -> Result<DeviceRecord, Error> {
    let own = step.own()?;
    if !step.may_sign {
        return Err(Code::ClockSkewed.into());
    }
    let last = own.record.list_version.max(over.unwrap_or(0));
    let version = next_version(Some(last), step.clock_s());
    let record = sign_record(&own.account, &own.keys, &own.device, step.config.suites, version, step.clock_s())?;
    step.kv.set(KEY_RECORD, &record.encode())?;
    step.fx.own = true;
    Ok(record)
}

/// The content of the cards under the contacts secret changed: they are published again soon.
pub(crate) fn own_cards_changed(step: &mut Base<'_>) -> Result<(), Error> {
    step.fx.own = true;
    let soon_ms = step.after(&schedule::SOON, 0);
    Ok(step.kv.set_time(KEY_NEXT_CONTACTS, soon_ms)?)
}

/// This install speaks other suites now: a new list is signed after a look at the stores, and all cards follow.
pub(crate) fn publish_anew(step: &mut Base<'_>) -> Result<(), Error> {
    step.fx.own = true;
    step.kv.set_time(KEY_PUBLISHED, 0)?;
    step.kv.set_time(KEY_NEXT_CONTACTS, step.now_ms)?;
    Ok(step.kv.set_time(KEY_NEXT_SELF, step.now_ms)?)
}
