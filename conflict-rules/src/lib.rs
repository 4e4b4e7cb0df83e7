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
//!   bookings, pattern.rs -----+-- free.rs -- slots -- placements
//! ```
//!
//! What always holds:
//! * ranges are half-open: visits that only touch do not clash;
//! * nothing is settled silently: concurrent moves occupy both places until someone decides;
//! * a decision is about one claim at one placement and outlives whatever happens to the others.
//!
//! Who holds many claims that change one at a time keeps the answers in step with [`Kept`].
//!
//! Start with [`clashes_of`] for what cannot stand, [`reviews`] for what waits for a person and
//! [`free_slots`] for what can be offered. The two tables that people can read beside the code are
//! in [`concurrency`] and [`precedence`]; [`oracle`] says the same things slowly.

pub mod claim;
pub mod clash;
pub mod concurrency;
pub mod decision;
pub mod effective;
pub mod free;
pub mod hours;
pub mod ids;
pub mod kept;
pub mod oracle;
pub mod pattern;
pub mod placement;
pub mod precedence;
pub mod review;
pub mod time;

pub use claim::{Claim, ClaimKind, ClaimState, Source};
pub use clash::{
    Booking, Capacities, Clash, Explanation, bookings_of, clashes, clashes_of, explain,
};
pub use decision::{Decision, DecisionError, Verdict};
pub use effective::{
    Answer, Contradiction, Effective, effective_for_clashes, effective_for_rendering,
};
pub use free::{Ask, Slot, free_slots};
pub use hours::{Hours, OpeningHours, WeeklyHours, open_between, open_ranges};
pub use ids::{AppointmentId, DecisionId, LocationId, ParseIdError, ResourceId};
pub use kept::{Changed, Kept, Settled};
pub use pattern::{Need, Pattern, PatternError, PlaceError, Segment, place, tzdata_version};
pub use placement::{
    Occupancy, OccupancyKind, Placement, PlacementError, PlacementHash, time_zone,
};
pub use precedence::Standing;
pub use review::{Review, ReviewId, Suggestion, review_of_acts, reviews};
pub use time::{TimeRange, TimeRangeError};
