//! The parts of a key file: as CBOR while they are sealed, and as bytes before that.

use minicbor::{Decode, Encode, bytes::ByteVec};
use sync_protocol::{InviteId, OrgId, SeatId, SigningKey};
use zeroize::Zeroizing;

use super::{
    MAX_SEATS, MAX_SLOTS,
    pin::PinSecret,
    slot::Slot,
    unlocked::{Known, MAX_NAME},
};
use crate::sealing::{BlobKey, DeviceSecrets, JoinSecret, SealSecret, SeatSecrets, cbor};

/// What a key file holds.
#[derive(Encode, Decode)]
pub(super) struct Content {
    #[n(0)]
    pub(super) org: OrgId,
    #[n(1)]
    pub(super) slots: Vec<Slot>,
    #[n(2)]
    pub(super) sealed: ByteVec,
    #[n(3)]
    pub(super) seats: Vec<SeatPart>,
}

impl Content {
    /// Whether it is within the bounds that are written.
    pub(super) fn fits(&self) -> bool {
        let few = |slots: &[Slot]| slots.len() <= MAX_SLOTS;
        few(&self.slots)
            && !self.slots.iter().any(Slot::is_pin)
            && self.seats.len() <= MAX_SEATS
            && self.seats.iter().all(|part| few(&part.slots))
    }
}

/// One person's part.
#[derive(Clone, Encode, Decode)]
pub(super) struct SeatPart {
    #[n(0)]
    pub(super) seat: SeatId,
    #[n(1)]
    pub(super) slots: Vec<Slot>,
    #[n(2)]
    pub(super) sealed: ByteVec,
}

#[derive(Encode, Decode)]
struct Seats {
    #[n(0)]
    seats: Vec<Known>,
}

pub(super) fn device_bound(org: OrgId, slots: &[Slot], seats: &[SeatPart]) -> Vec<u8> {
    cbor::to_versioned(&(org, slots.to_vec(), seats.to_vec()))
}

pub(super) fn seat_bound(org: OrgId, seat: SeatId, slots: &[Slot]) -> Vec<u8> {
    cbor::to_versioned(&(org, seat, slots.to_vec()))
}

/// What the device part keeps.
pub(super) struct DeviceContent {
    pub(super) device: DeviceSecrets,
    pub(super) local: BlobKey,
    pub(super) pin: PinSecret,
    pub(super) known: Vec<Known>,
}

pub(super) fn write_device(
    device: &DeviceSecrets,
    local: &BlobKey,
    pin: &PinSecret,
    known: &[Known],
) -> Zeroizing<Vec<u8>> {
    let mut seats = cbor::to_versioned(&Seats {
        seats: known.to_vec(),
    });
    let mut bytes = Zeroizing::new(Vec::with_capacity(96 + seats.len()));
    bytes.extend_from_slice(device.signing.as_bytes());
    bytes.extend_from_slice(local.expose());
    bytes.extend_from_slice(&pin.0);
    bytes.append(&mut seats);
    bytes
}

pub(super) fn read_device(mut bytes: &[u8]) -> Option<DeviceContent> {
    let device = DeviceSecrets {
        signing: SigningKey::from_bytes(next(&mut bytes)?),
    };
    let local = BlobKey::from_bytes(*next(&mut bytes)?);
    let pin = PinSecret(*next(&mut bytes)?);
    let Seats { seats: known } = cbor::from_versioned(bytes).ok()?;
    let fits = |known: &Known| known.name.chars().count() <= MAX_NAME;
    known.iter().all(fits).then_some(DeviceContent {
        device,
        local,
        pin,
        known,
    })
}

/// The invitation that a seat came by, until the rows for it are safely in the key table.
pub(super) type Redeemed = Option<(InviteId, JoinSecret)>;

pub(super) fn write_seat(secrets: &SeatSecrets, joining: &Redeemed) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(128));
    bytes.extend_from_slice(secrets.signing.as_bytes());
    bytes.extend_from_slice(secrets.sealing.expose());
    match joining {
        None => bytes.push(0),
        Some((invite, secret)) => {
            bytes.push(1);
            bytes.extend_from_slice(invite.as_bytes());
            bytes.extend_from_slice(secret.expose());
        }
    }
    bytes
}

pub(super) fn read_seat(mut bytes: &[u8]) -> Option<(SeatSecrets, Redeemed)> {
    let secrets = read_keys(&mut bytes)?;
    let joining = read_joining(&mut bytes)?;
    bytes.is_empty().then_some((secrets, joining))
}

fn read_keys(bytes: &mut &[u8]) -> Option<SeatSecrets> {
    Some(SeatSecrets {
        signing: SigningKey::from_bytes(next(bytes)?),
        sealing: SealSecret::from_bytes(*next(bytes)?),
    })
}

fn read_joining(bytes: &mut &[u8]) -> Option<Redeemed> {
    Some(match next(bytes)? {
        [0] => None,
        [1] => Some((
            InviteId::from_bytes(*next(bytes)?),
            JoinSecret::from_bytes(*next(bytes)?),
        )),
        _ => return None,
    })
}

fn next<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}
