//! Frames on a stream: one request and one answer. A frame is an unsigned varint length and a protobuf.

use std::io;
use std::time::Duration;

use futures::io::{copy, sink};
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{PeerId, Stream, StreamProtocol};
use sotto_wire::waku::{self, FrameError, Message, WakuMetadata, protocol};
use tokio::time::timeout;

use crate::handle::FailReason;
use crate::streams::Opener;

/// Memory reserved for a frame before its bytes arrive.
const RESERVED: usize = 16 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error("connection lost")]
    Lost(#[from] io::Error),
    #[error("no answer in time")]
    Timeout,
    #[error("malformed answer")]
    Malformed(#[from] FrameError),
}

impl ExchangeError {
    pub(crate) fn reason(&self) -> FailReason {
        if matches!(self, Self::Malformed(_)) { FailReason::Lied } else { FailReason::Timeout }
    }
}

/// The body of the next frame, at most `cap` bytes; `None` at the end of the stream.
pub(crate) async fn read_frame(stream: &mut Stream, cap: usize) -> Result<Option<Vec<u8>>, ExchangeError> {
    let mut head = Vec::with_capacity(10);
    let body = loop {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            if head.is_empty() {
                return Ok(None);
            }
            return Err(FrameError::Truncated.into());
        }
        head.extend(byte);
        if let Some(header) = waku::frame_header(&head, cap)? {
            break header.body;
        }
    };
    let mut frame = Vec::with_capacity(body.min(RESERVED));
    stream.take(body as u64).read_to_end(&mut frame).await?;
    if frame.len() < body {
        return Err(FrameError::Truncated.into());
    }
    Ok(Some(frame))
}

/// Writes one frame and closes our half of the stream.
pub(crate) async fn write_last(stream: &mut Stream, frame: &[u8]) -> io::Result<()> {
    stream.write_all(frame).await?;
    stream.close().await
}

/// Sends one request and reads one answer, on a new stream.
pub(crate) async fn exchange<Q: Message, A: Message + Default>(
    opener: &Opener,
    peer: PeerId,
    protocol: &'static str,
    request: &Q,
    cap: usize,
    limit: Duration,
) -> Result<A, ExchangeError> {
    timeout(limit, async {
        let (mut stream, turn) = opener.open(peer, StreamProtocol::new(protocol)).await?;
        stream.ignore_for_keep_alive();
        write_last(&mut stream, &waku::encode_framed(request)).await?;
        drop(turn);
        let body = read_frame(&mut stream, cap).await?.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        waku::decode(&body).map_err(|error| ExchangeError::Malformed(error.into()))
    })
    .await
    .map_err(|_| ExchangeError::Timeout)?
}

/// Exchanges clusters with a peer. `None`: the peer names none.
pub(crate) async fn cluster(
    opener: Opener,
    peer: PeerId,
    ours: WakuMetadata,
    limit: Duration,
) -> Result<Option<u16>, ExchangeError> {
    let cap = waku::METADATA_CAP;
    let theirs: WakuMetadata = exchange(&opener, peer, protocol::METADATA, &ours, cap, limit).await?;
    Ok(theirs.cluster())
}

/// How much of an oversized request is read and discarded: a peer that is still writing reads no answer.
const THROWN_AWAY: u64 = 4 * 1024 * 1024;

pub(crate) enum Read {
    /// A request; `None` if it is longer than its protocol allows.
    Request(Option<Vec<u8>>),
    Ended,
    /// No whole or readable request came in time.
    GivenUp,
}

/// Reads the request on a peer's stream. A stream without one is no error: js-waku opens them in advance.
pub(crate) async fn read_request(stream: &mut Stream, cap: usize, limit: Duration) -> Read {
    let read = async {
        match read_frame(stream, cap).await {
            Ok(Some(body)) => Read::Request(Some(body)),
            Ok(None) => Read::Ended,
            Err(ExchangeError::Malformed(FrameError::TooLarge { len, .. })) if len <= THROWN_AWAY => {
                match copy(&mut stream.take(len), &mut sink()).await {
                    Ok(_) => Read::Request(None),
                    Err(_) => Read::GivenUp,
                }
            }
            Err(_) => Read::GivenUp,
        }
    };
    timeout(limit, read).await.unwrap_or(Read::GivenUp)
}

/// Writes the answer to a request and closes, under a time limit.
pub(crate) async fn write_answer(stream: &mut Stream, answer: &[u8], limit: Duration) {
    let _ = timeout(limit, write_last(stream, answer)).await; // a peer need not read its answer
}

/// Echoes libp2p pings until the peer closes, or until the `first` or a `next` ping is late.
pub(crate) async fn answer_pings(mut stream: Stream, first: Duration, next: Duration) {
    let mut ping = [0; PING_LEN];
    let mut within = first;
    loop {
        let echo = async {
            stream.read_exact(&mut ping).await?;
            stream.write_all(&ping).await?;
            stream.flush().await
        };
        if !matches!(timeout(within, echo).await, Ok(Ok(()))) {
            return;
        }
        within = next;
    }
}

/// A dropped stream is reset, but over mplex the peer learns that only with the next packet; js-waku would send a
/// request on the stream before. So this sends a ping after the reset.
pub(crate) async fn send_resets(opener: &Opener, peer: PeerId) {
    let _ = lives(opener, peer, PING_WITHIN).await;
}

/// Ignores the answer to a ping without consequences.
const PING_WITHIN: Duration = Duration::from_secs(10);
pub(crate) const PING: &str = "/ipfs/ping/1.0.0";
pub(crate) const PING_LEN: usize = 32;

pub(crate) async fn lives(opener: &Opener, peer: PeerId, limit: Duration) -> bool {
    matches!(timeout(limit, ping(opener, peer, None, limit)).await, Ok(Ok(_)))
}

/// Sends one ping on an open stream, or on a new one; returns the stream for the next.
pub(crate) async fn ping(
    opener: &Opener,
    peer: PeerId,
    stream: Option<Stream>,
    limit: Duration,
) -> Result<Stream, ExchangeError> {
    let mut stream = match stream {
        Some(stream) => stream,
        None => {
            let opened = timeout(limit, opener.open(peer, StreamProtocol::new(PING))).await;
            opened.map_err(|_| ExchangeError::Timeout)??.0
        }
    };
    let answer = async {
        let mut sent = [0; PING_LEN];
        getrandom::fill(&mut sent).map_err(io::Error::other)?;
        stream.write_all(&sent).await?;
        stream.flush().await?;
        let mut echo = [0; PING_LEN];
        stream.read_exact(&mut echo).await?;
        if echo == sent { Ok(stream) } else { Err(io::Error::from(io::ErrorKind::InvalidData).into()) }
    };
    timeout(limit, answer).await.unwrap_or(Err(ExchangeError::Timeout))
}
