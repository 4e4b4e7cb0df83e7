//! Which appointments cannot both stand, and what a decision means.
//!
//! Pure: no clock, no chance, no storage, no network. Claims, decisions and capacities go in;
//! clashes, reviews and free slots come out, and the same input gives the same output on every
//! machine, whatever the order it arrived in.
//!
//! ```text
//!   claims ----+                        +-- clash.rs ---- clashes --+
//!              +-- decision.rs ---------+                           +-- review.rs -- reviews
//!   decisions -+   effective placements +-- (rendering) ------------+
//!
//!   hours.rs -- open ranges --+
//!   bookings -----------------+-- free.rs -- slots -- placements
//! ```
//!
//! What always holds:
//! * ranges are half-open: visits that only touch do not clash;
//! * nothing is settled silently: concurrent moves occupy both places until someone decides;
//! * a decision is about one claim at one placement and outlives whatever happens to the others.
//!
//! Start with `clashes_of` for what cannot stand, `reviews` for what waits for a person and
//! `free_slots` for what can be offered. The two tables that people can read beside the code are
//! in [`concurrency`] and `precedence`; `oracle` says the same things slowly.

pub mod claim;
pub mod concurrency;
pub mod decision;
pub mod ids;
pub mod placement;
pub mod time;

pub use claim::{Claim, ClaimKind, ClaimState, Source};
pub use decision::{Decision, DecisionError, Verdict};
pub use ids::{AppointmentId, DecisionId, LocationId, ParseIdError, ResourceId};
pub use placement::{Occupancy, OccupancyKind, Placement, PlacementError, PlacementHash};
pub use time::{TimeRange, TimeRangeError};
