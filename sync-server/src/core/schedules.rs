//! The documents that the relay reads: the grid, and the schedule weeks of all sites.
//!
//! The log is the truth: a week that nobody writes to is dropped from memory, all but the places
//! of its entries, and rebuilt from them when somebody does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use conflict_rules::Capacities;
use schedule::{
    CheckedChange, Grid, GridBody, ScheduleBody, Schema, Week, WeekKey, grid_document_id, safety,
};
use sync_protocol::{DocumentId, Entry, ErrorCode, FeedId, OrgId, Site, limits};

use super::{StorageError, planted::Planted};

/// More zones than a week of one site ever has.
const MAX_ZONES: usize = 4;

/// Why a clear entry is refused.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) code: ErrorCode,
    pub(crate) detail: String,
}

impl Unfit {
    pub(crate) fn new(code: ErrorCode, detail: impl core::fmt::Display) -> Self {
        let detail = format!("{detail}");
        Self { code, detail }
    }
}

/// The changes of an entry, checked one by one.
#[derive(Debug)]
pub(crate) enum Checked {
    Week {
        key: WeekKey,
        zone: String,
        changes: Vec<CheckedChange>,
    },
    Grid(Vec<CheckedChange>),
}

impl Checked {
    pub(crate) fn changes(&self) -> &[CheckedChange] {
        match self {
            Self::Week { changes, .. } | Self::Grid(changes) => changes,
        }
    }

    /// What the changes write under: claims, decisions, resources.
    pub(crate) fn keys(&self) -> BTreeSet<[u8; 16]> {
        self.changes()
            .iter()
            .flat_map(CheckedChange::keys)
            .collect()
    }
}

#[derive(Debug, Default)]
struct Shelf {
    /// Places of its entries in the log.
    entries: Vec<u32>,
    /// Changes that count for nothing.
    masked: BTreeSet<[u8; 32]>,
}

/// Grid and weeks of one organisation.
#[derive(Debug)]
pub(crate) struct Schedules {
    org: OrgId,
    grid: Grid,
    grid_masked: BTreeSet<[u8; 32]>,
    capacities: Capacities,
    weeks: HashMap<DocumentId, Shelf>,
    /// Loaded weeks with the time of their last use.
    hot: HashMap<DocumentId, (u64, Week)>,
    uses: BTreeMap<u64, DocumentId>,
    clock: u64,
    capacity: usize,
}

/// Reads and checks the body of an entry of a schedule feed or the grid. None: another feed.
pub(crate) fn check(entry: &Entry) -> Result<Option<Checked>, Unfit> {
    let header = entry.header();
    let (FeedId::Schedule(_) | FeedId::Grid) = header.feed else {
        return Ok(None);
    };
    let Some(bytes) = entry.body() else {
        return Err(Unfit::new(ErrorCode::BadBody, "the body is missing"));
    };
    let bad = |error: schedule::BodyError| {
        let newer = matches!(error, schedule::BodyError::NewerVersion(_));
        let code = if newer {
            ErrorCode::WrongVersion
        } else {
            ErrorCode::BadBody
        };
        Unfit::new(code, error)
    };
    let check_all = |changes: &[Vec<u8>], schema| {
        let mut operations = 0;
        let mut checked = Vec::with_capacity(changes.len());
        for change in changes {
            let change = safety::check(change, schema)
                .map_err(|error| Unfit::new(ErrorCode::UnsafeChange, error))?;
            operations += change.operations();
            if operations > limits::MAX_OPERATIONS {
                let detail = "too many operations in one entry";
                return Err(Unfit::new(ErrorCode::UnsafeChange, detail));
            }
            // Nobody writes as somebody else: two changes of one number would stop a document.
            if change.actor() != header.incarnation.to_bytes() {
                let detail = "the change is not by the entry's incarnation";
                return Err(Unfit::new(ErrorCode::UnsafeChange, detail));
            }
            checked.push(change);
        }
        Ok(checked)
    };
    let elsewhere = || Unfit::new(ErrorCode::BadBody, "the entry names another document");
    if let FeedId::Schedule(site) = header.feed {
        let body = ScheduleBody::decode(bytes).map_err(bad)?;
        let named = DocumentId::from_bytes(body.week.document_id());
        if Site::from_bytes(body.week.location.to_bytes()) != site || named != header.document {
            return Err(elsewhere());
        }
        Ok(Some(Checked::Week {
            changes: check_all(&body.changes, Schema::Schedule)?,
            key: body.week,
            zone: body.zone,
        }))
    } else {
        let body = GridBody::decode(bytes).map_err(bad)?;
        if header.document.to_bytes() != grid_document_id(header.org.to_bytes()) {
            return Err(elsewhere());
        }
        check_all(&body.changes, Schema::Grid).map(|changes| Some(Checked::Grid(changes)))
    }
}

/// Reads an entry of the log.
pub(crate) type Read<'a> = &'a dyn Fn(u32) -> Result<Entry, StorageError>;

impl Schedules {
    pub(crate) fn new(org: OrgId, capacity: usize) -> Result<Self, StorageError> {
        let grid = Grid::genesis(org.to_bytes())
            .map_err(|_| StorageError::Inconsistent("the grid cannot begin"))?;
        Ok(Self {
            org,
            grid,
            grid_masked: BTreeSet::new(),
            capacities: Capacities::default(),
            weeks: HashMap::new(),
            hot: HashMap::new(),
            uses: BTreeMap::new(),
            clock: 0,
            capacity: capacity.max(1),
        })
    }

    pub(crate) fn capacities(&self) -> &Capacities {
        &self.capacities
    }

    /// The document, brought to memory.
    pub(crate) fn week(
        &mut self,
        document: DocumentId,
        read: Read<'_>,
    ) -> Result<Option<&mut Week>, StorageError> {
        if !self.hot.contains_key(&document) {
            let Some(week) = self.rebuild(document, read)? else {
                return Ok(None);
            };
            self.make_room();
            self.hot.insert(document, (0, week));
        }
        self.clock += 1;
        let clock = self.clock;
        let Some((used, week)) = self.hot.get_mut(&document) else {
            return Ok(None);
        };
        self.uses.remove(used);
        self.uses.insert(clock, document);
        *used = clock;
        Ok(Some(week))
    }

    fn make_room(&mut self) {
        while self.hot.len() >= self.capacity {
            let Some((_, coldest)) = self.uses.pop_first() else {
                return;
            };
            self.hot.remove(&coldest);
        }
    }

    fn rebuild(&self, document: DocumentId, read: Read<'_>) -> Result<Option<Week>, StorageError> {
        let Some(shelf) = self.weeks.get(&document) else {
            return Ok(None);
        };
        let mut week: Option<Week> = None;
        let mut changes = Vec::new();
        for place in &shelf.entries {
            // What was taken once is fit; a body that was purged is passed over.
            if let Ok(Some(Checked::Week {
                key,
                zone,
                changes: next,
            })) = check(&read(*place)?)
            {
                match &mut week {
                    None => week = Week::genesis(key, &zone).ok(),
                    Some(week) => {
                        let _ = week.know_zone(&zone);
                    }
                }
                changes.extend(next);
            }
        }
        if let Some(week) = &mut week {
            // Changes that were masked, forwarded or fit when they came fit together too.
            if week.receive(&changes).is_err() {
                for change in &changes {
                    let _ = week.receive(core::slice::from_ref(change));
                }
            }
            week.mask(shelf.masked.clone());
        }
        Ok(week)
    }

    /// Takes the changes of an entry into its document, or says why not and changes nothing.
    /// `mask`: they are kept and count for nothing.
    pub(crate) fn receive(
        &mut self,
        document: DocumentId,
        checked: &Checked,
        mask: bool,
        read: Read<'_>,
        planted: Planted,
    ) -> Result<Result<(), Unfit>, StorageError> {
        let hashes = checked.changes().iter().map(CheckedChange::hash);
        let parents = || Unfit::new(ErrorCode::UnknownParents, "parents are not here yet");
        let hostile = |error: schedule::HostileChange| Unfit::new(ErrorCode::UnsafeChange, error);
        match checked {
            Checked::Grid(changes) => {
                if !self.grid.has_parents_of(changes) && !planted.drop_dependency {
                    return Ok(Err(parents()));
                }
                if let Err(error) = self.grid.receive(changes) {
                    return Ok(Err(hostile(error)));
                }
                if mask {
                    self.grid_masked.extend(hashes);
                    self.grid.mask(self.grid_masked.clone());
                }
                self.capacities = self.grid.capacities().into_iter().collect();
            }
            Checked::Week { key, zone, changes } => {
                let masked = self.weeks.get(&document).map(|shelf| shelf.masked.clone());
                let mut masked = masked.unwrap_or_default();
                let mut begun = None;
                let week = match self.week(document, read)? {
                    Some(week) => week,
                    None => match Week::genesis(*key, zone) {
                        Ok(week) => begun.insert(week),
                        Err(error) => return Ok(Err(Unfit::new(ErrorCode::BadBody, error))),
                    },
                };
                let zones = week.zones();
                if !zones.contains(zone) {
                    if zones.len() >= MAX_ZONES {
                        let detail = "a week of one site in too many zones";
                        return Ok(Err(Unfit::new(ErrorCode::UnsafeChange, detail)));
                    }
                    if let Err(error) = week.know_zone(zone) {
                        return Ok(Err(Unfit::new(ErrorCode::BadBody, error)));
                    }
                }
                if !week.has_parents_of(changes) && !planted.drop_dependency {
                    return Ok(Err(parents()));
                }
                if let Err(error) = week.receive(changes) {
                    return Ok(Err(hostile(error)));
                }
                if mask {
                    masked.extend(hashes);
                    week.mask(masked.clone());
                    self.weeks.entry(document).or_default().masked = masked;
                }
                if let Some(week) = begun {
                    self.make_room();
                    self.clock += 1;
                    self.uses.insert(self.clock, document);
                    self.hot.insert(document, (self.clock, week));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Enters the place of an entry whose changes are in its document.
    pub(crate) fn shelve(&mut self, entry: &Entry, place: u32) {
        if matches!(entry.header().feed, FeedId::Schedule(_)) {
            let shelf = self.weeks.entry(entry.header().document).or_default();
            shelf.entries.push(place);
        }
    }

    /// Throws a document's memory away: it will be rebuilt from the log.
    pub(crate) fn drop_week(&mut self, document: DocumentId) {
        if let Some((used, _)) = self.hot.remove(&document) {
            self.uses.remove(&used);
        }
    }

    /// Begins the grid anew, from these entries.
    pub(crate) fn reset_grid(
        &mut self,
        entries: &[u32],
        read: Read<'_>,
    ) -> Result<(), StorageError> {
        let mut grid = Grid::genesis(self.org.to_bytes())
            .map_err(|_| StorageError::Inconsistent("the grid cannot begin"))?;
        let mut changes = Vec::new();
        for place in entries {
            if let Ok(Some(Checked::Grid(next))) = check(&read(*place)?) {
                changes.extend(next);
            }
        }
        if grid.receive(&changes).is_err() {
            for change in &changes {
                let _ = grid.receive(core::slice::from_ref(change));
            }
        }
        grid.mask(self.grid_masked.clone());
        self.capacities = grid.capacities().into_iter().collect();
        self.grid = grid;
        Ok(())
    }

    /// From now on these changes count for nothing.
    pub(crate) fn mask(&mut self, document: DocumentId, checked: &Checked) {
        let hashes = checked.changes().iter().map(CheckedChange::hash);
        match checked {
            Checked::Grid(_) => {
                self.grid_masked.extend(hashes);
                self.grid.mask(self.grid_masked.clone());
                self.capacities = self.grid.capacities().into_iter().collect();
            }
            Checked::Week { .. } => {
                let shelf = self.weeks.entry(document).or_default();
                shelf.masked.extend(hashes);
                if let Some((_, week)) = self.hot.get_mut(&document) {
                    week.mask(shelf.masked.clone());
                }
            }
        }
    }
}
