//! A group of three people, from its beginning to the removal of one.

use sotto_messenger::Messenger;
use sotto_messenger::records::{ContactId, ConversationId, GroupState, MessageId, MessageState};

use crate::PATIENCE;
use crate::person::Person;

/// Texts of each of the three, all under way at once.
const ROUNDS: usize = 5;

/// Alice makes a group with Bob and Carol, who do not know each other. All talk, what is said while Carol is away waits
/// for her, and once she is removed she reads nothing. `nodes` are Carol's.
pub async fn talk([alice, bob, carol]: [&mut Person; 3], nodes: &[&str]) {
    for person in [&alice, &bob, &carol] {
        person.messenger.set_foreground(true).await.unwrap(); // acks leave within a minute
    }
    bob.befriend(alice).await;
    carol.befriend(alice).await;
    let ids = [id(bob), id(carol)];
    let group = alice.messenger.group_create("Lake", &ids).await.unwrap();
    for person in [&bob, &carol] {
        join(person, &group).await;
    }
    members(bob, &group, 3).await;
    bob.messenger.send(&group, "welcome").await.unwrap(); // confirms the group to Carol
    state(carol, &group, &[GroupState::Member]).await;

    for round in 0..ROUNDS {
        for person in [&alice, &bob, &carol] {
            let text = format!("{} {round} 🌿", person.name());
            person.messenger.send(&group, text.as_str()).await.unwrap();
        }
    }
    let mut count = 1 + 3 * ROUNDS;
    same([alice, bob, carol], &group, count).await;
    for person in [&alice, &bob, &carol] {
        let delivered = |m: &Messenger| {
            let page = m.messages(&group, None, 500).unwrap();
            let mut mine = page.iter().filter(|m| m.mine);
            mine.all(|m| m.state == MessageState::Delivered).then_some(())
        };
        person.look("all of the own texts with both others", 3 * PATIENCE, delivered).await;
    }

    carol.messenger.close().await.unwrap();
    for person in [&alice, &bob] {
        let sent = person.messenger.send(&group, "while you were away").await.unwrap();
        let left = |m: &Messenger| (m.message(&sent).unwrap().state >= MessageState::Sent).then_some(());
        person.until("a text at a node", left).await;
        count += 1;
    }
    carol.move_to(nodes).await;
    same([alice, bob, carol], &group, count).await;

    let members_of = alice.messenger.group_members(&group, None, 500).unwrap();
    let member = members_of.into_iter().find(|one| one.contact == ids[1]).unwrap().id;
    alice.messenger.group_remove(&group, &member, false).await.unwrap();
    state(carol, &group, &[GroupState::Removed]).await;
    members(bob, &group, 2).await;
    for person in [&alice, &bob] {
        person.messenger.send(&group, "without Carol").await.unwrap();
    }
    let shown = |m: &Messenger| (view(m, &group).len() == count + 2).then_some(());
    alice.until("Bob's text", shown).await;
    bob.until("Alice's text", shown).await;
    assert_eq!(view(&alice.messenger, &group), view(&bob.messenger, &group));
    assert_eq!(view(&carol.messenger, &group).len(), count, "she reads nothing of what followed");
}

fn id(person: &Person) -> ContactId {
    person.messenger.account().unwrap().unwrap().id
}

/// Accepts, and waits until it reads.
async fn join(person: &Person, group: &ConversationId) {
    state(person, group, &[GroupState::Invited]).await;
    person.messenger.group_answer(group, true).await.unwrap();
    state(person, group, &[GroupState::Joining, GroupState::Member]).await;
}

async fn state(person: &Person, group: &ConversationId, states: &[GroupState]) {
    let reached = |m: &Messenger| m.group(group).ok().filter(|group| states.contains(&group.state)).map(drop);
    person.look(&format!("{states:?}"), 3 * PATIENCE, reached).await;
}

async fn members(person: &Person, group: &ConversationId, count: usize) {
    let shown = |m: &Messenger| (m.group_members(group, None, 500).unwrap().len() == count).then_some(());
    person.until("members", shown).await;
}

/// What is shown, oldest first.
fn view(m: &Messenger, group: &ConversationId) -> Vec<(MessageId, Option<String>)> {
    let page = m.messages(group, None, 500).unwrap();
    page.into_iter().rev().map(|message| (message.id, message.text)).collect()
}

/// Waits until all show so many messages: the same, in the same order.
async fn same(all: [&Person; 3], group: &ConversationId, count: usize) {
    let mut views = Vec::new();
    for person in all {
        let shown = |m: &Messenger| Some(view(m, group)).filter(|view| view.len() == count);
        views.push(person.look(&format!("{count} messages"), 3 * PATIENCE, shown).await);
    }
    assert!(views.iter().all(|view| *view == views[0]), "{views:?}");
}
