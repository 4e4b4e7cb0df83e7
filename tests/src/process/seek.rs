//! Looks for marked text in bytes, in every dress it may have put on.
//!
//! As UTF-8, UTF-16 in both orders, hexadecimal and base64 at each of its three offsets; plain, and
//! within every zstd and deflate stream that begins anywhere in the bytes.

use std::io::Read as _;

use data_encoding::{BASE64, HEXLOWER};
use memchr::memmem;

/// Most that is looked at of one unpacked stream.
const MOST: u64 = 4 << 20;
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A marked text, with all its dresses.
#[derive(Debug, Clone)]
pub struct Canary {
    /// The text.
    pub text: String,
    dresses: Vec<(&'static str, Vec<u8>)>,
}

/// Where a canary was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub text: String,
    /// In which dress.
    pub dress: String,
}

impl Canary {
    /// Marks a text. It must be long enough not to be met by chance.
    pub fn new(text: &str) -> Self {
        Self::of_bytes(text, text.as_bytes())
    }

    /// Marks bytes that are no text, as a key; `name` is how they are called when they are met.
    pub fn of_key(name: &str, key: &[u8]) -> Self {
        let hex = HEXLOWER.encode(key);
        let mut canary = Self::of_bytes(name, hex.as_bytes());
        canary.dresses.push(("as it is", key.to_vec()));
        canary
    }

    fn of_bytes(name: &str, bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("text");
        assert!(text.len() >= 6, "{text} may be met by chance");
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let mut dresses = vec![
            ("utf-8", text.as_bytes().to_vec()),
            (
                "utf-16 little-endian",
                utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            ),
            (
                "utf-16 big-endian",
                utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            ),
            ("hexadecimal", HEXLOWER.encode(text.as_bytes()).into_bytes()),
            (
                "hexadecimal, upper case",
                HEXLOWER.encode(text.as_bytes()).to_uppercase().into_bytes(),
            ),
        ];
        for before in 0..3 {
            let padded = [vec![0; before], text.as_bytes().to_vec()].concat();
            let encoded = BASE64.encode(&padded);
            // Letters that also depend on what stands before and after are left away.
            let first = (before * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            let inner = encoded.as_bytes()[first..last].to_vec();
            let url: Vec<u8> = inner
                .iter()
                .map(|letter| match letter {
                    b'+' => b'-',
                    b'/' => b'_',
                    other => *other,
                })
                .collect();
            dresses.push(("base64", inner));
            dresses.push(("base64url", url));
        }
        Self {
            text: name.to_owned(),
            dresses,
        }
    }
}

/// Which canaries are in these bytes.
pub fn seek(canaries: &[Canary], bytes: &[u8]) -> Vec<Found> {
    let mut found = look(canaries, bytes, "");
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(&ZSTD) {
            found.extend(look(canaries, &unzstd(rest), " in zstd"));
        }
        // A deflate stream has no mark: each place is tried, and most fail within a few bits.
        let inflated = inflate(rest);
        if inflated.len() >= 6 {
            found.extend(look(canaries, &inflated, " in deflate"));
        }
    }
    found
}

/// The same without deflate, which is tried at each place and so takes minutes for a whole memory.
pub(super) fn seek_shallow(canaries: &[Canary], bytes: &[u8]) -> Vec<Found> {
    let mut found = look(canaries, bytes, "");
    let mut from = 0;
    while let Some(at) = memmem::find(&bytes[from..], &ZSTD) {
        found.extend(look(canaries, &unzstd(&bytes[from + at..]), " in zstd"));
        from += at + 1;
    }
    found
}

fn look(canaries: &[Canary], bytes: &[u8], within: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for canary in canaries {
        for (dress, looks) in &canary.dresses {
            if contains(bytes, looks) {
                found.push(Found {
                    text: canary.text.clone(),
                    dress: format!("{dress}{within}"),
                });
            }
        }
    }
    found
}

fn contains(bytes: &[u8], looks: &[u8]) -> bool {
    memmem::find(bytes, looks).is_some()
}

fn unzstd(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    if let Ok(reader) = zstd::stream::read::Decoder::with_buffer(bytes) {
        // What came out before the damage counts too.
        let _ = reader.take(MOST).read_to_end(&mut plain);
    }
    plain
}

fn inflate(bytes: &[u8]) -> Vec<u8> {
    let mut plain = vec![0; 4096];
    let mut stream = flate2::Decompress::new(false);
    let mut all = Vec::new();
    let mut at = 0;
    while all.len() < 64 * 1024 {
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let done = stream.decompress(&bytes[at..], &mut plain, flate2::FlushDecompress::None);
        let read = usize::try_from(stream.total_in() - before_in).expect("small");
        let wrote = usize::try_from(stream.total_out() - before_out).expect("small");
        at += read;
        all.extend_from_slice(&plain[..wrote]);
        match done {
            Ok(flate2::Status::Ok | flate2::Status::BufError) if read + wrote > 0 => {}
            _ => break,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn hidden(bytes: &[u8]) -> Vec<String> {
        let canaries = [Canary::new("Zebedee Quagmire")];
        let noise: Vec<u8> = (0..997_u32).map(|n| (n * 37 % 251) as u8).collect();
        let all = [noise.as_slice(), bytes, &noise].concat();
        let found = seek(&canaries, &all);
        found.into_iter().map(|found| found.dress).collect()
    }

    #[test]
    fn every_dress_is_seen_through() {
        let text = "of Zebedee Quagmire, 9 am";
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = utf16.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert!(hidden(b"nobody here").is_empty());
        assert_eq!(hidden(text.as_bytes()), ["utf-8"]);
        // The zeros between Latin letters let one order pass for the other, a byte further on.
        assert!(hidden(&little).contains(&"utf-16 little-endian".to_owned()));
        assert!(hidden(&big).contains(&"utf-16 big-endian".to_owned()));
        assert_eq!(
            hidden(HEXLOWER.encode(text.as_bytes()).as_bytes()),
            ["hexadecimal"]
        );
        for before in ["", "x", "xy"] {
            let encoded = BASE64.encode(format!("{before}{text}").as_bytes());
            assert!(hidden(encoded.as_bytes()).contains(&"base64".to_owned()));
        }
    }

    #[test]
    fn packed_streams_are_unpacked() {
        let text = "Zebedee Quagmire and again Zebedee Quagmire and once more Zebedee Quagmire";
        let packed = zstd::bulk::compress(text.as_bytes(), 3).unwrap();
        assert!(hidden(&packed).contains(&"utf-8 in zstd".to_owned()));
        let mut deflate =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflate.write_all(text.as_bytes()).unwrap();
        let packed = deflate.finish().unwrap();
        assert!(hidden(&packed).contains(&"utf-8 in deflate".to_owned()));
    }
}
