//! Filter subscriptions. No IO, and no clock of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use libp2p::PeerId;
use sotto_wire::waku::{
    self, FilterStatus, FilterSubscribeRequest, FilterSubscribeResponse, FilterSubscribeType, RATE_LIMITED_ID,
};
use tokio::time::Instant;

use super::config::Limits;

/// Most topics of one request.
const TOPICS_PER_REQUEST: usize = 100;
/// Longest topic that is remembered, bytes.
const TOPIC_LEN: usize = 1024;

type Criterion = (String, String);

#[derive(Debug)]
struct Subscriber {
    criteria: BTreeSet<Criterion>,
    until: Instant,
}

#[derive(Debug)]
pub(crate) struct Subscriptions {
    limits: Limits,
    subscribers: HashMap<PeerId, Subscriber>,
    index: BTreeMap<Criterion, BTreeSet<PeerId>>,
}

impl Subscriptions {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, subscribers: HashMap::new(), index: BTreeMap::new() }
    }

    /// The answer to a request; `None` stands for a request that was too long to read.
    pub(crate) fn answer(&mut self, peer: PeerId, body: Option<&[u8]>, allowed: bool, now: Instant) -> Vec<u8> {
        let request = body.and_then(|body| waku::decode::<FilterSubscribeRequest>(body).ok());
        let (id, status) = match request {
            Some(_) if !allowed => (RATE_LIMITED_ID.into(), FilterStatus::TooManyRequests),
            Some(request) => {
                let status = self.request(peer, &request, now);
                (request.request_id.unwrap_or_default(), status)
            }
            None => (RATE_LIMITED_ID.into(), FilterStatus::BadRequest),
        };
        waku::encode_framed(&FilterSubscribeResponse {
            request_id: Some(id),
            status_code: Some(status.code()),
            status_desc: None,
        })
    }

    fn request(&mut self, peer: PeerId, request: &FilterSubscribeRequest, now: Instant) -> FilterStatus {
        let kind = FilterSubscribeType::try_from(request.filter_subscribe_type.unwrap_or_default());
        match (kind, criteria(request)) {
            (Ok(FilterSubscribeType::SubscriberPing), _) => match self.subscribers.get_mut(&peer) {
                Some(subscriber) => {
                    subscriber.until = now + self.limits.subscription_life;
                    FilterStatus::Ok
                }
                None => FilterStatus::NotFound,
            },
            (Ok(FilterSubscribeType::Subscribe), Some(criteria)) => self.subscribe(peer, criteria, now),
            (Ok(FilterSubscribeType::Unsubscribe), Some(criteria)) => self.unsubscribe(&peer, &criteria, now),
            (Ok(FilterSubscribeType::UnsubscribeAll), _) if self.remove(&peer) => FilterStatus::Ok,
            (Ok(FilterSubscribeType::UnsubscribeAll), _) => FilterStatus::NotFound,
            _ => FilterStatus::BadRequest,
        }
    }

    fn subscribe(&mut self, peer: PeerId, criteria: Vec<Criterion>, now: Instant) -> FilterStatus {
        if !self.subscribers.contains_key(&peer) && self.subscribers.len() >= self.limits.subscribers {
            return FilterStatus::Unavailable;
        }
        let until = now + self.limits.subscription_life;
        let subscriber =
            self.subscribers.entry(peer).or_insert_with(|| Subscriber { criteria: BTreeSet::new(), until });
        let fresh = criteria.iter().filter(|one| !subscriber.criteria.contains(*one)).count();
        if subscriber.criteria.len() + fresh > self.limits.criteria {
            if subscriber.criteria.is_empty() {
                self.subscribers.remove(&peer);
            }
            return FilterStatus::Unavailable;
        }
        subscriber.until = until;
        for one in criteria {
            self.index.entry(one.clone()).or_default().insert(peer);
            subscriber.criteria.insert(one);
        }
        FilterStatus::Ok
    }

    fn unsubscribe(&mut self, peer: &PeerId, criteria: &[Criterion], now: Instant) -> FilterStatus {
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return FilterStatus::NotFound;
        };
        subscriber.until = now + self.limits.subscription_life;
        let mut found = false;
        for one in criteria {
            if subscriber.criteria.remove(one) {
                found = true;
                unlist(&mut self.index, peer, one);
            }
        }
        if subscriber.criteria.is_empty() {
            self.subscribers.remove(peer);
        }
        if found { FilterStatus::Ok } else { FilterStatus::NotFound }
    }

    /// Removes a peer; false if it was unknown.
    pub(crate) fn remove(&mut self, peer: &PeerId) -> bool {
        let Some(subscriber) = self.subscribers.remove(peer) else {
            return false;
        };
        for one in &subscriber.criteria {
            unlist(&mut self.index, peer, one);
        }
        true
    }

    pub(crate) fn has(&self, peer: &PeerId) -> bool {
        self.subscribers.contains_key(peer)
    }

    /// Removes expired subscriptions.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<PeerId> {
        let over: Vec<PeerId> =
            self.subscribers.iter().filter(|(_, subscriber)| subscriber.until <= now).map(|(peer, _)| *peer).collect();
        for peer in &over {
            self.remove(peer);
        }
        over
    }

    pub(crate) fn wanting(&self, pubsub_topic: &str, content_topic: &str) -> Vec<PeerId> {
        let criterion = (pubsub_topic.to_owned(), content_topic.to_owned());
        let peers = self.index.get(&criterion);
        peers.into_iter().flatten().copied().collect()
    }
}

fn unlist(index: &mut BTreeMap<Criterion, BTreeSet<PeerId>>, peer: &PeerId, one: &Criterion) {
    if let Some(peers) = index.get_mut(one) {
        peers.remove(peer);
        if peers.is_empty() {
            index.remove(one);
        }
    }
}

/// The criteria of a request, unless there are none or too many.
fn criteria(request: &FilterSubscribeRequest) -> Option<Vec<Criterion>> {
    let pubsub = request.pubsub_topic.as_deref().filter(|topic| fits(topic))?;
    let topics = &request.content_topics;
    let good = (1..=TOPICS_PER_REQUEST).contains(&topics.len()) && topics.iter().all(|t| fits(t));
    good.then(|| topics.iter().map(|topic| (pubsub.to_owned(), topic.clone())).collect())
}

fn fits(topic: &str) -> bool {
    (1..=TOPIC_LEN).contains(&topic.len())
}

/// Interval between calls of [`Subscriptions::expire`].
pub(crate) const SWEEP: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
