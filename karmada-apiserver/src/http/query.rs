//! Query parameters, in the order they came.

use super::failure::Failure;

/// The decoded query of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(key, Plus::Space), decode(value, Plus::Space))
            })
            .collect();
        Self { pairs }
    }

    /// Returns the first value of a parameter.
    pub(crate) fn first(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Returns the first value of a parameter, empty when it is not there.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.first(key).unwrap_or_default()
    }

    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Reads a flag as Kubernetes does: there and neither `0` nor `false`, in any case.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.first(key).map(|value| {
            let value = value.to_ascii_lowercase();
            value != "0" && value != "false"
        })
    }

    /// Reads a number.
    ///
    /// # Errors
    /// With the message of the real server when it is none.
    pub(crate) fn integer(&self, key: &str) -> Result<Option<i64>, Failure> {
        match self.first(key) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| {
                Failure::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
            }),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    Space,
    Keep,
}

/// Decodes the `%XX` of a path or header name.
pub(crate) fn percent_decode(text: &str) -> String {
    decode(text, Plus::Keep)
}

/// Decodes `%XX`; bytes that are no UTF-8 are replaced.
pub(super) fn decode(text: &str, plus: Plus) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(&byte) = bytes.get(index) {
        let hex = bytes.get(index + 1..index + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match byte {
            b'%' if let Some(value) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) => {
                out.push(value);
                index += 2;
            }
            b'+' if plus == Plus::Space => out.push(b' '),
            byte => out.push(byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_in_order_and_decodes_them() {
        let query = Query::parse(Some("a=1&a=2&b=x%2Cy+z&watch&c=%zz"));
        assert_eq!(query.first("a"), Some("1"));
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.text("b"), "x,y z");
        assert_eq!(query.text("c"), "%zz");
        assert_eq!(query.flag("watch"), Some(true));
        assert_eq!(Query::parse(Some("watch=False")).flag("watch"), Some(false));
        assert!(Query::parse(Some("limit=x")).integer("limit").is_err());
    }
}
