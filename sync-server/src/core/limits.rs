//! What one organisation may use.

/// How much one organisation and one connection may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the log; 0 means no limit.
    pub bytes: u64,
    /// Most feeds; each site has two.
    pub feeds: usize,
    /// Items on their way to one connection that it has not given credit for.
    pub window_items: u32,
    /// The same in bytes.
    pub window_bytes: usize,
    /// Bytes of one part of a tail.
    pub part_bytes: usize,
    /// Entries of one connection that wait for a governance act.
    pub waiting_entries: usize,
    /// The same in bytes of bodies.
    pub waiting_bytes: usize,
    /// Schedule weeks kept as documents; all others are rebuilt from the log when needed.
    pub hot_weeks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 0,
            feeds: 1000,
            window_items: 8192,
            window_bytes: 512 * 1024,
            part_bytes: 128 * 1024,
            waiting_entries: 1024,
            waiting_bytes: 2 << 20,
            hot_weeks: 64,
        }
    }
}
