//! The relay's machine: the real core behind simulated lines.
//!
//! A line is ordered and reliable until it is cut, as TCP is. Effects reach lines only after a
//! commit; whatever was handled and not committed dies with the process.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use sync_protocol::{ErrorCode, Frame, SigningKey, VerifyKey, planted::PlantedRules};
use sync_server::core::{ConnId, Door, Effect, Input, Knock, Limits, Organisation, Planted};

use super::disk::{Disk, Platter};

/// The ticket that founds the practice of this world.
pub(crate) const TICKET: &str = "a-ticket";
/// The relay's address.
pub(crate) const ADDRESS: &str = "ws://relay.example:7100";

/// One connection as the network sees it.
#[derive(Debug)]
pub(crate) struct Line {
    /// Which desk, if one is still listening.
    pub(crate) desk: Option<usize>,
    /// Before it belongs to the organisation.
    door: Option<Door>,
    pub(crate) up: VecDeque<Vec<u8>>,
    pub(crate) down: VecDeque<Arc<[u8]>>,
    /// The relay closes once everything before was delivered.
    pub(crate) closing: bool,
    /// Nothing gets through until then.
    pub(crate) stalled: Option<Timestamp>,
    /// Cut, and the relay does not know yet.
    pub(crate) ghost: bool,
}

/// The relay of the world.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) platter: Platter,
    pub(crate) key: SigningKey,
    pub(crate) up: Option<Organisation<Disk>>,
    /// Whether the process runs; it may run without an organisation.
    pub(crate) running: bool,
    pub(crate) founded: bool,
    pub(crate) lines: BTreeMap<ConnId, Line>,
    pub(crate) planted: Planted,
    pub(crate) rules: PlantedRules,
    next: u64,
}

impl Relay {
    pub(crate) fn new(platter: Platter, key: SigningKey, founded: bool) -> Self {
        Self {
            platter,
            key,
            up: None,
            running: false,
            founded,
            lines: BTreeMap::new(),
            planted: Planted::default(),
            rules: PlantedRules::default(),
            next: 0,
        }
    }

    /// The process starts.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.running = true;
        if !self.founded {
            return Ok(());
        }
        let (mut organisation, _) =
            Organisation::open(self.platter.mount(), self.key.clone(), None, limits())
                .map_err(|error| format!("the relay cannot open its log: {error:?}"))?;
        organisation.plant(self.planted);
        organisation.plant_rules(self.rules);
        self.up = Some(organisation);
        Ok(())
    }

    /// The process is gone; the lines with it.
    pub(crate) fn stop(&mut self) -> Vec<usize> {
        self.running = false;
        self.up = None;
        let lines = std::mem::take(&mut self.lines);
        lines.into_values().filter_map(|line| line.desk).collect()
    }

    pub(crate) fn verify_key(&self) -> VerifyKey {
        VerifyKey::from(self.key.verifying_key())
    }

    /// A desk, or nobody in particular, opens a line.
    pub(crate) fn open(
        &mut self,
        desk: Option<usize>,
        nonce: [u8; 32],
        now: Timestamp,
    ) -> Option<ConnId> {
        if !self.running {
            return None;
        }
        let conn = ConnId(self.next);
        self.next += 1;
        let (door, challenge) = Door::open(&self.key, nonce, now, false, &[ADDRESS.to_owned()]);
        let line = Line {
            desk,
            door: Some(door),
            up: VecDeque::new(),
            down: VecDeque::from([challenge.encode().into()]),
            closing: false,
            stalled: None,
            ghost: false,
        };
        self.lines.insert(conn, line);
        Some(conn)
    }

    /// The next frame of a line reaches the relay.
    pub(crate) fn take(&mut self, now: Timestamp, conn: ConnId) -> Result<(), String> {
        let Some(line) = self.lines.get_mut(&conn) else {
            return Ok(());
        };
        let Some(bytes) = line.up.pop_front() else {
            return Ok(());
        };
        let frame = Frame::decode(&bytes).map_err(|error| format!("a desk sent {error:?}"))?;
        let Some(door) = line.door.take() else {
            if let Some(up) = &mut self.up {
                up.handle(now, Input::Frame { conn, frame });
            }
            return Ok(());
        };
        let turned = match door.knock(frame) {
            Ok(Knock::Found { ticket, act }) => {
                line.door = Some(door);
                if ticket != TICKET || self.founded {
                    Some(ErrorCode::BadTicket)
                } else {
                    let disk = self.platter.mount();
                    let founded = Organisation::found(disk, self.key.clone(), act, limits());
                    let mut up = founded.map_err(|error| format!("founding: {error:?}"))?;
                    up.plant(self.planted);
                    self.up = Some(up);
                    self.founded = true;
                    line.down.push_back(Frame::Founded.encode().into());
                    None
                }
            }
            Ok(knock) => match &mut self.up {
                None => Some(ErrorCode::UnknownOrganisation),
                Some(up) => match door.admit(&knock, up.governance(), now) {
                    Ok(admission) => {
                        up.handle(now, Input::Opened { conn, admission });
                        None
                    }
                    Err(turned) => Some(turned.code),
                },
            },
            Err(turned) => Some(turned.code),
        };
        if let Some(code) = turned {
            let farewell = Frame::error(code, "turned away");
            line.down.push_back(farewell.encode().into());
            line.closing = line.door.is_none();
        }
        Ok(())
    }

    /// Everything handled so far becomes durable, and its effects leave.
    pub(crate) fn commit(&mut self, now: Timestamp) -> Result<(), String> {
        let Some(up) = &mut self.up else {
            return Ok(());
        };
        let effects = up
            .commit(now)
            .map_err(|error| format!("commit: {error:?}"))?;
        self.carry_out(effects);
        Ok(())
    }

    /// A line that has room asks for more of a tail.
    pub(crate) fn more(&mut self, now: Timestamp, conn: ConnId) {
        if let Some(up) = &mut self.up {
            let effects = up.more(now, conn);
            self.carry_out(effects);
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { conn, bytes } => {
                    if let Some(line) = self.lines.get_mut(&conn).filter(|line| !line.ghost) {
                        line.down.push_back(bytes);
                    }
                }
                Effect::Close { conn, code, .. } => {
                    if let Some(line) = self.lines.get_mut(&conn) {
                        line.down
                            .push_back(Frame::error(code, "closed").encode().into());
                        line.closing = true;
                    }
                }
            }
        }
    }

    /// The relay learns that a line is gone.
    pub(crate) fn closed(&mut self, now: Timestamp, conn: ConnId) {
        self.lines.remove(&conn);
        if let Some(up) = &mut self.up {
            up.handle(now, Input::Closed { conn });
        }
    }

    pub(crate) fn has_work(&self) -> bool {
        self.up.as_ref().is_some_and(Organisation::has_work)
    }
}

/// Small windows and few documents in memory, so that their limits are met often.
fn limits() -> Limits {
    Limits {
        window_items: 64,
        window_bytes: 64 * 1024,
        part_bytes: 16 * 1024,
        hot_weeks: 3,
        ..Limits::default()
    }
}
