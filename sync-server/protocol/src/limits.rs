//! How large anything may be. Larger is refused where it is read, and before it is written.

/// Longest body of an entry, as sealed.
pub const MAX_BODY: usize = 48 * 1024;
/// Most document changes in one entry.
pub const MAX_CHANGES: usize = 256;
/// Most operations in the changes of one entry.
pub const MAX_OPERATIONS: usize = 20_000;
/// Longest frame, both as it travels and after it was decompressed.
pub const MAX_FRAME: usize = 256 * 1024;
/// What one frame's items may add up to, so that the frame stays below [`MAX_FRAME`] whether or
/// not they compress.
pub const MAX_BATCH: usize = 240 * 1024;
/// Longest note, in characters.
pub const MAX_NOTE: usize = 8_000;
/// Longest name, in characters.
pub const MAX_NAME: usize = 200;

/// Longest signed header of an entry.
pub const MAX_HEADER: usize = 1024;
/// Longest signed statement that is not a header: the removal of a seat that worked in many runs.
pub const MAX_STATEMENT: usize = 224 * 1024;
/// Longest keys blob in an invitation.
pub const MAX_WRAPPED: usize = 16 * 1024;
/// Most incarnations named when a seat or device is removed: every start of a program that wrote
/// something counts, so this is several a day for years.
pub const MAX_INCARNATIONS: usize = 8192;
/// Most subjects, keys or places named by one act of an erasure; further acts may continue it.
pub const MAX_ERASED: usize = 1024;
/// Longest relay address and host name, in bytes.
pub const MAX_ADDRESS: usize = 255;
/// Longest founding ticket, in bytes.
pub const MAX_TICKET: usize = 256;
/// Longest explanation in a refusal, in bytes.
pub const MAX_DETAIL: usize = 200;
/// Most feeds named in one frame.
pub const MAX_FEEDS: usize = 1024;
/// Most entries or items in one frame.
pub const MAX_ITEMS: usize = 4096;
/// `Items` frames longer than this are compressed.
pub const COMPRESS_ABOVE: usize = 512;
