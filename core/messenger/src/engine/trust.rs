//! Which publish nodes are worth their word. A node that says "relayed" may have dropped the message; what shows it is
//! that no receipt comes. Known only while the process runs: nodes have other numbers in the next.

use std::collections::HashMap;

use sotto_db::Chat;

use super::step::{MINUTE, SECOND};

/// Rows and contacts remembered.
const REMEMBERED: usize = 1024;
/// So many in a row that did not come through make a proven node a suspect: it may have been the receipts that did not.
const STRIKES: u8 = 3;
/// Attempts so far apart are told apart by when a receipt comes.
const ALONE_MS: i64 = 50 * MINUTE;
/// Two attempts so close are one: nodes that give no count are asked by twos.
const TOGETHER_MS: i64 = 10 * SECOND;
/// Nodes named in one command.
const NAMED: usize = 64;

/// What shows it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    /// A node took a row at this time; receipts for its contact may ride on it.
    Took(i64, u64, i64, Option<Chat>),
    /// A node took receipts for a contact, and nothing else.
    TookReceipts(Chat, u64),
    /// A receipt covers a row.
    Arrived(i64),
    /// A row's contact was heard of since, and nothing shows that it came through the node that took it.
    Missing(i64),
    /// A contact sends again what was receipted.
    Unheard(Chat),
}

/// What became of what a node took last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Unknown,
    /// Messages came through; after that so many did not.
    Proven(u8),
    /// Nothing shows that it came through.
    Suspect,
}

impl Standing {
    fn proven(self) -> bool {
        matches!(self, Self::Proven(_))
    }

    fn worse(self) -> Self {
        match self {
            Self::Proven(strikes) if strikes + 1 < STRIKES => Self::Proven(strikes + 1),
            _ => Self::Suspect,
        }
    }
}

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// The last used first.
    nodes: Vec<(u64, Standing)>,
    /// Who took an outbox row last, when, and whether nobody had taken it shortly before: else a receipt proves nothing.
    takers: HashMap<i64, (u64, i64, bool)>,
    /// Who took the last receipt for a contact.
    receipts: HashMap<Chat, u64>,
}

impl Trust {
    /// Takes in what happened.
    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Took(row, node, now_ms, chat) => {
                self.used(node);
                let alone = self.takers.get(&row).is_none_or(|&(_, at_ms, alone)| {
                    let apart = now_ms.saturating_sub(at_ms);
                    apart >= ALONE_MS || (alone && apart < TOGETHER_MS)
                });
                if let Some(chat) = chat.filter(|_| !self.takers.contains_key(&row)) {
                    self.receipts.remove(&chat);
                }
                put(&mut self.takers, row, (node, now_ms, alone));
            }
            Told::TookReceipts(chat, node) => {
                self.used(node);
                put(&mut self.receipts, chat, node);
            }
            Told::Arrived(row) => {
                if let Some((node, _, true)) = self.takers.remove(&row) {
                    self.stands(node, |_| Standing::Proven(0));
                }
            }
            Told::Missing(row) => {
                if let Some((node, ..)) = self.takers.get(&row) {
                    self.stands(*node, Standing::worse);
                }
            }
            Told::Unheard(chat) => {
                if let Some(node) = self.receipts.remove(&chat) {
                    self.stands(node, Standing::worse);
                }
            }
        }
    }

    fn used(&mut self, node: u64) {
        let known = self.nodes.iter().position(|(known, _)| *known == node);
        let (_, mut standing) = known.map_or((node, Standing::Unknown), |at| self.nodes.remove(at));
        if standing == Standing::Suspect {
            // Used all the same, so there is no other: begin anew.
            standing = Standing::Unknown;
            for (_, standing) in &mut self.nodes {
                if *standing == Standing::Suspect {
                    *standing = Standing::Unknown;
                }
            }
        }
        self.nodes.insert(0, (node, standing));
        self.nodes.truncate(NAMED);
    }

    fn stands(&mut self, node: u64, now: impl Fn(Standing) -> Standing) {
        for (known, stands) in &mut self.nodes {
            if *known == node {
                *stands = now(*stands);
            }
        }
    }

    /// Is there a node that messages came through?
    pub(super) fn proven(&self) -> bool {
        self.nodes.iter().any(|(_, standing)| standing.proven())
    }

    /// Nodes not to use for what these had, the latest first: the latest of them; those that are not proven, if
    /// another is; else the others that had it, and suspects.
    pub(super) fn not(&self, mut had: impl Iterator<Item = u64>) -> Vec<u64> {
        let latest = had.next();
        let proven: Vec<u64> = self
            .nodes
            .iter()
            .filter(|(_, standing)| standing.proven())
            .map(|(node, _)| *node)
            .collect();
        let other = proven.iter().any(|node| Some(*node) != latest);
        let worse = self.nodes.iter().filter(|(_, standing)| match standing {
            Standing::Unknown => other,
            Standing::Proven(_) => false,
            Standing::Suspect => true,
        });
        let had = had.filter(|node| !proven.contains(node));
        let all = latest.into_iter().chain(had);
        let mut not: Vec<u64> = Vec::new();
        for node in all.chain(worse.map(|(node, _)| *node)) {
            if not.len() < NAMED && !not.contains(&node) {
                not.push(node);
            }
        }
        not
    }
}

fn put<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_speak_for_a_node_and_their_absence_against_it() {
        let mut trust = Trust::default();
        let chat = [1; 33];
        trust.told(Told::Took(1, 7, 0, None));
        trust.told(Told::Took(2, 8, 0, None));
        trust.told(Told::TookReceipts(chat, 9));
        assert!(trust.not([].into_iter()).is_empty());
        trust.told(Told::Missing(1));
        trust.told(Told::Unheard(chat));
        assert_eq!(trust.not([8].into_iter()), [8, 9, 7]);
        trust.told(Told::Arrived(2));
        trust.told(Told::Took(4, 6, 0, None));
        // Proven: what it had before the last time is not withheld from it.
        assert_eq!(trust.not([5, 8].into_iter()), [5, 6, 9, 7]);
        assert_eq!(trust.not([8].into_iter()), [8, 9, 7]);
        assert!(trust.proven());
        trust.told(Told::Took(5, 8, 0, None));
        for _ in 0..STRIKES {
            assert_eq!(trust.not([].into_iter()), [6, 9, 7]);
            trust.told(Told::Missing(5));
        }
        assert_eq!(trust.not([].into_iter()), [8, 9, 7]);
        // Which of two attempts came through, nobody knows.
        trust.told(Told::Took(5, 6, MINUTE, None));
        trust.told(Told::Arrived(5));
        assert_eq!(trust.not([].into_iter()), [8, 9, 7]);
    }

    #[test]
    fn with_suspects_only_all_begin_anew() {
        let mut trust = Trust::default();
        for node in 0..3 {
            trust.told(Told::Took(node, node as u64, 0, None));
            trust.told(Told::Missing(node));
        }
        assert_eq!(trust.not([].into_iter()), [2, 1, 0]);
        trust.told(Told::Took(3, 1, 0, None));
        assert!(trust.not([].into_iter()).is_empty());
    }
}
