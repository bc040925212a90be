//! The facade as an app meets it: generated code in another language, against real service nodes on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::process::Command;

use sotto_bindgen::{TargetLanguage, generate};
use support::library;
use support::node::Node;

/// `contract.py` has the steps. It ends by itself, because each wait is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_drives_two_cores() {
    let mut first = Node::start(Vec::new()).await;
    let mut second = Node::start(vec![first.address.clone()]).await;
    first.meshed().await;
    second.meshed().await;

    let folder = tempfile::tempdir().unwrap();
    generate(&library(), TargetLanguage::Python, folder.path()).unwrap();
    let beside = folder.path().join(library().file_name().unwrap());
    std::os::unix::fs::symlink(library(), beside).unwrap(); // the generated module looks for it there
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract.py");
    let mut python = Command::new("python3");
    python.args(["-u", "-X", "faulthandler", script]).arg(folder.path()).args([&first.address, &second.address]);
    let status = tokio::task::spawn_blocking(move || python.status());
    let status = status.await.unwrap().expect("python3 is needed");
    assert!(status.success(), "{status}");
}
