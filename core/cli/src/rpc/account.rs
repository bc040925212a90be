//! The account and invites.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;
use sotto_messenger::records::InviteId;
use sotto_messenger::{Code, Messenger};
use zeroize::Zeroizing;

use super::frame::Fault;
use super::methods::{Answer, done, show};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    phrase: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    invite: InviteId,
}

pub(crate) async fn create(messenger: &Messenger, params: Named) -> Answer {
    let phrase = messenger.account_create(&params.name).await?;
    done(json!({"phrase": phrase.as_str(), "account": messenger.account()?}))
}

pub(crate) async fn restore(messenger: &Messenger, params: Restore) -> Answer {
    let phrase = Zeroizing::new(params.phrase);
    messenger.account_restore(&phrase).await?;
    show(&messenger.account()?)
}

pub(crate) fn phrase_check(params: Restore) -> Answer {
    let phrase = Zeroizing::new(params.phrase);
    show(&Messenger::phrase_check(&phrase))
}

pub(crate) async fn profile_set(messenger: &Messenger, params: Named) -> Answer {
    messenger.profile_set(&params.name).await?;
    done(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Avatar {
    path: Option<PathBuf>,
}

pub(crate) async fn avatar_set(messenger: &Messenger, params: Avatar) -> Answer {
    messenger.avatar_set(params.path.as_deref()).await?;
    done(json!({}))
}

pub(crate) async fn invite(messenger: &Messenger, params: Result<(), Fault>) -> Answer {
    params?;
    match messenger.invite().await {
        Ok(invite) => show(&invite),
        Err(error) if error.code() == Code::InviteTooMany => Err(Fault::TooMany(error, show(&messenger.invites()?)?)),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn invite_close(messenger: &Messenger, params: Which) -> Answer {
    messenger.invite_close(&params.invite).await?;
    done(json!({}))
}
