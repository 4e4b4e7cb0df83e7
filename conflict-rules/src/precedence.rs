//! Which of two concurrent values stands: five rules and the table of what each is used for.
//!
//! Start with [`rule_for`]; each rule's own function has an example that runs as a test.

use serde::{Deserialize, Serialize};

use crate::claim::Source;

/// How concurrent values of one thing are settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrecedenceRule {
    /// Different fields of one record both hold: [`merge_field`].
    MergeWhatDoesNotConflict,
    /// The later one stands: [`most_recent`].
    MostRecentWins,
    /// A desk beats an owner's account beats the API beats an import: [`higher_source`].
    SourceHierarchy,
    /// Both are kept until somebody chooses: [`keep_both`].
    KeepBothAndAsk,
    /// Confirmed beats leased beats tentative, equals have no loser: [`higher_standing`].
    StandingHierarchy,
}

/// What concurrent values may be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Different fields of one record.
    DifferentFields,
    /// A telephone number or mail address.
    Phone,
    /// A postal address.
    Address,
    /// A colour, a sort order, a greeting: harmless.
    Preference,
    /// A field that machines write too.
    MachineField,
    /// A slot taken by claims from different sources.
    SlotBySource,
    /// A slot taken by claims of different standing.
    SlotByStanding,
    /// What must never be given.
    Allergy,
    /// What is given, and how much.
    Medication,
    /// On which doses depend.
    Weight,
    /// Money held.
    Deposit,
    /// Name, birth date, chip number: who it is.
    Identity,
}

/// The table. Safety, money and identity are never settled by a clock.
pub const TABLE: [(Topic, PrecedenceRule); 12] = [
    (
        Topic::DifferentFields,
        PrecedenceRule::MergeWhatDoesNotConflict,
    ),
    (Topic::Phone, PrecedenceRule::MostRecentWins),
    (Topic::Address, PrecedenceRule::MostRecentWins),
    (Topic::Preference, PrecedenceRule::MostRecentWins),
    (Topic::MachineField, PrecedenceRule::SourceHierarchy),
    (Topic::SlotBySource, PrecedenceRule::SourceHierarchy),
    (Topic::SlotByStanding, PrecedenceRule::StandingHierarchy),
    (Topic::Allergy, PrecedenceRule::KeepBothAndAsk),
    (Topic::Medication, PrecedenceRule::KeepBothAndAsk),
    (Topic::Weight, PrecedenceRule::KeepBothAndAsk),
    (Topic::Deposit, PrecedenceRule::KeepBothAndAsk),
    (Topic::Identity, PrecedenceRule::KeepBothAndAsk),
];

/// The rule for a topic.
///
/// ```
/// use conflict_rules::precedence::{PrecedenceRule, Topic, rule_for};
///
/// assert_eq!(rule_for(Topic::Allergy), PrecedenceRule::KeepBothAndAsk);
/// assert_eq!(rule_for(Topic::Phone), PrecedenceRule::MostRecentWins);
/// ```
pub fn rule_for(topic: Topic) -> PrecedenceRule {
    let found = TABLE.iter().find(|(named, _)| *named == topic);
    // The table names every topic (a test counts them); asking is never wrong.
    found.map_or(PrecedenceRule::KeepBothAndAsk, |(_, rule)| *rule)
}

/// What a claim's place rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Saved here, granted by nobody yet.
    Tentative,
    /// Granted by a device under its lease.
    Leased,
    /// Granted by the relay.
    Confirmed,
}

/// Which side stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// The first.
    First,
    /// The second.
    Second,
    /// Neither: a person decides, or they are the same.
    Undecided,
}

impl Stands {
    const fn by(order: core::cmp::Ordering) -> Self {
        match order {
            core::cmp::Ordering::Greater => Self::First,
            core::cmp::Ordering::Less => Self::Second,
            core::cmp::Ordering::Equal => Self::Undecided,
        }
    }
}

/// How two writes relate by what their authors had seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Causality {
    /// The second had seen the first.
    FirstIsOlder,
    /// The first had seen the second.
    SecondIsOlder,
    /// Neither had seen the other.
    Concurrent,
}

/// When a value was written, as far as anybody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Written {
    /// The author's hybrid clock, in milliseconds.
    pub clock: i64,
    /// When the relay received it, in its milliseconds, if it has.
    pub received: Option<i64>,
    /// Its (epoch, sequence) in the feed, if it has one.
    pub position: Option<(u64, u64)>,
}

impl Written {
    /// Nothing was written after it was received: a clock that runs ahead gains nothing.
    fn time(self) -> i64 {
        self.received
            .map_or(self.clock, |received| received.min(self.clock))
    }
}

/// Most recent wins: causality first, then the lesser of clock and receipt, then position.
///
/// A desk whose clock says 2030 does not beat one that wrote later:
///
/// ```
/// use conflict_rules::precedence::{Causality, Stands, Written, most_recent};
///
/// let from_2030 = Written { clock: 1_900_000_000_000, received: Some(1_800_000_000_000), position: Some((1, 7)) };
/// let later = Written { clock: 1_800_000_060_000, received: Some(1_800_000_060_500), position: Some((1, 8)) };
/// assert_eq!(most_recent(from_2030, later, Causality::Concurrent), Stands::Second);
/// // Whoever has seen the other's value and wrote another one stands, whatever the clocks say.
/// assert_eq!(most_recent(from_2030, later, Causality::SecondIsOlder), Stands::First);
/// ```
pub fn most_recent(first: Written, second: Written, causality: Causality) -> Stands {
    match causality {
        Causality::FirstIsOlder => Stands::Second,
        Causality::SecondIsOlder => Stands::First,
        Causality::Concurrent => {
            // Who has no position yet comes after all that have one.
            let place = |written: Written| written.position.unwrap_or((u64::MAX, u64::MAX));
            let order = first.time().cmp(&second.time());
            Stands::by(order.then_with(|| place(first).cmp(&place(second))))
        }
    }
}

/// Source hierarchy: a desk beats an owner's account beats the API beats an import.
///
/// ```
/// use conflict_rules::{Source, precedence::{Stands, higher_source}};
///
/// // An imported calendar does not push out what reception agreed with the client.
/// assert_eq!(higher_source(Source::Import, Source::Desk), Stands::Second);
/// assert_eq!(higher_source(Source::Account, Source::Api), Stands::First);
/// assert_eq!(higher_source(Source::Desk, Source::Desk), Stands::Undecided);
/// ```
pub fn higher_source(first: Source, second: Source) -> Stands {
    Stands::by(first.cmp(&second))
}

/// Confirmed beats leased beats tentative; tentative against tentative has no automatic loser.
///
/// ```
/// use conflict_rules::{Standing, precedence::{Stands, higher_standing}};
///
/// assert_eq!(higher_standing(Standing::Confirmed, Standing::Leased), Stands::First);
/// assert_eq!(higher_standing(Standing::Tentative, Standing::Leased), Stands::Second);
/// assert_eq!(higher_standing(Standing::Tentative, Standing::Tentative), Stands::Undecided);
/// ```
pub fn higher_standing(first: Standing, second: Standing) -> Stands {
    Stands::by(first.cmp(&second))
}

/// Keep both and ask: every different value once, in order. More than one is a question.
///
/// ```
/// use conflict_rules::precedence::keep_both;
///
/// // Two vets noted an allergy while the line was down: both are kept, somebody is asked.
/// assert_eq!(keep_both(["penicillin", "bee stings"]), ["bee stings", "penicillin"]);
/// assert_eq!(keep_both(["penicillin", "penicillin"]), ["penicillin"]);
/// ```
pub fn keep_both<T: Ord>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let values: std::collections::BTreeSet<T> = values.into_iter().collect();
    values.into_iter().collect()
}

/// Merge what does not conflict: fields that only one side changed take that side's value; a field
/// both changed differently is returned for its own rule.
///
/// ```
/// use conflict_rules::precedence::{Merged, merge_field};
///
/// // One desk corrected the phone, the other the address: both corrections hold.
/// assert_eq!(merge_field(&"555-01", &"555-02", &"555-01"), Merged::Value("555-02"));
/// assert_eq!(merge_field(&"Elm St", &"Elm St", &"Oak St"), Merged::Value("Oak St"));
/// // Both changed the phone: the field's own rule decides.
/// assert_eq!(merge_field(&"555-01", &"555-02", &"555-03"), Merged::Conflict("555-02", "555-03"));
/// ```
pub fn merge_field<T: Clone + PartialEq>(before: &T, first: &T, second: &T) -> Merged<T> {
    if first == second || before == second {
        Merged::Value(first.clone())
    } else if before == first {
        Merged::Value(second.clone())
    } else {
        Merged::Conflict(first.clone(), second.clone())
    }
}

/// What [`merge_field`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged<T> {
    /// One value holds.
    Value(T),
    /// Both sides changed it, differently.
    Conflict(T, T),
}
