//! Image references: `[registry/]repository[:tag][@digest]`.
//!
//! The grammar is the one of the distribution project, without any default registry or
//! namespace: `nginx` has no registry.

use std::fmt;
use std::sync::LazyLock;

use regex_lite::Regex;

/// Longest repository that is accepted, not counting the registry.
const LONGEST_NAME: usize = 255;

static NAME: LazyLock<String> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!("(?:{label}(?:\\.{label})*|\\[[a-fA-F0-9:]+\\])");
    let component = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
    format!("(?:{host}(?::[0-9]+)?/)?{component}(?:/{component})*")
});
const TAG: &str = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
const DIGEST: &str = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][0-9A-Fa-f]{32,}";

static NAME_ONLY: LazyLock<Regex> = LazyLock::new(|| compile(&format!("^(?:{})$", *NAME)));
static TAG_ONLY: LazyLock<Regex> = LazyLock::new(|| compile(&format!("^{TAG}$")));
static DIGEST_ONLY: LazyLock<Regex> = LazyLock::new(|| compile(&format!("^{DIGEST}$")));

/// Why a text is no image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The text does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// The text is empty.
    #[error("repository name must have at least one component")]
    Empty,
    /// The text would be a reference if it were in lower case.
    #[error("repository name must be lowercase")]
    UpperCase,
    /// The name is longer than 255 characters.
    #[error("repository name must not be more than {LONGEST_NAME} characters")]
    TooLong,
    /// The algorithm of the digest is unknown.
    #[error("unsupported digest algorithm")]
    DigestAlgorithm,
    /// The digest has the wrong number of characters for its algorithm.
    #[error("invalid checksum digest length")]
    DigestLength,
    /// The digest has characters other than lower-case hexadecimal digits.
    #[error("invalid checksum digest format")]
    DigestFormat,
}

/// The parts of an image reference.
///
/// A reference that was parsed has a tag or a digest or neither: with both written, the tag wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageReference {
    /// Registry host with its port, empty when there is none.
    pub registry: String,
    /// Path in the registry.
    pub repository: String,
    /// Tag, without colon.
    pub tag: String,
    /// Digest with its algorithm.
    pub digest: String,
}

impl ImageReference {
    /// Parses a reference.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let Some((name, tag, digest)) = split(text) else {
            return Err(explain(text));
        };
        if let Some(digest) = digest {
            check_digest(digest)?;
        }
        let (registry, repository) = split_hostname(name);
        if repository.len() > LONGEST_NAME {
            return Err(ReferenceError::TooLong);
        }
        let digest = if tag.is_some() { None } else { digest };
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.unwrap_or_default().to_owned(),
            digest: digest.unwrap_or_default().to_owned(),
        })
    }

    /// Returns registry and repository.
    pub fn full_repository(&self) -> String {
        if self.registry.is_empty() {
            return self.repository.clone();
        }
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns the tag, or the digest when there is no tag.
    pub fn tag_or_digest(&self) -> &str {
        if self.tag.is_empty() { &self.digest } else { &self.tag }
    }

    /// Sets tag or digest, whichever the value looks like; any other value changes nothing.
    pub fn set_tag_or_digest(&mut self, value: &str) {
        if TAG_ONLY.is_match(value) {
            value.clone_into(&mut self.tag);
            self.digest.clear();
        } else if DIGEST_ONLY.is_match(value) {
            self.tag.clear();
            value.clone_into(&mut self.digest);
        }
    }

    /// Removes tag and digest.
    pub fn remove_tag_or_digest(&mut self) {
        self.tag.clear();
        self.digest.clear();
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full_repository())?;
        if !self.tag.is_empty() {
            return write!(f, ":{}", self.tag);
        }
        if !self.digest.is_empty() {
            return write!(f, "@{}", self.digest);
        }
        Ok(())
    }
}

/// Splits a name into registry and repository.
///
/// The first segment is a registry only when it has a dot or a colon or is `localhost`.
pub fn split_hostname(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        _ => ("", name),
    }
}

/// Splits into name, tag and digest, when the text follows the grammar.
fn split(text: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) if DIGEST_ONLY.is_match(digest) => (rest, Some(digest)),
        Some(_) => return None,
        None => (text, None),
    };
    if NAME_ONLY.is_match(rest) {
        return Some((rest, None, digest));
    }
    let (name, tag) = rest.rsplit_once(':')?;
    (NAME_ONLY.is_match(name) && TAG_ONLY.is_match(tag)).then_some((name, Some(tag), digest))
}

fn explain(text: &str) -> ReferenceError {
    if text.is_empty() {
        ReferenceError::Empty
    } else if split(&text.to_lowercase()).is_some() {
        ReferenceError::UpperCase
    } else {
        ReferenceError::Format
    }
}

fn check_digest(digest: &str) -> Result<(), ReferenceError> {
    let (algorithm, hex) = digest.split_once(':').ok_or(ReferenceError::DigestFormat)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ReferenceError::DigestAlgorithm),
    };
    if hex.len() != length {
        return Err(ReferenceError::DigestLength);
    }
    if hex.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ReferenceError::DigestFormat);
    }
    Ok(())
}

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that compiles")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> (String, String, String, String) {
        let image = ImageReference::parse(text).unwrap();
        (image.registry, image.repository, image.tag, image.digest)
    }

    #[test]
    fn recognises_a_registry_by_dot_colon_or_localhost() {
        assert_eq!(parts("nginx").0, "");
        assert_eq!(parts("acme/tool:2").0, "");
        assert_eq!(parts("localhost/tool").0, "localhost");
        assert_eq!(parts("reg:5000/tool").0, "reg:5000");
        assert_eq!(parts("[2001:db8::1]:5000/tool:1").0, "[2001:db8::1]:5000");
    }

    #[test]
    fn prefers_the_tag_over_the_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = ImageReference::parse(&format!("reg.io/a:1@{digest}")).unwrap();
        assert_eq!(image.to_string(), "reg.io/a:1");
        assert_eq!(image.digest, "");
    }

    #[test]
    fn says_why_a_text_is_no_reference() {
        assert_eq!(ImageReference::parse(""), Err(ReferenceError::Empty));
        assert_eq!(ImageReference::parse("UPPER"), Err(ReferenceError::UpperCase));
        assert_eq!(ImageReference::parse("a..b"), Err(ReferenceError::Format));
        let short = format!("a@sha256:{}", "a".repeat(63));
        assert_eq!(ImageReference::parse(&short), Err(ReferenceError::DigestLength));
    }

    #[test]
    fn ignores_a_value_that_is_neither_tag_nor_digest() {
        let mut image = ImageReference::parse("nginx:1").unwrap();
        image.set_tag_or_digest("bad tag");
        assert_eq!(image.to_string(), "nginx:1");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_has_written(
            registry in prop_oneof![Just(String::new()), Just("localhost/".to_owned()), "[a-z]{1,5}\\.io(:[0-9]{1,4})?/"],
            repository in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,4}){0,2}",
            tag in prop_oneof![Just(String::new()), ":[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,6}"],
        ) {
            let text = format!("{registry}{repository}{tag}");
            let image = ImageReference::parse(&text);
            prop_assert!(image.is_ok(), "{text}");
            let image = image.unwrap();
            prop_assert_eq!(image.to_string(), text);
            prop_assert_eq!(image.full_repository(), format!("{registry}{repository}"));
        }
    }
}
