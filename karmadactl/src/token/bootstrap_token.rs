//! The text of a bootstrap token: six characters that everybody may know, a dot, and sixteen that are secret.

use std::fmt;
use std::str::FromStr;

use ring::rand::{SecureRandom as _, SystemRandom};

const ID_LENGTH: usize = 6;
const SECRET_LENGTH: usize = 16;
const CHARACTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A text that is no bootstrap token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(r#"the bootstrap token is not of the form "\\A([a-z0-9]{{6}})\\.([a-z0-9]{{16}})\\z""#)]
pub struct InvalidToken;

/// The machine has no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

/// The part of a token that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenId(String);

impl TokenId {
    /// Reads an id, or a whole token of which it is the first part.
    pub fn parse(text: &str) -> Option<Self> {
        if is_part(text, ID_LENGTH) {
            return Some(Self(text.to_owned()));
        }
        text.parse::<BootstrapToken>().ok().map(|token| Self(token.id))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bootstrap token.
#[derive(Clone, PartialEq, Eq)]
pub struct BootstrapToken {
    id: String,
    secret: String,
}

impl fmt::Debug for BootstrapToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No secrets in logs.
        f.debug_struct("BootstrapToken").field("id", &self.id).finish_non_exhaustive()
    }
}

impl BootstrapToken {
    /// Makes a token that nobody can guess.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        let random = SystemRandom::new();
        Ok(Self { id: random_text(&random, ID_LENGTH)?, secret: random_text(&random, SECRET_LENGTH)? })
    }

    /// The part that everybody may know.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The part that proves who one is.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The token as it is sent.
    pub fn text(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }
}

impl FromStr for BootstrapToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (id, secret) = text.split_once('.').ok_or(InvalidToken)?;
        if !is_part(id, ID_LENGTH) || !is_part(secret, SECRET_LENGTH) {
            return Err(InvalidToken);
        }
        Ok(Self { id: id.to_owned(), secret: secret.to_owned() })
    }
}

fn is_part(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| CHARACTERS.contains(&byte))
}

fn random_text(random: &SystemRandom, length: usize) -> Result<String, NoRandomness> {
    // Bytes above the last whole round of the characters would make the first ones likelier.
    let limit = u8::MAX - u8::MAX % 36;
    let mut text = String::new();
    while text.len() < length {
        let mut byte = [0];
        random.fill(&mut byte).map_err(|_| NoRandomness)?;
        if byte[0] < limit {
            text.push(char::from(CHARACTERS[usize::from(byte[0] % 36)]));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_tokens_are_tokens_and_never_the_same() {
        let (one, other) = (BootstrapToken::generate().unwrap(), BootstrapToken::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.text().parse(), Ok(one.clone()));
        assert!(!format!("{one:?}").contains(one.secret()));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "abcdef",
            "abcdef.",
            "abcdef.0123456789abcde",
            "Abcdef.0123456789abcdef",
            "abcdef-0123456789abcdef",
        ] {
            assert_eq!(text.parse::<BootstrapToken>(), Err(InvalidToken), "{text}");
        }
        assert_eq!(TokenId::parse("abcdef").unwrap().to_string(), "abcdef");
        assert_eq!(TokenId::parse("abcdef.0123456789abcdef").unwrap().to_string(), "abcdef");
        assert_eq!(TokenId::parse("nope"), None);
    }
}
