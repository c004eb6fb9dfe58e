//! The name of a field, cheap to copy: sets of fields hold thousands of them for a moment.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Bytes of a name that need no allocation: almost all names of fields.
const SHORT: usize = 22;

/// The name of a field.
#[derive(Clone)]
pub struct FieldName(Text);

#[derive(Clone)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Arc<str>),
}

impl FieldName {
    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { length, bytes } => &bytes[..usize::from(*length)],
            Text::Long(text) => text.as_bytes(),
        }
    }

    /// Returns the name.
    ///
    /// # Panics
    ///
    /// Never: the bytes are those of a text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Short { .. } => {
                std::str::from_utf8(self.as_bytes()).expect("the bytes were copied from a text")
            }
            Text::Long(text) => text,
        }
    }
}

impl From<&str> for FieldName {
    fn from(name: &str) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..name.len()) {
            Some(start) => {
                start.copy_from_slice(name.as_bytes());
                Self(Text::Short { length: name.len() as u8, bytes })
            }
            None => Self(Text::Long(name.into())),
        }
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for FieldName {}

impl Ord for FieldName {
    fn cmp(&self, other: &Self) -> Ordering {
        // Texts are in the order of their bytes.
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for FieldName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_its_text(a in "[a-bé]{0,30}", b in "[a-bé]{0,30}") {
            let (left, right) = (FieldName::from(a.as_str()), FieldName::from(b.as_str()));
            prop_assert_eq!(left.as_str(), &a);
            prop_assert_eq!(left.to_string(), a.clone());
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert_eq!(left == right, a == b);
        }
    }
}
