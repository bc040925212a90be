//! The thread that answers a node's archive requests.

use std::collections::VecDeque;
use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use sotto_db::Error;
use sotto_db::archive::{Archive, Entry, Find, Page, Query, QueryError};
use sotto_messenger::{Clock, system_clock};
use sotto_net::service::{ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, ArchiveRequest, Archived};
use sotto_wire::waku::{self, Message as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Messages written in one transaction.
const BATCH: usize = 128;
/// Most bytes of messages kept in memory while the disk takes none; beyond that the oldest are lost.
const BACKLOG: usize = 32 * 1024 * 1024;
/// Interval between searches for expired messages.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// Answers until the node is gone. Deletes expired messages at start and then at intervals.
pub(super) fn serve(archive: Archive, requests: mpsc::Receiver<ArchiveRequest>) -> io::Result<JoinHandle<()>> {
    let archivist = Archivist { archive, batch: VecDeque::new(), batch_bytes: 0, clock: system_clock() };
    archivist.start(requests, EXPIRE_EVERY)
}

struct Archivist {
    archive: Archive,
    /// Messages that are not on disk yet.
    batch: VecDeque<Entry>,
    /// Bytes of these messages.
    batch_bytes: usize,
    clock: Clock,
}

impl Archivist {
    fn start(self, requests: mpsc::Receiver<ArchiveRequest>, expire_every: Duration) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new()
            .name("archive".into())
            .spawn(move || runtime.block_on(self.run(requests, expire_every)))
    }

    async fn run(mut self, mut requests: mpsc::Receiver<ArchiveRequest>, expire_every: Duration) {
        self.expire();
        let mut tick = interval_at(Instant::now() + expire_every, expire_every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut some = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => self.expire(),
                count = requests.recv_many(&mut some, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    some.drain(..).for_each(|request| self.take(request));
                    self.write();
                }
            }
        }
    }

    fn take(&mut self, request: ArchiveRequest) {
        match request {
            ArchiveRequest::Put(one) => {
                let one = entry(&one);
                self.batch_bytes = self.batch_bytes.saturating_add(one.message.len());
                self.batch.push_back(one);
            }
            ArchiveRequest::Query { query, reply } => {
                // A query sees every message that came before it.
                self.write();
                let _ = reply.send(self.answer(query));
            }
        }
    }

    /// Writes the pending messages. Messages that the disk refuses stay pending, up to [`BACKLOG`].
    fn write(&mut self) {
        while !self.batch.is_empty() {
            let count = self.batch.len().min(BATCH);
            let some = self.batch.make_contiguous().get(..count);
            if let Err(error) = self.archive.put(some.unwrap_or_default()) {
                log::warn!("{} messages not archived: {error}", self.batch.len());
                if matches!(error, Error::Full | Error::Io | Error::ReadOnly) {
                    break;
                }
            }
            self.drop_oldest(count);
        }
        while self.batch_bytes > BACKLOG {
            self.drop_oldest(1);
        }
    }

    fn drop_oldest(&mut self, count: usize) {
        for gone in self.batch.drain(..count.min(self.batch.len())) {
            self.batch_bytes = self.batch_bytes.saturating_sub(gone.message.len());
        }
    }

    fn expire(&mut self) {
        self.write(); // the disk may have room again
        match self.archive.expire((self.clock)().saturating_mul(1_000_000)) {
            Ok(0) => {}
            Ok(gone) => log::info!("{gone} messages past their retention deleted"),
            Err(error) => log::warn!("expired messages were not deleted: {error}"),
        }
    }

    fn answer(&self, query: ArchiveQuery) -> Result<ArchivePage, ArchiveError> {
        if !self.batch.is_empty() {
            return Err(ArchiveError::Failed); // a page without these messages would claim that they do not exist
        }
        let query = Query {
            find: match query.filter {
                ArchiveFilter::Hashes(hashes) => Find::Hashes(hashes),
                ArchiveFilter::Range { pubsub_topic, content_topics, start_ns, end_ns } => {
                    Find::Range { pubsub_topic, content_topics, start_ns, end_ns }
                }
            },
            cursor: query.cursor,
            forward: query.forward,
            limit: query.limit,
            bytes: query.bytes,
        };
        match self.archive.query(&query) {
            Ok(page) => archived(page),
            Err(QueryError::UnknownCursor) => Err(ArchiveError::UnknownCursor),
            Err(QueryError::Storage(error)) => {
                log::warn!("the archive could not be read: {error}");
                Err(ArchiveError::Failed)
            }
        }
    }
}

fn entry(one: &Archived) -> Entry {
    Entry {
        hash: one.hash,
        timestamp_ns: one.message.timestamp.unwrap_or_default(),
        pubsub_topic: one.pubsub_topic.clone(),
        content_topic: one.message.content_topic.clone(),
        message: one.message.encode_to_vec(),
    }
}

fn archived(page: Page) -> Result<ArchivePage, ArchiveError> {
    let one = |entry: Entry| {
        Ok(Archived {
            hash: entry.hash,
            pubsub_topic: entry.pubsub_topic,
            message: waku::decode(&entry.message).map_err(|_| ArchiveError::Failed)?,
        })
    };
    Ok(ArchivePage { messages: page.entries.into_iter().map(one).collect::<Result<_, _>>()?, more: page.more })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use sotto_db::archive::Retention;
    use sotto_wire::waku::{WakuMessage, message_hash};
    use tokio::sync::oneshot;

    fn message(payload: &[u8]) -> Archived {
        let message = WakuMessage::new("/a/1/b/proto".into(), payload.to_vec(), system_clock()() * 1_000_000);
        Archived { hash: message_hash("/waku/2/rs/66/0", &message), pubsub_topic: "/waku/2/rs/66/0".into(), message }
    }

    const RETENTION: Retention = Retention { age: Duration::from_secs(3600), bytes: 1 << 30 };

    fn ask(
        requests: &mpsc::Sender<ArchiveRequest>,
        hashes: Vec<[u8; 32]>,
    ) -> oneshot::Receiver<Result<ArchivePage, ArchiveError>> {
        let (reply, answer) = oneshot::channel();
        let query = ArchiveQuery {
            filter: ArchiveFilter::Hashes(hashes),
            cursor: None,
            forward: true,
            limit: 10,
            bytes: Some(1 << 20),
        };
        requests.blocking_send(ArchiveRequest::Query { query, reply }).unwrap();
        answer
    }

    #[test]
    fn a_question_sees_every_message_before_it_and_the_thread_ends_with_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("archive.db"), RETENTION).unwrap();
        let (sender, requests) = mpsc::channel(1000);
        let messages: Vec<Archived> = (0..300u32).map(|n| message(&n.to_be_bytes())).collect();
        for one in &messages {
            sender.blocking_send(ArchiveRequest::Put(one.clone())).unwrap();
        }
        let wanted = messages[299].clone();
        let answer = ask(&sender, vec![wanted.hash, [1; 32]]);
        let thread = serve(archive, requests).unwrap();
        let page = answer.blocking_recv().unwrap().unwrap();
        assert_eq!((page.messages, page.more), (vec![wanted], false));
        drop(sender);
        thread.join().unwrap();
        let archive = Archive::open(&folder.path().join("archive.db"), RETENTION).unwrap();
        assert_eq!(archive.count().unwrap(), 300);
    }

    /// A store that answers without its unwritten messages would claim that they do not exist.
    #[test]
    fn with_a_full_disk_a_store_says_so_and_has_everything_once_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(&folder.path().join("archive.db"), RETENTION).unwrap();
        archive.limit_pages(40).unwrap();
        let mut archivist = Archivist { archive, batch: VecDeque::new(), batch_bytes: 0, clock: system_clock() };
        let messages: Vec<Archived> = (0..300u32).map(|n| message(&n.to_be_bytes().repeat(250))).collect();
        for one in &messages {
            archivist.take(ArchiveRequest::Put(one.clone()));
        }
        let ask = |archivist: &mut Archivist, hash| {
            let (reply, mut answer) = oneshot::channel();
            let query = ArchiveQuery {
                filter: ArchiveFilter::Hashes(vec![hash]),
                cursor: None,
                forward: true,
                limit: 10,
                bytes: Some(1 << 20),
            };
            archivist.take(ArchiveRequest::Query { query, reply });
            answer.try_recv().unwrap()
        };
        for one in [&messages[0], &messages[299]] {
            let answer = ask(&mut archivist, one.hash);
            assert!(matches!(answer, Err(ArchiveError::Failed)), "{answer:?}");
        }
        archivist.archive.limit_pages(100_000).unwrap();
        archivist.expire();
        for one in &messages {
            assert_eq!(ask(&mut archivist, one.hash).unwrap().messages.len(), 1);
        }
        assert_eq!(archivist.batch_bytes, 0);
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(&folder.path().join("archive.db"), RETENTION).unwrap();
        archive.limit_pages(1).unwrap();
        let mut archivist = Archivist { archive, batch: VecDeque::new(), batch_bytes: 0, clock: system_clock() };
        for n in 0..70u32 {
            archivist.take(ArchiveRequest::Put(message(&n.to_be_bytes().repeat(1 << 17))));
            archivist.write();
        }
        assert!(archivist.batch_bytes <= BACKLOG && archivist.batch_bytes > BACKLOG / 2);
        let last = archivist.batch.back().unwrap();
        let last: WakuMessage = waku::decode(&last.message).unwrap();
        assert!(last.payload.starts_with(&69u32.to_be_bytes()));
    }

    #[test]
    fn what_is_too_old_goes_while_nobody_asks() {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(system_clock()()));
        let (looked, looks) = std::sync::mpsc::channel();
        let time = Arc::clone(&now);
        let archivist = Archivist {
            archive: Archive::open(&folder.path().join("archive.db"), RETENTION).unwrap(),
            batch: VecDeque::new(),
            batch_bytes: 0,
            clock: Arc::new(move || {
                let _ = looked.send(());
                time.load(Ordering::SeqCst)
            }),
        };
        let (sender, requests) = mpsc::channel(10);
        let thread = archivist.start(requests, Duration::from_millis(5)).unwrap();
        let kept = message(&[1]);
        sender.blocking_send(ArchiveRequest::Put(kept.clone())).unwrap();
        let found = ask(&sender, vec![kept.hash]).blocking_recv().unwrap();
        assert_eq!(found.unwrap().messages.len(), 1);
        now.fetch_add(3_601_000, Ordering::SeqCst);
        assert!(looks.try_iter().count() > 0, "at once");
        // The search at the new time is done when the next one begins.
        for _ in 0..2 {
            looks.recv_timeout(Duration::from_secs(60)).unwrap();
        }
        let found = ask(&sender, vec![kept.hash]).blocking_recv().unwrap();
        assert_eq!(found.unwrap().messages.len(), 0);
        drop(sender);
        thread.join().unwrap();
    }
}
