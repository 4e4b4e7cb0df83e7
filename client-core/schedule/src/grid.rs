//! The organisation's grid: how much each resource can hold, and each site's zone.
//!
//! Like a week it says nothing about what the ids name. Concurrent capacities: the lowest stands
//! until somebody sets it again, since too many clashes are seen and too few are not.

use std::collections::{BTreeMap, BTreeSet};

use conflict_rules::{LocationId, ResourceId};

use crate::{
    chunk::Value,
    document::{Document, LoadError, NewChange, WriteError},
    layout::{CAPACITIES, GRID, SITES, is_zone},
    safety::{CheckedChange, HostileChange, Received},
};

/// The grid document.
#[derive(Debug, Clone)]
pub struct Grid {
    org: [u8; 16],
    document: Document,
}

/// Why the grid was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// A resource holds at least one.
    #[error("a resource has room for at least one")]
    NoCapacity,
    /// Not an IANA zone of the bundled tzdata.
    #[error("unknown time zone")]
    UnknownZone,
    /// The document could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Grid {
    /// The grid as it begins: the same bytes on every replica of the organisation.
    pub fn genesis(org: [u8; 16]) -> Result<Self, WriteError> {
        Ok(Self {
            org,
            document: Document::genesis(&GRID, &org)?,
        })
    }

    /// A grid from [`Grid::save`]. For this replica's own cache only.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let (document, name) = Document::load(&GRID, bytes)?;
        let org = name.try_into().map_err(|_| LoadError::OtherKind)?;
        Ok(Self { org, document })
    }

    /// The document's bytes, for a cache: never hash them.
    pub fn save(&self) -> Vec<u8> {
        self.document.save()
    }

    /// The organisation.
    pub const fn org(&self) -> [u8; 16] {
        self.org
    }

    /// Hashes of the latest changes, sorted.
    pub fn heads(&self) -> Vec<[u8; 32]> {
        self.document.heads()
    }

    /// Whether this change is in the document.
    pub fn holds(&self, hash: [u8; 32]) -> bool {
        self.document.holds(hash)
    }

    /// All changes beside the genesis, parents first.
    pub fn changes(&self) -> Vec<NewChange> {
        self.document.changes()
    }

    /// Sets how many units of a resource can be taken at once.
    pub fn set_capacity(
        &mut self,
        actor: [u8; 16],
        resource: ResourceId,
        capacity: u16,
    ) -> Result<Option<NewChange>, GridError> {
        if capacity == 0 {
            return Err(GridError::NoCapacity);
        }
        let value = Value::Uint(u64::from(capacity));
        Ok(self
            .document
            .write(actor, &[(CAPACITIES, resource.to_bytes(), value)])?)
    }

    /// Sets a site's zone.
    pub fn set_zone(
        &mut self,
        actor: [u8; 16],
        location: LocationId,
        zone: &str,
    ) -> Result<Option<NewChange>, GridError> {
        if !is_zone(zone) {
            return Err(GridError::UnknownZone);
        }
        let value = Value::Text(zone.to_owned());
        Ok(self
            .document
            .write(actor, &[(SITES, location.to_bytes(), value)])?)
    }

    /// Capacity by resource; what is not listed has 1.
    pub fn capacities(&self) -> BTreeMap<ResourceId, u16> {
        let entries = self.document.entries(CAPACITIES).into_iter();
        entries
            .filter_map(|(key, values)| {
                let numbers = values.iter().filter_map(Value::number);
                let numbers = numbers.filter_map(|number| u16::try_from(number).ok());
                let numbers = numbers.filter(|units| *units > 0);
                Some((ResourceId::from_bytes(key), numbers.min()?))
            })
            .collect()
    }

    /// Zone by site; of concurrent ones the first in the alphabet.
    pub fn zones(&self) -> BTreeMap<LocationId, String> {
        let entries = self.document.entries(SITES).into_iter();
        entries
            .filter_map(|(key, values)| {
                let name = values.iter().find_map(Value::text)?;
                Some((LocationId::from_bytes(key), name.to_owned()))
            })
            .collect()
    }

    /// Takes in changes that have passed [`crate::safety::check`]. If one is hostile nothing is
    /// applied and the document is as before.
    pub fn receive(&mut self, changes: &[CheckedChange]) -> Result<Received, HostileChange> {
        self.document.receive(changes)
    }

    /// Whether every parent of these changes is here or among them.
    pub fn has_parents_of(&self, changes: &[CheckedChange]) -> bool {
        self.document.has_parents_of(changes)
    }

    /// From now on reads as if these changes had written nothing.
    pub fn mask(&mut self, changes: BTreeSet<[u8; 32]>) {
        self.document.mask(changes);
    }
}
