//! A founded practice to begin with: two sites, staff who work at both, rooms for one and for two.
//!
//! Founding and joining cost signatures and key exchanges, so each shape is made once, through the
//! real door and the real join codes, and every history goes on from copies of its disks.

use std::{collections::BTreeMap, sync::OnceLock};

use client_core::{
    catalogue::{
        ClientId, Command, NewClient, NewLocation, NewPet, NewRoom, NewService, NewStaff, PetId,
        Reply, ServiceId, ServicePart, StaffRole,
    },
    replica::{ActState, Founding, Proposal, Replica},
    sealing::{HomeSecrets, RootSecret},
    session::Input,
};
use conflict_rules::{LocationId, ResourceId};
use jiff::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sync_protocol::SigningKey;

use super::{
    Told, World,
    disk::Platter,
    relay::{ADDRESS, TICKET},
};

/// Who and what there is to book.
#[derive(Debug, Clone, Default)]
pub struct Practice {
    /// Two sites, the second an hour behind the first.
    pub sites: Vec<LocationId>,
    /// Those of site 0, of site 1, and the last who works at both.
    pub staff: Vec<ResourceId>,
    /// Two at site 0, for one and for two; one at site 1, for two.
    pub rooms: Vec<(LocationId, ResourceId)>,
    /// A check-up, and a treatment with a pause and cleaning.
    pub services: Vec<ServiceId>,
    /// Clients with a pet each.
    pub clients: Vec<(ClientId, PetId)>,
    /// What the clients are called.
    pub names: BTreeMap<ClientId, String>,
}

/// A founded practice, switched off.
#[derive(Debug)]
pub struct Shape {
    pub(crate) began: Timestamp,
    pub(crate) relay: Platter,
    pub(crate) key: SigningKey,
    pub(crate) practice: Practice,
    pub(crate) desks: Vec<(Platter, HomeSecrets)>,
}

/// Who works at the desks besides the founder, by the practices that histories begin with: each role
/// in some of them, and two with a second owner.
const CREWS: [&[StaffRole]; 8] = [
    &[StaffRole::Vet],
    &[StaffRole::Receptionist],
    &[StaffRole::Manager],
    &[StaffRole::Vet, StaffRole::Receptionist],
    &[StaffRole::Groomer, StaffRole::Manager],
    &[StaffRole::Owner, StaffRole::Vet],
    &[StaffRole::Groomer, StaffRole::Receptionist],
    &[StaffRole::Vet, StaffRole::Groomer, StaffRole::Owner],
];

impl Shape {
    /// The practice with this many desks, 2 to 4: the founder's, and such as decide and such as only
    /// propose.
    ///
    /// # Panics
    /// When it cannot be founded, which is a bug.
    pub fn with(desks: usize) -> &'static Self {
        Self::of([0, 3, 7][desks.clamp(2, 4) - 2])
    }

    /// The practice that the history of a seed begins with.
    ///
    /// # Panics
    /// When it cannot be founded, which is a bug.
    pub(crate) fn of_seed(seed: u64) -> &'static Self {
        // Half of them with two desks, a tenth with four.
        Self::of([0, 1, 3, 2, 4, 0, 5, 1, 6, 7][usize::try_from(seed % 10).unwrap_or(0)])
    }

    fn of(crew: usize) -> &'static Self {
        static SHAPES: [OnceLock<Shape>; CREWS.len()] = [const { OnceLock::new() }; CREWS.len()];
        SHAPES[crew].get_or_init(|| {
            let founded = Self::with_crew(crew as u64, CREWS[crew]);
            founded.unwrap_or_else(|error| panic!("{error}"))
        })
    }

    /// Founds a practice with any number of desks.
    ///
    /// # Errors
    /// When that cannot be done, which is a bug.
    pub fn found(desks: usize) -> Told<Self> {
        let roles = [StaffRole::Vet, StaffRole::Receptionist, StaffRole::Manager];
        let crew: Vec<StaffRole> = (1..desks).map(|number| roles[(number - 1) % 3]).collect();
        Self::with_crew(0x100 + desks as u64, &crew)
    }

    fn with_crew(number: u64, crew: &[StaffRole]) -> Told<Self> {
        let began: Timestamp = "2026-03-24T07:00:00Z".parse().map_err(|e| format!("{e}"))?;
        let key = SigningKey::from_bytes(&[7; 32]);
        let platter = Platter::default();
        let mut world = World::empty(0x5eed_0000 + number, began, platter, key.clone(), false);
        world.start_relay()?;
        world.found_first()?;
        world.set_up()?;
        for role in crew {
            let code = world.invite(*role)?;
            world.join(&code)?;
            world.quiet()?;
        }
        let now = world.now;
        let practice = world.practice.clone();
        let relay = world.relay.platter.copy();
        let desks = world
            .desks
            .into_iter()
            .map(|desk| {
                let replica = desk.up.ok_or("a desk is off")?;
                Ok((desk.platter.copy(), replica.secrets().clone()))
            })
            .collect::<Told<Vec<_>>>()?;
        Ok(Self {
            began: now,
            relay,
            key,
            practice,
            desks,
        })
    }
}

impl World {
    fn found_first(&mut self) -> Told {
        let platter = Platter::default();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0xf0);
        let root = RootSecret::generate(&mut rng);
        let founding = Founding {
            practice: "Two Rivers",
            location: "Harbour",
            zone: "Europe/Paris",
        };
        let (mut replica, secrets) =
            Replica::found(platter.mount(), &mut rng, self.now, &founding, &root)
                .map_err(|refusal| format!("founding: {refusal:?}"))?;
        let pinned = replica
            .pin_relay(self.now, self.relay.verify_key(), ADDRESS)
            .map_err(|refusal| format!("pinning: {refusal:?}"))?;
        if !matches!(pinned, Proposal::Done) {
            return Err("without a relay the chain is the founder's".to_owned());
        }
        replica.set_ticket(Some(TICKET.to_owned()));
        let site = replica.book().practice().locations.keys().next().copied();
        self.practice.sites.extend(site);
        let desk = self.add_desk(platter, secrets);
        self.desks[desk].up = Some(replica);
        self.tell(desk, Input::Wake)?;
        self.quiet()
    }

    fn made<I: std::str::FromStr>(&mut self, command: Command) -> Told<I> {
        let what = format!("{command:?}");
        let Reply { id, .. } = self
            .execute(0, command)
            .map_err(|refusal| format!("{what}: {refusal:?}"))?;
        self.tell(0, Input::Wrote)?;
        id.parse().map_err(|_| format!("{what} gave the id {id}"))
    }

    fn set_up(&mut self) -> Told {
        let hill = self.made(Command::AddLocation(NewLocation {
            name: "Hill".to_owned(),
            zone: "Europe/London".to_owned(),
        }))?;
        self.practice.sites.push(hill);
        let harbour = self.practice.sites[0];
        for (name, role, locations) in [
            ("Ann", StaffRole::Vet, vec![harbour]),
            ("Bea", StaffRole::Groomer, vec![hill]),
            ("Cy", StaffRole::Vet, vec![harbour, hill]),
        ] {
            let id = self.made(Command::AddStaff(NewStaff {
                name: name.to_owned(),
                role,
                locations,
                colour: None,
            }))?;
            self.practice.staff.push(id);
        }
        for (name, location, capacity) in
            [("One", harbour, 1), ("Ward", harbour, 2), ("Loft", hill, 2)]
        {
            let id = self.made(Command::AddRoom(NewRoom {
                name: name.to_owned(),
                location,
                capacity,
            }))?;
            self.practice.rooms.push((location, id));
        }
        let part = |offset_minutes, minutes, staff, buffer| ServicePart {
            offset_minutes,
            minutes,
            staff,
            room: true,
            buffer,
        };
        for (name, parts) in [
            ("Check-up", vec![part(0, 30, true, false)]),
            (
                "Treatment",
                vec![
                    part(0, 20, true, false),
                    part(20, 20, false, false),
                    part(40, 20, true, false),
                    part(60, 10, false, true),
                ],
            ),
        ] {
            let id = self.made(Command::AddService(NewService {
                name: name.to_owned(),
                parts,
                staff: Vec::new(),
                rooms: self.practice.rooms.iter().map(|(_, room)| *room).collect(),
                price_minor: None,
                currency: None,
            }))?;
            self.practice.services.push(id);
        }
        for name in ["Ida", "Jon", "Kim"] {
            let client = self.made(Command::AddClient(NewClient {
                name: name.to_owned(),
                phones: Vec::new(),
                email: None,
                note: None,
            }))?;
            let pet = self.made(Command::AddPet(NewPet {
                client,
                name: format!("{name}'s dog"),
                species: None,
                breed: None,
                microchip: None,
                despite_restriction: None,
            }))?;
            self.practice.clients.push((client, pet));
            self.practice.names.insert(client, name.to_owned());
        }
        self.quiet()
    }

    /// The owner's desk makes a code, and the relay takes it into the chain.
    pub fn invite(&mut self, role: StaffRole) -> Told<String> {
        self.quiet()?;
        let now = self.desk_now(0);
        let machine = &mut self.desks[0];
        let replica = machine.up.as_mut().ok_or("desk 0 is off")?;
        let (proposal, code, _) = replica
            .invite(now, &mut machine.rng, role, 14)
            .map_err(|refusal| format!("invite: {refusal:?}"))?;
        let code = code.to_string();
        if let Proposal::Proposed(act) = proposal {
            self.tell(0, Input::Wrote)?;
            self.quiet()?;
            let state = self.replica(0).map(|replica| replica.act_state(&act));
            if state != Some(ActState::Done) {
                return Err(format!("the invitation is {state:?}"));
            }
        }
        Ok(code)
    }
}
