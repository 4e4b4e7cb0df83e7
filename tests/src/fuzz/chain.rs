//! The governance chain under any list of acts, signed as they should be or not.
//!
//! Bytes choose: who acts, what is done to whom, and now and then a wrong height, past, signature or
//! practice. So a fuzzer walks through what the rules allow instead of guessing signatures.

use std::sync::LazyLock;

use sync_protocol::{
    Act, Author, DeviceGrant, DeviceId, Governance, Hash, IncarnationId, InviteId, OrgId, Role,
    RootGrant, SealKey, SeatGrant, SeatId, Signed, SigningKey, VerifyKey, What,
};

const ORG: OrgId = OrgId::from_bytes([1; 16]);
/// So many seats, devices and invitations take part.
const PEOPLE: u8 = 6;

fn key(kind: u8, n: u8) -> SigningKey {
    let mut seed = [kind; 32];
    seed[0] = n;
    SigningKey::from_bytes(&seed)
}

struct Cast {
    seats: Vec<(SeatId, SigningKey)>,
    devices: Vec<DeviceGrant>,
    invites: Vec<(InviteId, SigningKey)>,
    root: SigningKey,
    sealing: SealKey,
}

static CAST: LazyLock<Cast> = LazyLock::new(|| Cast {
    seats: (0..PEOPLE)
        .map(|n| (SeatId::from_bytes([n + 1; 16]), key(1, n)))
        .collect(),
    devices: (0..PEOPLE)
        .map(|n| DeviceGrant::new(ORG, DeviceId::from_bytes([n + 1; 16]), &key(2, n)))
        .collect(),
    invites: (0..PEOPLE)
        .map(|n| (InviteId::from_bytes([n + 1; 16]), key(3, n)))
        .collect(),
    root: key(4, 0),
    sealing: SealKey::from_bytes({
        let mut nine = [0; 32];
        nine[0] = 9;
        nine
    }),
});

struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn who(&mut self) -> Option<usize> {
        self.next().map(|n| usize::from(n % PEOPLE))
    }

    fn role(&mut self) -> Option<Role> {
        self.next()
            .map(|n| Role::ALL[usize::from(n) % Role::ALL.len()])
    }

    fn last(&mut self) -> Option<Vec<(IncarnationId, u64)>> {
        let count = self.next()? % 4;
        (0..count)
            .map(|_| {
                Some((
                    IncarnationId::from_bytes([self.next()?; 16]),
                    u64::from(self.next()?),
                ))
            })
            .collect()
    }
}

fn seat(who: usize, device: usize, role: Role) -> SeatGrant {
    let (id, signing) = &CAST.seats[who];
    SeatGrant::new(
        ORG,
        *id,
        CAST.devices[device].device,
        role,
        signing,
        CAST.sealing,
    )
}

fn what(choices: &mut Choices<'_>) -> Option<What> {
    Some(match choices.next()? % 13 {
        0 => What::Genesis {
            root: VerifyKey::from(CAST.root.verifying_key()),
            recovery: CAST.sealing,
            device: CAST.devices[choices.who()?],
            seat: seat(choices.who()?, choices.who()?, choices.role()?),
        },
        1 => What::AddDevice(CAST.devices[choices.who()?]),
        2 => {
            let (id, signing) = &CAST.invites[choices.who()?];
            What::Invite {
                id: *id,
                role: choices.role()?,
                expires: i64::from(choices.next()?),
                verify: VerifyKey::from(signing.verifying_key()),
                site: None,
                wrapped: Vec::new(),
                compare: choices.next()? % 4 == 0,
            }
        }
        kind @ (3 | 10) => What::AddSeat {
            invite: (kind == 3).then_some(CAST.invites[choices.who()?].0),
            seat: seat(choices.who()?, choices.who()?, choices.role()?),
            device: match choices.next()? % 2 {
                0 => None,
                _ => Some(CAST.devices[choices.who()?]),
            },
        },
        4 => What::SetRole {
            seat: CAST.seats[choices.who()?].0,
            role: choices.role()?,
            last: choices.last()?,
        },
        5 => What::RemoveSeat {
            seat: CAST.seats[choices.who()?].0,
            last: choices.last()?,
        },
        6 => What::PinRelayKey {
            acting: VerifyKey::from(key(5, choices.next()? % 3).verifying_key()),
            standby: Some(VerifyKey::from(key(5, choices.next()? % 3).verifying_key())),
            address: "relay".to_owned(),
        },
        7 => What::RelayRestore {
            epoch: u32::from(choices.next()?),
        },
        8 => What::RemoveDevice {
            device: CAST.devices[choices.who()?].device,
            last: choices.last()?,
        },
        11 => {
            let mut recovery = CAST.sealing.to_bytes();
            recovery[0] = 9 + choices.next()? % 3;
            let root = key(4, choices.next()? % 3);
            What::AddRecovery(RootGrant::new(ORG, &root, SealKey::from_bytes(recovery)))
        }
        12 => What::SetPolicy {
            compartment: 4 + choices.next()? % 2,
            role: choices.role()?,
            open: choices.next()? % 2 == 0,
            last: choices.last()?,
        },
        _ => What::RevokeInvite {
            invite: CAST.invites[choices.who()?].0,
        },
    })
}

fn founded() -> Governance {
    let act = Act {
        org: ORG,
        height: 0,
        prev: Hash::ZERO,
        at: 0,
        author: Author::Root,
        what: What::Genesis {
            root: VerifyKey::from(CAST.root.verifying_key()),
            recovery: CAST.sealing,
            device: CAST.devices[0],
            seat: seat(0, 0, Role::Owner),
        },
    };
    Governance::found(&Signed::sign(act, &CAST.root).unwrap()).unwrap()
}

pub(super) fn chain(data: &[u8]) {
    let mut chain = founded();
    let mut choices = Choices(data);
    let mut taken = Vec::new();
    // Each act costs a few signatures; more in one run show nothing new.
    for _ in 0..24 {
        if step(&mut chain, &mut choices, &mut taken).is_none() {
            break;
        }
        let owners = chain
            .seats()
            .filter(|(_, seat)| seat.role() == Some(Role::Owner) && seat.removed().is_none())
            .count();
        assert!(owners > 0, "nobody can administer the practice any more");
    }
    // Who reads the same acts comes to the same end.
    let mut again = founded();
    for act in &taken {
        again.apply(act).unwrap();
    }
    assert_eq!(again.stand(), chain.stand());
    assert_eq!(format!("{again:?}"), format!("{chain:?}"));
}

fn step(
    chain: &mut Governance,
    choices: &mut Choices<'_>,
    taken: &mut Vec<Signed<Act>>,
) -> Option<()> {
    let (author, signing) = match choices.next()? % 8 {
        0 => (Author::Root, &CAST.root),
        1 => {
            let (id, signing) = &CAST.invites[choices.who()?];
            (Author::Invite(*id), signing)
        }
        2 => (
            Author::Device(CAST.devices[choices.who()?].device),
            &CAST.root,
        ),
        _ => {
            let (id, signing) = &CAST.seats[choices.who()?];
            (Author::Seat(*id), signing)
        }
    };
    let what = what(choices)?;
    let (mut height, mut prev, mut org, mut signing) =
        (chain.height() + 1, chain.head(), ORG, signing);
    match choices.next()? {
        0 => height = height.wrapping_add(1),
        1 => height = height.saturating_sub(1),
        2 => prev = Hash::ZERO,
        3 => org = OrgId::from_bytes([2; 16]),
        4 => signing = &CAST.seats[5].1,
        _ => {}
    }
    let act = Act {
        org,
        height,
        prev,
        at: i64::from(choices.next()?),
        author,
        what,
    };
    let Ok(signed) = Signed::sign(act, signing) else {
        return Some(());
    };
    let read = Signed::<Act>::decode(&signed.encode()).unwrap();
    assert_eq!(read, signed);
    let before = format!("{chain:?}");
    if chain.apply(&signed).is_ok() {
        taken.push(signed.clone());
        assert!(chain.apply(&signed).is_err(), "an act counted twice");
    } else {
        assert_eq!(
            format!("{chain:?}"),
            before,
            "a refused act changed something"
        );
    }
    Some(())
}
