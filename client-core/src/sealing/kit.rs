//! What the picture on a recovery kit says, in one line that can also be typed.
//!
//! `daybook-kit 0 org_… word … word`: the words, and whose they are. Whoever types the words alone
//! may leave the rest out.

use sync_protocol::OrgId;
use zeroize::Zeroizing;

use super::{RootSecret, WordsError};

const MARK: &str = "daybook-kit";
const VERSION: u8 = 0;

/// Recovery words as somebody typed or scanned them.
#[derive(Debug)]
pub struct Kit {
    /// What the words say.
    pub root: RootSecret,
    /// Whose they are, if that stood with them.
    pub org: Option<OrgId>,
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
            return Ok(Self { root, org: None });
        };
        let mut parts = rest.splitn(4, char::is_whitespace);
        let (Some(""), Some(version), Some(org), Some(words)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(KitError::Malformed);
        };
        let version: u8 = version.parse().map_err(|_| KitError::Malformed)?;
        if version > VERSION {
            return Err(KitError::NewerVersion);
        }
        let org = org.parse().map_err(|_| KitError::Malformed)?;
        let root = RootSecret::from_words(words)?;
        let org = Some(org);
        Ok(Self { root, org })
    }

    /// The line of a kit.
    pub fn line(org: OrgId, words: &str) -> Zeroizing<String> {
        Zeroizing::new(format!("{MARK} {VERSION} {org} {words}"))
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
        let kit = Kit::read(&Kit::line(org, &words)).unwrap();
        assert_eq!((kit.org, kit.root.signing_key()), (Some(org), key.clone()));
        let typed = Kit::read(&format!("  {}\n", words.to_uppercase().replace(' ', "\n"))).unwrap();
        assert_eq!((typed.org, typed.root.signing_key()), (None, key));

        let read = |text: &str| Kit::read(text).map(|_| ()).unwrap_err();
        assert_eq!(
            read(&format!("daybook-kit 1 {org} {}", *words)),
            KitError::NewerVersion
        );
        for short in [
            "daybook-kit",
            "daybook-kit 0",
            "daybook-kits 0 a b",
            "daybook-kit 0 org_1 a",
        ] {
            assert_eq!(read(short), KitError::Malformed, "{short}");
        }
        let fewer = words.rsplit_once(' ').unwrap().0;
        assert_eq!(
            read(&Kit::line(org, fewer)),
            KitError::Words(WordsError::Count { got: 23 })
        );
    }
}
