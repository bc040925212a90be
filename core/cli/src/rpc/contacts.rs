//! Contacts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use sotto_messenger::engine::input::ContactAction;
use sotto_messenger::records::{Contact, ContactId, DevicesId};
use sotto_messenger::{Code, Error, Messenger};

use super::methods::{Answer, done, show};
use super::page::{LIMIT, page};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    link: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    link: String,
    text: Option<String>,
}

/// A page of contacts; the first 500 by default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContactsPage {
    after: Option<ContactId>,
    limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Accept,
    Decline,
    Block,
    Unblock,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    contact: ContactId,
    action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Called {
    contact: ContactId,
    nickname: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    contact: ContactId,
    devices: Option<DevicesId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    contact: ContactId,
    devices: DevicesId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    contact: ContactId,
    qr: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whom {
    contact: ContactId,
}

pub(crate) fn invite_preview(messenger: &Messenger, params: Link) -> Answer {
    show(&messenger.invite_preview(&params.link)?)
}

pub(crate) fn list(messenger: &Messenger, params: ContactsPage) -> Answer {
    let mut all = messenger.contacts()?;
    if let Some(after) = &params.after {
        let place = all.iter().position(|contact| contact.id == *after);
        let place = place.ok_or(Error::from(Code::ContactMissing))?;
        all.drain(..=place);
    }
    let mut rest = all.into_iter();
    page("contacts", params.limit.unwrap_or(LIMIT), |_: Option<&Contact>, rows| {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        Ok(rest.by_ref().take(rows).collect())
    })
}

pub(crate) fn one(messenger: &Messenger, params: Whom) -> Answer {
    show(&messenger.contact(&params.contact)?)
}

pub(crate) async fn add(messenger: &Messenger, params: Add) -> Answer {
    let contact = messenger.contact_add(&params.link, params.text.as_deref()).await?;
    done(json!({"contact": contact}))
}

pub(crate) async fn answer(messenger: &Messenger, params: Reply) -> Answer {
    let action = match params.action {
        Action::Accept => ContactAction::Accept,
        Action::Decline => ContactAction::Decline,
        Action::Block => ContactAction::Block,
        Action::Unblock => ContactAction::Unblock,
    };
    messenger.contact_answer(&params.contact, action).await?;
    done(json!({}))
}

pub(crate) async fn remove(messenger: &Messenger, params: Whom) -> Answer {
    messenger.contact_remove(&params.contact).await?;
    done(json!({}))
}

pub(crate) async fn session_reset(messenger: &Messenger, params: Whom) -> Answer {
    messenger.session_reset(&params.contact).await?;
    done(json!({}))
}

pub(crate) async fn nickname_set(messenger: &Messenger, params: Called) -> Answer {
    messenger.nickname_set(&params.contact, params.nickname.as_deref()).await?;
    done(json!({}))
}

pub(crate) async fn verify(messenger: &Messenger, params: Verify) -> Answer {
    messenger.contact_verify(&params.contact, params.devices.as_ref()).await?;
    done(json!({}))
}

pub(crate) async fn scan(messenger: &Messenger, params: Scan) -> Answer {
    // Bytes that are no base64url are no code either.
    let qr = URL_SAFE_NO_PAD.decode(&params.qr).unwrap_or_default();
    messenger.contact_scan(&params.contact, &qr).await?;
    done(json!({}))
}

pub(crate) async fn devices_seen(messenger: &Messenger, params: Seen) -> Answer {
    messenger.devices_seen(&params.contact, &params.devices).await?;
    done(json!({}))
}

pub(crate) fn safety_number(messenger: &Messenger, params: Whom) -> Answer {
    let number = messenger.safety_number(&params.contact)?;
    let qr = URL_SAFE_NO_PAD.encode(&number.qr);
    done(json!({"digits": number.digits, "qr": qr, "devices": number.devices}))
}
