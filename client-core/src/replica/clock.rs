//! The hybrid clock that stamps what this replica writes.
//!
//! It follows the relay's time where that is known, never runs backwards, and never overtakes
//! itself because of a stamp that lies far in the future: one machine whose clock is years ahead
//! must not pull the others along.

use jiff::Timestamp;
use schedule::Hlc;

/// Stamps further ahead than this are not adopted.
const FAR_AHEAD_MILLIS: i64 = 10 * 60 * 1000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Relay time minus this machine's, in seconds.
    pub(crate) offset: Option<i64>,
    last: Hlc,
}

impl Clock {
    pub(crate) const fn new() -> Self {
        Self {
            offset: None,
            last: Hlc {
                millis: i64::MIN,
                counter: 0,
            },
        }
    }

    /// What the relay's clock shows now, as far as known.
    pub(crate) fn corrected(&self, now: Timestamp) -> Timestamp {
        let millis = self.corrected_millis(now);
        Timestamp::from_millisecond(millis).unwrap_or(now)
    }

    fn corrected_millis(&self, now: Timestamp) -> i64 {
        let offset = self.offset.unwrap_or(0).saturating_mul(1000);
        now.as_millisecond().saturating_add(offset)
    }

    /// The stamp of something that is written now by an author who has seen `seen`.
    pub(crate) fn stamp(&mut self, now: Timestamp, seen: Hlc) -> Hlc {
        let wall = self.corrected_millis(now);
        let mut base = self.last;
        if seen.millis <= wall.saturating_add(FAR_AHEAD_MILLIS) {
            base = base.max(seen);
        }
        self.last = if wall > base.millis {
            Hlc {
                millis: wall,
                counter: 0,
            }
        } else {
            Hlc {
                millis: base.millis,
                counter: base.counter.saturating_add(1),
            }
        };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hlc(millis: i64, counter: u32) -> Hlc {
        Hlc { millis, counter }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn stamps_rise_even_when_the_machine_is_set_back() {
        let mut clock = Clock::new();
        let first = clock.stamp(at(1_000_000), hlc(0, 0));
        let second = clock.stamp(at(10), hlc(0, 0));
        assert!(second > first);
        assert!(clock.stamp(at(2_000_000), hlc(0, 0)) > second);
    }

    #[test]
    fn what_was_seen_is_overtaken_unless_it_lies_far_ahead() {
        let mut clock = Clock::new();
        let near = hlc(1_000_000 + 60_000, 4);
        assert_eq!(clock.stamp(at(1_000_000), near), hlc(1_060_000, 5));
        let mut clock = Clock::new();
        let far = hlc(1_000_000 + FAR_AHEAD_MILLIS + 1, 0);
        assert_eq!(clock.stamp(at(1_000_000), far), hlc(1_000_000, 0));
    }

    #[test]
    fn the_relays_time_corrects_the_machines() {
        let mut clock = Clock::new();
        clock.offset = Some(-3600);
        assert_eq!(clock.stamp(at(7_200_000), hlc(0, 0)), hlc(3_600_000, 0));
        assert_eq!(clock.corrected(at(7_200_000)), at(3_600_000));
    }
}
