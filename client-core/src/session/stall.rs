//! Whether anything moves while something should: what was sent gets no place, or what the relay
//! promised does not come.
//!
//! A clock that jumps is no stall: the session must have looked several times, each a pause apart.

use jiff::{SignedDuration, Timestamp};

/// Without a move for so long, and looked at so often, it is a stall. Looks are 20 s apart, so it is
/// told within a minute.
const LONG: SignedDuration = SignedDuration::from_secs(40);
const LOOKS: u32 = 2;

#[derive(Debug, Clone, Default)]
pub(super) struct Stall {
    /// Since when the same is owed.
    from: Option<Timestamp>,
    /// How much is to be sent, and how much was placed.
    mark: (usize, u64),
    looks: u32,
    stalled: bool,
}

impl Stall {
    /// A pause is over.
    pub(super) fn look(&mut self) {
        self.looks = self.looks.saturating_add(1);
    }

    /// What is owed on an open connection.
    pub(super) fn watch(&mut self, now: Timestamp, owed: bool, mark: (usize, u64)) {
        let (sent, placed) = self.mark;
        let moved = mark.0 < sent || mark.1 != placed;
        self.mark = mark;
        if !owed || moved {
            *self = Self {
                mark,
                ..Self::default()
            };
        }
        if !owed {
            return;
        }
        let from = *self.from.get_or_insert(now);
        // Set back meanwhile: counted from now.
        let from = from.min(now);
        self.from = Some(from);
        self.stalled = self.looks >= LOOKS && now.duration_since(from) >= LONG;
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        self.from.filter(|_| self.stalled)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn what_does_not_move_for_long_is_told_and_a_move_ends_it() {
        let mut stall = Stall::default();
        stall.watch(at(0), true, (5, 10));
        for second in [20, 40] {
            assert_eq!(stall.since(), None);
            stall.look();
            stall.watch(at(second), true, (5, 10));
        }
        assert_eq!(stall.since(), Some(at(0)));
        // More to send is no move; less is one.
        stall.watch(at(50), true, (6, 10));
        assert_eq!(stall.since(), Some(at(0)));
        stall.watch(at(55), true, (4, 12));
        assert_eq!(stall.since(), None);
    }

    #[test]
    fn a_jump_of_the_clock_is_no_stall() {
        let mut stall = Stall::default();
        stall.watch(at(0), true, (5, 10));
        stall.look();
        stall.watch(at(86_400), true, (5, 10));
        assert_eq!(stall.since(), None);
        stall.watch(at(86_401), false, (0, 15));
        stall.look();
        stall.look();
        stall.watch(at(90_000), true, (1, 15));
        assert_eq!(stall.since(), None);
    }
}
