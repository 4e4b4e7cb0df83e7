//! Founding tickets: files that the operator's command writes and the running relay uses up.
//!
//! ```text
//! tickets/<hash>.ticket           open; the ticket itself is stored nowhere
//! tickets/<hash>.org_<id>.taken   an organisation is being founded with it
//! tickets/used/org_<id>.json      used; what was granted with it
//! ```
//!
//! Each step is one rename, so two relays or two devices cannot use one ticket, and a crash in
//! between gives the ticket back at the next start unless the organisation was founded.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sync_protocol::{Hash, OrgId};

use super::folder::{private_folder, random, replace, sync_folder, write_private};

/// What a ticket grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Space of the organisation in MB; 0 means no limit.
    pub quota_mb: u64,
    /// When it was made, in seconds.
    pub made: i64,
    /// When it expires, in seconds.
    pub expires: i64,
}

/// What was granted to an organisation, for as long as it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Granted {
    /// Space in MB; 0 means no limit.
    pub quota_mb: u64,
    /// When it was founded, in seconds.
    pub founded: i64,
    /// Which ticket was used last: the hash of its text.
    #[serde(default)]
    pub ticket: Option<String>,
}

/// Why a ticket opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// Never made, or used.
    #[error("no such ticket, or it was used")]
    Unknown,
    /// Too late.
    #[error("the ticket has expired")]
    Expired,
    /// The file of the ticket is damaged.
    #[error("{} is damaged: remove it and make another ticket", .0.display())]
    Damaged(PathBuf),
    /// The system refuses.
    #[error("the tickets cannot be read or written")]
    Io(#[from] io::Error),
}

/// The folder of tickets.
#[derive(Debug, Clone)]
pub struct Tickets {
    path: PathBuf,
}

/// A ticket in use.
#[derive(Debug)]
pub(super) struct Taken {
    file: PathBuf,
    pub(super) open: PathBuf,
    pub(super) ticket: Ticket,
}

impl Tickets {
    /// The tickets in a folder.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(path: &Path) -> Result<Self, TicketError> {
        private_folder(&path.join("used"))?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Makes a ticket; this text is its only copy.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn make(&self, ticket: Ticket) -> Result<String, TicketError> {
        let secret: String = random::<20>()?
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let text = format!("ticket-{secret}");
        let json = serde_json::to_vec(&ticket).map_err(io::Error::from)?;
        let file = self.file(&text);
        let fresh = file.with_extension("new");
        write_private(&fresh, &json)?;
        fs::rename(&fresh, &file)?;
        sync_folder(&self.path)?;
        Ok(text)
    }

    /// The open tickets.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn waiting(&self) -> Result<Vec<Ticket>, TicketError> {
        let mut open = Vec::new();
        for file in self.files("ticket")? {
            // A damaged one opens nothing; it is named when somebody tries to use it.
            open.extend(read::<Ticket>(&file).ok());
        }
        open.sort_by_key(|ticket| (ticket.expires, ticket.made));
        Ok(open)
    }

    /// Takes a ticket, so that nobody else can.
    pub(super) fn take(
        &self,
        text: &str,
        org: OrgId,
        now: Timestamp,
    ) -> Result<Taken, TicketError> {
        let open = self.file(text.trim());
        let ticket: Ticket = match read(&open) {
            Err(TicketError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TicketError::Unknown);
            }
            other => other?,
        };
        if ticket.expires <= now.as_second() {
            return Err(TicketError::Expired);
        }
        let file = open.with_extension(format!("{org}.taken"));
        match fs::rename(&open, &file) {
            Ok(()) => Ok(Taken { file, open, ticket }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(TicketError::Unknown),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a ticket back: nothing was founded with it.
    pub(super) fn give_back(taken: &Taken) -> Result<(), TicketError> {
        Ok(fs::rename(&taken.file, &taken.open)?)
    }

    /// Writes down what an organisation was granted, and uses up its ticket.
    pub(super) fn settle(
        &self,
        org: OrgId,
        granted: &Granted,
        taken: Option<&Taken>,
    ) -> Result<(), TicketError> {
        let json = serde_json::to_vec(granted).map_err(io::Error::from)?;
        replace(&self.used(org), &json)?;
        if let Some(taken) = taken {
            fs::remove_file(&taken.file)?;
        }
        Ok(())
    }

    /// What an organisation was granted.
    ///
    /// # Errors
    /// When the file is damaged or the system refuses.
    pub(super) fn granted(&self, org: OrgId) -> Result<Option<Granted>, TicketError> {
        match read(&self.used(org)) {
            Ok(granted) => Ok(Some(granted)),
            Err(TicketError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Space and time of founding of an organisation, for lists.
    ///
    /// # Errors
    /// When the file is damaged or the system refuses.
    pub fn quota_of(&self, org: OrgId) -> Result<Option<(u64, i64)>, TicketError> {
        let granted = self.granted(org)?;
        Ok(granted.map(|granted| (granted.quota_mb, granted.founded)))
    }

    /// After a crash: tickets of foundings that came to an end are used up, others are given back,
    /// expired ones are removed.
    pub(super) fn tidy(
        &self,
        now: Timestamp,
        is_founded: impl Fn(OrgId) -> bool,
    ) -> Result<(), TicketError> {
        for file in self.files("taken")? {
            let stem = file.with_extension("");
            let org = stem.extension().and_then(|org| org.to_str()?.parse().ok());
            let open = stem.with_extension("ticket");
            match org {
                Some(org) if is_founded(org) => {
                    let ticket: Ticket = read(&file)?;
                    let granted = Granted {
                        quota_mb: ticket.quota_mb,
                        founded: now.as_second(),
                        ticket: Self::hash_of(&stem),
                    };
                    if self.granted(org)?.is_none() {
                        replace(
                            &self.used(org),
                            &serde_json::to_vec(&granted).map_err(io::Error::from)?,
                        )?;
                    }
                    fs::remove_file(&file)?;
                }
                Some(_) | None => fs::rename(&file, &open)?,
            }
        }
        for file in self.files("ticket")? {
            let expired = read::<Ticket>(&file).is_ok_and(|t| t.expires <= now.as_second());
            if expired {
                fs::remove_file(&file)?;
            }
        }
        Ok(())
    }

    fn files(&self, extension: &str) -> Result<Vec<PathBuf>, TicketError> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let path = file?.path();
            if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
        Ok(files)
    }

    /// Whether this is the ticket that was used here last.
    pub(super) fn is_last(&self, org: OrgId, text: &str) -> Result<bool, TicketError> {
        let last = self.granted(org)?.and_then(|granted| granted.ticket);
        Ok(last.is_some() && last == Self::hash_of(&self.file(text.trim())))
    }

    /// The hash that a ticket's file is named by.
    pub(super) fn hash_of(file: &Path) -> Option<String> {
        Some(file.file_stem()?.to_str()?.to_owned())
    }

    fn file(&self, text: &str) -> PathBuf {
        let hash = blake3::derive_key("daybook 2026 relay founding ticket v1", text.as_bytes());
        self.path.join(format!("{}.ticket", Hash::from_bytes(hash)))
    }

    fn used(&self, org: OrgId) -> PathBuf {
        self.path.join("used").join(format!("{org}.json"))
    }
}

fn read<T: for<'a> Deserialize<'a>>(file: &Path) -> Result<T, TicketError> {
    let json = fs::read(file)?;
    serde_json::from_slice(&json).map_err(|_| TicketError::Damaged(file.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId::from_bytes([5; 16]);

    fn tickets() -> (tempfile::TempDir, Tickets) {
        let place = tempfile::tempdir().unwrap();
        let tickets = Tickets::open(place.path()).unwrap();
        (place, tickets)
    }

    fn ticket() -> Ticket {
        Ticket {
            quota_mb: 5,
            made: 0,
            expires: 1000,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_ticket_is_used_once_and_stored_nowhere() {
        let (place, tickets) = tickets();
        let text = tickets.make(ticket()).unwrap();
        for file in fs::read_dir(place.path()).unwrap() {
            let file = file.unwrap().path();
            assert!(
                !file
                    .display()
                    .to_string()
                    .contains(text.trim_start_matches("ticket-"))
            );
            if file.is_file() {
                assert!(
                    !fs::read_to_string(file)
                        .unwrap()
                        .contains(text.trim_start_matches("ticket-"))
                );
            }
        }
        assert!(matches!(
            tickets.take("ticket-00", ORG, at(1)),
            Err(TicketError::Unknown)
        ));
        assert!(matches!(
            tickets.take(&text, ORG, at(1000)),
            Err(TicketError::Expired)
        ));
        let taken = tickets.take(&text, ORG, at(999)).unwrap();
        assert_eq!(taken.ticket, ticket());
        assert!(matches!(
            tickets.take(&text, ORG, at(1)),
            Err(TicketError::Unknown)
        ));
        let granted = Granted {
            quota_mb: 5,
            founded: 3,
            ticket: Tickets::hash_of(&taken.open),
        };
        tickets.settle(ORG, &granted, Some(&taken)).unwrap();
        assert_eq!(tickets.granted(ORG).unwrap(), Some(granted));
        assert!(tickets.is_last(ORG, &text).unwrap());
        assert!(!tickets.is_last(ORG, "ticket-00").unwrap());
        assert!(tickets.waiting().unwrap().is_empty());
    }

    #[test]
    fn a_crash_while_founding_gives_the_ticket_back_or_uses_it_up() {
        let (_place, tickets) = tickets();
        let text = tickets.make(ticket()).unwrap();
        tickets.take(&text, ORG, at(1)).unwrap();
        tickets.tidy(at(2), |_| false).unwrap();
        tickets.take(&text, ORG, at(2)).unwrap();
        tickets.tidy(at(3), |org| org == ORG).unwrap();
        assert_eq!(tickets.granted(ORG).unwrap().unwrap().quota_mb, 5);
        assert!(matches!(
            tickets.take(&text, ORG, at(4)),
            Err(TicketError::Unknown)
        ));
        tickets.make(ticket()).unwrap();
        tickets.tidy(at(5000), |_| true).unwrap();
        assert!(tickets.waiting().unwrap().is_empty());
    }
}
