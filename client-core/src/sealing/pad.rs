//! Padding: how long a text was shows in steps only.
//!
//! One byte 0x80, then zeros, up to a multiple of 64 bytes until 1 KiB and to the next length of
//! the Padme series above it (at most 12 % more).

use zeroize::Zeroizing;

const STEP: usize = 64;
const STEPS_UNTIL: usize = 1024;

/// The length that `len` bytes are padded to.
pub(super) fn padded_len(len: usize) -> usize {
    let with_mark = len.saturating_add(1);
    if with_mark <= STEPS_UNTIL {
        return with_mark.next_multiple_of(STEP);
    }
    // Padme: as many trailing zero bits as leave the exponent and its own length in bits.
    let exponent = with_mark.ilog2();
    let kept = exponent.ilog2() + 1;
    let mask = (1usize << (exponent - kept)) - 1;
    with_mark.saturating_add(mask) & !mask
}

pub(super) fn pad(plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let len = padded_len(plain.len());
    let mut padded = Zeroizing::new(Vec::with_capacity(len));
    padded.extend_from_slice(plain);
    padded.push(0x80);
    padded.resize(len, 0);
    padded
}

/// Takes the padding off; none if it is not one that [`pad`] puts on.
pub(super) fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    let len = padded.iter().rposition(|byte| *byte != 0)?;
    if padded.get(len) != Some(&0x80) || padded.len() != padded_len(len) {
        return None;
    }
    padded.truncate(len);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_grow_in_steps() {
        for (len, padded) in [
            (0, 64),
            (63, 64),
            (64, 128),
            (1000, 1024),
            (1023, 1024),
            (1024, 1088),
            (1087, 1088),
            (1088, 1152),
            (2047, 2048),
            (2048, 2176),
            (10_000, 10_240),
            (40_000, 40_960),
        ] {
            assert_eq!(padded_len(len), padded, "{len}");
        }
        for len in 0..70_000 {
            let padded = padded_len(len);
            assert!(padded > len);
            assert!(
                len < 1024 || (padded - len) * 100 <= 12 * len + 100,
                "{len}"
            );
            assert!(padded_len(len + 1) >= padded);
        }
    }

    #[test]
    fn padding_comes_off_again_and_nothing_else_does() {
        for plain in [&b""[..], b"a", b"\x80", b"\x80\0\0", &[0; 64], &[7; 5000]] {
            assert_eq!(&unpad(pad(plain)).unwrap()[..], plain);
        }
        assert!(unpad(Zeroizing::new(vec![])).is_none());
        assert!(unpad(Zeroizing::new(vec![0; 64])).is_none());
        assert!(unpad(Zeroizing::new(vec![1; 64])).is_none());
        let mut too_long = pad(b"x");
        too_long.resize(128, 0);
        assert!(unpad(too_long).is_none());
    }
}
