//! How long records are kept, and whose time is over. Looking changes nothing.
//!
//! An erasure takes a client whole. So a client is due when every kind of record that there is of
//! them has a rule, and every one of these is past.

use std::collections::BTreeSet;

use entry_log::Storage;
use jiff::{Span, Timestamp, civil::Date};
use rand_core::CryptoRng;
use sync_protocol::{Role, SubjectId};

use super::{done, undo::TakeBack};
use crate::{
    book::Last,
    catalogue::{
        ClientId, DueView, RecordKind, Refusal, Reply, RetentionRule, RetentionView, SetRetention,
    },
    documents::Subject,
    replica::{Replica, invalid, not_allowed},
    sealing::Compartment,
};

/// Longest rule: a hundred years.
const MAX_MONTHS: u16 = 1200;
/// Most clients of one answer.
const MOST: usize = 1000;

const fn compartment(kept: RecordKind) -> Compartment {
    match kept.card() {
        Some(card) => card.compartment(),
        None => Compartment::Contact,
    }
}

fn end(last: Date, months: u16) -> Date {
    let span = Span::new().months(i64::from(months));
    last.checked_add(span).unwrap_or(Date::MAX)
}

impl<S: Storage> Replica<S> {
    fn may_retain(&self) -> Result<(), Refusal> {
        if matches!(self.role(), Some(Role::Owner | Role::Manager)) {
            return Ok(());
        }
        Err(not_allowed(
            "say how long records are kept, or see whose time is over",
            "a manager or an owner",
        ))
    }

    pub(super) fn set_retention(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRng,
        wish: &SetRetention,
    ) -> Result<Reply, Refusal> {
        self.may_retain()?;
        if wish
            .months
            .is_some_and(|months| !(1..=MAX_MONTHS).contains(&months))
        {
            return Err(invalid(
                "months",
                format!("Records are kept 1 to {MAX_MONTHS} months after the last visit."),
                "Give months, or nothing to keep them for ever.",
            ));
        }
        let kept = wish.kept;
        let before = self.book.practice().retention.get(&kept).copied();
        let mut batch = self.begin(now, rng);
        batch.practice(&self.book, |doc, actor, clock| {
            Ok(doc.set_retention(actor, clock, kept, wish.months)?)
        })?;
        let changed = self.save(rng, batch)?;
        let back = TakeBack::Retention {
            kept,
            months: before,
        };
        let step = changed.then(|| self.steps.keep(back));
        let said = "The rule is set. Nothing is erased by it: look whose time is over.";
        Ok(done(kept.as_str(), step, said))
    }

    pub(super) fn retention(&self, now: Timestamp) -> Result<RetentionView, Refusal> {
        self.may_retain()?;
        let rules = RecordKind::ALL.map(|kept| self.rule(kept)).to_vec();
        let mut due = Vec::new();
        // Contact is kept of everybody: without a rule for it nobody is due.
        if self.rule(RecordKind::Contact).months.is_some() {
            let today = self.book.today(now);
            for (client, household) in self.book.households() {
                let Some(last) = self.book.last_here(client, &household, now) else {
                    continue;
                };
                due.extend(self.due(client, &household, last, today));
            }
        }
        due.sort_by(|a, b| (a.since, &a.name, a.client).cmp(&(b.since, &b.name, b.client)));
        let total = u32::try_from(due.len()).unwrap_or(u32::MAX);
        due.truncate(MOST);
        Ok(RetentionView { rules, due, total })
    }

    fn rule(&self, kept: RecordKind) -> RetentionRule {
        let months = self.book.practice().retention.get(&kept).copied();
        RetentionRule { kept, months }
    }

    fn due(
        &self,
        client: ClientId,
        household: &[Subject],
        last: Last,
        today: Date,
    ) -> Option<DueView> {
        let known = self.book.client_record(client)?;
        // The key table tells what there is, also to who may not read it.
        let subjects = household
            .iter()
            .map(|one| SubjectId::from_bytes(one.to_bytes()));
        let rows = subjects.flat_map(|one| self.ledger.rows_of(one));
        let held: BTreeSet<Compartment> = rows.filter_map(|row| row.compartment).collect();
        let holds =
            |kept: &RecordKind| *kept == RecordKind::Contact || held.contains(&compartment(*kept));
        let mut rules = Vec::new();
        let mut since = Date::MIN;
        for kept in RecordKind::ALL.into_iter().filter(holds) {
            let rule = self.rule(kept);
            since = since.max(end(last.day, rule.months?));
            rules.push(rule);
        }
        (since <= today).then(|| DueView {
            client,
            name: known.name.clone(),
            last: last.day,
            visited: last.visited,
            since,
            rules,
            coming: last.coming,
            free: known.hold.is_empty() && known.restriction.is_none() && last.coming == 0,
            hold: known.hold.clone(),
            restricted: known.restriction.is_some(),
        })
    }
}
