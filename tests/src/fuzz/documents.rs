//! Bodies of entries, and the changes in them on their way into documents.

use client_core::documents::{
    AccessDoc, CardDoc, PracticeDoc, PrivateBody, RecordDoc, Subject, Target, VisitsWeek,
};
use conflict_rules::LocationId;
use schedule::{
    CheckedChange, Grid, GridBody, IsoWeek, ScheduleBody, Schema, Week, WeekKey, safety,
};
use sha2::{Digest as _, Sha256};
use sync_protocol::OrgId;

const ORG: OrgId = OrgId::from_bytes([7; 16]);

fn checked(changes: &[Vec<u8>], schema: Schema) -> Vec<CheckedChange> {
    changes
        .iter()
        .filter_map(|change| safety::check(change, schema).ok())
        .collect()
}

pub(super) fn private_body(data: &[u8]) {
    let Ok(body) = PrivateBody::decode(data) else {
        return;
    };
    assert_eq!(body.encode().as_deref(), Ok(data));
    let changes = checked(&body.changes, Schema::Private);
    match body.target {
        Target::Practice => {
            let mut doc = PracticeDoc::genesis(ORG).unwrap();
            let _ = doc.receive(&changes);
            let _ = doc.practice();
        }
        Target::Visits(week) => {
            let mut doc = VisitsWeek::genesis(week).unwrap();
            let _ = doc.receive(&changes);
            let _ = (doc.all_details(), doc.reasons());
        }
        Target::Client(client) => record(Subject::Client(client), &changes),
        Target::Pet(pet) => record(Subject::Pet(pet), &changes),
        Target::Card(card) => {
            let mut doc = CardDoc::genesis(card).unwrap();
            let _ = doc.receive(&changes);
            let _ = doc.notes();
        }
        Target::Access(subject) => {
            let mut doc = AccessDoc::genesis(subject).unwrap();
            let _ = doc.receive(&changes);
            let _ = doc.all();
        }
    }
}

fn record(subject: Subject, changes: &[CheckedChange]) {
    let mut doc = RecordDoc::genesis(subject).unwrap();
    let _ = doc.receive(changes);
    let _ = (doc.client(), doc.pet(), doc.conflicts());
}

pub(super) fn schedule_body(data: &[u8]) {
    if let Ok(body) = ScheduleBody::decode(data) {
        assert_eq!(body.encode().as_deref(), Ok(data));
        let changes = checked(&body.changes, Schema::Schedule);
        let mut week = Week::genesis(body.week, &body.zone).unwrap();
        receive_week(&mut week, &changes);
    }
    if let Ok(body) = GridBody::decode(data) {
        assert_eq!(body.encode().as_deref(), Ok(data));
        let mut grid = Grid::genesis(*ORG.as_bytes()).unwrap();
        let _ = grid.receive(&checked(&body.changes, Schema::Grid));
        let _ = (grid.capacities(), grid.zones());
    }
}

fn receive_week(week: &mut Week, changes: &[CheckedChange]) {
    let before = (week.heads(), week.claims());
    if week.receive(changes).is_err() {
        assert_eq!((week.heads(), week.claims()), before, "half received");
        return;
    }
    let loaded = Week::load(&week.save()).unwrap();
    assert_eq!(loaded.heads(), week.heads());
    assert_eq!(loaded.claims(), week.claims());
    let _ = (week.decisions(), week.pointers(), week.violations());
}

/// The bytes of one change, given its right checksum.
pub(super) fn change(data: &[u8]) {
    let mut bytes = data.to_vec();
    if let Some((head, content)) = bytes.split_at_mut_checked(8) {
        head[..4].copy_from_slice(&[0x85, 0x6f, 0x4a, 0x83]);
        head[4..].copy_from_slice(&Sha256::digest(content)[..4]);
    }
    for schema in [Schema::Schedule, Schema::Grid, Schema::Private] {
        let Ok(one) = safety::check(&bytes, schema) else {
            continue;
        };
        assert_eq!(one.bytes(), bytes);
        let one = [one];
        match schema {
            Schema::Schedule => {
                let key = WeekKey {
                    location: LocationId::from_bytes([1; 16]),
                    week: IsoWeek::new(2026, 10).unwrap(),
                };
                receive_week(&mut Week::genesis(key, "Europe/Paris").unwrap(), &one);
            }
            Schema::Grid => {
                let mut grid = Grid::genesis(*ORG.as_bytes()).unwrap();
                let _ = grid.receive(&one);
                let _ = (grid.capacities(), grid.zones());
            }
            Schema::Private => {
                let mut doc = PracticeDoc::genesis(ORG).unwrap();
                let _ = doc.receive(&one);
                let _ = doc.practice();
            }
        }
    }
}
