//! Faults built in on purpose: a check that cannot find them proves nothing.
//!
//! Those of the relay's core are switched on in `sync_server::core::Planted`; those of the machines
//! are here. `tests/planted.rs` lists each with a seed that catches it.

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
    pub(crate) fn plant(&mut self, machine: Machine) {
        match machine {
            Machine::DeskNeverSyncs => {
                for desk in &self.desks {
                    desk.platter.lie();
                }
            }
            Machine::RelayNeverSyncs => self.relay.platter.lie(),
        }
    }
}

/// All of them, by name.
pub fn all() -> Vec<(&'static str, Faults)> {
    let relay = |plant: fn(&mut Planted)| {
        let mut relay = Planted::default();
        plant(&mut relay);
        Faults {
            relay,
            machine: None,
        }
    };
    let machine = |machine| Faults {
        relay: Planted::default(),
        machine: Some(machine),
    };
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
    ]
}
