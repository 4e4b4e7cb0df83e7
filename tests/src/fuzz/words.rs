//! What people type: settings of the relay, the command line, ids.

use std::collections::BTreeMap;

use clap::Parser as _;
use client_core::{
    catalogue::{Command, HomeRequest, Query},
    cli::args::Cli,
};
use conflict_rules::{AppointmentId, DecisionId, LocationId, PlacementHash, ResourceId};
use sync_protocol::{DeviceId, InviteId, OrgId, SeatId, VerifyKey};
use sync_server::shell::config::{Config, SETTINGS};

/// Lines `name value`, as flags.
pub(super) fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut flags = BTreeMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) {
            flags.insert(setting.name, value.to_owned());
        }
    }
    if let Ok(config) = Config::read(&flags, &|_| None, None) {
        let _ = config.host_names(config.listen);
    }
}

/// Words apart by zero bytes.
pub(super) fn command_line(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let words = std::iter::once("daybook").chain(text.split('\0'));
    let _ = Cli::try_parse_from(words);
    let _ = serde_json::from_str::<Command>(&text);
    let _ = serde_json::from_str::<Query>(&text);
    let _ = serde_json::from_str::<HomeRequest>(&text);
    id::<AppointmentId>(&text);
    id::<DecisionId>(&text);
    id::<LocationId>(&text);
    id::<ResourceId>(&text);
    id::<PlacementHash>(&text);
    id::<OrgId>(&text);
    id::<SeatId>(&text);
    id::<DeviceId>(&text);
    id::<InviteId>(&text);
    id::<VerifyKey>(&text);
}

/// What is read as an id is written the same way.
fn id<T: core::str::FromStr + core::fmt::Display>(text: &str) {
    if let Ok(id) = text.parse::<T>() {
        assert_eq!(id.to_string(), text);
    }
}
