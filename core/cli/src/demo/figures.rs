//! The figures at the end of the demo.

use serde::Serialize;

use super::phone::View;
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
    /// TCP payload of both phones, both ways, for each short text, with receipts. `None` if a phone was killed
    /// meanwhile.
    pub(crate) wire_bytes_per_text: Option<u64>,
    /// Largest resident memory of a phone, bytes; 0 if the system does not report it.
    pub(crate) peak_memory_bytes: u64,
    /// Number of process starts of the two phones and two nodes together.
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
        match self.wire_bytes_per_text {
            Some(bytes) => output::line(&format!("wire bytes per text {bytes}"))?,
            None => output::line("wire bytes per text not measured (a phone was killed)")?,
        }
        let mib = self.peak_memory_bytes as f64 / f64::from(1 << 20);
        output::line(&format!("peak memory {mib:.1} MiB (the larger phone)"))?;
        output::line(&format!("seconds {:.1}", self.seconds))
    }

    /// Whether every text arrived once, in order, and was read.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        let wrong = self.lost + self.doubled + self.out_of_order + self.not_read;
        if wrong == 0 && self.sent > 0 {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "{} lost, {} doubled, {} out of order, {} not read",
            self.lost, self.doubled, self.out_of_order, self.not_read
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_messenger::records::Message;

    fn view(mine: bool, texts: &[&str], state: MessageState) -> View {
        let message = |text: &&str| Message { mine, text: Some((*text).to_owned()), state, ..Message::default() };
        View { contacts: Vec::new(), messages: texts.iter().map(message).collect() }
    }

    fn count(shown: &[&str], state: MessageState) -> Figures {
        let sent = ["a", "b", "c"];
        let mut figures = Figures::default();
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
}
