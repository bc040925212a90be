//! The thread that answers a node's questions to its archive.

use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sotto_db::archive::{Archive, Entry, Find, Page, Query, QueryError};
use sotto_messenger::{Clock, system_clock};
use sotto_net::service::{
    ArchiveError, ArchiveFilter, ArchivePage, ArchiveQuery, ArchiveRequest, Archived,
};
use sotto_wire::waku::{self, Message as _};
use tokio::sync::mpsc;

/// Messages written in one transaction.
const BATCH: usize = 128;
/// Time between looks for messages past their retention.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// Answers until the node is gone.
pub(super) fn serve(
    archive: Archive,
    mut requests: mpsc::Receiver<ArchiveRequest>,
) -> io::Result<JoinHandle<()>> {
    let mut archivist = Archivist {
        archive,
        batch: Vec::new(),
        expired: None,
        clock: system_clock(),
    };
    std::thread::Builder::new()
        .name("archive".into())
        .spawn(move || {
            while let Some(request) = requests.blocking_recv() {
                archivist.take(request);
                while let Ok(request) = requests.try_recv() {
                    archivist.take(request);
                }
                archivist.write();
                archivist.expire();
            }
        })
}

struct Archivist {
    archive: Archive,
    batch: Vec<Entry>,
    expired: Option<Instant>,
    clock: Clock,
}

impl Archivist {
    fn take(&mut self, request: ArchiveRequest) {
        match request {
            ArchiveRequest::Put(one) => {
                self.batch.push(entry(&one));
                if self.batch.len() >= BATCH {
                    self.write();
                }
            }
            ArchiveRequest::Query { query, reply } => {
                // A question sees everything that came before it.
                self.write();
                let _ = reply.send(self.answer(query));
            }
        }
    }

    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if let Err(error) = self.archive.put(&self.batch) {
            log::warn!("{} messages not archived: {error}", self.batch.len());
        }
        self.batch.clear();
    }

    fn expire(&mut self) {
        if self.expired.is_some_and(|at| at.elapsed() < EXPIRE_EVERY) {
            return;
        }
        self.expired = Some(Instant::now());
        match self
            .archive
            .expire((self.clock)().saturating_mul(1_000_000))
        {
            Ok(0) => {}
            Ok(gone) => log::info!("{gone} messages past their retention deleted"),
            Err(error) => log::warn!("nothing deleted: {error}"),
        }
    }

    fn answer(&self, query: ArchiveQuery) -> Result<ArchivePage, ArchiveError> {
        let query = Query {
            find: match query.filter {
                ArchiveFilter::Hashes(hashes) => Find::Hashes(hashes),
                ArchiveFilter::Range {
                    pubsub_topic,
                    content_topics,
                    start_ns,
                    end_ns,
                } => Find::Range {
                    pubsub_topic,
                    content_topics,
                    start_ns,
                    end_ns,
                },
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
                log::warn!("archive not read: {error}");
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
    Ok(ArchivePage {
        messages: page
            .entries
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()?,
        more: page.more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_db::archive::Retention;
    use sotto_wire::waku::{WakuMessage, message_hash};
    use tokio::sync::oneshot;

    fn message(payload: &[u8]) -> Archived {
        let message = WakuMessage::new(
            "/a/1/b/proto".into(),
            payload.to_vec(),
            system_clock()() * 1_000_000,
        );
        Archived {
            hash: message_hash("/waku/2/rs/66/0", &message),
            pubsub_topic: "/waku/2/rs/66/0".into(),
            message,
        }
    }

    #[test]
    fn a_question_sees_every_message_before_it_and_the_thread_ends_with_the_node() {
        let folder = tempfile::tempdir().unwrap();
        let retention = Retention {
            age: Duration::from_secs(3600),
            bytes: 1 << 30,
        };
        let archive = Archive::open(&folder.path().join("archive.db"), retention).unwrap();
        let (sender, requests) = mpsc::channel(1000);
        let messages: Vec<Archived> = (0..300u32).map(|n| message(&n.to_be_bytes())).collect();
        for one in &messages {
            sender
                .blocking_send(ArchiveRequest::Put(one.clone()))
                .unwrap();
        }
        let (reply, answer) = oneshot::channel();
        let wanted = messages[299].clone();
        let query = ArchiveQuery {
            filter: ArchiveFilter::Hashes(vec![wanted.hash, [1; 32]]),
            cursor: None,
            forward: true,
            limit: 10,
            bytes: Some(1 << 20),
        };
        sender
            .blocking_send(ArchiveRequest::Query { query, reply })
            .unwrap();
        let thread = serve(archive, requests).unwrap();
        let page = answer.blocking_recv().unwrap().unwrap();
        assert_eq!((page.messages, page.more), (vec![wanted], false));
        drop(sender);
        thread.join().unwrap();
        let archive = Archive::open(&folder.path().join("archive.db"), retention).unwrap();
        assert_eq!(archive.count().unwrap(), 300);
    }
}
