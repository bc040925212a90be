//! When a relay peer is asked for a sign of life. Between two nodes with nothing to say, one asks: who dialled. The
//! other
//! takes being asked for a sign of life, and asks only when that stays away.

use std::time::Duration;

use tokio::time::Instant;

/// Between signs of life of a relay peer, from which there may be nothing to hear for hours.
const EVERY: Duration = Duration::from_secs(120);
/// How much longer the side waits that was dialled, so that it is asked first.
const DIALLED: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Alive {
    every: Duration,
    /// `None`: it does not answer pings, or is being asked.
    at: Option<Instant>,
}

impl Alive {
    /// Of a peer that has not said yet whether it answers. `dialled`: by us.
    pub(super) fn new(dialled: bool) -> Self {
        let every = if dialled { EVERY } else { EVERY + DIALLED };
        Self { every, at: None }
    }

    /// It answers pings, or has answered one.
    pub(super) fn answers(&mut self, now: Instant) {
        self.at = Some(now + self.every);
    }

    /// It has sent something by itself.
    pub(super) fn heard(&mut self, now: Instant) {
        if self.at.is_some() {
            self.at = Some(now + self.every);
        }
    }

    /// Whether it is to be asked now; if so, nothing more is until it has answered.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        self.at.take_if(|at| *at <= now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pings that each side sends within an hour: the side that dialled, the other. `mute`: the dialler never asks.
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
            // The side that was dialled looks first: the worse order.
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
        alive.heard(now); // the answer is still owed
        assert!(!alive.ask(later));
    }
}
