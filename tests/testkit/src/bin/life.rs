//! A scripted life of two phones on the folder that is named: the program that crash tests kill, cut off and starve.
//! It goes on where the last one ended, and exits 0 once the life is over. With a second word it ends earlier:
//! `befriend`,
//! once the two know each other; `open`, once both are open.
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
