//! The secrets of a home as bytes, before they are sealed.

use std::collections::BTreeMap;

use sync_protocol::{InviteId, SeatId, SigningKey};
use zeroize::Zeroizing;

use crate::sealing::{BlobKey, DeviceSecrets, HomeSecrets, JoinSecret, SealSecret, SeatSecrets};

/// `device | local | joining? | seat ...`, each part of a fixed length; 1 before what is there.
pub(super) fn write_secrets(secrets: &HomeSecrets) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(128 + 80 * secrets.seats.len()));
    bytes.extend_from_slice(secrets.device.signing.as_bytes());
    bytes.extend_from_slice(secrets.local.expose());
    match &secrets.joining {
        None => bytes.push(0),
        Some((invite, secret)) => {
            bytes.push(1);
            bytes.extend_from_slice(invite.as_bytes());
            bytes.extend_from_slice(secret.expose());
        }
    }
    for (seat, secrets) in &secrets.seats {
        bytes.extend_from_slice(seat.as_bytes());
        bytes.extend_from_slice(secrets.signing.as_bytes());
        bytes.extend_from_slice(secrets.sealing.expose());
    }
    bytes
}

pub(super) fn read_secrets(mut bytes: &[u8]) -> Option<HomeSecrets> {
    fn next<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(first)
    }
    let device = DeviceSecrets {
        signing: SigningKey::from_bytes(next(&mut bytes)?),
    };
    let local = BlobKey::from_bytes(*next(&mut bytes)?);
    let joining = match next(&mut bytes)? {
        [0] => None,
        [1] => Some((
            InviteId::from_bytes(*next(&mut bytes)?),
            JoinSecret::from_bytes(*next(&mut bytes)?),
        )),
        _ => return None,
    };
    let mut seats = BTreeMap::new();
    while !bytes.is_empty() {
        let seat = SeatId::from_bytes(*next(&mut bytes)?);
        let secrets = SeatSecrets {
            signing: SigningKey::from_bytes(next(&mut bytes)?),
            sealing: SealSecret::from_bytes(*next(&mut bytes)?),
        };
        seats.insert(seat, secrets);
    }
    Some(HomeSecrets {
        device,
        seats,
        local,
        joining,
    })
}
