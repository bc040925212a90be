//! Settings, network, events, and the end of the program.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use sotto_messenger::records::SettingsPatch;
use sotto_messenger::{Code, Error, Messenger, Network};

use super::Session;
use super::frame::Fault;
use super::methods::{Answer, done, show};
use super::page::Rows;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Patch {
    set: Option<SettingsPatch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct On {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostNetwork {
    #[serde(default)]
    dns_servers: Vec<String>,
    metered: Option<bool>,
    #[serde(default)]
    roaming: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Power {
    charging: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deadline {
    deadline_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    max: usize,
    wait_ms: u64,
}

pub(crate) async fn settings(messenger: &Messenger, params: Patch) -> Answer {
    if let Some(patch) = params.set {
        messenger.settings_set(patch).await?;
    }
    show(&messenger.settings()?)
}

pub(crate) async fn set_foreground(messenger: &Messenger, params: On) -> Answer {
    messenger.set_foreground(params.on).await?;
    done(json!({}))
}

pub(crate) async fn network_changed(messenger: &Messenger, params: HostNetwork) -> Answer {
    let HostNetwork { dns_servers, metered, roaming } = params;
    messenger
        .on_network_change(Network {
            dns_servers,
            metered: metered.unwrap_or(true), // an unknown network counts as metered
            roaming,
        })
        .await?;
    done(json!({}))
}

pub(crate) async fn power_changed(messenger: &Messenger, params: Power) -> Answer {
    messenger.on_power_change(params.charging).await?;
    done(json!({}))
}

pub(crate) async fn sync_once(messenger: &Messenger, params: Deadline) -> Answer {
    let received = messenger.sync_once(Duration::from_millis(params.deadline_ms)).await?;
    done(json!({"received": received}))
}

/// The events, or an empty list after the time limit or at the end. `more` says that the answer was full.
pub(crate) async fn next_events(session: &Session, params: Batch) -> Answer {
    if params.max == 0 {
        return Err(Error::from(Code::BadSetting).into());
    }
    let mut rows = Rows::default();
    let mut wait = Duration::from_millis(params.wait_ms);
    // Another call at the same time takes other events.
    let mut held = session.held.lock().await;
    loop {
        let event = match held.take() {
            Some(event) => event,
            None => {
                let next = session.subscription.next_batch(1);
                let event = tokio::time::timeout(wait, next).await.ok().flatten();
                match event.and_then(|batch| batch.into_iter().next()) {
                    Some(event) => event,
                    None => return done(json!({"events": rows.values, "more": false})),
                }
            }
        };
        if rows.values.len() >= params.max || !rows.push(show(&event)?) {
            *held = Some(event); // kept for the next call
            return done(json!({"events": rows.values, "more": true}));
        }
        wait = Duration::ZERO;
    }
}

pub(crate) async fn wipe(session: &Session, params: Result<(), Fault>) -> Answer {
    params?;
    session.wipe().await?;
    done(json!({}))
}

pub(crate) async fn close(session: &Session, params: Result<(), Fault>) -> Answer {
    params?;
    session.close().await?;
    done(json!({}))
}

#[cfg(test)]
mod tests {
    use sotto_messenger::records::{
        Connectivity, ConversationId, FileId, FileState, MessageId, MessageState, Transfer,
    };
    use sotto_messenger::{Code, Event};

    /// `docs/rpc.md` shows all events.
    #[test]
    fn events_are_as_the_documentation_shows_them() {
        let conversation = || ConversationId("<conversation>".into());
        let all = [
            Event::ConversationsChanged { ids: vec![conversation()] },
            Event::MessagesChanged { conversation: conversation(), ids: vec![MessageId("<hello>".into())] },
            Event::MessageState {
                conversation: conversation(),
                id: MessageId("<answer>".into()),
                state: MessageState::Delivered,
            },
            Event::File(Transfer {
                file: FileId("<picture>".into()),
                state: FileState::Coming,
                have: 196_458,
                total: 300_000,
                reason: None,
            }),
            Event::ContactsChanged,
            Event::Typing { conversation: conversation() },
            Event::Connectivity(Connectivity {
                publish_nodes: 1,
                receive_nodes: 1,
                store: true,
                subscribed: true,
                relay_peers: 0,
            }),
            Event::Notice { code: Code::ClockSkewed },
            Event::Lagged { missed: 7 },
        ];
        let (_, shown) = include_str!("../../../../docs/rpc.md").split_once("```events\n").unwrap();
        let (shown, _) = shown.split_once("\n```").unwrap();
        let shown: Vec<serde_json::Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let all: Vec<serde_json::Value> = all.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
        assert_eq!(all, shown);
    }
}
