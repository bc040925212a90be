//! A scripted life of two phones in the given folder. Crash tests kill this program, disconnect it and fill its disk.
//! It continues where the last run ended, and exits 0 when the life is over. A second word ends it earlier: `befriend`,
//! when the two know each other; `open`, when both are open.
#![allow(clippy::unwrap_used, clippy::expect_used)]

fn main() {
    let mut args = std::env::args_os().skip(1);
    let folder = args.next().expect("a folder");
    match args.next() {
        None => sotto_testkit::life::live(folder.as_ref()),
        Some(word) if word == "befriend" => sotto_testkit::life::befriended(folder.as_ref()),
        Some(word) => {
            assert!(word == "open", "befriend, open, or nothing");
            sotto_testkit::life::opened(folder.as_ref());
        }
    }
}
