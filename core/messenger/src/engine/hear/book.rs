//! The peer book on disk: the network's entries, for the next start.

use std::collections::HashSet;

use sotto_db::{Node, Table, Tables};
use sotto_net::{KnownNode, Source};

use crate::error::Error;
use crate::fleet::Fleet;

/// The key of a fleet's nodes: another network has other nodes.
pub fn network(fleet: &Fleet) -> String {
    let mut trees = fleet.dns_trees.clone();
    trees.sort();
    format!("{} {}", fleet.cluster, trees.join(" "))
}

/// The remembered nodes of a fleet. Of nodes of other networks only the circle counts. If the host names no network,
/// the same holds for all nodes but an invite's. A node in two networks must not see both halves either.
pub fn load(tx: &Tables<'_>, fleet: &Fleet) -> Result<Vec<KnownNode>, Error> {
    let network = network(fleet);
    let named = !(fleet.nodes.is_empty() && fleet.dns_trees.is_empty());
    let mut known: Vec<KnownNode> = tx.nodes.of(&network)?.into_iter().filter_map(read).collect();
    for node in &mut known {
        if !named && node.source != Source::Invite {
            node.source = Source::Former;
        }
    }
    let mut there: HashSet<String> = known.iter().map(|node| node.peer.clone()).collect();
    let elsewhere = tx.nodes.elsewhere(&network)?.into_iter().filter_map(read);
    for mut node in elsewhere {
        if there.insert(node.peer.clone()) {
            node.source = Source::Former;
            known.push(node);
        }
    }
    Ok(known)
}

fn read(row: Node) -> Option<KnownNode> {
    Some(KnownNode {
        source: Source::from_code(row.source)?,
        peer: row.peer,
        addresses: row.addresses.lines().map(str::to_owned).collect(),
        circle: row.circle,
        successes: row.successes,
        failures: row.failures,
        answered_s: u64::try_from(row.answered_s).unwrap_or(0),
    })
}

/// Stores changes. A power cut may undo them: nodes can be found again.
pub(crate) fn keep(
    nodes: &mut Table<'_, Node>,
    network: &str,
    changed: Vec<KnownNode>,
    gone: &[String],
) -> Result<(), Error> {
    for peer in gone {
        nodes.remove(network, peer)?;
    }
    for node in changed {
        nodes.put(&Node {
            network: network.to_owned(),
            peer: node.peer,
            addresses: node.addresses.join("\n"),
            source: node.source as u8,
            circle: node.circle,
            successes: node.successes,
            failures: node.failures,
            answered_s: i64::try_from(node.answered_s).unwrap_or(0),
        })?;
    }
    Ok(())
}
