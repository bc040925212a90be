//! A store query over a connection of its own, with a key that is used once.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::circle::{Circle, Happened};
use super::nodes::{Kind, Node, Service};
use super::serve;
use super::store::{self, Asked, Page, Query, StoreError};
use crate::config::NetConfig;
use crate::exchange::ExchangeError;

/// Queries one node, from the first packet to the last.
pub(crate) async fn query(
    config: Arc<NetConfig>,
    node: Node,
    query: Arc<Query>,
    id: u64,
    pages: mpsc::Sender<Page>,
    sent: &mut usize,
) -> Result<(), StoreError> {
    let unreachable = || StoreError::Exchange(ExchangeError::Timeout);
    let mut circle = Circle::new(Kind::Alone, &config).map_err(|_| unreachable())?;
    let metadata = serve::metadata(&config);
    let mut served = FuturesUnordered::new();
    if !circle.dial(&node, &[], Instant::now()) {
        return Err(unreachable());
    }
    let asked = Asked::new(circle.opener.clone(), node.peer, node.number, &config);
    let mut reach = pin!(sleep(config.timing.reach));
    let mut reached = false;
    let mut answer = pin!(store::query(asked, query, id, pages, sent));
    loop {
        let happened = tokio::select! {
            result = &mut answer, if reached => return result,
            () = &mut reach, if !reached => return Err(unreachable()),
            Some(()) = served.next() => continue,
            happened = circle.next() => happened,
        };
        match happened {
            // Metadata is answered at once, or the node hangs up.
            Some(Happened::Stream(inbound)) => {
                served.push(serve::answer(inbound, Arc::clone(&metadata)));
            }
            Some(Happened::Identified(ready)) if ready.offers.has(Service::Store) => reached = true,
            Some(Happened::Identified(_)) => return Err(StoreError::NotOffered),
            Some(Happened::Lost(..)) => return Err(unreachable()),
            None => {}
        }
    }
}
