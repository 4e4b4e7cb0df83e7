//! Checking all logs of a data folder while no relay runs on it.

use entry_log::{DirStorage, Log, Options, Recovery};
use sync_protocol::OrgId;

use super::{
    actor::chain_of,
    folder::{Folder, FolderError},
};
use crate::core::{Limits, Organisation};

/// What was found about one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whose log.
    pub org: OrgId,
    /// Records that are right.
    pub intact: u64,
    /// How many of them have no body any more.
    pub purged: u64,
    /// Everything that is wrong, in words; nothing when the log is whole.
    pub wrong: Vec<String>,
}

/// Reads every record of every log and checks it, and that the whole can be served.
///
/// # Errors
/// When a relay runs on the folder, or the system refuses.
pub fn check(folder: &Folder) -> Result<Vec<Finding>, FolderError> {
    let _lock = folder.lock()?;
    let key = folder.key()?;
    let mut findings = Vec::new();
    for org in folder.organisations()? {
        let mut finding = Finding {
            org,
            intact: 0,
            purged: 0,
            wrong: Vec::new(),
        };
        match read(folder, &mut finding) {
            Ok(true) => {
                let storage = DirStorage::open(folder.log(org));
                let served = storage
                    .map_err(|error| error.to_string())
                    .and_then(|storage| {
                        Organisation::open(storage, key.clone(), Some(org), Limits::default())
                            .map_err(|error| chain_of(&error))
                    });
                finding.wrong.extend(served.err());
            }
            Ok(false) => {}
            Err(error) => finding.wrong.push(error),
        }
        findings.push(finding);
    }
    Ok(findings)
}

/// Whether it is worth trying to serve it.
fn read(folder: &Folder, finding: &mut Finding) -> Result<bool, String> {
    let storage = DirStorage::open(folder.log(finding.org)).map_err(|error| error.to_string())?;
    let (log, recovery) =
        Log::open(storage, Options::default()).map_err(|error| chain_of(&error))?;
    if let Recovery::Damaged(damage) = &recovery {
        finding.wrong.push(damage.to_string());
    }
    let report = log.verify().map_err(|error| chain_of(&error))?;
    finding.intact = report.intact;
    finding.purged = report.purged;
    for damage in &report.damage {
        let damage = damage.to_string();
        if !finding.wrong.contains(&damage) {
            finding.wrong.push(damage);
        }
    }
    Ok(finding.wrong.is_empty() && !log.is_empty())
}
