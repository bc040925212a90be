//! The story: two people meet, talk, lose power, and lose nothing else; then four have a group.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use sotto_messenger::records::{AccountInfo, ConversationId, Invite, MessageState};
use tokio::sync::mpsc;

use super::Stage;
use super::figures::Figures;
use super::files;
use super::group;
use super::node::Node;
use super::phone::{Phone, View};
use super::posts;
use super::screen::Screen;
use crate::exit::Failure;

/// The text of Alice's request.
const REQUEST: &str = "It is me, Alice from the choir 🎶";

/// The texts of the conversation, in turns; Alice begins.
const TALK: &[&str] = &[
    "Good morning! Did you sleep well? ☀️",
    "Like a stone 😴 You?",
    "The neighbour's rooster 🐓 decided otherwise.",
    "Soup tonight? I have the pumpkin 🎃",
    "Yes please. I bring bread 🥖 and the cat.",
    "The cat is always invited 🐈",
    "Seven o'clock then.",
    "Seven it is. 👨‍👩‍👧‍👦 all of us!",
    "Can you send me your grandmother's recipe?",
];
const RECIPE: &str = "A recipe longer than it needs to be. ";
/// Length of the long text, bytes.
const LONG: usize = 300 * 1024;
/// The texts that Alice sends while Bob is away. She is killed during the fourth.
const AWAY: &[&str] = &[
    "Are you there? 📵",
    "The soup is on.",
    "I put in a chilli 🌶️",
    "And a second one, sorry",
    "Come while it is hot! 🍲",
];
const INTERRUPTED: usize = 3;

/// All processes of the story.
pub(crate) struct Cast<'a> {
    screen: &'a Screen,
    folder: PathBuf,
    nodes: Vec<Node>,
    alice: Phone<'a>,
    bob: Phone<'a>,
    carol: Phone<'a>,
    dora: Phone<'a>,
    started: Instant,
    restarted: mpsc::UnboundedReceiver<&'static str>,
    node_lives: u32,
}

impl<'a> Cast<'a> {
    /// Starts the nodes and names the phones.
    pub(crate) async fn assemble(stage: Stage, folder: &Path, screen: &'a Screen) -> Result<Self, Failure> {
        let started = Instant::now();
        screen.wait_for("the nodes");
        let (tell, restarted) = mpsc::unbounded_channel();
        let one = folder.join("node1");
        let first = Node::start(&stage, &one, &[], tell.clone(), "node 1").await?;
        let two = folder.join("node2");
        let peers = [first.address.clone()];
        let second = Node::start(&stage, &two, &peers, tell, "node 2").await?;
        screen.say("Two Waku nodes relay to each other:")?;
        screen.more(&first.address)?;
        screen.more(&second.address)?;
        let addresses = [first.address.clone(), second.address.clone()];
        let phone =
            |name: &'static str, at: &str| Phone::new(name, stage.clone(), &folder.join(at), &addresses, screen);
        Ok(Self {
            screen,
            folder: folder.to_owned(),
            alice: phone("Alice", "alice"),
            bob: phone("Bob", "bob"),
            carol: phone("Carol", "carol"),
            dora: phone("Dora", "dora"),
            nodes: vec![first, second],
            started,
            restarted,
            node_lives: 2,
        })
    }

    /// Prints the nodes that were restarted since the last call.
    fn look_at_nodes(&mut self) -> Result<(), Failure> {
        while let Ok(name) = self.restarted.try_recv() {
            self.node_lives += 1;
            self.screen.say(&format!("({name} was killed and starts again)"))?;
        }
        Ok(())
    }

    /// Ends all processes.
    pub(crate) async fn leave(self) -> Result<(), Failure> {
        let Self { nodes, alice, bob, carol, dora, screen, .. } = self;
        screen.wait_for("the end of all processes");
        for mut phone in [alice, bob, carol, dora] {
            phone.switch_off().await?;
        }
        for node in nodes {
            node.close().await?;
        }
        Ok(())
    }
}

/// The whole story.
pub(crate) async fn tell(cast: &mut Cast<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    // The request's text is the first message.
    let mut sent = [vec![REQUEST.to_owned()], Vec::new()];
    accounts(cast).await?;
    let conversation = meet(cast).await?;
    cast.screen.say("They talk:")?;
    let lives = (cast.alice.lives, cast.bob.lives);
    let before = cast.alice.traffic().await? + cast.bob.traffic().await?;
    for (turn, text) in TALK.iter().enumerate() {
        let by_alice = turn.is_multiple_of(2);
        say(cast, by_alice, &conversation, text, &mut sent).await?;
        cast.look_at_nodes()?;
    }
    all_read(cast, &sent).await?;
    let after = cast.alice.traffic().await? + cast.bob.traffic().await?;
    if lives == (cast.alice.lives, cast.bob.lives) {
        let texts = u64::try_from(TALK.len()).unwrap_or(1);
        figures.wire_bytes_per_text = after.saturating_sub(before).checked_div(texts);
    }
    let recipe: String = RECIPE.chars().cycle().take(LONG).collect();
    say(cast, false, &conversation, &recipe, &mut sent).await?;
    away(cast, &conversation, &mut sent).await?;
    all_read(cast, &sent).await?;
    cast.look_at_nodes()?;

    let (alice, bob) = (cast.alice.view().await?, cast.bob.view().await?);
    let [from_alice, from_bob] = &sent;
    figures.count(from_alice, &alice, &bob);
    figures.count(from_bob, &bob, &alice);
    let last = AWAY.last().copied().unwrap_or_default();
    posts::tell(cast.screen, (&mut cast.alice, &mut cast.bob), &conversation, last).await?;
    cast.look_at_nodes()?;
    let Cast { screen, alice, bob, nodes, folder, .. } = cast;
    if let Some(node) = nodes.last() {
        let sizes = files::tell(screen, (alice, bob), node, &conversation, folder).await?;
        (figures.files, figures.file_bytes) = (sizes.len(), sizes.iter().sum());
    }
    cast.look_at_nodes()?;
    let Cast { screen, alice, bob, carol, dora, .. } = cast;
    figures.group(&group::tell(screen, [alice, bob, carol, dora]).await?);
    cast.look_at_nodes()?;
    figures.seconds = cast.started.elapsed().as_secs_f32();
    figures.lives = cast.node_lives;
    for phone in [&mut cast.alice, &mut cast.bob, &mut cast.carol, &mut cast.dora] {
        phone.switch_off().await?;
        figures.peak_memory_bytes = figures.peak_memory_bytes.max(phone.peak_memory);
        figures.lives += phone.lives;
    }
    cast.screen.say("Everything is where it belongs; the processes end.")?;
    Ok(figures)
}

async fn accounts(cast: &mut Cast<'_>) -> Result<(), Failure> {
    account(cast.screen, &mut cast.alice).await?;
    account(cast.screen, &mut cast.bob).await
}

pub(super) async fn account(screen: &Screen, phone: &mut Phone<'_>) -> Result<(), Failure> {
    screen.wait_for("an account");
    let params = json!({"name": phone.name});
    phone.ensure("account_create", params, "account.exists").await?;
    let account: AccountInfo = phone.call("account", json!({})).await?;
    screen.say(&format!("{} has an account  {}", phone.name, account.emoji_hash.concat()))
}

/// Bob invites, Alice asks, Bob accepts.
async fn meet(cast: &mut Cast<'_>) -> Result<ConversationId, Failure> {
    let Cast { screen, alice, bob, .. } = cast;
    let invite: Invite = bob.call("invite", json!({})).await?;
    let shown: String = invite.link.chars().take(48).collect();
    screen.say(&format!("Bob shows Alice an invite: {shown}…"))?;
    let params = json!({"link": invite.link, "text": REQUEST});
    let asked = |view: &View| !view.contacts.is_empty();
    alice.call_once("contact_add", params, asked).await?;
    let request = bob.until(alice, "Alice's request", |view| view.contacts.first().cloned()).await?;
    screen.say(&format!("Alice asks to be a contact: “{}”", request.request_text.as_deref().unwrap_or_default()))?;
    let params = json!({"contact": request.id, "action": "accept"});
    let _: Value = bob.call("contact_answer", params).await?;
    let accepted = |view: &View| {
        let contact = view.contacts.first()?;
        (contact.state == sotto_messenger::records::ContactState::Accepted).then(|| contact.clone())
    };
    let contact = alice.until(bob, "Bob's acceptance", accepted).await?;
    let params = json!({"contact": contact.id});
    let number: Value = alice.call("safety_number", params).await?;
    let other: Value = bob.call("safety_number", json!({"contact": request.id})).await?;
    let digits = |number: &Value| number.get("digits").and_then(Value::as_str).map(str::to_owned);
    if digits(&number).is_none() || digits(&number) != digits(&other) {
        return Err(Failure::Failed("the safety numbers differ".into()));
    }
    screen.say("Bob accepts. Both phones show the same safety number:")?;
    let digits = digits(&number).unwrap_or_default();
    let groups: Vec<&str> = digits.split(' ').collect();
    for line in groups.chunks(6) {
        screen.more(&line.join(" "))?;
    }
    Ok(contact.conversation)
}

/// One side sends a text, and the other reads it.
async fn say(
    cast: &mut Cast<'_>,
    by_alice: bool,
    conversation: &ConversationId,
    text: &str,
    sent: &mut [Vec<String>; 2],
) -> Result<(), Failure> {
    let Cast { screen, alice, bob, .. } = cast;
    let (author, reader) = if by_alice { (alice, bob) } else { (bob, alice) };
    let [from_alice, from_bob] = sent;
    send(author, conversation, text).await?;
    if by_alice { from_alice } else { from_bob }.push(text.to_owned());
    read_up_to(reader, author, conversation, text).await?;
    screen.say(&format!("  {:5}  {}", author.name, shortened(text)))
}

/// Sends a text once, even if the phone is killed.
async fn send(phone: &mut Phone<'_>, conversation: &ConversationId, text: &str) -> Result<(), Failure> {
    let params = json!({"conversation": conversation, "text": text});
    phone.call_once("send", params, |view| has(view, true, text)).await
}

async fn read_up_to(
    phone: &mut Phone<'_>,
    author: &mut Phone<'_>,
    conversation: &ConversationId,
    text: &str,
) -> Result<(), Failure> {
    let shown = |view: &View| {
        let of = |message: &&sotto_messenger::records::Message| !message.mine && message.text.as_deref() == Some(text);
        view.messages.iter().find(of).map(|message| message.id.clone())
    };
    let what = format!("“{}”", shortened(text));
    let message = phone.until(author, &what, shown).await?;
    let params = json!({"conversation": conversation, "message": message});
    phone.call::<Value>("mark_read", params).await?;
    Ok(())
}

/// Bob is away; Alice's phone is killed in the middle of a text; both return.
async fn away(cast: &mut Cast<'_>, conversation: &ConversationId, sent: &mut [Vec<String>; 2]) -> Result<(), Failure> {
    let [from_alice, _] = sent;
    cast.bob.switch_off().await?;
    cast.screen.say("Bob's phone is switched off.")?;
    for (nth, text) in AWAY.iter().enumerate() {
        if nth == INTERRUPTED {
            let params = json!({"conversation": conversation, "text": text});
            cast.alice.kill_during("send", params).await?;
            let there = has(&cast.alice.view().await?, true, text);
            cast.screen.say("Alice's phone is killed (SIGKILL) in the middle of a text, and starts again:")?;
            cast.screen.more(if there {
                "the text was on disk and leaves now."
            } else {
                "the text had not been taken, so she sends it again."
            })?;
            if !there {
                send(&mut cast.alice, conversation, text).await?;
            }
        } else {
            send(&mut cast.alice, conversation, text).await?;
        }
        from_alice.push((*text).to_owned());
        cast.screen.say(&format!("  Alice  {text}"))?;
        cast.look_at_nodes()?;
    }
    cast.bob.switch_on().await?;
    cast.screen.say("Bob's phone is on again.")?;
    for text in AWAY {
        read_up_to(&mut cast.bob, &mut cast.alice, conversation, text).await?;
        cast.screen.say(&format!("  Bob reads: {text}"))?;
    }
    Ok(())
}

/// Waits until both authors see all their texts as read.
async fn all_read(cast: &mut Cast<'_>, sent: &[Vec<String>; 2]) -> Result<(), Failure> {
    let Cast { screen, alice, bob, .. } = cast;
    let [from_alice, from_bob] = sent;
    own_read(screen, alice, bob, from_alice.len()).await?;
    own_read(screen, bob, alice, from_bob.len()).await
}

async fn own_read(screen: &Screen, phone: &mut Phone<'_>, other: &mut Phone<'_>, texts: usize) -> Result<(), Failure> {
    let read = |view: &View| {
        let mine = view.messages.iter().filter(|message| message.mine);
        let states: Vec<MessageState> = mine.map(|message| message.state).collect();
        let all = states.iter().all(|state| *state == MessageState::Read);
        (all && states.len() >= texts).then_some(())
    };
    phone.until(other, "all texts read", read).await?;
    screen.say(&format!("✓✓ all of {}'s texts are delivered and read", phone.name))
}

pub(super) fn has(view: &View, mine: bool, text: &str) -> bool {
    let same =
        |message: &sotto_messenger::records::Message| message.mine == mine && message.text.as_deref() == Some(text);
    view.messages.iter().any(same)
}

/// Names a long text by its beginning and length.
fn shortened(text: &str) -> String {
    if text.len() <= 200 {
        return text.to_owned();
    }
    let start: String = text.chars().take(34).collect();
    format!("{start}… ({} KB)", text.len() / 1024)
}
