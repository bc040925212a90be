//! Node records, signed trees of them, and a DNS server on loopback that serves the trees. Used by the unit tests too.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use enr::k256::ecdsa::SigningKey;
use enr::{Enr, EnrKey as _, EnrPublicKey as _};
use sotto_wire::waku::{ShardSet, TreeEntry, TreeHash, TreeUrl, join_addresses};
use tokio::net::UdpSocket;

/// The RLP of a record: a node of cluster 66, shard 0, with all services, at a loopback port.
pub(crate) fn record(key: &[u8; 32], port: u16) -> Vec<u8> {
    let key = SigningKey::from_slice(key).unwrap();
    let (shards, value) = ShardSet::new(66, vec![0]).unwrap().to_value();
    let record: Enr<SigningKey> = Enr::builder()
        .ip4(Ipv4Addr::LOCALHOST)
        .tcp4(port)
        .add_value(shards, &value.as_slice())
        .add_value("waku2", &[0x0f_u8].as_slice())
        .build(&key)
        .unwrap();
    alloy_rlp::encode(record)
}

/// The same with these multiaddrs and no other address.
pub(crate) fn record_at(key: &[u8; 32], addresses: &[Vec<u8>]) -> Vec<u8> {
    let key = SigningKey::from_slice(key).unwrap();
    let (shards, value) = ShardSet::new(66, vec![0]).unwrap().to_value();
    let record: Enr<SigningKey> = Enr::builder()
        .add_value(shards, &value.as_slice())
        .add_value("waku2", &[0x0f_u8].as_slice())
        .add_value("multiaddrs", &join_addresses(addresses.iter().map(Vec::as_slice)).as_slice())
        .build(&key)
        .unwrap();
    alloy_rlp::encode(record)
}

/// A record without a reachable node.
pub(crate) fn nobody(n: u8) -> Vec<u8> {
    record(&[n.max(1); 32], 1)
}

/// A tree in the making: texts by name.
pub(crate) struct Tree {
    pub(crate) key: SigningKey,
    pub(crate) domain: String,
    pub(crate) texts: HashMap<String, Vec<String>>,
}

impl Tree {
    pub(crate) fn new(key: u8, domain: &str) -> Self {
        Self { key: SigningKey::from_slice(&[key; 32]).unwrap(), domain: domain.into(), texts: HashMap::new() }
    }

    pub(crate) fn url(&self) -> TreeUrl {
        let key = self.key.public().encode();
        TreeUrl { key: key[..].try_into().unwrap(), domain: self.domain.clone() }
    }

    /// Stores an entry under its name.
    pub(crate) fn put(&mut self, entry: &TreeEntry) -> TreeHash {
        let text = entry.to_string();
        let hash = TreeHash::of(&text);
        let name = format!("{}.{}", hash.label(), self.domain);
        self.texts.insert(name.to_ascii_lowercase(), vec![text]);
        hash
    }

    /// A branch over records, and a signed root over the branch and links.
    pub(crate) fn fill(&mut self, records: &[Vec<u8>], links: &[TreeUrl]) {
        let leaves = records.iter().map(|rlp| TreeEntry::Record(rlp.clone()));
        let leaves: Vec<TreeHash> = leaves.map(|leaf| self.put(&leaf)).collect();
        let links = links.iter().map(|url| TreeEntry::Link(url.clone()));
        let links: Vec<TreeHash> = links.map(|link| self.put(&link)).collect();
        let (records, links) = (self.put(&TreeEntry::Branch(leaves)), self.put(&TreeEntry::Branch(links)));
        self.root(&records, &links);
    }

    pub(crate) fn root(&mut self, records: &TreeHash, links: &TreeHash) {
        let signed = format!("enrtree-root:v1 e={} l={} seq=1", records.label(), links.label());
        let mut signature = self.key.sign_v4(signed.as_bytes()).unwrap();
        signature.push(0);
        let signature = TreeEntry::Record(signature).to_string(); // base64 as in a record
        let text = format!("{signed} sig={}", signature.trim_start_matches("enr:"));
        // Other texts at the same name do no harm.
        let texts = vec!["v=spf1 -all".into(), text];
        self.texts.insert(self.domain.clone(), texts);
    }
}

/// A name server, and the names it was asked for.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves the texts of these trees, and no other names.
    pub(crate) async fn start(trees: Vec<Tree>) -> Self {
        let texts: HashMap<String, Vec<String>> = trees.into_iter().flat_map(|tree| tree.texts).collect();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut buf = [0; 1500];
            loop {
                let (len, from) = socket.recv_from(&mut buf).await.unwrap();
                let (name, end) = question(&buf[..len]);
                let found = texts.get(&name).cloned().unwrap_or_default();
                seen.lock().unwrap().push(name);
                let code = if found.is_empty() { 0x83 } else { 0x80 };
                let mut answer = buf[..2].to_vec();
                answer.extend([0x81, code, 0, 1, 0, found.len() as u8, 0, 0, 0, 0]);
                answer.extend(&buf[12..end]);
                for text in found {
                    // Strings of at most 100 bytes, which the reader joins.
                    let data: Vec<u8> =
                        text.as_bytes().chunks(100).flat_map(|part| [&[part.len() as u8], part].concat()).collect();
                    answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
                    answer.extend((data.len() as u16).to_be_bytes());
                    answer.extend(data);
                }
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        Self { address, asked }
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// The name of the question, in lower case, and the end of the question.
fn question(packet: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while packet[at] != 0 {
        let end = at + 1 + usize::from(packet[at]);
        labels.push(String::from_utf8_lossy(&packet[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    (labels.join("."), at + 5)
}
