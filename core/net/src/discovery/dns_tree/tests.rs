#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use sotto_wire::waku::TreeHash;

use super::*;
use tree::{Server, Tree, nobody};

#[path = "../../../tests/support/tree.rs"]
mod tree;

async fn found(server: &Server, trees: &[TreeUrl], wanted: usize) -> usize {
    let fits = |record: &NodeRecord| record.fits(66, &[0], 1);
    let found = walk(std::slice::from_ref(&server.address), trees, wanted, fits).await;
    found.unwrap().len()
}

#[tokio::test]
async fn a_signed_tree_gives_its_records_and_those_of_its_links() {
    let mut far = Tree::new(2, "far.example.org");
    far.fill(&[nobody(20), nobody(21)], &[]);
    let mut near = Tree::new(1, "near.example.org");
    near.fill(&[nobody(10), nobody(11), nobody(12)], &[far.url()]);
    let trees = [near.url()];
    let server = Server::start(vec![near, far]).await;
    assert_eq!(found(&server, &trees, 10).await, 5);
    assert_eq!(server.count(), 12, "each name once");
    // Whoever wants little asks little: root, branch, record.
    assert_eq!(found(&server, &trees, 1).await, 1);
    assert_eq!(server.count(), 15);
    // Nobody fits.
    let none = walk(std::slice::from_ref(&server.address), &trees, 1, |record| record.fits(1, &[0], 1)).await;
    assert!(none.unwrap().is_empty());
}

#[tokio::test]
async fn what_another_key_signed_is_no_tree() {
    let mut tree = Tree::new(1, "a.example.org");
    tree.fill(&[nobody(10)], &[]);
    let mut url = tree.url();
    url.key = Tree::new(2, "a.example.org").url().key;
    let server = Server::start(vec![tree]).await;
    assert_eq!(found(&server, std::slice::from_ref(&url), 1).await, 0);
    assert_eq!(server.count(), 1, "nothing below an unsigned root is asked for");
    url.key = [0xff; 33]; // no point of the curve
    assert_eq!(found(&server, &[url], 1).await, 0);
}

#[tokio::test]
async fn a_record_with_another_hash_is_left_out() {
    let mut tree = Tree::new(1, "a.example.org");
    let first = nobody(10);
    tree.fill(&[first.clone(), nobody(11)], &[]);
    let leaf = TreeEntry::Record(first).to_string();
    let name = format!("{}.a.example.org", TreeHash::of(&leaf).label()).to_ascii_lowercase();
    let other = TreeEntry::Record(nobody(12)).to_string();
    assert!(tree.texts.insert(name, vec![other]).is_some());
    let url = tree.url();
    let server = Server::start(vec![tree]).await;
    assert_eq!(found(&server, &[url], 10).await, 1);
}

#[tokio::test]
async fn loops_of_links_end() {
    let mut trees: Vec<Tree> = (0..20).map(|n| Tree::new(n + 1, &format!("t{n}.example.org"))).collect();
    let urls: Vec<TreeUrl> = trees.iter().map(Tree::url).collect();
    for (n, tree) in trees.iter_mut().enumerate() {
        // The next one and itself.
        tree.fill(&[nobody(n as u8 + 1)], &[urls[(n + 1) % 20].clone(), urls[n].clone()]);
    }
    let two: Vec<TreeUrl> = urls[..1].to_vec();
    let server = Server::start(trees).await;
    let some = found(&server, &two, 100).await;
    assert!((1..=MAX_TREES).contains(&some), "{some}");
    assert!(server.count() <= MAX_QUESTIONS);
}

#[tokio::test]
async fn deep_and_wide_trees_are_given_up() {
    let mut deep = Tree::new(1, "deep.example.org");
    let mut hash = deep.put(&TreeEntry::Record(nobody(10)));
    for _ in 0..MAX_DEPTH + 2 {
        hash = deep.put(&TreeEntry::Branch(vec![hash]));
    }
    deep.root(&hash, &hash);
    let mut wide = Tree::new(2, "wide.example.org");
    let mut branches = Vec::new();
    for n in 0..60_u64 {
        let nowhere = (0..13).map(|m| TreeHash::of(&format!("{n} {m}"))).collect();
        branches.push(wide.put(&TreeEntry::Branch(nowhere)));
    }
    let left: Vec<TreeHash> = branches.split_off(30);
    let parts = vec![wide.put(&TreeEntry::Branch(branches)), wide.put(&TreeEntry::Branch(left))];
    let all = wide.put(&TreeEntry::Branch(parts));
    wide.root(&all, &all);
    let trees = [deep.url(), wide.url()];
    let server = Server::start(vec![deep, wide]).await;
    assert_eq!(found(&server, &trees[..1], 1).await, 0);
    assert_eq!(server.count(), MAX_DEPTH + 2);
    assert_eq!(found(&server, &trees[1..], 1).await, 0);
    assert!(server.count() <= MAX_DEPTH + 2 + MAX_QUESTIONS);
}

#[tokio::test]
async fn no_server_is_no_panic() {
    let url = Tree::new(1, "a.example.org").url();
    let nowhere = Server { address: "127.0.0.1:9".into(), asked: Arc::default() };
    assert_eq!(found(&nowhere, &[url], 1).await, 0);
}
