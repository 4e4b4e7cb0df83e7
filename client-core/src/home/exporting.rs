//! Hands over what is kept about one client: a new folder with files that anybody can read.
//!
//! That clinical notes go out is written down before they do. The folder gets its name when all of
//! it is on the disk, so that what carries the name is whole.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{Desk, Home, audit, storage};
use crate::{
    catalogue::{
        Answer, AuditChange, AuditQuery, CardsView, ClientId, HomeReply, Query, Refusal, StaffRole,
    },
    documents::Opening,
    export::{Dossier, Sources},
    replica::{internal, invalid, not_found},
};

const PAGE: u32 = 200;

impl Home {
    pub(super) fn export_client(&self, client: &str, folder: &Path) -> Result<HomeReply, Refusal> {
        let client: ClientId = client.parse().map_err(|_| not_found("client", "client"))?;
        let target = vacant(folder, client)?;
        let mut held = self.shared.lock();
        self.heal(&mut held)?;
        let desk = held.as_mut().ok_or_else(|| self.closed())?;
        let now = self.now();
        let Answer::Cards(cards) = desk.replica.query(now, Query::Cards { client })? else {
            return Err(internal("the cards answered something else"));
        };
        let sources = gather(desk, now, client, cards);
        let noted = sources.and_then(|sources| {
            let wrote = desk.replica.note_opened(
                now,
                &mut desk.random,
                &sources.cards,
                Opening::Exported,
            )?;
            Ok((wrote, sources))
        });
        let events = desk.replica.take_events();
        // The export is part of the history that it carries.
        let history = noted.and_then(|(wrote, mut sources)| {
            history(desk, now, &mut sources)?;
            Ok((wrote, sources))
        });
        drop(held);
        self.shared.tell(events);
        let (wrote, sources) = history?;
        if wrote {
            self.wrote();
        }
        let files = Dossier::new(now, sources).files();
        let files = files.map_err(|error| internal(error.to_string()))?;
        let written = self.hand_over(&target, &files);
        written.map_err(|error| storage(&error))?;
        Ok(HomeReply::Exported {
            folder: target.display().to_string(),
            files: files.into_iter().map(|(name, _)| name.to_owned()).collect(),
        })
    }

    fn hand_over(&self, target: &Path, files: &[(&'static str, Vec<u8>)]) -> io::Result<()> {
        let fresh = target.with_extension("part");
        if fresh.exists() {
            // Of an export that a power cut ended.
            fs::remove_dir_all(&fresh)?;
        }
        let written = private_folder(&fresh).and_then(|()| {
            for (name, bytes) in files {
                self.folder.write(&fresh.join(name), bytes)?;
            }
            fs::rename(&fresh, target)
        });
        if written.is_err() {
            // Half of an answer is none, and a full disk is not kept full.
            let _ = fs::remove_dir_all(&fresh);
        }
        written
    }
}

/// Where the export goes; nothing is there yet.
fn vacant(folder: &Path, client: ClientId) -> Result<PathBuf, Refusal> {
    if !folder.is_dir() {
        return Err(invalid(
            "folder",
            "The folder does not exist.",
            "Choose a folder that is there; a new one for the client is made in it.",
        ));
    }
    let target = folder.join(client.to_string());
    if target.symlink_metadata().is_ok() {
        return Err(invalid(
            "folder",
            "There is an export of this client in that folder already.",
            "Choose another folder, or put the old export away; nothing is written over.",
        ));
    }
    Ok(target)
}

fn gather(
    desk: &mut Desk,
    now: Timestamp,
    client: ClientId,
    cards: CardsView,
) -> Result<Sources, Refusal> {
    let Answer::Client(view) = desk.replica.query(now, Query::Client { client })? else {
        return Err(internal("the client answered something else"));
    };
    let book = desk.replica.book_mut();
    let visits = book.visits_of(client);
    let visits = visits
        .into_iter()
        .filter_map(|visit| book.visit_details(visit))
        .collect();
    Ok(Sources {
        practice: book.practice_view(StaffRole::Receptionist),
        client: view,
        visits,
        cards,
        history: Vec::new(),
        waiting: 0,
    })
}

/// Reads the client's history to its end; what the same command did to others is not told.
fn history(desk: &mut Desk, now: Timestamp, sources: &mut Sources) -> Result<(), Refusal> {
    let client = &sources.client.client;
    let mut own: BTreeSet<String> = BTreeSet::from([client.id.to_string()]);
    own.extend(client.pets.iter().map(|pet| pet.id.to_string()));
    own.extend(sources.visits.iter().map(|one| one.visit.id.to_string()));
    let mut query = AuditQuery {
        of: Some(client.id.to_string()),
        limit: Some(PAGE),
        ..AuditQuery::default()
    };
    loop {
        let Answer::Audit(mut page) = desk.replica.query(now, Query::Audit(query.clone()))? else {
            return Err(internal("the audit answered something else"));
        };
        audit::name_people(desk, &mut page);
        for mut row in page.rows {
            let ours = |change: &AuditChange| change.of.as_ref().is_none_or(|of| own.contains(of));
            row.what.retain(ours);
            if !row.what.is_empty() {
                sources.history.push(row);
            }
        }
        sources.waiting = page.waiting;
        if page.next.is_none() {
            return Ok(());
        }
        query.before = page.next;
    }
}

#[cfg(unix)]
fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}
