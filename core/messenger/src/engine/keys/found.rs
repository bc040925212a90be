//! Cards found on pages of lane c, of one account under one secret: the best of each kind. A holder of the secret may
//! publish any number of envelopes under it: they push out nothing.

use std::collections::HashMap;

use sotto_crypto::{CardSecret, DeviceId, Random, Tag, card_open, card_tag, verify_chat, verify_device};
use sotto_net::Received;
use sotto_wire::envelope::{Envelope, unpad};
use sotto_wire::identity::{
    Bundle, CardKind, Closed, DeviceList, DeviceRecord, LABEL_BUNDLE, LABEL_CLOSED, LABEL_LIST, LABEL_PROFILE,
    LABEL_RECORD, NO_DEVICE, Profile, StaleError, check_not_after, check_version, secret_hash,
};

use crate::error::Code;

/// Most bundles kept while no list has named their device.
const CANDIDATES: usize = 64;
const DAY_NS: i64 = 86_400_000_000_000;

#[derive(Default)]
pub(crate) struct Cards {
    pub(crate) list: Option<DeviceList>,
    pub(crate) profile: Option<Profile>,
    pub(crate) bundle: Option<(DeviceRecord, Bundle)>,
    pub(crate) closed: bool,
    /// Why a genuine list or bundle was refused, if no valid one was found.
    pub(crate) refused: Option<Code>,
}

pub(crate) struct Found {
    secret: [u8; 16],
    chat: [u8; 33],
    /// Hash of the secret, which signatures cover.
    bound: [u8; 32],
    /// Lists below this version are refused.
    known_version: u64,
    days: (u32, u32),
    /// Expected tags, each with kind, device and day.
    tags: HashMap<[u8; 16], (CardKind, [u8; 16], u32)>,
    list: Option<DeviceList>,
    profile: Option<Profile>,
    closed: bool,
    refused_list: Option<Code>,
    refused_bundle: Option<Code>,
    /// Bundles by device of the best list, with the signing key that verified each.
    bundles: Vec<([u8; 16], [u8; 32], Bundle)>,
    /// Tag, day and bundle of devices that no list has named; they are unverified.
    candidates: Vec<([u8; 16], u32, Bundle)>,
    /// Whether unverified bundles were dropped.
    crowded: bool,
    again: bool,
}

impl Found {
    /// No cards yet; they may be published between these times, Unix milliseconds.
    pub(crate) fn new(secret: [u8; 16], chat: [u8; 33], known_version: u64, (start_ms, end_ms): (i64, i64)) -> Self {
        let day = |ms: i64| u32::try_from(ms.saturating_mul(1_000_000) / DAY_NS).unwrap_or(0);
        let mut found = Self {
            secret,
            chat,
            bound: secret_hash(&secret),
            known_version,
            days: (day(start_ms).saturating_sub(1), day(end_ms).saturating_add(1)),
            tags: HashMap::new(),
            list: None,
            profile: None,
            closed: false,
            refused_list: None,
            refused_bundle: None,
            bundles: Vec::new(),
            candidates: Vec::new(),
            crowded: false,
            again: false,
        };
        for kind in [CardKind::List, CardKind::Profile, CardKind::Closed] {
            found.expect(kind, NO_DEVICE);
        }
        found
    }

    fn expect(&mut self, kind: CardKind, device: [u8; 16]) {
        for day in self.days.0..=self.days.1 {
            let tag = card_tag(&CardSecret::new(&self.secret), kind.code(), &DeviceId(device), day);
            self.tags.insert(tag.0, (kind, device, day));
        }
    }

    /// Takes a page. `now_s` is the corrected clock, Unix seconds.
    pub(crate) fn keep(&mut self, page: &[Received], now_s: u64) {
        for one in page {
            self.one(one, now_s);
        }
    }

    /// Cheap checks first: the tag, the cipher, the dates, and the signatures last.
    fn one(&mut self, received: &Received, now_s: u64) -> Option<()> {
        let envelope = Envelope::decode(&received.payload).ok()?;
        let day = u32::try_from(received.timestamp_ns / DAY_NS).ok()?;
        let expected = self.tags.get(&envelope.tag).copied();
        if expected.is_some_and(|(.., of)| of.abs_diff(day) > 1) {
            return None;
        }
        let (tag, random) = (Tag(envelope.tag), Random(envelope.random));
        let padded = card_open(&CardSecret::new(&self.secret), &tag, &random, envelope.body)?;
        let plain = unpad(&padded).ok()?;
        match expected {
            Some((CardKind::List, ..)) => self.take_list(DeviceList::decode(plain).ok()?, now_s),
            Some((CardKind::Profile, ..)) => self.take_profile(Profile::decode(plain).ok()?, now_s),
            Some((CardKind::Closed, ..)) => self.take_closed(&Closed::decode(plain).ok()?),
            Some((CardKind::Bundle, device, _)) => {
                self.take_bundle(&device, Bundle::decode(plain).ok()?, now_s)?;
            }
            None => self.candidate(envelope.tag, day, Bundle::decode(plain).ok()?),
        }
        Some(())
    }

    fn signed(&self, label: &str, bytes: &[u8], signature: &[u8; 64]) -> bool {
        verify_chat(&self.chat, label, &[bytes], signature).is_ok()
    }

    fn take_list(&mut self, list: DeviceList, now_s: u64) {
        let best = self.list.as_ref().map(|best| best.version);
        if list.chat != self.chat || best.is_some_and(|best| best >= list.version) {
            return;
        }
        let fresh = check_version(list.version, Some(self.known_version), now_s)
            .and_then(|()| check_not_after(list.not_after_s, now_s));
        if fresh.is_err() && (best.is_some() || self.refused_list.is_some()) {
            return; // it would change nothing
        }
        match fresh {
            _ if !verify_list(&self.chat, &list, &self.bound) => {}
            Err(error) => self.refused_list = stale(error),
            Ok(()) => self.follow(list, now_s),
        }
    }

    /// A better list: from now on its devices' bundles are recognised by their tags.
    fn follow(&mut self, list: DeviceList, now_s: u64) {
        for record in &list.records {
            self.expect(CardKind::Bundle, record.device_id);
        }
        self.bundles.retain(|(device, signing, _)| {
            let record = list.record(device);
            record.is_some_and(|record| record.signing == *signing)
        });
        self.list = Some(list);
        for (tag, day, bundle) in std::mem::take(&mut self.candidates) {
            match self.tags.get(&tag).copied() {
                Some((CardKind::Bundle, device, of)) if of.abs_diff(day) <= 1 => {
                    self.take_bundle(&device, bundle, now_s);
                }
                _ => self.candidates.push((tag, day, bundle)),
            }
        }
    }

    fn take_profile(&mut self, profile: Profile, now_s: u64) {
        let best = self.profile.as_ref();
        if best.is_some_and(|best| best.version >= profile.version)
            || check_version(profile.version, None, now_s).is_err()
            || check_not_after(profile.not_after_s, now_s).is_err()
        {
            return;
        }
        let bytes = profile.signed_bytes(&self.chat, &self.bound);
        if self.signed(LABEL_PROFILE, &bytes, &profile.signature) {
            self.profile = Some(profile);
        }
    }

    fn take_closed(&mut self, closed: &Closed) {
        if !self.closed {
            let bytes = closed.signed_bytes(&self.chat, &self.bound);
            self.closed = self.signed(LABEL_CLOSED, &bytes, &closed.signature);
        }
    }

    fn take_bundle(&mut self, device: &[u8; 16], bundle: Bundle, now_s: u64) -> Option<()> {
        let record = *self.list.as_ref()?.record(device)?;
        let at = self.bundles.iter().position(|(of, ..)| of == device);
        let best = at.and_then(|at| self.bundles.get(at));
        if best.is_some_and(|(.., best)| best.not_after_s >= bundle.not_after_s) {
            return None;
        }
        let fresh = check_not_after(bundle.not_after_s, now_s);
        if fresh.is_err() && (best.is_some() || self.refused_bundle.is_some()) {
            return None;
        }
        let bytes = bundle.signed_bytes(&self.chat, device, &self.bound);
        verify_device(&record.signing, LABEL_BUNDLE, &[&bytes], &bundle.signature).ok()?;
        match fresh {
            Err(error) => self.refused_bundle = stale(error),
            Ok(()) => {
                self.bundles.retain(|(of, ..)| of != device);
                self.bundles.push((*device, record.signing, bundle));
            }
        }
        Some(())
    }

    /// Perhaps a bundle of a device that no list has named: pages come newest first, and the list may come later.
    fn candidate(&mut self, tag: [u8; 16], day: u32, bundle: Bundle) {
        if self.candidates.len() < CANDIDATES {
            self.candidates.push((tag, day, bundle));
        } else {
            self.crowded = true;
        }
    }

    fn bundle(&self) -> Option<(&DeviceRecord, &Bundle)> {
        // This version uses one device: the first of the list with a bundle.
        self.list.as_ref()?.records.iter().find_map(|record| {
            let of = |one: &&([u8; 16], [u8; 32], Bundle)| one.0 == record.device_id;
            let (.., bundle) = self.bundles.iter().find(of)?;
            Some((record, bundle))
        })
    }

    /// Junk pushed out unverified bundles while no list was known. Now one is known, so the same pages are read again.
    pub(crate) fn look_again(&mut self) -> bool {
        let again = self.crowded && !self.again && self.list.is_some() && self.bundle().is_none();
        if again {
            self.again = true;
            self.candidates = Vec::new();
        }
        again
    }

    /// All pages were read.
    pub(crate) fn cards(self) -> Cards {
        let bundle = self.bundle().map(|(record, bundle)| (*record, bundle.clone()));
        // Old lists beside a valid one do not matter.
        let refused_list = self.refused_list.filter(|_| self.list.is_none());
        let refused = self.refused_bundle.or(refused_list);
        Cards {
            refused: refused.filter(|_| bundle.is_none()),
            list: self.list,
            profile: self.profile,
            bundle,
            closed: self.closed,
        }
    }
}

/// The code of a refused genuine list or bundle. A date in the future has none: the clock may be wrong.
fn stale(error: StaleError) -> Option<Code> {
    match error {
        StaleError::OlderVersion => Some(Code::ListOld),
        StaleError::Past => Some(Code::ListExpired),
        StaleError::VersionAhead | StaleError::TooLong => None,
    }
}

/// Whether an account signed a list, bound to the hash of a secret, and the records in it.
pub(crate) fn verify_list(chat: &[u8; 33], list: &DeviceList, bound: &[u8; 32]) -> bool {
    let bytes = list.signed_bytes(bound);
    list.chat == *chat
        && verify_chat(chat, LABEL_LIST, &[&bytes], &list.signature).is_ok()
        && list.records.iter().all(|record| verify_record(chat, record))
}

pub(crate) fn verify_record(chat: &[u8; 33], record: &DeviceRecord) -> bool {
    let bytes = record.signed_bytes(chat);
    verify_chat(chat, LABEL_RECORD, &[&bytes], &record.signature).is_ok()
}

#[cfg(test)]
mod tests;
