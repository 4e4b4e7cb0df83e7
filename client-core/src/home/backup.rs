//! Encrypted copies of a home, by hand and on a timetable, and the way back.
//!
//! What always holds:
//!
//! * A file under a backup's name is whole: it is written beside it, read back, and then renamed.
//! * Only files that this home made are ever removed: its key alone opens them. On a timetable
//!   none of them is kept longer than 30 days, so that what was erased is gone from backups too.
//! * A folder that is not there, such as a stick that was pulled, is waited for and never made anew.
//!
//! A restored home is a copied device: other devices notice when both go on writing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    BACKUP_AT, DRILLED_AT, Desk, Home,
    archive::{damaged, is_ours, pack, promised, promising, sealed, split, unpack, unseal},
    locked,
    manifest::Manifest,
    moment, random, storage, store,
};
use crate::{
    catalogue::{
        Answer, BackupContent, BackupPlan, BackupReport, CareView, ErrorCode, HomeReply, Query,
        Refusal,
    },
    ledger::{Arrival, Ledger},
    replica::{Replica, new_incarnation},
    sealing::{KeyFile, Unlocked},
    store::LocalStore as _,
};

/// Where a restored log waits for the keys.
const WAITING: &str = "restored";
const PLAN: &[u8] = b"backup plan";
const WAITS: &[u8] = b"backup waits";
/// No backup of a timetable stays longer: what was erased must be gone by then.
const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// After so long without a backup, and without a relay, what is here is the only copy.
const ALONE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The recovery words are to be tried so often.
const DRILL: SignedDuration = SignedDuration::from_hours(180 * 24);
const NAME: &str = "daybook-%Y%m%d-%H%M%S";
const ENDING: &str = ".backup";

impl Home {
    pub(super) fn back_up(&self, folder: &Path) -> Result<HomeReply, Refusal> {
        fs::create_dir_all(folder).map_err(|error| storage(&error))?;
        self.write_backup(folder)
    }

    fn write_backup(&self, folder: &Path) -> Result<HomeReply, Refusal> {
        let (key_file, log, local) = {
            let held = self.shared.lock();
            let desk = held.as_ref().ok_or_else(|| self.closed())?;
            let key_file = fs::read(self.folder.keys()).map_err(|error| storage(&error))?;
            // The lock is held: nobody writes into the log meanwhile.
            let log = pack(&self.folder.log()).map_err(|error| storage(&error))?;
            let log = promising(&Manifest::of(desk.replica.ledger()).encode(), &log);
            (key_file, log, desk.keys.secrets.local.clone())
        };
        let bytes = sealed(&mut random()?, &local, &key_file, &log)
            .map_err(|error| super::keys::slot(&error.into()))?;
        let now = self.now();
        let file = folder.join(format!("{}{ENDING}", now.strftime(NAME)));
        let fresh = file.with_extension("part");
        let written = self
            .folder
            .write(&fresh, &bytes)
            .and_then(|()| fs::read(&fresh));
        // Read back from the disk: a backup that cannot be opened is none.
        let good = written.map_err(|error| storage(&error)).and_then(|read| {
            let (_, parts) = split(&read)?;
            if unseal(&parts, &local)? == log {
                fs::rename(&fresh, &file).map_err(|error| storage(&error))
            } else {
                Err(damaged())
            }
        });
        if let Err(refusal) = good {
            // What is left of it is no backup; where it cannot be removed it is not called one.
            let _ = fs::remove_file(&fresh);
            return Err(refusal);
        }
        let seconds = now.as_second().to_be_bytes();
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(locked)?;
        desk.settings
            .put(&[(BACKUP_AT, Some(&seconds)), (WAITS, None)])
            .map_err(|error| store(&error))?;
        drop(held);
        self.shared.tell(vec![super::all_changed()]);
        Ok(HomeReply::BackedUp {
            file: file.display().to_string(),
            bytes: bytes.len() as u64,
        })
    }

    // ---- on a timetable --------------------------------------------------------------------

    pub(super) fn plan_backup(
        &self,
        folder: &str,
        hours: u32,
        keep: u32,
    ) -> Result<HomeReply, Refusal> {
        if !(1..=24 * 7).contains(&hours) {
            return Err(invalid(
                "hours",
                "A backup is written every 1 to 168 hours.",
            ));
        }
        if !(1..=100).contains(&keep) {
            return Err(invalid("keep", "From 1 to 100 backups are kept."));
        }
        let written = self.back_up(Path::new(folder))?;
        let plan = BackupPlan {
            // Found again wherever the program is started.
            folder: fs::canonicalize(folder)
                .map_err(|error| storage(&error))?
                .display()
                .to_string(),
            hours,
            keep,
        };
        let bytes = serde_json::to_vec(&plan).map_err(|_| damaged())?;
        {
            let mut held = self.shared.lock();
            let desk = held.as_mut().ok_or_else(locked)?;
            desk.settings
                .put(&[(PLAN, Some(&bytes))])
                .map_err(|error| store(&error))?;
        }
        self.prune(&plan);
        Ok(written)
    }

    pub(super) fn stop_backup(&self) -> Result<HomeReply, Refusal> {
        let mut held = self.shared.lock();
        let desk = held.as_mut().ok_or_else(|| self.closed())?;
        desk.settings
            .put(&[(PLAN, None), (WAITS, None)])
            .map_err(|error| store(&error))?;
        drop(held);
        Ok(HomeReply::Status(self.status()))
    }

    /// Does what is due by the clock: the backup of the timetable. Call it every minute or so. What
    /// fails is shown in the state and tried again.
    pub fn tend(&self) {
        let plan = {
            let mut held = self.shared.lock();
            let Some(desk) = held.as_mut() else { return };
            super::lease::note(desk, self.now());
            let Some(plan) = plan_of(desk) else { return };
            let hours = SignedDuration::from_hours(i64::from(plan.hours));
            let last = moment(&desk.settings, BACKUP_AT);
            // A clock that was set back makes the last one lie ahead: it counts as due.
            let rests = last.is_some_and(|last| {
                let since = self.now().duration_since(last);
                !since.is_negative() && since < hours
            });
            if rests {
                return;
            }
            plan
        };
        let folder = Path::new(&plan.folder);
        let done = if folder.is_dir() {
            self.write_backup(folder).map(drop)
        } else {
            Err(Refusal::new(
                ErrorCode::NotFound,
                "The folder for backups is not there.",
                "Plug the stick in; the backup is then written by itself.",
            ))
        };
        match done {
            Ok(()) => self.prune(&plan),
            Err(refusal) => {
                let mut held = self.shared.lock();
                let Some(desk) = held.as_mut() else { return };
                let before = desk.settings.get(WAITS).ok().flatten();
                if before.as_deref() != Some(refusal.message.as_bytes()) {
                    // Where not even this can be written, the age of the last backup tells.
                    let text = refusal.message.as_bytes();
                    let _ = desk.settings.put(&[(WAITS, Some(text))]);
                    drop(held);
                    self.shared.tell(vec![super::all_changed()]);
                }
            }
        }
    }

    /// Removes what the timetable does not keep. What cannot be removed is tried after the next one.
    fn prune(&self, plan: &BackupPlan) {
        let local = match &*self.shared.lock() {
            Some(desk) => desk.keys.secrets.local.clone(),
            None => return,
        };
        let Ok(files) = fs::read_dir(&plan.folder) else {
            return;
        };
        let mut known: Vec<(Timestamp, PathBuf)> = files
            .flatten()
            .filter_map(|file| Some((made(&file.path())?, file.path())))
            .collect();
        known.sort();
        let now = self.now();
        let (mut kept, keep) = (0, usize::try_from(plan.keep).unwrap_or(usize::MAX));
        for (at, file) in known.into_iter().rev() {
            let old = now.duration_since(at) > LONGEST;
            if !old && kept < keep {
                kept += 1;
                continue;
            }
            let ours = fs::read(&file)
                .ok()
                .and_then(|bytes| split(&bytes).ok())
                .is_some_and(|(_, parts)| is_ours(&parts, &local));
            if ours {
                let _ = fs::remove_file(&file);
            }
        }
    }

    /// How this home is cared for.
    pub(super) fn care_of(&self, desk: &Desk) -> CareView {
        let now = self.now();
        let age = |at: Timestamp| now.duration_since(at);
        let drilled_at = moment(&desk.settings, DRILLED_AT);
        let backup_at = moment(&desk.settings, BACKUP_AT);
        let ledger = desk.replica.ledger();
        let elsewhere = ledger.place_of(&ledger.governance().genesis()).is_some();
        let waits = desk.settings.get(WAITS).ok().flatten();
        CareView {
            drilled_at,
            // The words are the owners': nobody else is asked for them.
            drill_due: desk.replica.may_set_relay() && drilled_at.is_none_or(|at| age(at) > DRILL),
            only_copy: !elsewhere && backup_at.is_none_or(|at| age(at) > ALONE),
            plan: plan_of(desk),
            backup_waits: waits.and_then(|text| String::from_utf8(text).ok()),
            lease: super::lease::view_of(desk, now),
        }
    }

    // ---- the way back ----------------------------------------------------------------------

    /// Reads a whole backup. With the keys of this home, or a passphrase, also what it holds.
    pub(super) fn verify_backup(
        &self,
        file: &Path,
        passphrase: Option<&str>,
    ) -> Result<HomeReply, Refusal> {
        let bytes = read(file)?;
        let (keys, parts) = split(&bytes)?;
        let key_file = KeyFile::decode(&keys).map_err(|error| super::keys::slot(&error))?;
        let own = self
            .shared
            .lock()
            .as_ref()
            .map(|desk| desk.keys.secrets.clone());
        let own = own.filter(|secrets| is_ours(&parts, &secrets.local));
        let mut random = random()?;
        let key_file = match passphrase {
            Some(_) => self.with_keystore(key_file)?,
            None => key_file,
        };
        let secrets = match (own, passphrase) {
            (Some(secrets), None) => Some(secrets),
            (_, Some(text)) => Some(
                key_file
                    .open_with_passphrase(text)
                    .map_err(|error| super::keys::slot(&error))?
                    .secrets
                    .clone(),
            ),
            (None, None) => None,
        };
        let holds = match secrets {
            None => None,
            Some(secrets) => {
                let log = unseal(&parts, &secrets.local)?;
                let promise = promised(&log).map(Manifest::decode).transpose()?;
                let place = self.folder.path().join("verified");
                clear(&place)?;
                let checked = unpack(&log, &place).and_then(|()| {
                    let log = entry_log::DirStorage::open(&place).map_err(|e| storage(&e))?;
                    let (ledger, _) = Ledger::open(log, new_incarnation(&mut random))?;
                    if let Some(promise) = &promise {
                        promise.kept_by(&Manifest::of(&ledger))?;
                    }
                    let opened = Replica::of_ledger(ledger, &secrets, &mut random, self.now())?;
                    content(opened, promise.is_some(), self.now())
                });
                clear(&place)?;
                Some(checked?)
            }
        };
        Ok(HomeReply::Backup(BackupReport {
            file: file.display().to_string(),
            bytes: bytes.len() as u64,
            organisation: key_file.org().to_string(),
            made: made(file),
            holds,
        }))
    }

    pub(super) fn restore(&self, file: &Path) -> Result<HomeReply, Refusal> {
        self.must_be_empty()?;
        let bytes = read(file)?;
        let (keys, _) = split(&bytes)?;
        KeyFile::decode(&keys).map_err(|error| super::keys::slot(&error))?;
        // The log is opened with the keys, at the first unlocking.
        let waiting = self.folder.path().join(WAITING);
        self.folder
            .write(&waiting, &bytes)
            .map_err(|error| storage(&error))?;
        self.folder
            .write(&self.folder.keys(), &keys)
            .map_err(|error| storage(&error))?;
        Ok(HomeReply::Status(self.status()))
    }

    /// Puts a restored log into its place, once there are keys to open it.
    pub(super) fn unpack_restored(&self, keys: &Unlocked) -> Result<(), Refusal> {
        let waiting = self.folder.path().join(WAITING);
        if !waiting.exists() {
            return Ok(());
        }
        let bytes = fs::read(&waiting).map_err(|error| storage(&error))?;
        let (_, sealed) = split(&bytes)?;
        let log = unseal(&sealed, &keys.secrets.local)?;
        let fresh = self.folder.path().join("log.new");
        clear(&fresh)?;
        unpack(&log, &fresh)?;
        let place = self.folder.log();
        clear(&place)?;
        fs::rename(&fresh, &place).map_err(|error| storage(&error))?;
        fs::remove_file(&waiting).map_err(|error| storage(&error))
    }
}

/// What a log holds, with the signatures of all of it checked.
fn content(
    mut replica: Replica<entry_log::DirStorage>,
    promised: bool,
    now: Timestamp,
) -> Result<BackupContent, Refusal> {
    let (mut acts, mut entries, mut bad) = (0, 0, 0);
    replica.ledger.replay(&mut |arrival| {
        match arrival {
            Arrival::Act(_) => acts += 1,
            Arrival::Entry { .. } => entries += 1,
            Arrival::Withheld { .. } => bad += 1,
            Arrival::Placed { .. } | Arrival::Confirmation { .. } => {}
        }
        Ok(())
    })?;
    // A device keeps what it does not apply, to show it around. Without a promise of how much there
    // was, more of it than of the rest is no backup.
    if !promised && bad > entries {
        return Err(damaged());
    }
    let practice = match replica.query(now, Query::Practice)? {
        Answer::Practice(practice) => practice.name,
        _ => String::new(),
    };
    let (confirmed, tentative, _) = replica.book.counts();
    Ok(BackupContent {
        practice,
        acts,
        entries,
        visits: confirmed + tentative,
    })
}

fn plan_of(desk: &Desk) -> Option<BackupPlan> {
    serde_json::from_slice(&desk.settings.get(PLAN).ok()??).ok()
}

fn read(file: &Path) -> Result<Vec<u8>, Refusal> {
    fs::read(file).map_err(|_| {
        Refusal::new(
            ErrorCode::NotFound,
            "The backup file cannot be read.",
            "Check its name, and that the stick is in.",
        )
        .at("file")
    })
}

fn clear(folder: &Path) -> Result<(), Refusal> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| storage(&error))?;
    }
    Ok(())
}

/// When a file that is named as backups are was made.
fn made(file: &Path) -> Option<Timestamp> {
    let name = file.file_name()?.to_str()?.strip_suffix(ENDING)?;
    let at = DateTime::strptime(NAME, name).ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn invalid(field: &str, message: &str) -> Refusal {
    let help = "Once a day, with the last seven kept, suits most practices.";
    Refusal::new(ErrorCode::InvalidInput, message, help).at(field)
}

/// The key file and the sealed parts of a backup; none when it is no backup, damaged or newer.
pub fn backup_parts(bytes: &[u8]) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    split(bytes).ok()
}
