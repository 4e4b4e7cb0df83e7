//! A device's word that it has done what an erasure asks, as the body of an entry in the keys feed:
//! `[0, [[4, erasure, height, at]]]`. Seat, device and signature are the entry's.

use minicbor::{Decode, Encode};

use crate::{codec, ids::ErasureId};

/// Follows the numbers of the key rows.
const RECEIPT: u8 = 4;

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ErasureReceipt {
    #[n(0)]
    kind: u8,
    /// Which erasure.
    #[n(1)]
    pub erasure: ErasureId,
    /// The last of its acts that was done.
    #[n(2)]
    pub height: u32,
    /// When, in seconds, by the device's clock.
    #[n(3)]
    pub at: i64,
}

impl ErasureReceipt {
    /// A receipt.
    pub const fn new(erasure: ErasureId, height: u32, at: i64) -> Self {
        Self {
            kind: RECEIPT,
            erasure,
            height,
            at,
        }
    }

    /// The body of an entry that holds it.
    pub fn encode(self) -> Vec<u8> {
        codec::to_versioned(&[self])
    }

    /// Reads [`ErasureReceipt::encode`]; none where the body holds something else.
    pub fn decode(body: &[u8]) -> Option<Self> {
        let [receipt]: [Self; 1] = codec::from_versioned(body).ok()?;
        (receipt.kind == RECEIPT).then_some(receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject_rows;

    #[test]
    fn a_receipt_is_read_back_and_is_no_row() {
        let receipt = ErasureReceipt::new(ErasureId::from_bytes([7; 16]), 12, 1_700_000_000);
        let body = receipt.encode();
        assert_eq!(ErasureReceipt::decode(&body), Some(receipt));
        assert_eq!(ErasureReceipt::decode(&[0x82, 0, 0x80]), None);
        assert_eq!(subject_rows(&body), (Vec::new(), 1));
    }
}
