//! All organisations of a relay, and the founding of new ones.

use std::{
    collections::HashMap,
    fs, io,
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc},
};

use entry_log::DirStorage;
use sync_protocol::{ErrorCode, OrgId, SignedAct};

use super::{
    actor::{Handle, Shared, State},
    folder::sync_folder,
    metrics::Alarm,
    settings::OrgSettings,
    tickets::{Granted, Taken, TicketError, Tickets},
};
use crate::core::{Limits, OpenError, Organisation, Turned};

const MB: u64 = 1 << 20;
/// Where anybody may found, acts may be brought without a ticket for so long afterwards.
const FRESH: i64 = 10 * 60;

/// Who may found, and with how much space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Founding {
    /// Anybody may, without a ticket.
    pub(super) open: bool,
    /// Space for those without a ticket; 0 means no limit.
    pub(super) quota_mb: u64,
    /// Most organisations here.
    pub(super) at_most: usize,
}

/// The organisations.
#[derive(Debug)]
pub(super) struct Hub {
    shared: Arc<Shared>,
    tickets: Tickets,
    founding: Founding,
    one_at_a_time: Mutex<()>,
    organisations: RwLock<HashMap<OrgId, Arc<Handle>>>,
}

/// Why no organisation can be served.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] super::folder::FolderError),
    /// The tickets.
    #[error(transparent)]
    Tickets(#[from] TicketError),
    /// No thread.
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
}

const fn turned(code: ErrorCode, detail: &'static str) -> Turned {
    Turned { code, detail }
}

impl Hub {
    /// Opens all organisations, each in its thread, and waits until it is clear which can be served.
    pub(super) fn open(shared: Arc<Shared>, founding: Founding) -> Result<Self, HubError> {
        let tickets = Tickets::open(&shared.folder.tickets())?;
        let hub = Self {
            shared,
            tickets,
            founding,
            one_at_a_time: Mutex::default(),
            organisations: RwLock::default(),
        };
        if hub.shared.settings.was_renewed() {
            tracing::error!("the settings were damaged and are rebuilt");
            hub.shared.metrics.alarm(Alarm::SettingsRenewed);
        }
        let folder = &hub.shared.folder;
        // A founding that was cut short left a folder without a single record.
        let founded = |org: OrgId| has_records(&folder.log(org));
        hub.tickets.tidy((hub.shared.clock)(), founded)?;
        let (ready, opened) = mpsc::channel();
        for org in folder.organisations()? {
            if founded(org) {
                let limits = hub.limits(org)?;
                let handle = Handle::start(hub.shared.clone(), org, limits, None, ready.clone())
                    .map_err(HubError::Thread)?;
                hub.enter(org, handle);
            }
        }
        drop(ready);
        // Ends when the last thread has dropped its side.
        while opened.recv().is_ok() {}
        Ok(hub)
    }

    fn limits(&self, org: OrgId) -> Result<Limits, HubError> {
        let stored = self
            .shared
            .settings
            .organisation(org)
            .unwrap_or_else(|error| {
                tracing::warn!(%org, %error, "the settings cannot be read");
                None
            });
        if let Some(settings) = stored {
            return Ok(limits(settings));
        }
        let granted = self.tickets.granted(org)?;
        let quota_mb = granted.map_or(self.founding.quota_mb, |granted| granted.quota_mb);
        let settings = quota(quota_mb);
        if let Err(error) = self.shared.settings.set_organisation(org, settings) {
            tracing::warn!(%org, %error, "the settings cannot be written");
        }
        Ok(limits(settings))
    }

    fn enter(&self, org: OrgId, handle: Arc<Handle>) {
        let mut organisations = self
            .organisations
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        organisations.insert(org, handle);
        self.shared.metrics.organisations.inc();
    }

    /// An organisation that is here.
    pub(super) fn get(&self, org: OrgId) -> Option<Arc<Handle>> {
        let organisations = self
            .organisations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        organisations.get(&org).cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<(OrgId, Arc<Handle>)> {
        let organisations = self
            .organisations
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let each = organisations.iter();
        each.map(|(org, handle)| (*org, handle.clone())).collect()
    }

    /// What is wrong with organisations, for whoever watches over the relay.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (org, handle) in self.all() {
            match handle.state() {
                State::Unusable(why) => complaints.push(format!("{org}: {why}")),
                State::Opening => complaints.push(format!("{org} is being opened")),
                State::Serving if handle.is_stuck() => {
                    complaints.push(format!("{org} does not answer"));
                }
                State::Serving | State::Stopped => {}
            }
        }
        complaints.sort();
        complaints
    }

    /// Founds an organisation; once more with the same genesis does no harm. Blocks on the disk.
    pub(super) fn found(&self, ticket: &str, act: SignedAct) -> Result<(), Turned> {
        let _one = self
            .one_at_a_time
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let org = act.value().org;
        if let Some(handle) = self.get(org) {
            let ours = handle
                .governance()
                .and_then(|governance| governance.hash_at(0));
            // The answer to an earlier try was lost on its way.
            return if ours == Some(act.hash()) {
                Ok(())
            } else {
                Err(turned(ErrorCode::AlreadyFounded, "founded already"))
            };
        }
        if !self.shared.disk.has_space() {
            let detail = "the relay's disk is nearly full";
            return Err(turned(ErrorCode::Quota, detail));
        }
        if self.all().len() >= self.founding.at_most {
            return Err(turned(ErrorCode::Closed, "this relay takes no more"));
        }
        let taken = self.take(ticket, org)?;
        let quota_mb = taken
            .as_ref()
            .map_or(self.founding.quota_mb, |taken| taken.ticket.quota_mb);
        let founded = self.lay(org, act, quota(quota_mb));
        if let Err(error) = founded {
            tracing::error!(%org, %error, "an organisation could not be founded");
            if let Some(taken) = &taken
                && let Err(error) = Tickets::give_back(taken)
            {
                tracing::error!(%org, %error, "a ticket could not be given back");
            }
            return Err(turned(ErrorCode::Internal, "the relay could not found it"));
        }
        let granted = Granted {
            quota_mb,
            founded: (self.shared.clock)().as_second(),
            ticket: taken
                .as_ref()
                .and_then(|taken| Tickets::hash_of(&taken.open)),
        };
        // It is founded; should this fail, the next start does it.
        if let Err(error) = self.tickets.settle(org, &granted, taken.as_ref()) {
            tracing::error!(%org, %error, "a ticket could not be used up");
        }
        tracing::info!(%org, quota_mb, "founded");
        Ok(())
    }

    /// Whether whoever shows a ticket may bring acts to an organisation that is here, as a device
    /// must that this relay lost: the ticket with which it was founded, or one that is still open
    /// and is used up now. Blocks on the disk.
    pub(super) fn may_bring(&self, org: OrgId, ticket: &str) -> Result<(), Turned> {
        let _one = self
            .one_at_a_time
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let unreadable = |error: TicketError| {
            tracing::error!(%org, %error, "a ticket cannot be read");
            turned(ErrorCode::Internal, "the ticket cannot be read")
        };
        if self.tickets.is_last(org, ticket).map_err(unreadable)? {
            return Ok(());
        }
        let before = self.tickets.granted(org).map_err(unreadable)?;
        if ticket.is_empty() {
            // Where anybody may found, whoever just did has nothing else to show.
            let now = (self.shared.clock)().as_second();
            let fresh = before.is_some_and(|granted| {
                granted.ticket.is_none() && now.saturating_sub(granted.founded) < FRESH
            });
            return if self.founding.open && fresh {
                Ok(())
            } else {
                Err(turned(ErrorCode::BadTicket, "bringing acts needs a ticket"))
            };
        }
        let Some(taken) = self.take(ticket, org)? else {
            return Err(turned(ErrorCode::BadTicket, "unknown or used"));
        };
        let granted = Granted {
            quota_mb: before.as_ref().map_or(0, |granted| granted.quota_mb),
            founded: before.as_ref().map_or(0, |granted| granted.founded),
            ticket: Tickets::hash_of(&taken.open),
        };
        self.tickets
            .settle(org, &granted, Some(&taken))
            .map_err(unreadable)
    }

    fn take(&self, ticket: &str, org: OrgId) -> Result<Option<Taken>, Turned> {
        if ticket.is_empty() {
            return if self.founding.open {
                Ok(None)
            } else {
                Err(turned(ErrorCode::Closed, "founding needs a ticket"))
            };
        }
        match self.tickets.take(ticket, org, (self.shared.clock)()) {
            Ok(taken) => Ok(Some(taken)),
            Err(TicketError::Unknown) => Err(turned(ErrorCode::BadTicket, "unknown or used")),
            Err(TicketError::Expired) => Err(turned(ErrorCode::BadTicket, "expired")),
            Err(error @ (TicketError::Damaged(_) | TicketError::Io(_))) => {
                tracing::error!(%error, "a ticket cannot be read");
                Err(turned(ErrorCode::Internal, "the ticket cannot be read"))
            }
        }
    }

    fn lay(&self, org: OrgId, act: SignedAct, settings: OrgSettings) -> Result<(), HubError> {
        let path = self.shared.folder.log(org);
        let io = |source| super::folder::FolderError::Io {
            path: path.clone(),
            source,
        };
        super::folder::private_folder(&path).map_err(io)?;
        for folder in path.ancestors().take(3) {
            sync_folder(folder).map_err(io)?;
        }
        let storage = DirStorage::open(&path).map_err(io)?;
        let key = self.shared.key.clone();
        let organisation = Organisation::found(storage, key, act, limits(settings))
            .map_err(|error: OpenError| io(io::Error::other(error)))?;
        if let Err(error) = self.shared.settings.set_organisation(org, settings) {
            tracing::warn!(%org, %error, "the settings cannot be written");
        }
        let (ready, opened) = mpsc::channel();
        let shared = self.shared.clone();
        let handle = Handle::start(shared, org, limits(settings), Some(organisation), ready)
            .map_err(HubError::Thread)?;
        while opened.recv().is_ok() {}
        self.enter(org, handle);
        Ok(())
    }

    /// Commits everything, closes all connections, ends all threads. Blocks.
    pub(super) fn stop(&self) {
        let all = self.all();
        for (_, handle) in &all {
            handle.stop();
        }
        for (_, handle) in &all {
            handle.join();
        }
    }
}

fn quota(quota_mb: u64) -> OrgSettings {
    OrgSettings {
        quota_bytes: quota_mb.saturating_mul(MB),
    }
}

fn limits(settings: OrgSettings) -> Limits {
    Limits {
        bytes: settings.quota_bytes,
        ..Limits::default()
    }
}

/// Whether a log holds anything: a founding that was cut short leaves nothing of worth.
fn has_records(log: &std::path::Path) -> bool {
    let Ok(files) = fs::read_dir(log) else {
        return false;
    };
    files
        .flatten()
        .any(|file| file.file_name() == "head" && file.metadata().is_ok_and(|file| file.len() > 0))
}
