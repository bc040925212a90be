//! What the phones of the group show at its end, compared.

use sotto_messenger::records::{GroupRole, MemberId, MessageId};

use super::phone::View;

/// The people of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Alice,
    Bob,
    Carol,
    Dora,
}

impl Who {
    pub(crate) const ALL: [Self; 4] = [Self::Alice, Self::Bob, Self::Carol, Self::Dora];
}

/// A text of the group.
pub(crate) struct Said {
    pub(crate) text: &'static str,
    pub(crate) by: Who,
    /// The members who must show it.
    pub(crate) to: Vec<Who>,
}

type Shown = (String, Vec<(MemberId, GroupRole)>, Vec<(MessageId, Option<String>)>);

/// The comparison. The first phone was there from the beginning.
#[derive(Default)]
pub(crate) struct Views {
    pub(crate) sent: usize,
    /// Number of texts that a phone does not show, over all phones.
    pub(crate) lost: usize,
    /// Number of texts that a phone shows more than once, or that were not for it, over all phones.
    pub(crate) doubled: usize,
    first: Option<Shown>,
    differ: bool,
}

impl Views {
    pub(crate) fn add(&mut self, said: &[Said], who: Who, view: View) {
        self.sent = said.len();
        let due: Vec<&str> =
            said.iter().filter(|one| one.by == who || one.to.contains(&who)).map(|one| one.text).collect();
        let texts: Vec<&str> = view.messages.iter().filter_map(|message| message.text.as_deref()).collect();
        for text in &due {
            let copies = texts.iter().filter(|one| *one == text).count();
            self.lost += usize::from(copies == 0);
            self.doubled += copies.saturating_sub(1);
        }
        self.doubled += texts.iter().filter(|text| !due.contains(text)).count();
        let name = view.group.map(|group| group.name).unwrap_or_default();
        let members = view.members.into_iter().map(|member| (member.id, member.role)).collect();
        let messages = view.messages.into_iter().map(|message| (message.id, message.text)).collect();
        let shown: Shown = (name, members, messages);
        match &self.first {
            // Who came later has the end of what the first one has.
            Some(first) => {
                self.differ |= (&first.0, &first.1) != (&shown.0, &shown.1) || !first.2.ends_with(&shown.2);
            }
            None => self.first = Some(shown),
        }
    }

    /// Whether all show the same name, members, and messages in the same order.
    pub(crate) fn equal(&self) -> bool {
        self.first.is_some() && !self.differ
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::records::Message;

    fn view(texts: &[&str]) -> View {
        let message = |text: &&str| Message {
            id: MessageId::from_bytes(&[text.as_bytes()[0]; 32]),
            text: Some((*text).to_owned()),
            ..Message::default()
        };
        View { messages: texts.iter().map(message).collect(), ..View::default() }
    }

    fn compare(bob: &[&str], dora: &[&str]) -> (usize, usize, bool) {
        let said = [
            Said { text: "a", by: Who::Alice, to: vec![Who::Bob, Who::Carol] },
            Said { text: "b", by: Who::Bob, to: vec![Who::Alice, Who::Dora] },
            Said { text: "c", by: Who::Dora, to: vec![Who::Alice, Who::Bob] },
        ];
        let mut views = Views::default();
        assert!(!views.equal());
        views.add(&said, Who::Alice, view(&["a", "b", "c"]));
        views.add(&said, Who::Bob, view(bob));
        views.add(&said, Who::Dora, view(dora));
        assert_eq!(views.sent, 3);
        (views.lost, views.doubled, views.equal())
    }

    #[test]
    fn all_show_the_same_or_the_figures_say_so() {
        assert_eq!(compare(&["a", "b", "c"], &["b", "c"]), (0, 0, true));
        assert_eq!(compare(&["a", "c"], &["b", "c"]), (1, 0, false));
        assert_eq!(compare(&["a", "b", "b", "c"], &["b", "c"]), (0, 1, false));
        assert_eq!(compare(&["b", "a", "c"], &["b", "c"]), (0, 0, false));
        assert_eq!(compare(&["a", "b", "c"], &["a", "b", "c"]), (0, 1, true), "from before she joined");
        assert_eq!(compare(&["a", "b", "c"], &[]), (2, 0, true));
    }
}
