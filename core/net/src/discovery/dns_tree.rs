//! Lists of nodes in DNS (EIP-1459), read through the configured DNS servers.
//!
//! A walk takes records at random and stops when it has enough, so it never reads a long list in full. Every walk ends,
//! whatever the answers claim: trees, depth, records and questions are bounded, and no record is asked for twice.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::time::Duration;

use enr::EnrPublicKey as _;
use enr::k256::ecdsa::VerifyingKey;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use sotto_wire::waku::{TreeEntry, TreeHash, TreeRoot, TreeUrl};
use tokio::time::timeout;

use super::record::NodeRecord;
use crate::{names, random};

/// Most questions of one walk, including roots.
const MAX_QUESTIONS: usize = 64;
/// Most trees of one walk, including linked ones.
const MAX_TREES: usize = 8;
/// Most branches above a record.
const MAX_DEPTH: usize = 8;
/// Most records that wait to be asked for.
const MAX_WAITING: usize = 1024;
/// Longest time of one walk.
const WALK_WITHIN: Duration = Duration::from_secs(30);

/// Up to `wanted` random nodes that `fits` accepts, of these and linked trees. Fails only if no server can be asked.
pub(crate) async fn walk(
    servers: &[String],
    trees: &[TreeUrl],
    wanted: usize,
    fits: impl Fn(&NodeRecord) -> bool,
) -> io::Result<Vec<NodeRecord>> {
    let (config, options) = names::resolver(&names::servers(servers))?;
    let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .map_err(io::Error::other)?;
    let mut walk = Walk { resolver, questions: MAX_QUESTIONS, asked: HashSet::new(), found: Vec::new() };
    let run = walk.trees(trees, wanted, &fits);
    if timeout(WALK_WITHIN, run).await.is_err() {
        log::debug!("a walk through node trees took too long");
    }
    Ok(walk.found)
}

struct Walk {
    resolver: TokioResolver,
    /// How many questions are left.
    questions: usize,
    /// Names asked for so far.
    asked: HashSet<String>,
    found: Vec<NodeRecord>,
}

impl Walk {
    async fn trees(&mut self, trees: &[TreeUrl], wanted: usize, fits: &impl Fn(&NodeRecord) -> bool) {
        let mut first = trees.to_vec();
        random::shuffle(&mut first);
        let mut waiting = VecDeque::from(first);
        for _ in 0..MAX_TREES {
            let Some(url) = waiting.pop_front() else {
                return;
            };
            let Some(root) = self.root(&url).await else {
                continue;
            };
            let domain = &url.domain;
            self.below(domain, root.records, |walk, entry| {
                if let TreeEntry::Record(rlp) = entry
                    && let Some(record) = NodeRecord::decode(&rlp)
                    && fits(&record)
                    && walk.found.iter().all(|other| other.peer != record.peer)
                {
                    walk.found.push(record);
                }
                walk.found.len() < wanted
            })
            .await;
            if self.found.len() >= wanted {
                return;
            }
            let links = &mut waiting;
            self.below(domain, root.links, |_, entry| {
                if let TreeEntry::Link(url) = entry {
                    links.push_back(url);
                }
                links.len() < MAX_TREES
            })
            .await;
        }
    }

    /// Visits the records below a hash, in random order, until `more` returns false.
    async fn below(&mut self, domain: &str, hash: TreeHash, mut more: impl FnMut(&mut Self, TreeEntry) -> bool) {
        let mut waiting = vec![(hash, 0)];
        while let Some(index) = random::index(waiting.len()) {
            let (hash, depth) = waiting.swap_remove(index);
            let name = format!("{}.{domain}.", hash.label());
            let texts = self.ask(name).await;
            let entry = texts.iter().find_map(|text| TreeEntry::read(text, &hash).ok());
            match entry {
                Some(TreeEntry::Branch(children)) => {
                    let room = MAX_WAITING.saturating_sub(waiting.len());
                    if depth < MAX_DEPTH {
                        let children = children.into_iter().take(room);
                        waiting.extend(children.map(|child| (child, depth + 1)));
                    }
                }
                Some(entry) => {
                    if !more(self, entry) {
                        return;
                    }
                }
                None => log::debug!("a node tree lacks a record, or it has another hash"),
            }
        }
    }

    /// The newest root at the domain with a signature of the tree's key.
    async fn root(&mut self, url: &TreeUrl) -> Option<TreeRoot> {
        let key = VerifyingKey::from_sec1_bytes(&url.key).ok()?;
        let texts = self.ask(format!("{}.", url.domain)).await;
        let signed = texts
            .iter()
            .filter_map(|text| text.parse::<TreeRoot>().ok())
            .filter(|root| key.verify_v4(root.signed.as_bytes(), &root.signature))
            .max_by_key(|root| root.seq);
        if signed.is_none() {
            log::debug!("a node tree has no root with its key's signature");
        }
        signed
    }

    /// The texts at a name, each joined from its strings; none if the name was asked for before.
    async fn ask(&mut self, name: String) -> Vec<String> {
        if self.questions == 0 || !self.asked.insert(name.clone()) {
            return Vec::new();
        }
        self.questions -= 1;
        let Ok(answer) = self.resolver.txt_lookup(name).await else {
            return Vec::new();
        };
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => String::from_utf8(text.txt_data.concat()).ok(),
            _ => None,
        });
        texts.collect()
    }
}

#[cfg(test)]
mod tests;
