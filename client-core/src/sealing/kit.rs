//! What the picture on a recovery kit says, in one line that can also be typed.
//!
//! `daybook-kit 1 org_… 12-9f0c… word … word`: the words, whose they are, and the newest act of the
//! chain when the kit was made. Whoever types the words alone may leave the rest out.

use core::{fmt, str::FromStr};

use sync_protocol::{Governance, OrgId};
use zeroize::Zeroizing;

use super::{RootSecret, WordsError};

const MARK: &str = "daybook-kit";
const VERSION: u8 = 1;

/// Recovery words as somebody typed or scanned them.
#[derive(Debug)]
pub struct Kit {
    /// What the words say.
    pub root: RootSecret,
    /// Whose they are, if that stood with them.
    pub org: Option<OrgId>,
    /// The newest act that the kit knew, if that stood with them.
    pub anchor: Option<Anchor>,
}

/// The newest act that a kit knew: a chain that does not hold it hides something from whoever comes
/// back with the words. Half of the act's hash: nobody finds a second act for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    height: u32,
    hash: [u8; 16],
}

impl Anchor {
    /// The newest act of a chain.
    pub fn of(governance: &Governance) -> Self {
        let (height, head) = governance.stand();
        Self {
            height,
            hash: half(head.as_bytes()),
        }
    }

    /// Whether a chain holds the act.
    pub fn stands_in(&self, governance: &Governance) -> bool {
        let hash = governance.hash_at(self.height);
        hash.is_some_and(|hash| half(hash.as_bytes()) == self.hash)
    }
}

fn half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(hash) {
        *to = *from;
    }
    half
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.height)?;
        self.hash
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Anchor {
    type Err = KitError;

    /// Spaces and case do not matter.
    fn from_str(text: &str) -> Result<Self, KitError> {
        let text: String = text.split_whitespace().collect();
        let (height, digits) = text.split_once('-').ok_or(KitError::Malformed)?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits.len() != 32 || !plain(digits) || !height.bytes().all(|b| b.is_ascii_digit()) {
            return Err(KitError::Malformed);
        }
        let height = height.parse().map_err(|_| KitError::Malformed)?;
        let hash = u128::from_str_radix(digits, 16).map_err(|_| KitError::Malformed)?;
        Ok(Self {
            height,
            hash: hash.to_be_bytes(),
        })
    }
}

/// Why text is no recovery kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KitError {
    /// The words are not good.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// Printed by a program that is newer than this one.
    #[error("this recovery kit was printed by a newer version of Daybook")]
    NewerVersion,
    /// The line of a kit without its parts.
    #[error("this line of a recovery kit is not complete")]
    Malformed,
}

impl Kit {
    /// Reads the words alone, or the line of a kit.
    ///
    /// # Errors
    /// Why it is neither.
    pub fn read(text: &str) -> Result<Self, KitError> {
        let Some(rest) = text.trim_start().strip_prefix(MARK) else {
            let root = RootSecret::from_words(text)?;
            return Ok(Self {
                root,
                org: None,
                anchor: None,
            });
        };
        let mut parts = rest.splitn(5, char::is_whitespace);
        let (Some(""), Some(version)) = (parts.next(), parts.next()) else {
            return Err(KitError::Malformed);
        };
        let version: u8 = version.parse().map_err(|_| KitError::Malformed)?;
        if version > VERSION {
            return Err(KitError::NewerVersion);
        }
        if version < VERSION {
            return Err(KitError::Malformed);
        }
        let (Some(org), Some(anchor), Some(words)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KitError::Malformed);
        };
        let org = org.parse().map_err(|_| KitError::Malformed)?;
        let anchor = anchor.parse()?;
        let root = RootSecret::from_words(words)?;
        Ok(Self {
            root,
            org: Some(org),
            anchor: Some(anchor),
        })
    }

    /// The line of a kit.
    pub fn line(org: OrgId, anchor: Anchor, words: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{MARK} {VERSION} {org} {anchor} {words}"))
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn the_line_of_a_kit_is_read_back_and_bad_ones_say_why() {
        let root = RootSecret::generate(&mut ChaCha20Rng::from_seed([7; 32]));
        let (org, words) = (OrgId::from_bytes([3; 16]), root.to_words());
        let key = root.signing_key();
        let anchor: Anchor = "12-00112233445566778899aabbccddeeff".parse().unwrap();
        let kit = Kit::read(&Kit::line(org, anchor, &words)).unwrap();
        assert_eq!((kit.org, kit.root.signing_key()), (Some(org), key.clone()));
        assert_eq!(kit.anchor, Some(anchor));
        assert_eq!(
            "12-0011 2233 4455 6677 8899 AABB CCDD EEFF".parse(),
            Ok(anchor)
        );
        let typed = Kit::read(&format!("  {}\n", words.to_uppercase().replace(' ', "\n"))).unwrap();
        assert_eq!((typed.org, typed.root.signing_key()), (None, key));

        let read = |text: &str| Kit::read(text).map(|_| ()).unwrap_err();
        assert_eq!(
            read(&format!("daybook-kit 2 {org} {}", *words)),
            KitError::NewerVersion
        );
        for short in [
            "daybook-kit",
            "daybook-kit 1",
            "daybook-kits 1 a b",
            "daybook-kit 1 org_1 a",
            "daybook-kit 0 org_1 a b",
        ] {
            assert_eq!(read(short), KitError::Malformed, "{short}");
        }
        let fewer = words.rsplit_once(' ').unwrap().0;
        assert_eq!(
            read(&Kit::line(org, anchor, fewer)),
            KitError::Words(WordsError::Count { got: 23 })
        );
        for odd in [
            "12",
            "12-0011",
            "x-00112233445566778899aabbccddeeff",
            "+1-00112233445566778899aabbccddeeff",
            "1-+0112233445566778899aabbccddeeff",
        ] {
            assert_eq!(odd.parse::<Anchor>(), Err(KitError::Malformed), "{odd}");
        }
    }
}
