//! Pushing to one subscriber: one stream for as long as it holds, a new one when it breaks; to those that read one push
//! from a stream and close it, as go-waku's clients do, a stream for each, and so to those of whom nothing is known
//! yet.
//!
//! A write says nothing about its reader, so a push is kept until the subscriber has had time to close or reset the
//! stream, and goes out again if it did. Twice is harmless: subscribers drop what they have.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, pending};
use futures::stream::FuturesUnordered;
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::{PeerId, Stream, StreamProtocol};
use sotto_wire::waku::protocol;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::pushers::Share;
use crate::streams::Opener;

/// For the subscriber to take one push.
const TAKE_WITHIN: Duration = Duration::from_secs(20);
/// For it to close or reset a stream with a push on it. Some never close.
const SETTLE: Duration = Duration::from_secs(10);
/// Of that, before our half of such a stream is closed.
const OPEN: Duration = Duration::from_secs(2);
/// Streams with one push that may wait for that.
const SETTLING: usize = 32;
/// Of the last pushes on a lasting stream, so many bytes are kept for as long; the very last in any case.
const KEPT: usize = 128 * 1024;
/// Streams a subscriber may reset in a row. One that does not speak the protocol looks like that too, because
/// negotiation is lazy.
const RESETS: u32 = 16;
/// Between pushes with a stream for each: go-waku resets what comes faster than 15 a second.
const PACE: Duration = Duration::from_millis(70);
/// Before a push that was reset goes out again. go-waku resets what comes before its subscribe call has returned.
const AGAIN: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// All on one stream.
    Lasting,
    /// A stream for each.
    Each,
}

pub(crate) struct Frame {
    /// How the subscriber wants it, as far as is known by now.
    pub(crate) style: Style,
    pub(crate) bytes: Arc<[u8]>,
    /// Its bytes' share of what may wait; none once it was out.
    pub(super) _room: Option<(OwnedSemaphorePermit, Arc<Share>)>,
}

/// Pushes what comes until there is no more to come or the subscriber takes no more.
pub(crate) async fn run(opener: Opener, peer: PeerId, mut frames: mpsc::Receiver<Frame>) {
    let mut pusher = Pusher {
        opener,
        peer,
        lasting: None,
        settling: FuturesUnordered::new(),
        again: VecDeque::new(),
        one_a_stream: false,
        resets: 0,
    };
    let mut more = true;
    while pusher.resets < RESETS {
        let frame = match pusher.again.pop_front() {
            Some(frame) => Some(frame),
            None if !more && pusher.settling.is_empty() => return,
            None => tokio::select! {
                biased;
                clean = closed(&mut pusher.lasting) => {
                    pusher.broken(clean).await;
                    None
                }
                Some(reset) = pusher.settling.next() => {
                    pusher.settled(reset).await;
                    None
                }
                frame = frames.recv(), if more && pusher.settling.len() < SETTLING => {
                    more = frame.is_some();
                    frame
                }
            },
        };
        if let Some(frame) = frame
            && pusher.push(frame).await.is_err()
        {
            break;
        }
    }
    log::debug!("a subscriber takes no more");
}

struct Pusher {
    opener: Opener,
    peer: PeerId,
    lasting: Option<Lasting>,
    /// Streams with one push. They end with the push if it was reset.
    settling: FuturesUnordered<BoxFuture<'static, Option<Frame>>>,
    /// Pushes that were perhaps not read, for a stream each.
    again: VecDeque<Frame>,
    /// It closed a lasting stream in order: whatever it calls itself, it reads one push a stream.
    one_a_stream: bool,
    resets: u32,
}

/// A stream for many pushes, and the last of them.
struct Lasting {
    stream: Stream,
    since: Instant,
    kept: VecDeque<(Instant, Arc<[u8]>)>,
    /// The first push is kept still.
    whole: bool,
}

impl Lasting {
    fn keep(&mut self, bytes: Arc<[u8]>) {
        self.kept.push_back((Instant::now(), bytes));
        let mut all: usize = self.kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while self.kept.len() > 1
            && let Some((at, first)) = self.kept.front()
            && (all > KEPT || at.elapsed() > SETTLE)
        {
            all -= first.len();
            self.kept.pop_front();
            self.whole = false;
        }
    }
}

impl Pusher {
    async fn push(&mut self, frame: Frame) -> io::Result<()> {
        if frame.style == Style::Each || self.one_a_stream {
            let stream = self.fresh(&frame.bytes).await?;
            self.settling.push(Box::pin(settle(stream, frame)));
            sleep(PACE).await;
            return Ok(());
        }
        let Some(lasting) = &mut self.lasting else {
            let mut lasting = Lasting {
                stream: self.fresh(&frame.bytes).await?,
                since: Instant::now(),
                kept: VecDeque::new(),
                whole: true,
            };
            lasting.keep(frame.bytes);
            self.lasting = Some(lasting);
            return Ok(());
        };
        let written = write(&mut lasting.stream, &frame.bytes).await;
        lasting.keep(frame.bytes);
        if written.is_err() {
            self.broken(false).await;
        }
        Ok(())
    }

    async fn fresh(&mut self, frame: &[u8]) -> io::Result<Stream> {
        let protocol = StreamProtocol::new(protocol::FILTER_PUSH);
        let open = timeout(TAKE_WITHIN, self.opener.open(self.peer, protocol));
        let (mut stream, _turn) = open.await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.ignore_for_keep_alive();
        write(&mut stream, frame).await?;
        Ok(stream)
    }

    async fn broken(&mut self, in_order: bool) {
        let Some(mut lasting) = self.lasting.take() else {
            return;
        };
        if in_order {
            self.one_a_stream = true;
            if lasting.whole {
                lasting.kept.pop_front(); // that one was read
            }
        }
        let recent = lasting.kept.into_iter().filter(|(at, _)| at.elapsed() < SETTLE);
        self.again.extend(recent.map(|(_, bytes)| Frame { style: Style::Each, bytes, _room: None }));
        if !in_order {
            let long = lasting.since.elapsed() > SETTLE;
            self.resets = if long { 1 } else { self.resets + 1 };
            sleep(AGAIN).await;
        }
    }

    /// A stream with one push has ended.
    async fn settled(&mut self, reset: Option<Frame>) {
        let Some(frame) = reset else {
            self.resets = 0;
            return;
        };
        self.resets += 1;
        self.again.push_back(frame);
        sleep(AGAIN).await;
    }
}

/// When the lasting stream has ended; true if they closed it in order.
async fn closed(lasting: &mut Option<Lasting>) -> bool {
    match lasting {
        Some(lasting) => end(&mut lasting.stream).await,
        None => pending().await,
    }
}

/// Subscribers have nothing to say on a stream: whatever comes is its end. True if they closed it in order. Over yamux
/// a
/// reset reads like that too; what shows it is that nothing more can be written.
async fn end(stream: &mut Stream) -> bool {
    let read = stream.read(&mut [0; 1]).await;
    read.is_ok() && !matches!(stream.write(&[]).now_or_never(), Some(Err(_)))
}

/// Waits for the end of a stream with one push; the push, if it was reset. Once our half is closed a reset shows no
/// more,
/// so that waits a little.
async fn settle(mut stream: Stream, frame: Frame) -> Option<Frame> {
    let settled = async {
        if let Ok(false) = timeout(OPEN, end(&mut stream)).await {
            return false;
        }
        stream.close().await.is_ok() && stream.read(&mut [0; 1]).await.is_ok()
    };
    matches!(timeout(SETTLE, settled).await, Ok(false)).then_some(frame)
}

async fn write(stream: &mut Stream, frame: &[u8]) -> io::Result<()> {
    let written = timeout(TAKE_WITHIN, async {
        stream.write_all(frame).await?;
        stream.flush().await
    });
    written.await.map_err(|_| io::ErrorKind::TimedOut)?
}
