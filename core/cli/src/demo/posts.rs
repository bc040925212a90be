//! What people do beside texts: a reply, a reaction, an edit, a search, a message that disappears.

use serde_json::{Value, json};
use sotto_messenger::records::{ConversationId, Message, MessageId};

use super::phone::{Phone, View};
use super::screen::Screen;
use crate::exit::Failure;

const REPLY: &str = "On my way, keep it hot! 🚲";
const EMOJI: &str = "❤️";
/// The text that Alice edits, and what she makes of it.
const EDITED: [&str; 2] = ["Mind the third step, it is loose.", "Mind the fourth step, it is loose."];
/// A word of the edited text, and the word that it replaced.
const WORDS: [&str; 2] = ["fourth", "third"];
const SECRET: &str = "The key is under the flower pot 🔑";
/// Time that it lives, seconds.
const TIMER: u32 = 5;

/// Alice and Bob, in their only conversation.
pub(super) async fn tell(
    screen: &Screen,
    (alice, bob): (&mut Phone<'_>, &mut Phone<'_>),
    conversation: &ConversationId,
    about: &str,
) -> Result<(), Failure> {
    screen.say("They reply, react and edit:")?;
    let answered = id(bob, alice, about, |message| message.text.as_deref() == Some(about)).await?;
    let params = json!({"conversation": conversation, "text": REPLY, "reply_to": answered});
    bob.call_once("send", params, |view| text(view, REPLY).is_some()).await?;
    let of_alice = |message: &Message| message.reply.as_ref().is_some_and(|reply| reply.text == about);
    let reply = id(alice, bob, "the reply", of_alice).await?;
    screen.say(&format!("  Bob    ▏{about}"))?;
    screen.say(&format!("         {REPLY}"))?;

    let _: Value = alice.call("react", json!({"message": reply, "emoji": EMOJI, "on": true})).await?;
    let loved = |message: &Message| message.reactions.iter().any(|one| one.emoji == EMOJI && !one.mine);
    id(bob, alice, "the reaction", loved).await?;
    screen.say(&format!("         {EMOJI} from Alice"))?;

    let [before, after] = EDITED;
    let params = json!({"conversation": conversation, "text": before});
    alice.call_once("send", params, |view| text(view, before).is_some()).await?;
    let message = id(bob, alice, before, |message| message.text.as_deref() == Some(before)).await?;
    let _: Value = alice.call("edit", json!({"message": message, "text": after})).await?;
    id(bob, alice, "the edit", |message| message.edited && message.text.as_deref() == Some(after)).await?;
    screen.say(&format!("  Alice  {after} (edited)"))?;
    let [new, old] = WORDS;
    let found = [hits(bob, new).await?, hits(bob, old).await?];
    if found != [1, 0] {
        return Err(Failure::Failed(format!("search found {found:?} texts")));
    }
    screen.say(&format!("Bob searches: “{new}” is found, “{old}” is not."))?;
    disappear(screen, (alice, bob), conversation).await
}

async fn disappear(
    screen: &Screen,
    (alice, bob): (&mut Phone<'_>, &mut Phone<'_>),
    conversation: &ConversationId,
) -> Result<(), Failure> {
    screen.say(&format!("A message that lives for {TIMER} seconds:"))?;
    let timer = |seconds: u32| json!({"conversation": conversation, "seconds": seconds});
    let _: Value = alice.call("timer_set", timer(TIMER)).await?;
    let params = json!({"conversation": conversation, "text": SECRET});
    alice.call_once("send", params, |view| text(view, SECRET).is_some()).await?;
    let secret = id(bob, alice, "the secret", |message| message.text.as_deref() == Some(SECRET)).await?;
    screen.say(&format!("  Alice  {SECRET}"))?;
    let _: Value = bob.call("mark_read", json!({"conversation": conversation, "message": secret})).await?;
    let gone = |view: &View| text(view, SECRET).is_none().then_some(());
    alice.until(bob, "the end of the secret", gone).await?;
    bob.until(alice, "the end of the secret", gone).await?;
    if hits(bob, SECRET).await? > 0 {
        return Err(Failure::Failed("search found what had disappeared".into()));
    }
    let _: Value = alice.call("timer_set", timer(0)).await?;
    screen.say("It is gone on both phones.")
}

fn text<'v>(view: &'v View, text: &str) -> Option<&'v Message> {
    view.messages.iter().find(|message| message.text.as_deref() == Some(text))
}

/// Waits for a message; returns its id.
async fn id(
    phone: &mut Phone<'_>,
    other: &mut Phone<'_>,
    what: &str,
    is: impl Fn(&Message) -> bool,
) -> Result<MessageId, Failure> {
    let find = |view: &View| view.messages.iter().find(|message| is(message)).map(|message| message.id.clone());
    phone.until(other, what, find).await
}

/// Number of texts with these words.
async fn hits(phone: &mut Phone<'_>, words: &str) -> Result<usize, Failure> {
    let found: Value = phone.call("search", json!({"query": words, "limit": 10})).await?;
    Ok(found.get("hits").and_then(Value::as_array).map_or(0, Vec::len))
}
