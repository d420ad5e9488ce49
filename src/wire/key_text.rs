//! The text of a key: `gsk_IIIIIIII_` and 32 random characters, then 6 that check all
//! before. One pattern finds such keys where they do not belong, and a mistyped one is
//! told without a look at the store.

use crate::domain::access::key::{KeyHash, KeyId};
use sha2::{Digest, Sha256};
use std::fmt;

/// What every key matches, for those who search for leaked ones.
pub const PATTERN: &str = "gsk_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}";
/// Random bytes that a key is made of.
pub const RANDOM_BYTES: usize = 64;
/// How every key begins.
pub const PREFIX: &str = "gsk_";
const ID_LENGTH: usize = 8;
const SECRET_LENGTH: usize = 32;
const CHECK_LENGTH: usize = 6;
const LENGTH: usize = PREFIX.len() + ID_LENGTH + 1 + SECRET_LENGTH + CHECK_LENGTH;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The text of a key. It is never logged nor kept: only its id and its hash are.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

/// A text that is no key: of another shape, or mistyped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key")]
pub struct NotAKey;

impl KeyText {
    /// A key from random bytes. None where too many of them must be passed over, so that
    /// every character has the same probability: draw again then, once in 10^20 times.
    #[must_use]
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Option<Self> {
        // 248 is the largest multiple of 62 in a byte.
        let mut drawn = random
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        let id: String = drawn.by_ref().take(ID_LENGTH).collect();
        let secret: String = drawn.by_ref().take(SECRET_LENGTH).collect();
        (secret.len() == SECRET_LENGTH).then(|| {
            let text = format!("{PREFIX}{id}_{secret}");
            let check = check_of(&text);
            Self(text + &check)
        })
    }

    /// The key that a text is.
    ///
    /// # Errors
    /// Where it has another shape, or its check does not fit.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let is_shaped = text.len() == LENGTH
            && text.starts_with(PREFIX)
            && text.bytes().enumerate().skip(PREFIX.len()).all(|(at, byte)| {
                if at == PREFIX.len() + ID_LENGTH {
                    byte == b'_'
                } else {
                    byte.is_ascii_alphanumeric()
                }
            });
        if !is_shaped {
            return Err(NotAKey);
        }
        let (body, check) = text.split_at(LENGTH - CHECK_LENGTH);
        if check == check_of(body) { Ok(Self(text.to_owned())) } else { Err(NotAKey) }
    }

    /// Its public part.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let id = &self.0[PREFIX.len()..PREFIX.len() + ID_LENGTH];
        KeyId::parse(id).expect("the shape of a key was looked at")
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// The text itself, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Shows the public part only.
impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({}, secret)", self.id())
    }
}

/// CRC-32 of a text as 6 characters of base62: 62^6 is more than 2^32.
fn check_of(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [0; CHECK_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = KeyText> {
        prop::array::uniform(any::<u8>())
            .prop_filter_map("too few characters", |random| KeyText::from_random(&random))
    }

    proptest! {
        #[test]
        fn a_key_is_read_as_it_was_made_and_matches_the_pattern(key in any_key()) {
            prop_assert_eq!(KeyText::parse(key.reveal()), Ok(key.clone()));
            prop_assert_eq!(key.reveal().len(), LENGTH);
            let (prefix, shown) = (format!("gsk_{}_", key.id()), format!("{key:?}"));
            prop_assert!(key.reveal().starts_with(&prefix));
            prop_assert!(!shown.contains(&key.reveal()[13..]));
        }

        #[test]
        fn a_key_with_one_other_character_is_none(
            key in any_key(), at in 0..LENGTH, byte in any::<u8>(),
        ) {
            let mut text = key.reveal().as_bytes().to_vec();
            prop_assume!(text[at] != byte);
            text[at] = byte;
            if let Ok(text) = String::from_utf8(text) {
                prop_assert_eq!(KeyText::parse(&text), Err(NotAKey));
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_key_is_none() {
        let key = KeyText::from_random(&[7; RANDOM_BYTES]).unwrap();
        let text = key.reveal();
        for wrong in [
            "",
            "gsk_",
            "gsk",
            &text[1..],
            &format!("{text}0"),
            &text.to_uppercase(),
            &format!(" {text}"),
        ] {
            assert_eq!(KeyText::parse(wrong), Err(NotAKey), "{wrong:?}");
        }
    }
}
