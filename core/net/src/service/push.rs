//! Pushes to one subscriber: one stream while it lasts, and a new one after it breaks. Subscribers that read one push
//! from a stream and close it, as go-waku's clients do, get a stream for each push; so do subscribers whose agent is
//! still unknown.
//!
//! A finished write proves no reading. So a push is kept until the subscriber has had time to close or reset the
//! stream, and is sent again if it did. A second copy is harmless: subscribers drop twins.

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

/// Time limit for a subscriber to read one push.
const TAKE_WITHIN: Duration = Duration::from_secs(20);
/// How long to wait until a subscriber closes or resets a stream with one push. Some never close.
const SETTLE: Duration = Duration::from_secs(10);
/// The part of that time after which we close our half of the stream.
const OPEN: Duration = Duration::from_secs(2);
/// Most streams with one push that wait for that.
const SETTLING: usize = 32;
/// Bytes of the last pushes on a lasting stream that are kept as long; the very last push always.
const KEPT: usize = 128 * 1024;
/// Most resets in a row. A subscriber without the protocol looks the same, because negotiation is lazy.
const RESETS: u32 = 16;
/// Time between pushes on separate streams: go-waku resets more than 15 a second.
const PACE: Duration = Duration::from_millis(70);
/// Wait before a reset push is sent again. go-waku resets pushes before its subscribe call has returned.
const AGAIN: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// All pushes on one stream.
    Lasting,
    /// A stream for each push.
    Each,
}

pub(crate) struct Frame {
    /// How the subscriber wants pushes, as far as known.
    pub(crate) style: Style,
    pub(crate) bytes: Arc<[u8]>,
    /// The push's share of the queue; none after the first write.
    pub(super) _room: Option<(OwnedSemaphorePermit, Arc<Share>)>,
}

/// Pushes until the queue is closed or the subscriber accepts nothing more.
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
    log::debug!("a subscriber accepts no more pushes");
}

struct Pusher {
    opener: Opener,
    peer: PeerId,
    lasting: Option<Lasting>,
    /// Streams with one push. Each ends with its push if the stream was reset.
    settling: FuturesUnordered<BoxFuture<'static, Option<Frame>>>,
    /// Pushes that may be unread, to repeat on separate streams.
    again: VecDeque<Frame>,
    /// Whether the subscriber closed a lasting stream in order: then it reads one push a stream, whatever its agent.
    one_a_stream: bool,
    resets: u32,
}

/// A stream for many pushes, and its last pushes.
struct Lasting {
    stream: Stream,
    since: Instant,
    kept: VecDeque<(Instant, Arc<[u8]>)>,
    /// The first push is still kept.
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
                lasting.kept.pop_front(); // that push was read
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

/// Waits for the end of the lasting stream; true if the subscriber closed it in order.
async fn closed(lasting: &mut Option<Lasting>) -> bool {
    match lasting {
        Some(lasting) => end(&mut lasting.stream).await,
        None => pending().await,
    }
}

/// Subscribers send nothing on a stream, so any read is its end. True if the subscriber closed it in order. Over yamux
/// a reset reads the same; the difference is that writing then fails.
async fn end(stream: &mut Stream) -> bool {
    let read = stream.read(&mut [0; 1]).await;
    read.is_ok() && !matches!(stream.write(&[]).now_or_never(), Some(Err(_)))
}

/// The push, if its stream was reset. After our half is closed a reset is invisible, so this waits a little first.
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
