//! All methods by name.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sotto_messenger::Code;

use super::frame::Fault;
use super::{Session, account, chat, contacts, files, groups, host, posts};

/// Result of a method.
pub(crate) type Answer = Result<Value, Fault>;

/// Methods that read the database beside the engine. They run when every earlier call is done.
pub(crate) const READS: &[&str] = &[
    "version",
    "account",
    "phrase",
    "phrase_check",
    "invites",
    "invite_preview",
    "contacts",
    "contact",
    "safety_number",
    "conversations",
    "conversation",
    "unread",
    "messages",
    "messages_around",
    "message",
    "incoming",
    "pins",
    "reactions",
    "history",
    "search",
    "deliveries",
    "group",
    "group_members",
    "files",
    "file",
    "file_read",
    "auto_download",
    "storage",
    "settings",
    "connectivity",
    "serving",
    "diagnostics",
];

/// Runs one method.
pub(crate) async fn call(session: &Session, method: &str, params: &RawValue) -> Answer {
    let messenger = &session.messenger;
    match method {
        "version" => none(params).and_then(|()| done(json!({"version": sotto_messenger::version()}))),
        "account_create" => account::create(messenger, read(params)?).await,
        "account_restore" => account::restore(messenger, read(params)?).await,
        "account" => none(params).and_then(|()| show(&messenger.account()?)),
        "phrase" => none(params).and_then(|()| done(json!({"phrase": messenger.phrase()?.as_str()}))),
        "phrase_check" => account::phrase_check(read(params)?),
        "profile_set" => account::profile_set(messenger, read(params)?).await,
        "avatar_set" => account::avatar_set(messenger, read(params)?).await,
        "invite" => account::invite(messenger, none(params)).await,
        "invites" => none(params).and_then(|()| done(json!({"invites": messenger.invites()?}))),
        "invite_close" => account::invite_close(messenger, read(params)?).await,
        "invite_preview" => contacts::invite_preview(messenger, read(params)?),
        "contact_add" => contacts::add(messenger, read(params)?).await,
        "contacts" => contacts::list(messenger, read(params)?),
        "contact" => contacts::one(messenger, read(params)?),
        "contact_answer" => contacts::answer(messenger, read(params)?).await,
        "session_reset" => contacts::session_reset(messenger, read(params)?).await,
        "nickname_set" => contacts::nickname_set(messenger, read(params)?).await,
        "safety_number" => contacts::safety_number(messenger, read(params)?),
        "contact_verify" => contacts::verify(messenger, read(params)?).await,
        "contact_scan" => contacts::scan(messenger, read(params)?).await,
        "devices_seen" => contacts::devices_seen(messenger, read(params)?).await,
        "conversations" => chat::conversations(messenger, read(params)?),
        "conversation" => chat::conversation(messenger, read(params)?),
        "unread" => none(params).and_then(|()| show(&messenger.unread()?)),
        "messages" => chat::messages(messenger, read(params)?),
        "messages_around" => chat::messages_around(messenger, read(params)?),
        "message" => chat::message(messenger, read(params)?),
        "incoming" => chat::incoming(messenger, read(params)?),
        "send" => posts::send(messenger, read(params)?).await,
        "answer" => chat::answer(messenger, read(params)?).await,
        "retry" => chat::retry(messenger, read(params)?).await,
        "mark_read" => chat::mark_read(messenger, read(params)?).await,
        "draft_set" => chat::draft_set(messenger, read(params)?).await,
        "react" => posts::react(messenger, read(params)?).await,
        "edit" => posts::edit(messenger, read(params)?).await,
        "pin" => posts::pin(messenger, read(params)?).await,
        "pins" => posts::pins(messenger, read(params)?),
        "poll_create" => posts::poll_create(messenger, read(params)?).await,
        "vote" => posts::vote(messenger, read(params)?).await,
        "reactions" => posts::reactions(messenger, read(params)?),
        "history" => posts::history(messenger, read(params)?),
        "search" => posts::search(messenger, read(params)?),
        "forward" => posts::forward(messenger, read(params)?).await,
        "timer_set" => posts::timer_set(messenger, read(params)?).await,
        "delete_for_everyone" => posts::delete_for_everyone(messenger, read(params)?).await,
        "delete_for_me" => posts::delete_for_me(messenger, read(params)?).await,
        "conversation_delete" => chat::conversation_delete(messenger, read(params)?).await,
        "mute" => chat::mute(messenger, read(params)?).await,
        "archive" => chat::archive(messenger, read(params)?).await,
        "conversation_pin" => chat::conversation_pin(messenger, read(params)?).await,
        "mark_unread" => chat::mark_unread(messenger, read(params)?).await,
        "typing" => chat::typing(messenger, read(params)?).await,
        "deliveries" => groups::deliveries(messenger, read(params)?),
        "group_create" => groups::create(messenger, read(params)?).await,
        "group" => groups::one(messenger, read(params)?),
        "group_members" => groups::members(messenger, read(params)?),
        "group_invite" => groups::invite(messenger, read(params)?).await,
        "group_answer" => groups::answer(messenger, read(params)?).await,
        "group_role" => groups::role(messenger, read(params)?).await,
        "group_set" => groups::set(messenger, read(params)?).await,
        "group_remove" => groups::remove(messenger, read(params)?).await,
        "group_close" => groups::close(messenger, read(params)?).await,
        "group_leave" => groups::leave(messenger, read(params)?).await,
        "files" => files::list(messenger, read(params)?),
        "file" => files::file(messenger, read(params)?),
        "file_fetch" => files::fetch(messenger, read(params)?).await,
        "file_cancel" => files::cancel(messenger, read(params)?).await,
        "file_read" => files::bytes(messenger, read(params)?),
        "file_export" => files::export(messenger, read(params)?).await,
        "auto_download" => files::auto_download(messenger, read(params)?).await,
        "storage" => none(params).and_then(|()| show(&messenger.storage()?)),
        "storage_free" => files::free(messenger, read(params)?).await,
        "settings" => host::settings(messenger, read(params)?).await,
        "connectivity" => none(params).and_then(|()| show(&messenger.connectivity())),
        "serving" => none(params).and_then(|()| done(json!({"addresses": messenger.serving()}))),
        "set_foreground" => host::set_foreground(messenger, read(params)?).await,
        "network_changed" => host::network_changed(messenger, read(params)?).await,
        "power_changed" => host::power_changed(messenger, read(params)?).await,
        "sync_once" => host::sync_once(messenger, read(params)?).await,
        "next_events" => host::next_events(session, read(params)?).await,
        "diagnostics" => none(params).and_then(|()| show(&messenger.diagnostics()?)),
        "contact_remove" => contacts::remove(messenger, read(params)?).await,
        "account_wipe" => host::wipe(session, none(params)).await,
        "close" => host::close(session, none(params)).await,
        _ => Err(Fault::Method),
    }
}

/// Reads named parameters into a struct.
fn read<T: DeserializeOwned>(params: &RawValue) -> Result<T, Fault> {
    serde_json::from_str(params.get()).map_err(|error| Fault::Params(error.to_string()))
}

/// Refuses parameters, for methods without any.
fn none(params: &RawValue) -> Result<(), Fault> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    match serde_json::from_str(params.get()) {
        Ok(Nothing {}) => Ok(()),
        Err(_) => Err(Fault::Params("this method takes no parameters".into())),
    }
}

pub(crate) fn done(value: Value) -> Answer {
    Ok(value)
}

/// A record as JSON.
pub(crate) fn show(record: &impl Serialize) -> Answer {
    serde_json::to_value(record).map_err(|_| Fault::Messenger(Code::Internal.into()))
}

#[cfg(test)]
mod tests {
    /// `docs/rpc.md` has a chapter for each method, in this order.
    #[test]
    fn every_method_has_its_chapter() {
        let arm = |line: &'static str| {
            let (name, _) = line.trim().strip_prefix('"')?.split_once("\" =>")?;
            Some(name)
        };
        let known: Vec<&str> = include_str!("methods.rs").lines().filter_map(arm).collect();
        let chapters: Vec<&str> =
            include_str!("../../../../docs/rpc.md").lines().filter_map(|line| line.strip_prefix("### ")).collect();
        assert_eq!(known.len(), 85);
        assert_eq!(chapters, known);
    }

    /// A method that does not wait for the engine reads beside it.
    #[test]
    fn every_method_that_reads_beside_the_engine_is_named() {
        let source = include_str!("methods.rs");
        let (_, source) = source.split_once("match method {").unwrap();
        let (source, _) = source.split_once("_ => Err(Fault::Method)").unwrap();
        let mut reads = Vec::new();
        for arm in source.split("\n        \"").skip(1) {
            let (name, code) = arm.split_once("\" =>").unwrap();
            if !code.contains(".await") || ["settings", "auto_download"].contains(&name) {
                reads.push(name);
            }
        }
        assert_eq!(reads, super::READS);
    }
}
