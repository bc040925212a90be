//! A group: Carol is away and comes back, Dora joins, Carol is removed, and the phone that removed her is killed.

use serde::Deserialize;
use serde_json::{Value, json};
use sotto_messenger::records::{
    AccountInfo, ContactId, ContactState, Conversation, ConversationId, Delivery, GroupRole, GroupState, Invite,
    MessageId, MessageState,
};

use super::phone::{Phone, View};
use super::screen::Screen;
use super::story::{account, has};
use super::views::{Said, Views, Who};
use crate::exit::Failure;

const NAME: &str = "The choir 🎶";
/// The texts that Alice and Bob send while Carol is away.
const AWAY: [(Who, &str); 3] = [
    (Who::Bob, "The hall is free on Thursday."),
    (Who::Alice, "Then Thursday it is 🕖"),
    (Who::Bob, "I bring the sheet music 🎼"),
];
/// Alice sends it while Bob's phone is off, and nobody else may know of the removal.
const MEANWHILE: &str = "Did anybody find my tuning fork? 🍴";
const REST: [Who; 3] = [Who::Alice, Who::Bob, Who::Dora];

/// The four phones, and the texts of the group.
pub(super) struct Choir<'c, 'a> {
    screen: &'c Screen,
    phones: [(Who, &'c mut Phone<'a>); 4],
    said: Vec<Said>,
}

/// Tells the chapter. Alice and Bob are contacts; Carol and Dora have no accounts yet.
pub(super) async fn tell<'a>(
    screen: &Screen,
    [alice, bob, carol, dora]: [&mut Phone<'a>; 4],
) -> Result<Views, Failure> {
    let phones = [(Who::Alice, alice), (Who::Bob, bob), (Who::Carol, carol), (Who::Dora, dora)];
    let mut choir = Choir { screen, phones, said: Vec::new() };
    screen.say("A third and a fourth phone are switched on.")?;
    for who in [Who::Carol, Who::Dora] {
        choir.befriend(who).await?;
    }
    let group = choir.make().await?;
    for (_, phone) in &mut choir.phones {
        phone.group = Some(group.clone());
    }
    choir.begin(&group).await?;
    choir.carol_is_away().await?;
    choir.dora_joins(&group).await?;
    choir.carol_is_removed(&group).await?;
    choir.end().await
}

impl<'a> Choir<'_, 'a> {
    fn phone(&mut self, who: Who) -> Result<&mut Phone<'a>, Failure> {
        let found = self.phones.iter_mut().find(|(one, _)| *one == who);
        found.map(|(_, phone)| &mut **phone).ok_or_else(|| Failure::Failed("a phone is missing".into()))
    }

    async fn view(&mut self, who: Who) -> Result<View, Failure> {
        self.phone(who)?.view().await
    }

    /// Waits for a state. It may depend on the other phones, so those that somebody killed are restarted.
    async fn until<T>(&mut self, who: Who, what: &str, look: impl Fn(&View) -> Option<T>) -> Result<T, Failure> {
        self.screen.wait_for(&format!("{what} on {who:?}'s phone"));
        loop {
            if let Some(found) = look(&self.view(who).await?) {
                return Ok(found);
            }
            for (_, phone) in &mut self.phones {
                phone.look_after().await?;
            }
            self.phone(who)?.rest().await?;
        }
    }

    async fn id(&mut self, who: Who) -> Result<ContactId, Failure> {
        let account: AccountInfo = self.phone(who)?.call("account", json!({})).await?;
        Ok(account.id)
    }

    /// Somebody gets an account, and is a contact of Alice.
    async fn befriend(&mut self, who: Who) -> Result<(), Failure> {
        let screen = self.screen;
        let friend = self.phone(who)?;
        account(screen, friend).await?;
        let invite: Invite = self.phone(Who::Alice)?.call("invite", json!({})).await?;
        let params = json!({"link": invite.link});
        self.phone(who)?.call_once("contact_add", params, |view| !view.contacts.is_empty()).await?;
        let asks = |view: &View| {
            let mut all = view.contacts.iter();
            all.find(|one| one.state == ContactState::Incoming).map(|one| one.id.clone())
        };
        let request = self.until(Who::Alice, "a request", asks).await?;
        let params = json!({"contact": request, "action": "accept"});
        self.phone(Who::Alice)?.call::<Value>("contact_answer", params).await?;
        let accepted = |view: &View| {
            let accepted = view.contacts.iter().any(|one| one.state == ContactState::Accepted);
            accepted.then_some(())
        };
        self.until(who, "the acceptance", accepted).await?;
        screen.say(&format!("{who:?} and Alice are contacts."))
    }

    /// Alice makes the group.
    async fn make(&mut self) -> Result<ConversationId, Failure> {
        let members = [self.id(Who::Bob).await?, self.id(Who::Carol).await?];
        let params = json!({"name": NAME, "members": members});
        let alice = self.phone(Who::Alice)?;
        loop {
            alice.attempt("group_create", params.clone()).await?;
            let page: Page = alice.call("conversations", json!({"folder": "inbox", "limit": 50})).await?;
            if let Some(made) = page.conversations.into_iter().find(|row| row.group.is_some()) {
                return Ok(made.id);
            }
        }
    }

    /// Bob and Carol accept. Carol may write once Bob has confirmed to her what Alice says of the group.
    async fn begin(&mut self, group: &ConversationId) -> Result<(), Failure> {
        self.screen.say(&format!("Alice makes a group with Bob and Carol: “{NAME}”"))?;
        for who in [Who::Bob, Who::Carol] {
            self.accept(who, group).await?;
        }
        self.members(&[Who::Alice, Who::Bob, Who::Carol], 3).await?;
        self.say(Who::Bob, "Finally all in one place 👋", &[Who::Alice, Who::Carol]).await?;
        self.state(Who::Carol, &[GroupState::Member]).await?;
        self.say(Who::Carol, "When do we rehearse?", &[Who::Alice, Who::Bob]).await?;
        self.say(Who::Alice, "As soon as the hall is free.", &[Who::Bob, Who::Carol]).await
    }

    async fn accept(&mut self, who: Who, group: &ConversationId) -> Result<(), Failure> {
        let invited = [GroupState::Invited, GroupState::Answered, GroupState::Joining, GroupState::Member];
        self.state(who, &invited).await?;
        let params = json!({"conversation": group, "action": "accept"});
        self.phone(who)?.ensure("group_answer", params, "group.not_invited").await?;
        self.state(who, &[GroupState::Joining, GroupState::Member]).await?;
        self.screen.say(&format!("{who:?} accepts."))
    }

    async fn carol_is_away(&mut self) -> Result<(), Failure> {
        self.phone(Who::Carol)?.switch_off().await?;
        self.screen.say("Carol's phone is switched off.")?;
        for (author, text) in AWAY {
            let reader = if author == Who::Alice { Who::Bob } else { Who::Alice };
            self.say(author, text, &[reader]).await?;
        }
        self.phone(Who::Carol)?.switch_on().await?;
        self.screen.say("Carol's phone is on again.")?;
        for (_, text) in AWAY {
            self.hear(Who::Carol, text).await?;
            self.screen.say(&format!("  Carol reads: {text}"))?;
        }
        Ok(())
    }

    /// Bob becomes an admin; Dora is invited, and sees nothing from before.
    async fn dora_joins(&mut self, group: &ConversationId) -> Result<(), Failure> {
        let member = self.member(Who::Alice, Who::Bob).await?;
        let params = json!({"conversation": group, "member": member, "role": "admin"});
        self.phone(Who::Alice)?.call::<Value>("group_role", params).await?;
        let admin = |view: &View| {
            let role = view.group.as_ref()?.role?;
            (role == GroupRole::Admin).then_some(())
        };
        self.until(Who::Bob, "the new role", admin).await?;
        self.screen.say("Bob is an admin now. Alice invites Dora.")?;
        let dora = self.id(Who::Dora).await?;
        let params = json!({"conversation": group, "contacts": [dora]});
        self.phone(Who::Alice)?.call::<Value>("group_invite", params).await?;
        self.accept(Who::Dora, group).await?;
        self.members(&Who::ALL, 4).await?;
        self.say(Who::Bob, "Welcome, Dora! 🎉", &[Who::Alice, Who::Carol, Who::Dora]).await?;
        self.say(Who::Carol, "The more the merrier", &[Who::Alice, Who::Bob, Who::Dora]).await?;
        self.state(Who::Dora, &[GroupState::Member]).await?;
        self.say(Who::Dora, "Thank you! What did I miss?", &[Who::Alice, Who::Bob, Who::Carol]).await?;
        let shown = self.view(Who::Dora).await?.messages.len();
        if shown != 3 {
            return Err(Failure::Failed(format!("Dora sees {shown} texts, and not the 3 since she joined")));
        }
        self.screen.say("Dora sees what was said since she joined, and nothing from before.")
    }

    /// Bob removes Carol. His phone is killed before the others can have the new keys.
    async fn carol_is_removed(&mut self, group: &ConversationId) -> Result<(), Failure> {
        let carol = self.id(Who::Carol).await?;
        let member = self.member(Who::Bob, Who::Carol).await?;
        let before: Vec<MessageId> = ids(&self.view(Who::Carol).await?);
        let params = json!({"conversation": group, "member": member});
        let gone = |view: &View| view.members.iter().all(|one| one.contact != carol);
        let bob = self.phone(Who::Bob)?;
        bob.call_once("group_remove", params, gone).await?;
        bob.kill().await?;
        self.screen.say("Bob removes Carol. His phone is killed (SIGKILL) as soon as that is on its disk.")?;
        self.send(Who::Alice, MEANWHILE).await?;
        self.note(Who::Alice, MEANWHILE, &[Who::Bob, Who::Dora]);
        self.screen.say(&format!("  Alice  {MEANWHILE}"))?;
        let unheard = self.view(Who::Alice).await?.members.len() == 4;
        self.phone(Who::Bob)?.switch_on().await?;
        self.screen.say("Bob's phone starts again:")?;
        self.screen.more(if unheard {
            "the removal and the new keys leave now."
        } else {
            "the removal had left already; what was missing of the new keys leaves now."
        })?;
        self.members(&REST, 3).await?;
        for who in [Who::Bob, Who::Dora] {
            self.hear(who, MEANWHILE).await?;
        }
        self.state(Who::Carol, &[GroupState::Removed]).await?;
        self.screen.say("Carol is out. The others go on:")?;
        self.say(Who::Bob, "I hope she forgives me.", &[Who::Alice, Who::Dora]).await?;
        self.say(Who::Dora, "What did she do?", &[Who::Alice, Who::Bob]).await?;
        self.say(Who::Alice, "She sang flat 🙉", &[Who::Bob, Who::Dora]).await?;
        let after = self.view(Who::Carol).await?;
        let read = |message: &&sotto_messenger::records::Message| !before.contains(&message.id);
        let news: Vec<&str> = after.messages.iter().filter(read).filter_map(|one| one.text.as_deref()).collect();
        if news.iter().any(|text| *text != MEANWHILE) {
            return Err(Failure::Failed(format!("Carol was removed and reads {news:?}")));
        }
        self.screen.say("Carol's phone is on and shows nothing of that.")
    }

    /// Waits until every text has reached all who are left and were there; compares what they show.
    async fn end(&mut self) -> Result<Views, Failure> {
        for who in REST {
            let all = |view: &View| {
                let mut mine = view.messages.iter().filter(|message| message.mine);
                mine.all(|message| message.state == MessageState::Delivered).then_some(())
            };
            self.until(who, "all texts delivered", all).await?;
            let (have, due) = self.delivered(who).await?;
            if have < due {
                return Err(Failure::Failed(format!("{have} of {due} deliveries of {who:?}'s texts")));
            }
            self.screen.say(&format!("✓✓ {have} of {due} deliveries of {who:?}'s texts"))?;
        }
        let mut views = Views::default();
        for who in REST {
            let view = self.view(who).await?;
            views.add(&self.said, who, view);
        }
        Ok(views)
    }

    /// Deliveries of somebody's texts that the own phone knows of, and those that are due, to those who are left.
    async fn delivered(&mut self, who: Who) -> Result<(usize, usize), Failure> {
        let mut names = Vec::new();
        for reader in REST {
            names.push((reader, self.id(reader).await?));
        }
        let (mut have, mut due) = (0_usize, 0_usize);
        for message in self.view(who).await?.messages.into_iter().filter(|message| message.mine) {
            let params = json!({"message": message.id});
            let Deliveries { deliveries } = self.phone(who)?.call("deliveries", params).await?;
            let said = self.said.iter().find(|said| Some(said.text) == message.text.as_deref());
            let to = said.map(|said| said.to.as_slice()).unwrap_or_default();
            for (_, reader) in names.iter().filter(|(reader, _)| to.contains(reader)) {
                due += 1;
                have += usize::from(deliveries.iter().any(|one| one.contact == *reader && one.delivered));
            }
        }
        Ok((have, due))
    }

    /// Waits for one of these states of somebody's own membership.
    async fn state(&mut self, who: Who, states: &[GroupState]) -> Result<(), Failure> {
        let reached =
            |view: &View| view.group.as_ref().is_some_and(|group| states.contains(&group.state)).then_some(());
        self.until(who, &format!("membership {states:?}"), reached).await
    }

    /// Waits until all of these phones show so many members.
    async fn members(&mut self, all: &[Who], count: usize) -> Result<(), Failure> {
        for who in all {
            let shown = |view: &View| (view.members.len() == count).then_some(());
            self.until(*who, &format!("{count} members"), shown).await?;
        }
        Ok(())
    }

    /// The id of a member, as a phone shows it.
    async fn member(&mut self, on: Who, who: Who) -> Result<Value, Failure> {
        let contact = self.id(who).await?;
        let shown = |view: &View| {
            let found = view.members.iter().find(|one| one.contact == contact);
            found.map(|one| json!(one.id))
        };
        self.until(on, "a member", shown).await
    }

    /// Somebody sends a text, and the readers show it.
    async fn say(&mut self, author: Who, text: &'static str, readers: &[Who]) -> Result<(), Failure> {
        self.send(author, text).await?;
        self.note(author, text, readers);
        for reader in readers {
            self.hear(*reader, text).await?;
        }
        let name = format!("{author:?}");
        self.screen.say(&format!("  {name:5}  {text}"))
    }

    fn note(&mut self, author: Who, text: &'static str, readers: &[Who]) {
        self.said.push(Said { text, by: author, to: readers.to_vec() });
    }

    async fn send(&mut self, author: Who, text: &str) -> Result<(), Failure> {
        let phone = self.phone(author)?;
        let params = json!({"conversation": phone.group, "text": text});
        phone.call_once("send", params, |view| has(view, true, text)).await
    }

    async fn hear(&mut self, reader: Who, text: &str) -> Result<(), Failure> {
        self.until(reader, &format!("“{text}”"), |view| has(view, false, text).then_some(())).await
    }
}

fn ids(view: &View) -> Vec<MessageId> {
    view.messages.iter().map(|message| message.id.clone()).collect()
}

#[derive(Deserialize)]
struct Page {
    conversations: Vec<Conversation>,
}

#[derive(Deserialize)]
struct Deliveries {
    deliveries: Vec<Delivery>,
}
