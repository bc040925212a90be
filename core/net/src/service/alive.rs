//! Signs of life of relay peers. Between two nodes without traffic the side that dialled pings. The other side counts
//! being pinged as a sign of life, and pings only when that stays away.

use std::time::Duration;

use tokio::time::Instant;

/// Longest time between signs of life. A relay peer may send nothing else for hours.
const EVERY: Duration = Duration::from_secs(120);
/// Extra wait of the side that was dialled, so that the other side pings first.
const DIALLED: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Alive {
    every: Duration,
    /// When to ping; `None` if the peer does not answer pings or a ping is pending.
    at: Option<Instant>,
}

impl Alive {
    /// The state of a new peer; `dialled` says that we dialled.
    pub(super) fn new(dialled: bool) -> Self {
        let every = if dialled { EVERY } else { EVERY + DIALLED };
        Self { every, at: None }
    }

    /// The peer supports ping, or has answered one.
    pub(super) fn answers(&mut self, now: Instant) {
        self.at = Some(now + self.every);
    }

    /// The peer has sent something by itself.
    pub(super) fn heard(&mut self, now: Instant) {
        if self.at.is_some() {
            self.at = Some(now + self.every);
        }
    }

    /// Whether to ping now. If so, no further ping follows before the answer.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        self.at.take_if(|at| *at <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of pings in an hour, of the dialling side and of the other. `mute`: the dialling side never pings.
    fn hour(mute: bool, talk: Option<u64>) -> (u32, u32) {
        let begin = Instant::now();
        let (mut near, mut far) = (Alive::new(true), Alive::new(false));
        near.answers(begin);
        far.answers(begin);
        let mut pings = (0, 0);
        for second in 0..3600 {
            let now = begin + Duration::from_secs(second);
            if talk.is_some_and(|every| second % every == 0) {
                near.heard(now);
                far.heard(now);
            }
            // The dialled side is asked first here, the less favourable order.
            if far.ask(now) {
                pings.1 += 1;
                near.heard(now);
                far.answers(now);
            }
            if !mute && near.ask(now) {
                pings.0 += 1;
                far.heard(now);
                near.answers(now);
            }
        }
        pings
    }

    #[test]
    fn of_two_idle_nodes_one_asks() {
        assert_eq!(hour(false, None), (29, 0));
    }

    #[test]
    fn the_dialled_side_asks_where_the_other_does_not() {
        assert_eq!(hour(true, None), (0, 23));
    }

    #[test]
    fn nobody_asks_while_there_is_something_to_hear() {
        assert_eq!(hour(false, Some(60)), (0, 0));
    }

    #[test]
    fn a_peer_that_answers_no_pings_or_is_being_asked_is_not_asked() {
        let now = Instant::now();
        let later = now + Duration::from_secs(3600);
        let mut alive = Alive::new(true);
        alive.heard(now);
        assert!(!alive.ask(later));
        alive.answers(now);
        assert!(alive.ask(later));
        alive.heard(now); // the answer is still pending
        assert!(!alive.ask(later));
    }
}
