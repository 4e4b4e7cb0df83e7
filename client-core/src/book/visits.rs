//! Who comes for what, opened: by appointment, and by client.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use conflict_rules::{AppointmentId, DecisionId};
use schedule::{CheckedChange, WeekKey};

use super::Keys;
use crate::{
    catalogue::ClientId,
    documents::{About, DocumentError, Part, VisitsWeek, Who},
};

/// A visits document, and which of its changes are looked through.
#[derive(Debug)]
pub(super) struct HotVisits {
    pub(super) document: VisitsWeek,
    masked: BTreeSet<[u8; 32]>,
}

impl HotVisits {
    /// Whether that was news.
    pub(super) fn mask(&mut self, changes: &[CheckedChange], masked: bool) -> bool {
        let before = self.masked.clone();
        for change in changes {
            if masked {
                self.masked.insert(change.hash());
            } else {
                self.masked.remove(&change.hash());
            }
        }
        let news = self.masked != before;
        if news {
            self.document.mask(self.masked.clone());
        }
        news
    }

    pub(super) fn is_masked(&self) -> bool {
        !self.masked.is_empty()
    }
}

/// What is known of a visit's details.
#[derive(Debug, Default, Clone)]
pub(super) struct Details {
    pub(super) who: Option<Who>,
    pub(super) note: Option<String>,
    pub(super) title: Option<String>,
    /// Nobody may know any more for whom it was.
    pub(super) erased: bool,
}

/// All visits, opened as far as keys are held.
#[derive(Debug, Default)]
pub(super) struct Visits {
    weeks: BTreeMap<WeekKey, HotVisits>,
    details: HashMap<AppointmentId, Details>,
    by_client: HashMap<ClientId, BTreeSet<AppointmentId>>,
    reasons: HashMap<About, Vec<String>>,
    /// Weeks in which something could not be opened.
    locked: BTreeSet<WeekKey>,
}

impl Visits {
    pub(super) fn document(&self, key: WeekKey) -> Result<VisitsWeek, DocumentError> {
        match self.weeks.get(&key) {
            Some(week) => Ok(week.document.clone()),
            None => VisitsWeek::genesis(key),
        }
    }

    pub(super) fn week(&mut self, key: WeekKey) -> Result<&mut HotVisits, DocumentError> {
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.weeks.entry(key) {
            vacant.insert(HotVisits {
                document: VisitsWeek::genesis(key)?,
                masked: BTreeSet::new(),
            });
        }
        self.weeks.get_mut(&key).ok_or(DocumentError::Library)
    }

    pub(super) fn documents(&self) -> impl Iterator<Item = &VisitsWeek> {
        self.weeks.values().map(|week| &week.document)
    }

    /// Reads a week anew, or only what stands under these keys.
    pub(super) fn read(
        &mut self,
        key: WeekKey,
        written: Option<&BTreeSet<String>>,
        keys: &dyn Keys,
    ) {
        let Some(week) = self.weeks.get(&key) else {
            return;
        };
        let document = &week.document;
        let mut all_opened = true;
        let reasons = written.is_none_or(|keys| keys.iter().any(|key| About::is_key(key)));
        let parts: BTreeSet<(AppointmentId, Part)> = match written {
            Some(written) => written.iter().filter_map(|key| Part::parse(key)).collect(),
            None => document.all_details().into_keys().collect(),
        };
        let mut opened = Vec::with_capacity(parts.len());
        for (id, part) in parts {
            let standing = document.details(id, part);
            // The most recent that can be opened; an older one while the key of it is on the way
            // would be a lie, so only the first counts.
            let first = standing.first();
            let key_held = first.and_then(|sealed| Some((sealed, keys.key(sealed.key)?)));
            let erased = first.is_some_and(|sealed| keys.is_erased(sealed.key));
            all_opened &= key_held.is_some() || first.is_none() || erased;
            if part == Part::Who {
                self.details.entry(id).or_default().erased = erased;
            }
            opened.push((
                id,
                part,
                key_held.map(|(sealed, with)| match part {
                    Part::Who => (sealed.open_who(with, key, id), None),
                    Part::Note | Part::Title => (None, sealed.open_text(with, key, id, part)),
                }),
            ));
        }
        let mut given: Vec<(About, Vec<String>)> = Vec::new();
        if reasons {
            for (about, sealed) in document.reasons() {
                let mut said = Vec::new();
                for reason in sealed {
                    match keys.key(reason.sealed.key) {
                        Some(with) => said.extend(reason.sealed.open_reason(with, key, about)),
                        None => all_opened &= keys.is_erased(reason.sealed.key),
                    }
                }
                given.push((about, said));
            }
        }
        for (id, part, found) in opened {
            let (who, text) = found.unwrap_or_default();
            self.set(id, part, who, text);
        }
        self.reasons.extend(given);
        if all_opened && written.is_none() {
            self.locked.remove(&key);
        } else if !all_opened {
            self.locked.insert(key);
        }
    }

    fn set(&mut self, id: AppointmentId, part: Part, who: Option<Who>, text: Option<String>) {
        let details = self.details.entry(id).or_default();
        let text = text.filter(|text| !text.is_empty());
        match part {
            Part::Note => details.note = text,
            Part::Title => details.title = text,
            Part::Who => {
                let before = details.who.as_ref().and_then(|who| who.client);
                let now = who.as_ref().and_then(|who| who.client);
                details.who = who;
                if before != now {
                    if let Some(visits) = before.and_then(|id| self.by_client.get_mut(&id)) {
                        visits.remove(&id);
                    }
                    if let Some(client) = now {
                        self.by_client.entry(client).or_default().insert(id);
                    }
                }
            }
        }
    }

    /// Tries what could not be opened again; whether anything was.
    pub(super) fn open_locked(&mut self, keys: &dyn Keys) -> bool {
        let locked = core::mem::take(&mut self.locked);
        let any = !locked.is_empty();
        for week in locked {
            self.read(week, None, keys);
        }
        any
    }

    pub(super) fn details(&self, id: AppointmentId) -> Option<&Details> {
        self.details.get(&id)
    }

    pub(super) fn of_client(&self, client: ClientId) -> impl Iterator<Item = AppointmentId> {
        self.by_client.get(&client).into_iter().flatten().copied()
    }

    /// The visits of clients.
    pub(super) fn known(
        &self,
        of: impl Fn(ClientId) -> bool,
    ) -> impl Iterator<Item = AppointmentId> {
        let clients = self
            .by_client
            .iter()
            .filter(move |(client, _)| of(**client));
        clients.flat_map(|(_, visits)| visits.iter().copied())
    }

    pub(super) fn reasons(&self, about: About) -> &[String] {
        self.reasons.get(&about).map_or(&[], Vec::as_slice)
    }

    pub(super) fn reason_of_decision(&self, id: DecisionId) -> &[String] {
        self.reasons(About::Decision(id))
    }
}
