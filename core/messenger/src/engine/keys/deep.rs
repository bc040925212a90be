//! The deep search: after a long gap, waiting envelopes are looked for far ahead of the tags that sessions expect.
//!
//! In a shared bucket most waiting envelopes are for others, and anybody can add to them. So one search covers a
//! bounded number of sessions, those not searched for longest first, and searches keep a distance in time.

use sotto_db::Hash;

use crate::engine::base::schedule;

/// Sessions of one search; it computes up to 50,000 tags of each.
pub(crate) const SESSIONS: usize = 40;

/// All sessions are searched within [`schedule::LOOK`], if there are few enough.
pub(crate) fn distance_ms(sessions: usize) -> i64 {
    let looks = i64::try_from(sessions.div_ceil(SESSIONS).max(1)).unwrap_or(i64::MAX);
    (schedule::LOOK / looks).max(schedule::LOOK_LEAST)
}

/// The sessions to search now, among those searched before the `arrived`th envelope, and whether others remain.
/// `sessions`: the number of envelopes at each session's last search, the session heard last first.
pub(crate) fn choose(mut sessions: Vec<(u64, Hash)>, arrived: u64, at_most: usize) -> (Vec<Hash>, bool) {
    sessions.retain(|(looked, _)| *looked < arrived);
    sessions.sort_by_key(|(looked, _)| *looked);
    let left = sessions.len() > at_most;
    let chosen = sessions.into_iter().take(at_most);
    (chosen.map(|(_, hash)| hash).collect(), left)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn under_a_flood_every_session_has_its_turn() {
        let sessions: Vec<Hash> = (0..200_u8).map(|n| [n; 32]).collect();
        let mut looked = HashMap::<Hash, u64>::new();
        let mut turns = HashMap::<Hash, u32>::new();
        for arrived in 1..=10 {
            let known = sessions.iter().map(|hash| (looked.get(hash).copied().unwrap_or(0), *hash));
            let (chosen, left) = choose(known.collect(), arrived, SESSIONS);
            assert!(chosen.len() <= SESSIONS);
            assert!(left, "something new came meanwhile");
            for hash in chosen {
                looked.insert(hash, arrived);
                *turns.entry(hash).or_default() += 1;
            }
        }
        assert!(sessions.iter().all(|hash| turns[hash] == 2), "{turns:?}");
        let known = sessions.iter().map(|hash| (looked[hash], *hash));
        let (chosen, left) = choose(known.collect(), 6, usize::MAX);
        assert!(chosen.is_empty() && !left, "nothing came since");
    }

    #[test]
    fn looks_keep_their_distance() {
        assert_eq!(distance_ms(0), schedule::LOOK);
        assert_eq!(distance_ms(SESSIONS), schedule::LOOK);
        assert_eq!(distance_ms(3 * SESSIONS + 1), schedule::LOOK_LEAST);
        assert_eq!(distance_ms(100_000), schedule::LOOK_LEAST);
    }
}
