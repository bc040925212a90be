//! A phone: `sotto rpc` on its folder, restarted when somebody kills it.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sotto_messenger::records::{Contact, ConversationId, Diagnostics, Group, GroupMember, Message};

use super::Stage;
use super::child::Child;
use super::screen::Screen;
use crate::exit::Failure;

/// Messages that are read: more than the story has.
const PAGE: u32 = 200;
/// Time limit of one `next_events`, ms.
const WAIT_MS: u32 = 1000;

/// Why a call has no answer.
enum Unanswered {
    /// The process is gone.
    Gone,
    /// The call failed with this error.
    Refused { code: String, detail: String },
}

/// A phone, and its process while it is on.
pub(crate) struct Phone<'a> {
    pub(crate) name: &'static str,
    stage: Stage,
    arguments: Vec<String>,
    screen: &'a Screen,
    child: Option<Child>,
    next_id: u64,
    /// The group on screen, in place of the conversation with the first contact.
    pub(crate) group: Option<ConversationId>,
    /// Number of starts of its process.
    pub(crate) lives: u32,
    /// Largest memory of all its processes, bytes.
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

#[derive(Deserialize)]
struct MembersPage {
    members: Vec<GroupMember>,
}

/// The state that a phone shows.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) contacts: Vec<Contact>,
    /// The group on screen, once the phone knows of it.
    pub(crate) group: Option<Group>,
    /// The members of that group, in the order of their ids, which all phones share.
    pub(crate) members: Vec<GroupMember>,
    /// Messages of the conversation on screen, oldest first.
    pub(crate) messages: Vec<Message>,
}

impl<'a> Phone<'a> {
    pub(crate) fn new(name: &'static str, stage: Stage, folder: &Path, nodes: &[String], screen: &'a Screen) -> Self {
        let mut arguments = vec!["rpc".to_owned(), "--data".to_owned(), folder.to_string_lossy().into_owned()];
        for node in nodes {
            arguments.extend(["--node".to_owned(), node.clone()]);
        }
        Self { name, stage, arguments, screen, child: None, next_id: 0, group: None, lives: 0, peak_memory: 0 }
    }

    /// Starts the process, if the phone is off, with a conversation on screen.
    pub(crate) async fn switch_on(&mut self) -> Result<(), Failure> {
        if self.child.is_none() {
            let mut child = Child::start(&self.stage, &self.arguments)?;
            self.lives += 1;
            // Nothing waits for this answer. If the process is gone already, the next call notices.
            let line = self.request("set_foreground", json!({"on": true}));
            let _ = child.write(&line).await;
            self.child = Some(child);
        }
        Ok(())
    }

    /// Closes the process.
    pub(crate) async fn switch_off(&mut self) -> Result<(), Failure> {
        self.note_memory();
        if let Some(child) = self.child.take() {
            child.close().await.map_err(Failure::io)?;
        }
        Ok(())
    }

    /// Kills the process; the phone is off then.
    pub(crate) async fn kill(&mut self) -> Result<(), Failure> {
        self.note_memory();
        match self.child.take() {
            Some(child) => child.kill().await.map_err(Failure::io),
            None => Ok(()),
        }
    }

    /// Kills the process in the middle of a call whose answer is ignored.
    pub(crate) async fn kill_during(&mut self, method: &str, params: Value) -> Result<(), Failure> {
        self.switch_on().await?;
        let line = self.request(method, params);
        if let Some(child) = &mut self.child {
            let _ = child.write(&line).await;
        }
        self.kill().await
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
                continue; // of a call whose answer is ignored
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

    /// Restarts the process after somebody killed it.
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

    /// A call that may run twice. `None`: it was refused with this code.
    async fn call_unless<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Value,
        refusal: &str,
    ) -> Result<Option<T>, Failure> {
        self.switch_on().await?;
        loop {
            match self.try_call(method, params.clone()).await {
                Ok(result) => {
                    let result = serde_json::from_value(result);
                    return result.map(Some).map_err(|error| Failure::Failed(format!("{method}: {error}")));
                }
                Err(Unanswered::Gone) => self.revive().await?,
                Err(Unanswered::Refused { code, .. }) if code == refusal => return Ok(None),
                Err(Unanswered::Refused { code, detail }) => {
                    return Err(Failure::Failed(format!("{method}: {code}: {detail}")));
                }
            }
        }
    }

    /// A call that may run twice.
    pub(crate) async fn call<T: DeserializeOwned>(&mut self, method: &str, params: Value) -> Result<T, Failure> {
        let answer = self.call_unless(method, params, "").await?;
        answer.ok_or_else(|| Failure::Failed(format!("{method}: refused without a code")))
    }

    /// Makes a call once. False: the process was killed meanwhile, and the call may have run.
    pub(crate) async fn attempt(&mut self, method: &str, params: Value) -> Result<bool, Failure> {
        self.switch_on().await?;
        match self.try_call(method, params).await {
            Ok(_) => Ok(true),
            Err(Unanswered::Gone) => self.revive().await.map(|()| false),
            Err(Unanswered::Refused { code, detail }) => Err(Failure::Failed(format!("{method}: {code}: {detail}"))),
        }
    }

    /// A call that must not run twice: after a kill, `done` checks whether it ran.
    pub(crate) async fn call_once(
        &mut self,
        method: &str,
        params: Value,
        done: impl Fn(&View) -> bool,
    ) -> Result<(), Failure> {
        while !self.attempt(method, params.clone()).await? {
            if done(&self.view().await?) {
                break;
            }
        }
        Ok(())
    }

    /// A call that fails with this code if it ran before.
    pub(crate) async fn ensure(&mut self, method: &str, params: Value, done: &str) -> Result<(), Failure> {
        self.call_unless::<Value>(method, params, done).await.map(drop)
    }

    /// Reads the state that the phone shows.
    pub(crate) async fn view(&mut self) -> Result<View, Failure> {
        let ContactsPage { contacts } = self.call("contacts", json!({})).await?;
        let mut view = View { contacts, ..View::default() };
        let conversation = match self.group.clone() {
            Some(group) => {
                view.group = self.group(&group).await?;
                view.group.as_ref().map(|_| group)
            }
            None => view.contacts.first().map(|contact| contact.conversation.clone()),
        };
        let Some(conversation) = conversation else { return Ok(view) };
        let params = json!({"conversation": conversation, "limit": PAGE});
        if view.group.is_some() {
            let MembersPage { members } = self.call("group_members", params.clone()).await?;
            view.members = members;
            view.members.sort_by(|one, other| one.id.cmp(&other.id));
        }
        let page: MessagesPage = self.call("messages", params).await?;
        for message in page.messages.into_iter().rev() {
            let whole = json!({"message": message.id}); // a page carries the beginning of a long text
            view.messages.push(if message.more { self.call("message", whole).await? } else { message });
        }
        Ok(view)
    }

    /// The group, if an invitation is here.
    async fn group(&mut self, group: &ConversationId) -> Result<Option<Group>, Failure> {
        self.call_unless("group", json!({"conversation": group}), "conversation.missing").await
    }

    /// Restarts the process if somebody killed it; a phone that is off stays off.
    pub(crate) async fn look_after(&mut self) -> Result<(), Failure> {
        let ended = match &mut self.child {
            Some(child) => child.process.try_wait().map_err(Failure::io)?.is_some(),
            None => false,
        };
        if ended { self.revive().await } else { Ok(()) }
    }

    /// Waits for events, a second at most.
    pub(crate) async fn rest(&mut self) -> Result<(), Failure> {
        let params = json!({"max": 64, "wait_ms": WAIT_MS});
        self.call::<Value>("next_events", params).await.map(drop)
    }

    /// Waits for a state. It may depend on the other phone, so that phone is restarted too.
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
            self.rest().await?;
        }
    }

    /// TCP payload of the current process, both ways, bytes.
    pub(crate) async fn traffic(&mut self) -> Result<u64, Failure> {
        let about: Diagnostics = self.call("diagnostics", json!({})).await?;
        Ok(about.bytes_read.saturating_add(about.bytes_written))
    }
}
