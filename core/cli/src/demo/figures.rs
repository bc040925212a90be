//! The figures at the end of the demo.

use serde::Serialize;

use super::phone::View;
use super::views::Views;
use crate::exit::Failure;
use crate::output;
use sotto_messenger::records::MessageState;

/// The closing figures.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// Number of sent texts.
    pub(crate) sent: usize,
    /// Number of texts shown on the other side, each counted once.
    pub(crate) received: usize,
    /// Number of texts not shown there.
    pub(crate) lost: usize,
    /// Number of texts shown there more than once.
    pub(crate) doubled: usize,
    /// Number of texts shown there in another order.
    pub(crate) out_of_order: usize,
    /// Number of texts that their author does not see as read.
    pub(crate) not_read: usize,
    /// Number of files that arrived whole.
    pub(crate) files: usize,
    /// Their bytes.
    pub(crate) file_bytes: u64,
    /// Number of texts sent in the group.
    pub(crate) group_sent: usize,
    /// Number of them that a member's phone does not show, over all phones.
    pub(crate) group_lost: usize,
    /// Number of them that a phone shows more than once, or that were not for it, over all phones.
    pub(crate) group_doubled: usize,
    /// Whether all members show the same members, and the same messages in the same order.
    pub(crate) views_equal: bool,
    /// TCP payload of Alice's and Bob's phones, both ways, for each short text, with receipts. `None` if a phone was
    /// killed meanwhile.
    pub(crate) wire_bytes_per_text: Option<u64>,
    /// Largest resident memory of a phone, bytes; 0 if the system does not report it.
    pub(crate) peak_memory_bytes: u64,
    /// Number of process starts of the four phones and two nodes together.
    pub(crate) lives: u32,
    /// Seconds from the first process to the last text.
    pub(crate) seconds: f32,
}

impl Figures {
    /// Compares the texts that one side sent with the texts that the other side shows.
    pub(crate) fn count(&mut self, sent: &[String], author: &View, reader: &View) {
        let texts = |view: &View, mine: bool| -> Vec<String> {
            let of = view.messages.iter().filter(|message| message.mine == mine);
            of.filter_map(|message| message.text.clone()).collect()
        };
        let shown = texts(reader, false);
        self.sent += sent.len();
        let mut last = None;
        for text in sent {
            let copies = shown.iter().filter(|one| *one == text).count();
            self.received += copies.min(1);
            self.lost += usize::from(copies == 0);
            self.doubled += copies.saturating_sub(1);
            let place = shown.iter().position(|one| one == text);
            self.out_of_order += usize::from(place.is_some() && place < last);
            last = place.max(last);
        }
        // No text may be shown that nobody sent.
        self.doubled += shown.iter().filter(|text| !sent.contains(text)).count();
        let read = |text: &String| {
            let of = |message: &&sotto_messenger::records::Message| message.mine && message.text.as_ref() == Some(text);
            let mut mine = author.messages.iter().filter(of);
            mine.all(|message| message.state == MessageState::Read)
        };
        self.not_read += sent.iter().filter(|text| !read(text)).count();
    }

    /// Takes the figures of the group.
    pub(crate) fn group(&mut self, views: &Views) {
        (self.group_sent, self.group_lost, self.group_doubled) = (views.sent, views.lost, views.doubled);
        self.views_equal = views.equal();
    }

    /// Prints one figure a line, or one JSON object.
    pub(crate) fn show(&self, json: bool) -> std::io::Result<()> {
        if json {
            let object = serde_json::to_string(self).map_err(std::io::Error::other)?;
            return output::line(&object);
        }
        output::line("")?;
        output::line(&format!("sent {}", self.sent))?;
        output::line(&format!("received {}", self.received))?;
        output::line(&format!("lost {}", self.lost))?;
        output::line(&format!("doubled {}", self.doubled))?;
        output::line(&format!("files {}", self.files))?;
        output::line(&format!("file bytes {}", self.file_bytes))?;
        output::line(&format!("group sent {}", self.group_sent))?;
        output::line(&format!("group lost {}", self.group_lost))?;
        output::line(&format!("group doubled {}", self.group_doubled))?;
        output::line(&format!("views equal {}", if self.views_equal { "yes" } else { "no" }))?;
        match self.wire_bytes_per_text {
            Some(bytes) => output::line(&format!("wire bytes per text {bytes}"))?,
            None => output::line("wire bytes per text not measured (a phone was killed)")?,
        }
        let mib = self.peak_memory_bytes as f64 / f64::from(1 << 20);
        output::line(&format!("peak memory {mib:.1} MiB (the largest phone)"))?;
        output::line(&format!("seconds {:.1}", self.seconds))
    }

    /// Whether every text arrived once, in order, and was read, and all members of the group show the same.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let pair = self.lost + self.doubled + self.out_of_order + self.not_read;
        if pair > 0 || self.sent == 0 {
            return Err(Failure::Failed(format!(
                "{} lost, {} doubled, {} out of order, {} not read",
                self.lost, self.doubled, self.out_of_order, self.not_read
            )));
        }
        if self.group_lost + self.group_doubled > 0 || !self.views_equal || self.group_sent == 0 {
            return Err(Failure::Failed(format!(
                "in the group {} lost, {} doubled, views {}",
                self.group_lost,
                self.group_doubled,
                if self.views_equal { "equal" } else { "different" }
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::records::Message;

    fn view(mine: bool, texts: &[&str], state: MessageState) -> View {
        let message = |text: &&str| Message { mine, text: Some((*text).to_owned()), state, ..Message::default() };
        View { messages: texts.iter().map(message).collect(), ..View::default() }
    }

    fn count(shown: &[&str], state: MessageState) -> Figures {
        let sent = ["a", "b", "c"];
        let mut figures = Figures { group_sent: 1, views_equal: true, ..Figures::default() };
        let author = view(true, &sent, state);
        let reader = view(false, shown, MessageState::Received);
        figures.count(&sent.map(str::to_owned), &author, &reader);
        figures
    }

    #[test]
    fn all_is_well_only_when_each_text_is_there_once_in_order_and_read() {
        count(&["a", "b", "c"], MessageState::Read).verdict().unwrap();
        for (shown, wanted) in [
            (&["a", "c"][..], (1, 0, 0)),
            (&["a", "b", "b", "c"], (0, 1, 0)),
            (&["b", "a", "c"], (0, 0, 1)),
            (&["a", "b", "c", "d"], (0, 1, 0)),
        ] {
            let figures = count(shown, MessageState::Read);
            assert_eq!((figures.lost, figures.doubled, figures.out_of_order), wanted, "{shown:?}");
            assert!(figures.verdict().is_err());
        }
        let unread = count(&["a", "b", "c"], MessageState::Delivered);
        assert_eq!(unread.not_read, 3);
        assert!(unread.verdict().is_err());
    }

    #[test]
    fn a_group_that_is_not_the_same_everywhere_is_no_success() {
        let good = count(&["a", "b", "c"], MessageState::Read);
        let broken: [fn(&mut Figures); 4] = [
            |figures| figures.group_sent = 0,
            |figures| figures.group_lost = 1,
            |figures| figures.group_doubled = 1,
            |figures| figures.views_equal = false,
        ];
        for spoil in broken {
            let mut figures = Figures { ..good };
            spoil(&mut figures);
            assert!(figures.verdict().is_err(), "{figures:?}");
        }
    }
}
