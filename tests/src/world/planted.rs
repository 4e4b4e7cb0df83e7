//! Faults built in on purpose: a check that cannot find them proves nothing.
//!
//! Those of the relay's core are switched on in `sync_server::core::Planted`, those of a desk in
//! `client_core::planted`, those of the rules that both follow in `sync_protocol::planted`; those of
//! the machines are here. `tests/planted.rs` lists each with a seed that catches it.

use client_core::planted::PlantedDesk;
use sync_protocol::planted::PlantedRules;
use sync_server::core::Planted;

use super::{World, history::Faults};

/// A fault of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// A desk's disk says it has synced and has not: as if a desk showed "saved" before it is.
    DeskNeverSyncs,
    /// The relay's disk does.
    RelayNeverSyncs,
}

impl World {
    /// Switches on what is built in, of the machines and of the relay. A desk gets its own when it
    /// starts.
    pub(crate) fn plant(&mut self) {
        self.relay.planted = self.faults.relay;
        self.relay.rules = self.faults.relay_rules;
        match self.faults.machine {
            Some(Machine::DeskNeverSyncs) => {
                for desk in &self.desks {
                    desk.platter.lie();
                }
            }
            Some(Machine::RelayNeverSyncs) => self.relay.platter.lie(),
            None => {}
        }
    }
}

fn relay(plant: fn(&mut Planted)) -> Faults {
    let mut faults = Faults::default();
    plant(&mut faults.relay);
    faults
}

fn desk(plant: fn(&mut PlantedDesk)) -> Faults {
    let mut faults = Faults::default();
    plant(&mut faults.desk);
    faults
}

fn rules_of_relay(plant: fn(&mut PlantedRules)) -> Faults {
    let mut faults = Faults::default();
    plant(&mut faults.relay_rules);
    faults
}

fn machine(machine: Machine) -> Faults {
    Faults {
        machine: Some(machine),
        ..Faults::default()
    }
}

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Faults)> {
    vec![
        (
            "acknowledge before sync",
            relay(|p| p.ack_before_sync = true),
        ),
        ("skip verify", relay(|p| p.skip_verify = true)),
        ("drop a dependency", relay(|p| p.drop_dependency = true)),
        ("off-by-one slot", relay(|p| p.off_by_one_slot = true)),
        ("forget a refusal", relay(|p| p.forget_refusal = true)),
        ("no idempotence", relay(|p| p.no_idempotence = true)),
        (
            "grant without check",
            relay(|p| p.grant_without_check = true),
        ),
        ("keep a cancelled slot", relay(|p| p.keep_cancelled = true)),
        ("desk never syncs", machine(Machine::DeskNeverSyncs)),
        ("relay never syncs", machine(Machine::RelayNeverSyncs)),
        (
            "a removed device goes on reading",
            relay(|p| p.keep_removed = true),
        ),
        ("no pause after a loss", relay(|p| p.no_pause = true)),
        (
            "a code counts twice",
            rules_of_relay(|p| p.codes_count_twice = true),
        ),
        (
            "a code counts for ever",
            rules_of_relay(|p| p.codes_never_end = true),
        ),
        (
            "the role of now, not of then",
            desk(|p| p.rules.role_of_now = true),
        ),
        (
            "an old role at an old height",
            desk(|p| p.rules.role_of_then = true),
        ),
        (
            "acts count without a signature",
            desk(|p| p.rules.unsigned_acts = true),
        ),
        (
            "late work of who left counts",
            desk(|p| p.keep_late_work = true),
        ),
        (
            "a rotation forgets a role",
            desk(|p| p.rotation_forgets = true),
        ),
        ("keys from anybody", desk(|p| p.keys_from_anybody = true)),
        ("nobody compares heads", desk(|p| p.no_witness = true)),
        (
            "a purged body is served again",
            relay(|p| p.serve_purged = true),
        ),
        (
            "uploads before applying an erasure",
            desk(|p| p.uploads_first = true),
        ),
        (
            "an erasure's keys learned again",
            desk(|p| p.learns_erased = true),
        ),
    ]
}
