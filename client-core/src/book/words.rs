//! What an entry changed, in words, with the values before and after.
//!
//! The values are read from the documents at the places in their history around the entry's
//! changes. An entry that counts for nothing is told all the same: what was tried.

use std::collections::BTreeSet;

use conflict_rules::{AppointmentId, ClaimState, OccupancyKind, Placement, Verdict};
use schedule::{CheckedChange, ScheduleBody, Schema, WeekKey, Write, safety};
use sync_protocol::{FeedId, Hash};

use super::{Book, Keys};
use crate::{
    catalogue::{AuditChange, CardKind},
    documents::{
        About, AccessDoc, CardId, CardWrite, Opening, Part, PrivateBody, Said, Subject, Target,
        read_value,
    },
};

/// What was written somewhere before and after a change.
type Values = (Option<String>, Option<String>);

impl Book {
    /// What an entry with this body changed.
    pub fn told(&self, feed: FeedId, plain: &[u8], keys: &dyn Keys) -> Vec<AuditChange> {
        match feed {
            FeedId::Schedule(_) => match ScheduleBody::decode(plain) {
                Ok(body) => self.told_schedule(body.week, &body.changes),
                Err(_) => Vec::new(),
            },
            FeedId::Practice
            | FeedId::Visits(_)
            | FeedId::Contact
            | FeedId::Handling
            | FeedId::Clinical
            | FeedId::Grooming
            | FeedId::Payments => match PrivateBody::decode(plain) {
                Ok(body) => self.told_private(&body, keys),
                Err(_) => Vec::new(),
            },
            // The grid mirrors what the practice says.
            FeedId::Grid | FeedId::Governance | FeedId::Keys => Vec::new(),
        }
    }

    fn told_private(&self, body: &PrivateBody, keys: &dyn Keys) -> Vec<AuditChange> {
        let mut told = Vec::new();
        for change in changes(&body.changes, Schema::Private) {
            match body.target {
                Target::Practice => self.told_practice(&change, &mut told),
                Target::Visits(week) => self.told_visits(week, &change, keys, &mut told),
                Target::Client(id) => self.told_client(Subject::Client(id), &change, &mut told),
                Target::Pet(id) => self.told_pet(Subject::Pet(id), &change, &mut told),
                Target::Card(card) => self.told_card(card, &change, &mut told),
                Target::Access(subject) => self.told_access(subject, &change, &mut told),
            }
        }
        told
    }

    // ---- visits ------------------------------------------------------------------------------

    fn visit_words(&self, id: AppointmentId) -> String {
        match self.title_of(id).filter(|title| !title.is_empty()) {
            Some(title) => format!("The visit of {title}"),
            None => "A visit".to_owned(),
        }
    }

    fn place_words(&self, placement: &Placement) -> String {
        let work = placement.occupancies().iter();
        let work = work.filter(|taken| taken.kind == OccupancyKind::Work);
        let resources: BTreeSet<_> = work.map(|taken| taken.resource).collect();
        let names: Vec<String> = resources.into_iter().map(|id| self.name_of(id)).collect();
        let start = placement.civil_start();
        format!(
            "{} {}, {}",
            start.date(),
            start.time().strftime("%H:%M"),
            names.join(", ")
        )
    }

    fn told_schedule(&self, week: WeekKey, bytes: &[Vec<u8>]) -> Vec<AuditChange> {
        let mut told = Vec::new();
        let Some(held) = self.weeks.get(&week) else {
            return told;
        };
        let document = &held.document;
        for change in changes(bytes, Schema::Schedule) {
            let writes = change.writes();
            let at = |id, heads: &[[u8; 32]]| {
                let placements = document.placements_at(id, heads);
                let words = placements
                    .iter()
                    .map(|placement| self.place_words(placement));
                let words: Vec<String> = words.collect();
                (!words.is_empty()).then(|| words.join(" / "))
            };
            for write in &writes {
                match *write {
                    Write::Origin(id) => {
                        let text = match document.claim(id).map(|claim| claim.kind) {
                            Some(conflict_rules::ClaimKind::Block) => "Time was kept free".into(),
                            Some(conflict_rules::ClaimKind::Visit) | None => {
                                format!("{} was booked", self.visit_words(id))
                            }
                        };
                        let new = at(id, &[change.hash()]);
                        told.push(AuditChange::said(text).about(id).values(None, new));
                    }
                    Write::Placement(id, _) => {
                        if !writes.contains(&Write::Origin(id)) {
                            let old = at(id, change.parents());
                            let new = at(id, &[change.hash()]);
                            let text = format!("{} was moved", self.visit_words(id));
                            told.push(AuditChange::said(text).about(id).values(old, new));
                        }
                    }
                    Write::State(id, state) => {
                        if !writes.contains(&Write::Origin(id)) {
                            let text = format!("{} {}", self.visit_words(id), state_words(state));
                            told.push(AuditChange::said(text).about(id));
                        }
                    }
                    Write::Decision(decision) => {
                        let made = document.decisions();
                        let made = made.iter().find(|made| made.id == decision);
                        let verdicts = made.map(|made| made.verdicts.as_slice());
                        for verdict in verdicts.unwrap_or_default() {
                            told.push(self.verdict_words(verdict));
                        }
                    }
                    Write::Pointer(_) => {}
                }
            }
        }
        told
    }

    fn verdict_words(&self, verdict: &Verdict) -> AuditChange {
        match verdict {
            Verdict::Keep { claim, .. } => {
                let text = format!("Decided: {} stays", self.visit_words(*claim));
                AuditChange::said(text).about(claim)
            }
            Verdict::Move { claim, to, .. } => {
                let text = format!("Decided: {} moves", self.visit_words(*claim));
                let new = Some(self.place_words(to));
                AuditChange::said(text).about(claim).values(None, new)
            }
            Verdict::Cancel { claim, .. } => {
                let text = format!("Decided: {} is called off", self.visit_words(*claim));
                AuditChange::said(text).about(claim)
            }
            Verdict::AllowOverlap { a, b } => {
                let (one, other) = (self.visit_words(a.0), self.visit_words(b.0));
                let text = format!("Decided: {one} and {other} both stay");
                AuditChange::said(text).about(a.0)
            }
        }
    }

    fn told_visits(
        &self,
        week: WeekKey,
        change: &CheckedChange,
        keys: &dyn Keys,
        told: &mut Vec<AuditChange>,
    ) {
        let Ok(document) = self.visits.document(week) else {
            return;
        };
        for key in change.map_keys() {
            if let Some((id, part)) = Part::parse(key) {
                let at = |heads: &[[u8; 32]]| {
                    let sealed = document.details_at(id, part, heads)?;
                    let with = keys.key(sealed.key)?;
                    match part {
                        Part::Who => {
                            let who = sealed.open_who(with, week, id)?;
                            Some(self.who_words(&who))
                        }
                        Part::Note | Part::Title => sealed.open_text(with, week, id, part),
                    }
                };
                let (old, new) = (at(change.parents()), at(&[change.hash()]));
                let text = match part {
                    // The booking itself tells who comes.
                    Part::Who if old.is_none() => continue,
                    Part::Who => "Who comes was changed",
                    Part::Note => "The note of a visit",
                    Part::Title => "The title of a block",
                };
                told.push(AuditChange::said(text).about(id).values(old, new));
            } else if let Some((about, sealed)) = document.reason_at(key, &[change.hash()]) {
                let with = keys.key(sealed.key);
                let reason = with.and_then(|with| sealed.open_reason(with, week, about));
                let said = AuditChange::said("The reason given");
                let said = match about {
                    About::Claim(id) => said.about(id),
                    About::Decision(_) => said,
                };
                told.push(said.values(None, reason));
            }
        }
    }

    fn who_words(&self, who: &crate::documents::Who) -> String {
        let client = who.client.map(|id| self.subject_words(Subject::Client(id)));
        let pets = who
            .pets
            .iter()
            .map(|pet| self.subject_words(Subject::Pet(*pet)));
        let names: Vec<String> = client.into_iter().chain(pets).collect();
        names.join(", ")
    }

    // ---- clients, pets, cards ----------------------------------------------------------------

    fn subject_words(&self, subject: Subject) -> String {
        let name = match subject {
            Subject::Client(id) => self.records.client(id).map(|client| client.name.clone()),
            Subject::Pet(id) => self.records.pet(id).map(|pet| pet.name.clone()),
        };
        name.unwrap_or_else(|| subject.to_string())
    }

    fn told_client(&self, subject: Subject, change: &CheckedChange, told: &mut Vec<AuditChange>) {
        let fields = [
            ("phones", "The phone numbers of"),
            ("email", "The e-mail address of"),
            ("note", "The note about"),
        ];
        self.told_record(subject, change, "taken into the book", &fields, told);
        self.told_rights(subject, change, told);
    }

    /// Holds, restrictions, and what was done in spite of one.
    fn told_rights(&self, subject: Subject, change: &CheckedChange, told: &mut Vec<AuditChange>) {
        let Ok(document) = self.records.document(subject) else {
            return;
        };
        let name = self.subject_words(subject);
        let reason = |bytes: &[u8]| Some(Said::read(bytes)?.reason);
        let around = |field: &str, read: &dyn Fn(&[u8]) -> Option<String>| -> Values {
            let at = |heads: &[[u8; 32]]| {
                read(&document.field_at(field, heads)?).filter(|text| !text.is_empty())
            };
            (at(change.parents()), at(&[change.hash()]))
        };
        let mut tell = |text: String, old: Option<String>, new: Option<String>| {
            told.push(AuditChange::said(text).about(subject).values(old, new));
        };
        for key in change.map_keys().collect::<BTreeSet<&str>>() {
            match key {
                "hold" => {
                    let (old, new) = around(key, &text);
                    let text = match &new {
                        Some(_) => format!("{name} must be kept"),
                        None => format!("{name} need not be kept any more"),
                    };
                    tell(text, old, new);
                }
                "restricted" => {
                    let (old, new) = around(key, &reason);
                    let text = match (&old, &new) {
                        (None, Some(_)) => format!("What is kept about {name} was restricted"),
                        (Some(_), Some(_)) => {
                            format!("The reason why what is kept about {name} is restricted")
                        }
                        (_, None) => format!("The restriction of {name} was lifted"),
                    };
                    tell(text, old, new);
                }
                "despite" => {
                    let (_, new) = around(key, &reason);
                    let text = format!("Written about {name} in spite of the restriction");
                    tell(text, None, new);
                }
                _ => {}
            }
        }
    }

    fn told_pet(&self, subject: Subject, change: &CheckedChange, told: &mut Vec<AuditChange>) {
        let fields = [
            ("species", "The species of"),
            ("breed", "The breed of"),
            ("microchip", "The microchip number of"),
        ];
        self.told_record(
            subject,
            change,
            "taken into the book as a pet",
            &fields,
            told,
        );
    }

    fn told_record(
        &self,
        subject: Subject,
        change: &CheckedChange,
        taken: &str,
        fields: &[(&str, &str)],
        told: &mut Vec<AuditChange>,
    ) {
        let Ok(document) = self.records.document(subject) else {
            return;
        };
        let keys: BTreeSet<&str> = change.map_keys().collect();
        let around = |field: &str, read: &dyn Fn(&[u8]) -> Option<String>| -> Values {
            let at = |heads: &[[u8; 32]]| read(&document.field_at(field, heads)?);
            (at(change.parents()), at(&[change.hash()]))
        };
        let name = self.subject_words(subject);
        if keys.contains("name") {
            let (old, new) = around("name", &text);
            let said = match &old {
                None => format!("{} was {taken}", new.as_deref().unwrap_or(&name)),
                Some(_) => format!("The name of {name}"),
            };
            let known = old.is_some();
            let said = AuditChange::said(said).about(subject);
            told.push(if known { said.values(old, new) } else { said });
        }
        for (field, words) in fields {
            if keys.contains(field) {
                let (old, new) = around(field, &value);
                let said = AuditChange::said(format!("{words} {name}")).about(subject);
                told.push(said.values(old, new));
            }
        }
        if keys.contains("gone") {
            let gone = document.field_at("gone", &[change.hash()]);
            let gone = gone.and_then(|gone| read_value::<bool>(&gone));
            let said = match gone {
                Some(true) => format!("{name} was taken out of the book"),
                Some(false) | None => format!("{name} was put back into the book"),
            };
            told.push(AuditChange::said(said).about(subject));
        }
        if keys.contains("owner") && !keys.contains("name") {
            let owner = |heads: &[[u8; 32]]| {
                let owner = read_value(&document.field_at("owner", heads)?)?;
                Some(self.subject_words(Subject::Client(owner)))
            };
            let (old, new) = (owner(change.parents()), owner(&[change.hash()]));
            let said = AuditChange::said(format!("The owner of {name}")).about(subject);
            told.push(said.values(old, new));
        }
    }

    fn told_card(&self, card: CardId, change: &CheckedChange, told: &mut Vec<AuditChange>) {
        let Ok(document) = self.cards.shown(card) else {
            return;
        };
        let (kind, name) = (card.kind.as_str(), self.subject_words(card.subject));
        for key in change.map_keys() {
            let said = match document.wrote(key, change.hash()) {
                Some(CardWrite::Note(_, text)) => {
                    let said = format!("A note was added to the {kind} card of {name}");
                    // What a clinical card says is read on the card, where that is written down.
                    let shown = (card.kind != CardKind::Clinical).then_some(text);
                    AuditChange::said(said).values(None, shown)
                }
                Some(CardWrite::Withdrawn(_, true)) => {
                    AuditChange::said(format!("A note of the {kind} card of {name} was withdrawn"))
                }
                Some(CardWrite::Withdrawn(_, false)) => {
                    AuditChange::said(format!("A note of the {kind} card of {name} holds again"))
                }
                None => AuditChange::said(format!("The {kind} card of {name}")),
            };
            told.push(said.about(card.subject));
        }
    }

    fn told_access(&self, subject: Subject, change: &CheckedChange, told: &mut Vec<AuditChange>) {
        let name = self.subject_words(subject);
        for key in change.map_keys() {
            let text = match AccessDoc::how(key) {
                Some(Opening::Shown) | None => format!("Opened the clinical card of {name}"),
                Some(Opening::Exported) => format!("Exported the clinical card of {name}"),
            };
            told.push(AuditChange::said(text).about(subject));
        }
    }

    // ---- what the practice is set up with ----------------------------------------------------

    fn told_practice(&self, change: &CheckedChange, told: &mut Vec<AuditChange>) {
        let keys: Vec<&str> = change.map_keys().collect();
        let document = &self.practice_doc;
        let text_at = |key: &str, heads: &[[u8; 32]]| document.text_at(key, heads);
        let mut entities: BTreeSet<&str> = BTreeSet::new();
        for key in &keys {
            match key.split_once('.') {
                Some(("seat", _)) => {
                    let old = text_at(key, change.parents());
                    let new = text_at(key, &[change.hash()]);
                    told.push(AuditChange::said("The name of a seat").values(old, new));
                }
                Some(("retention", kept)) => {
                    let months = |heads: &[[u8; 32]]| document.months_at(key, heads);
                    let (old, new) = (months(change.parents()), months(&[change.hash()]));
                    let text = format!("How long {kept} records are kept");
                    told.push(AuditChange::said(text).values(old, new));
                }
                Some((id, _)) => {
                    entities.insert(id);
                }
                None if *key == "lease_days" => {
                    told.push(AuditChange::said(
                        "For how long devices open everything without the relay",
                    ));
                }
                None => {
                    let (old, new) = (
                        text_at(key, change.parents()),
                        text_at(key, &[change.hash()]),
                    );
                    told.push(AuditChange::said("The practice's name").values(old, new));
                }
            }
        }
        for id in entities {
            let named = format!("{id}.name");
            let old = text_at(&named, change.parents());
            let new = text_at(&named, &[change.hash()]);
            let name = new.clone().or_else(|| old.clone()).unwrap_or_default();
            if old.is_none() {
                told.push(AuditChange::said(format!("{name} was set up")));
                continue;
            }
            for key in keys.iter().filter(|key| key.starts_with(id)) {
                let field = key.split('.').nth(1).unwrap_or_default();
                let said = AuditChange::said(format!("{name}: {}", field_words(field)));
                let (old, new) = (
                    text_at(key, change.parents()),
                    text_at(key, &[change.hash()]),
                );
                told.push(said.values(old, new));
            }
        }
    }

    /// Whether an entry was refused for what is in it.
    pub fn is_refused(&self, entry: &Hash) -> bool {
        self.refused.contains_key(entry)
    }
}

fn changes(bytes: &[Vec<u8>], schema: Schema) -> impl Iterator<Item = CheckedChange> {
    let checked = bytes.iter().map(move |bytes| safety::check(bytes, schema));
    checked.filter_map(Result::ok)
}

const fn state_words(state: Option<ClaimState>) -> &'static str {
    match state {
        Some(ClaimState::Booked) => "is booked again",
        Some(ClaimState::Arrived) => "has arrived",
        Some(ClaimState::InProgress) => "is in progress",
        Some(ClaimState::Done) => "is done",
        Some(ClaimState::NoShow) => "was a no-show",
        Some(ClaimState::Cancelled) => "was cancelled",
        None => "got a state that this version does not know",
    }
}

fn field_words(field: &str) -> &str {
    match field {
        "weekly" | "hours" => "hours",
        "closed" | "off" => "days off",
        "locations" | "location" => "where",
        "retired" => "whether it takes new bookings",
        "parts" => "parts and lengths",
        "rooms" => "rooms",
        "staff" => "who can do it",
        other => other,
    }
}

fn text(payload: &[u8]) -> Option<String> {
    read_value(payload)
}

/// A text, or several of them in one line.
fn value(payload: &[u8]) -> Option<String> {
    let several = || read_value::<Vec<String>>(payload).map(|texts| texts.join(", "));
    text(payload).or_else(several)
}
