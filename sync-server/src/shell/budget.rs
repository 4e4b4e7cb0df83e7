//! Token buckets: how much a connection or an address may ask for.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// A bucket that fills steadily.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// How large a bucket is and how fast it fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) burst: f64,
    pub(super) per_second: f64,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst,
            filled: now,
        }
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = rate.burst.min(self.tokens + passed * rate.per_second);
        self.filled = now;
    }

    /// Takes tokens if they are there.
    pub(super) fn try_take(&mut self, rate: Rate, now: Instant, tokens: f64) -> bool {
        self.fill(rate, now);
        let enough = self.tokens >= tokens;
        if enough {
            self.tokens -= tokens;
        }
        enough
    }

    /// Takes tokens on credit; gives how long to wait until the debt is paid.
    pub(super) fn take(&mut self, rate: Rate, now: Instant, tokens: f64) -> Duration {
        self.fill(rate, now);
        self.tokens -= tokens;
        if self.tokens >= 0.0 {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(-self.tokens / rate.per_second).unwrap_or(Duration::MAX)
        }
    }

    fn is_full(&self, rate: Rate, now: Instant) -> bool {
        let mut copy = *self;
        copy.fill(rate, now);
        copy.tokens >= rate.burst
    }
}

/// Most addresses remembered; beyond, the full buckets are forgotten, then all are.
const MAX_ADDRESSES: usize = 16 * 1024;

/// One bucket per address.
#[derive(Debug)]
pub(super) struct Addresses {
    rate: Rate,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Addresses {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Whether an address may open one more connection now.
    pub(super) fn admits(&self, address: IpAddr, now: Instant) -> bool {
        let rate = self.rate;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ADDRESSES {
            buckets.retain(|_, bucket| !bucket.is_full(rate, now));
            if buckets.len() >= MAX_ADDRESSES {
                buckets.clear();
            }
        }
        buckets
            .entry(network(address))
            .or_insert_with(|| Bucket::full(rate, now))
            .try_take(rate, now, 1.0)
    }
}

/// A subscriber holds a whole IPv6 network of 64 bits, and one IPv4 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 3.0,
        per_second: 2.0,
    };

    #[test]
    fn an_address_gets_its_burst_and_then_its_rate() {
        let addresses = Addresses::new(RATE);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let same: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        let now = Instant::now();
        let taken = (0..10).filter(|_| addresses.admits(one, now)).count();
        assert_eq!(taken, 3);
        assert!(!addresses.admits(same, now));
        assert!(addresses.admits(other, now));
        assert!(addresses.admits(one, now + Duration::from_millis(500)));
    }

    #[test]
    fn debt_is_paid_by_waiting() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        assert_eq!(bucket.take(RATE, now, 3.0), Duration::ZERO);
        assert_eq!(bucket.take(RATE, now, 1.0), Duration::from_millis(500));
        let later = now + Duration::from_mins(1);
        assert_eq!(bucket.take(RATE, later, 3.0), Duration::ZERO);
    }
}
