//! All effects of phones, in order, as one hash. A change of the inside leaves the hash unchanged. What engine and net
//! tell each other about trusted nodes is no part of it.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use sotto_messenger::engine::input::Effect;
use sotto_messenger::records::{ContactId, ConversationId, Invite, MessageId};
use sotto_messenger::{Error, Event};
use sotto_net::Command;
use zeroize::Zeroizing;

/// The hash of all effects so far.
#[derive(Default)]
pub struct Trace {
    hash: Sha256,
    /// Number of effects.
    pub effects: u64,
    /// Each effect as a line, for debugging.
    pub lines: Option<Vec<String>>,
}

impl Trace {
    /// Adds an effect.
    pub(crate) fn note(&mut self, who: usize, now_ms: i64, effect: &Effect) {
        if let Some(said) = said(effect) {
            self.add(who, now_ms, &said);
        }
    }

    /// Adds an answer, which counts as an effect.
    pub(crate) fn answered<T: Shown>(&mut self, who: usize, now_ms: i64, answer: &Result<T, Error>) {
        self.add(who, now_ms, &reply(answer));
    }

    fn add(&mut self, who: usize, now_ms: i64, said: &str) {
        self.effects += 1;
        let line = format!("{now_ms} {who} {said}");
        self.hash.update(&line);
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// The first 8 bytes of the hash, in hexadecimal.
    pub fn hash(self) -> String {
        short(&self.hash.finalize())
    }
}

fn short(bytes: &[u8]) -> String {
    bytes.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn said(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Net(Command::Evidence(_)) => return None,
        Effect::Net(command) => net(command),
        Effect::Disk(_) => return None, // what comes of it shows in other effects
        Effect::Synced(_, answer) => reply(answer),
        // As in the frozen trace: without the conversation.
        Effect::Emit(Event::MessageState { id, state, .. }) => {
            format!("event MessageState {{ id: {id:?}, state: {state:?} }}")
        }
        Effect::Emit(Event::Notice { code }) => format!("event Notice {{ code: {:?} }}", code.as_str()),
        Effect::Emit(event) => format!("event {event:?}"),
        Effect::WakeAt(at) => format!("wake {at:?}"),
    })
}

fn net(command: &Command) -> String {
    match command {
        Command::Publish { id, topic, payload, timestamp_ns, spread, .. } => {
            let payload = short(&Sha256::digest(payload));
            format!("publish {id} {topic} {payload} {timestamp_ns} {spread:?}")
        }
        Command::Subscribe { topics } => format!("subscribe {topics:?}"),
        Command::Upload { id, topic, payloads, timestamp_ns, not } => {
            let payloads: Vec<String> = payloads.iter().map(|one| short(&Sha256::digest(one))).collect();
            format!("upload {id} {topic} {payloads:?} {timestamp_ns} {not:?}")
        }
        Command::Query { id, circle, topics, start_ns, end_ns, newest_first, most_bytes } => {
            let most = most_bytes.map(|most| format!(" {most}")).unwrap_or_default();
            format!("query {id} {circle:?} {topics:?} {start_ns} {end_ns:?} {newest_first}{most}")
        }
        Command::Stop { id } => format!("stop {id}"),
        Command::Check { id, hashes, not } => {
            let hashes: Vec<String> = hashes.iter().map(|hash| short(hash)).collect();
            format!("check {id} {hashes:?} {not:?}")
        }
        Command::Foreground(on) => format!("foreground {on}"),
        Command::NetworkChanged(network) => format!("network {}", network.metered),
        Command::Relay(on) => format!("relay {on}"),
        Command::AddNodes(nodes) => format!("nodes {nodes:?}"),
        Command::Close => "close".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn reply<T: Shown>(answer: &Result<T, Error>) -> String {
    match answer {
        Ok(answer) => format!("answer {}", answer.shown()),
        Err(error) => format!("error {}", error.code().as_str()),
    }
}

/// The form of a call's answer in a trace.
pub trait Shown {
    /// The whole answer as text.
    fn shown(&self) -> String;
}

macro_rules! shown {
    ($($type:ty, $answer:ident: $text:expr;)*) => {$(
        impl Shown for $type {
            fn shown(&self) -> String {
                let $answer = self;
                $text
            }
        }
    )*};
}

shown! {
    (), _done: "done".to_owned();
    Zeroizing<String>, words: words.as_str().to_owned();
    Invite, invite: format!("{} {} {}", invite.id.0, invite.link, invite.expires_ms);
    ContactId, id: id.0.clone();
    ConversationId, id: id.0.clone();
    MessageId, id: id.0.clone();
    Vec<MessageId>, ids: ids.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join(" ");
    u32, received: received.to_string();
}
