//! A phone: `sotto rpc` on its folder, started again when somebody kills it.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sotto_messenger::records::{Contact, Diagnostics, Message};

use super::Stage;
use super::child::Child;
use super::screen::Screen;
use crate::exit::Failure;

/// Messages looked at: more than the story has.
const PAGE: u32 = 200;
/// How long one question for events waits, ms.
const WAIT_MS: u32 = 1000;

/// Why a call was not answered.
enum Unanswered {
    /// The process is gone.
    Gone,
    /// It said no.
    Refused { code: String, detail: String },
}

/// A phone and its process, if it is on.
pub(crate) struct Phone<'a> {
    pub(crate) name: &'static str,
    stage: Stage,
    arguments: Vec<String>,
    screen: &'a Screen,
    child: Option<Child>,
    next_id: u64,
    /// Lives of its process.
    pub(crate) lives: u32,
    /// Largest memory of any life, bytes.
    pub(crate) peak_memory: u64,
}

#[derive(Deserialize)]
struct ContactsPage {
    contacts: Vec<Contact>,
}

#[derive(Deserialize)]
struct MessagesPage {
    messages: Vec<Message>,
}

/// What a phone shows.
pub(crate) struct View {
    pub(crate) contacts: Vec<Contact>,
    /// Of the only conversation, oldest first.
    pub(crate) messages: Vec<Message>,
}

impl<'a> Phone<'a> {
    pub(crate) fn new(name: &'static str, stage: Stage, folder: &Path, nodes: &[String], screen: &'a Screen) -> Self {
        let mut arguments = vec!["rpc".to_owned(), "--data".to_owned(), folder.to_string_lossy().into_owned()];
        for node in nodes {
            arguments.extend(["--node".to_owned(), node.clone()]);
        }
        Self { name, stage, arguments, screen, child: None, next_id: 0, lives: 0, peak_memory: 0 }
    }

    /// Starts its process, if it is off, with a conversation on screen.
    pub(crate) async fn switch_on(&mut self) -> Result<(), Failure> {
        if self.child.is_none() {
            let mut child = Child::start(&self.stage, &self.arguments)?;
            self.lives += 1;
            // Nobody waits for the answer; if the process is gone already, the next call notices.
            let line = self.request("set_foreground", json!({"on": true}));
            let _ = child.write(&line).await;
            self.child = Some(child);
        }
        Ok(())
    }

    /// Closes its process.
    pub(crate) async fn switch_off(&mut self) -> Result<(), Failure> {
        self.note_memory();
        if let Some(child) = self.child.take() {
            child.close().await.map_err(Failure::io)?;
        }
        Ok(())
    }

    /// Kills its process in the middle of a call that nobody waits for.
    pub(crate) async fn kill_during(&mut self, method: &str, params: Value) -> Result<(), Failure> {
        self.switch_on().await?;
        let line = self.request(method, params);
        self.note_memory();
        if let Some(mut child) = self.child.take() {
            let _ = child.write(&line).await;
            child.kill().await.map_err(Failure::io)?;
        }
        Ok(())
    }

    fn note_memory(&mut self) {
        let now = self.child.as_ref().map_or(0, Child::peak_memory);
        self.peak_memory = self.peak_memory.max(now);
    }

    fn request(&mut self, method: &str, params: Value) -> String {
        self.next_id += 1;
        json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}).to_string()
    }

    async fn try_call(&mut self, method: &str, params: Value) -> Result<Value, Unanswered> {
        let line = self.request(method, params);
        let id = self.next_id;
        let child = self.child.as_mut().ok_or(Unanswered::Gone)?;
        child.write(&line).await.map_err(|_| Unanswered::Gone)?;
        loop {
            let answer = match child.output.next_line().await {
                Ok(Some(line)) => serde_json::from_str::<Value>(&line).unwrap_or_default(),
                _ => return Err(Unanswered::Gone),
            };
            if answer.get("id").and_then(Value::as_u64) != Some(id) {
                continue; // of a call nobody waits for any more
            }
            let text = |path: &str| {
                let found = answer.pointer(path).and_then(Value::as_str);
                found.unwrap_or_default().to_owned()
            };
            return match answer.get("result") {
                Some(result) => Ok(result.clone()),
                None => Err(Unanswered::Refused { code: text("/error/data/code"), detail: text("/error/data/detail") }),
            };
        }
    }

    /// Starts the process again after somebody killed it.
    async fn revive(&mut self) -> Result<(), Failure> {
        if let Some(mut child) = self.child.take() {
            let status = child.process.wait().await.map_err(Failure::io)?;
            if let Some(code) = status.code() {
                return Err(Failure::Failed(format!("{} ended with {code}", self.name)));
            }
            self.screen.say(&format!("({}'s phone was killed and starts again)", self.name))?;
        }
        self.switch_on().await
    }

    /// A call that may be made twice.
    pub(crate) async fn call<T: DeserializeOwned>(&mut self, method: &str, params: Value) -> Result<T, Failure> {
        self.switch_on().await?;
        loop {
            match self.try_call(method, params.clone()).await {
                Ok(result) => {
                    return serde_json::from_value(result)
                        .map_err(|error| Failure::Failed(format!("{method}: {error}")));
                }
                Err(Unanswered::Gone) => self.revive().await?,
                Err(Unanswered::Refused { code, detail }) => {
                    return Err(Failure::Failed(format!("{method}: {code}: {detail}")));
                }
            }
        }
    }

    /// A call that must not be made twice: after a kill, `done` looks whether it took place.
    pub(crate) async fn call_once(
        &mut self,
        method: &str,
        params: Value,
        done: impl Fn(&View) -> bool,
    ) -> Result<(), Failure> {
        self.switch_on().await?;
        loop {
            match self.try_call(method, params.clone()).await {
                Ok(_) => return Ok(()),
                Err(Unanswered::Gone) => self.revive().await?,
                Err(Unanswered::Refused { code, detail }) => {
                    return Err(Failure::Failed(format!("{method}: {code}: {detail}")));
                }
            }
            if done(&self.view().await?) {
                return Ok(());
            }
        }
    }

    /// A call that says no, with this code, when it has taken place already.
    pub(crate) async fn ensure(&mut self, method: &str, params: Value, done: &str) -> Result<(), Failure> {
        self.switch_on().await?;
        loop {
            match self.try_call(method, params.clone()).await {
                Ok(_) => return Ok(()),
                Err(Unanswered::Refused { code, .. }) if code == done => return Ok(()),
                Err(Unanswered::Gone) => self.revive().await?,
                Err(Unanswered::Refused { code, detail }) => {
                    return Err(Failure::Failed(format!("{method}: {code}: {detail}")));
                }
            }
        }
    }

    /// What it shows.
    pub(crate) async fn view(&mut self) -> Result<View, Failure> {
        let ContactsPage { contacts } = self.call("contacts", json!({})).await?;
        let mut messages = Vec::new();
        if let Some(contact) = contacts.first() {
            let params = json!({"conversation": contact.conversation, "limit": PAGE});
            let page: MessagesPage = self.call("messages", params).await?;
            for message in page.messages.into_iter().rev() {
                let whole = json!({"message": message.id}); // a page has the beginning of a long text
                messages.push(if message.more { self.call("message", whole).await? } else { message });
            }
        }
        Ok(View { contacts, messages })
    }

    /// Starts its process again if somebody killed it; one that is off stays off.
    async fn look_after(&mut self) -> Result<(), Failure> {
        let ended = match &mut self.child {
            Some(child) => child.process.try_wait().map_err(Failure::io)?.is_some(),
            None => false,
        };
        if ended { self.revive().await } else { Ok(()) }
    }

    /// Waits until it shows what is wanted. That may depend on the other phone, which nobody else looks after.
    pub(crate) async fn until<T>(
        &mut self,
        other: &mut Phone<'_>,
        what: &str,
        look: impl Fn(&View) -> Option<T>,
    ) -> Result<T, Failure> {
        self.screen.wait_for(&format!("{what} on {}'s phone", self.name));
        loop {
            if let Some(found) = look(&self.view().await?) {
                return Ok(found);
            }
            other.look_after().await?;
            let params = json!({"max": 64, "wait_ms": WAIT_MS});
            let _: Value = self.call("next_events", params).await?;
        }
    }

    /// TCP payload of this life, both ways, bytes.
    pub(crate) async fn traffic(&mut self) -> Result<u64, Failure> {
        let about: Diagnostics = self.call("diagnostics", json!({})).await?;
        Ok(about.bytes_read.saturating_add(about.bytes_written))
    }
}
