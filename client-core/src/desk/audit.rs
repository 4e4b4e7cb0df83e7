//! The audit: who changed what, when, at which device.
//!
//! Commands come from the book's trail and acts from the governance chain, in the order of their
//! authors' clocks. Only the entries of the page that is asked for are read from the log and opened
//! again; what this seat has no key for is not told. Entries of the key table carry no time of
//! their own and are no rows: the acts that they follow from are.

use entry_log::Storage;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schedule::Hlc;
use sync_protocol::{Acceptance, FeedId, MaskReason, SeatId, SignedAct, accept_known};

use super::acts;
use crate::{
    book::{AuditOf, Moment, When},
    catalogue::{AuditChange, AuditPlace, AuditQuery, AuditRow, AuditView, MaskedReason, Refusal},
    replica::{Replica, face, invalid},
};

const USUAL: u32 = 50;
const MOST: u32 = 200;

/// What may stand on a page.
struct Wanted {
    of: Option<AuditOf>,
    from: Option<i64>,
    until: Option<i64>,
}

impl Wanted {
    fn fits(&self, when: &When) -> bool {
        let millis = when.clock.millis;
        self.from.is_none_or(|from| from <= millis) && self.until.is_none_or(|until| millis < until)
    }
}

fn of(text: &str) -> Result<AuditOf, Refusal> {
    let client = text.parse().map(AuditOf::Client);
    let pet = || text.parse().map(AuditOf::Pet);
    let visit = || text.parse().map(AuditOf::Visit);
    let seat = || text.parse().map(AuditOf::Seat);
    let found = client.ok().or_else(|| pet().ok());
    let found = found.or_else(|| visit().ok()).or_else(|| seat().ok());
    found.ok_or_else(|| {
        invalid(
            "of",
            "This is not the id of a client, a pet, a visit or a seat.",
            "Ids begin with cli_, pet_, apt_ or seat_.",
        )
    })
}

/// The name of a row: its stamp and run.
fn name(when: &When) -> String {
    let run = conflict_rules::ids::hex(when.run);
    format!("{}.{}.{run}", when.clock.millis, when.clock.counter)
}

fn parse(text: &str) -> Option<When> {
    let mut parts = text.splitn(3, '.');
    let (millis, counter) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let run = u128::from_str_radix(parts.next()?, 16).ok()?;
    Some(When {
        clock: Hlc { millis, counter },
        run: run.to_be_bytes(),
    })
}

fn of_act(act: &SignedAct) -> When {
    let act = act.value();
    When {
        clock: Hlc {
            millis: act.at.saturating_mul(1000),
            counter: 0,
        },
        run: u128::from(act.height).to_be_bytes(),
    }
}

fn time(clock: Hlc) -> Timestamp {
    Timestamp::from_millisecond(clock.millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

const fn masked(reason: MaskReason) -> MaskedReason {
    match reason {
        MaskReason::AfterRemoval => MaskedReason::Removed,
        MaskReason::Role => MaskedReason::Role,
        MaskReason::NotMember => MaskedReason::NotMember,
    }
}

/// The first instant of a day.
fn begins(date: Date, zone: &TimeZone) -> Option<i64> {
    let start = date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(start.timestamp().as_millisecond())
}

impl<S: Storage> Replica<S> {
    /// A page of the audit.
    pub(super) fn audit(&self, query: &AuditQuery) -> Result<AuditView, Refusal> {
        let zone = self.audit_zone();
        let next = |date: Date| date.tomorrow().ok();
        let wanted = Wanted {
            of: query.of.as_deref().map(of).transpose()?,
            from: query.from.and_then(|date| begins(date, &zone)),
            until: query
                .until
                .and_then(next)
                .and_then(|date| begins(date, &zone)),
        };
        let limit = query.limit.unwrap_or(USUAL).clamp(1, MOST);
        let limit = usize::try_from(limit).unwrap_or(1);
        let mut before = match &query.before {
            Some(text) => Some(parse(text).ok_or_else(|| {
                invalid(
                    "before",
                    "This is not where a page begins.",
                    "Give the `next` of the page before, or nothing for the latest.",
                )
            })?),
            None => None,
        };
        let acts = self.acts_wanted(&wanted)?;
        let mut rows: Vec<AuditRow> = Vec::with_capacity(limit);
        let mut more = true;
        while rows.len() < limit && more {
            let fits = |when: &When| wanted.fits(when);
            let moments = self.book.moments(wanted.of, before, &fits, limit);
            let earlier = |act: &&SignedAct| before.is_none_or(|before| of_act(act) < before);
            let mut steps: Vec<Step<'_>> = moments.iter().map(Step::Command).collect();
            steps.extend(acts.iter().filter(earlier).map(Step::Act));
            steps.sort_unstable_by_key(|step| core::cmp::Reverse(step.when()));
            more = steps.len() > limit || moments.len() == limit;
            for step in steps.into_iter().take(limit) {
                if rows.len() == limit {
                    more = true;
                    break;
                }
                before = Some(step.when());
                match step {
                    Step::Command(moment) => rows.extend(self.row(moment)?),
                    Step::Act(act) => rows.push(self.act_row(act)),
                }
            }
        }
        let reads = |feed: FeedId| self.may_read(feed);
        Ok(AuditView {
            next: before.filter(|_| more).as_ref().map(name),
            rows,
            waiting: u32::try_from(self.book.waiting_of(reads)).unwrap_or(u32::MAX),
        })
    }

    fn audit_zone(&self) -> TimeZone {
        let first = self.book.practice().locations.keys().next();
        let zone = first.and_then(|location| self.book.zone_of(*location));
        zone.unwrap_or(TimeZone::UTC)
    }

    /// The acts that a page may show, latest first.
    fn acts_wanted(&self, wanted: &Wanted) -> Result<Vec<SignedAct>, Refusal> {
        let seat = match wanted.of {
            None => None,
            Some(AuditOf::Seat(seat)) => Some(seat),
            Some(AuditOf::Client(_) | AuditOf::Pet(_) | AuditOf::Visit(_)) => {
                return Ok(Vec::new());
            }
        };
        let mut acts = self.acts()?;
        acts.retain(|act| {
            let concerns = seat.is_none_or(|seat| acts::concerns(act.value(), seat));
            concerns && wanted.fits(&of_act(act))
        });
        Ok(acts)
    }

    /// A command in words; none where nothing of it is left to read.
    fn row(&self, moment: &Moment) -> Result<Option<AuditRow>, Refusal> {
        let governance = self.ledger.governance();
        let mut what: Vec<AuditChange> = Vec::new();
        let (mut reason, mut refused) = (None, false);
        let (mut at_head, mut device, mut place) = (0, None, None);
        let (mut told, mut grid) = (false, false);
        for hash in &moment.entries {
            let Some(entry) = self.ledger.entry(hash)? else {
                continue;
            };
            let header = entry.header();
            at_head = header.governance.0;
            device = Some(header.device);
            if let Acceptance::Mask(why) = accept_known(&entry, governance) {
                reason = Some(masked(why));
            }
            refused |= self.book.is_refused(hash);
            place = self.ledger.place_of(hash).map(|place| AuditPlace {
                feed: header.feed.to_string(),
                epoch: place.epoch,
                sequence: place.sequence,
            });
            let Some(body) = entry.body() else {
                continue;
            };
            told = true;
            grid |= header.feed == FeedId::Grid;
            if header.feed.clear() {
                what.extend(self.book.told(header.feed, body, &self.keyring));
            } else if let Ok(plain) = self.keyring.open(&entry) {
                what.extend(self.book.told(header.feed, &plain, &self.keyring));
            }
        }
        if !told {
            return Ok(None);
        }
        // What else the command did says more than the grid's mirror of it.
        if what.is_empty() && grid {
            what.push(AuditChange::said("How many visits a room takes, or a site"));
        } else if what.is_empty() {
            what.push(AuditChange::said("A change without words"));
        }
        let mut row = self.signed_row(moment.when, moment.seat, at_head);
        row.device = device.map(|device| device.to_string());
        row.place = place;
        row.masked = reason;
        row.refused = refused;
        row.what = what;
        Ok(Some(row))
    }

    fn act_row(&self, signed: &SignedAct) -> AuditRow {
        let act = signed.value();
        let when = of_act(signed);
        let mut row = match act.author {
            sync_protocol::Author::Seat(seat) => {
                let mut row = self.signed_row(when, seat, act.height);
                let state = self.ledger.governance().seat(seat);
                row.device = state.map(|state| state.device().to_string());
                row
            }
            sync_protocol::Author::Root
            | sync_protocol::Author::Invite(_)
            | sync_protocol::Author::Device(_) => blank(when),
        };
        row.place = self
            .ledger
            .place_of(&signed.hash())
            .map(|place| AuditPlace {
                feed: FeedId::Governance.to_string(),
                epoch: place.epoch,
                sequence: place.sequence,
            });
        row.what = acts::told(act);
        row
    }

    fn signed_row(&self, when: When, seat: SeatId, height: u32) -> AuditRow {
        let state = self.ledger.governance().seat(seat);
        let role = state.and_then(|state| state.role_at(height).or_else(|| state.role()));
        AuditRow {
            seat: Some(seat.to_string()),
            role: role.and_then(face),
            name: self.book.practice().seats.get(&seat).cloned(),
            here: seat == self.seat,
            ..blank(when)
        }
    }
}

fn blank(when: When) -> AuditRow {
    AuditRow {
        id: name(&when),
        at: time(when.clock),
        place: None,
        seat: None,
        role: None,
        device: None,
        name: None,
        here: false,
        masked: None,
        refused: false,
        what: Vec::new(),
    }
}

/// What a page is made of.
enum Step<'a> {
    Command(&'a Moment),
    Act(&'a SignedAct),
}

impl Step<'_> {
    fn when(&self) -> When {
        match self {
            Self::Command(moment) => moment.when,
            Self::Act(act) => of_act(act),
        }
    }
}
