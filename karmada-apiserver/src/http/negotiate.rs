//! Which form of an answer the client wants.

use http::HeaderMap;
use http::header::{ACCEPT, USER_AGENT};

use super::failure::Failure;
use super::query::Query;
use crate::registry::Resource;

const AVAILABLE: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// How objects are transformed before they are sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Object,
    /// `meta.k8s.io` version of the table.
    Table(String),
    PartialObject(String),
    PartialObjectList(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Encoding {
    #[default]
    Json,
    PrettyJson,
    Yaml,
    Protobuf,
}

/// The agreed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Negotiated {
    pub(crate) form: Form,
    pub(crate) encoding: Encoding,
}

/// What kind of answers an endpoint gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Objects: also as tables and metadata.
    Objects,
    /// Objects of custom resources: in protobuf there is only their metadata.
    CustomObjects,
    /// A stream of events.
    Watch,
    /// A stream of events of custom resources.
    CustomWatch,
    /// Answers in one form only.
    Plain,
    /// Plain answers that are JSON only.
    JsonOnly,
}

impl Offer {
    /// Returns the offer of the objects of a resource.
    pub(crate) fn objects(resource: &Resource) -> Self {
        if resource.is_custom() { Self::CustomObjects } else { Self::Objects }
    }

    /// Returns the offer of the watches of a resource.
    pub(crate) fn watch(resource: &Resource) -> Self {
        if resource.is_custom() { Self::CustomWatch } else { Self::Watch }
    }

    fn is_custom(self) -> bool {
        matches!(self, Self::CustomObjects | Self::CustomWatch)
    }

    fn is_watch(self) -> bool {
        matches!(self, Self::Watch | Self::CustomWatch)
    }

    /// Whether objects can have a form in an encoding.
    fn has(self, form: &Form, encoding: Encoding) -> bool {
        match form {
            Form::Object => encoding != Encoding::Protobuf || !self.is_custom(),
            // Tables hold values of any type, which have no message.
            Form::Table(_) => !self.is_plain() && encoding != Encoding::Protobuf,
            Form::PartialObject(_) | Form::PartialObjectList(_) => !self.is_plain(),
        }
    }

    fn is_plain(self) -> bool {
        matches!(self, Self::Plain | Self::JsonOnly)
    }
}

struct Clause<'a> {
    media_type: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl Clause<'_> {
    fn parameter(&self, key: &str) -> &str {
        self.parameters.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| *v)
    }
}

fn clauses(header: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = header
        .split(',')
        .map(|part| {
            let mut pieces = part.split(';').map(str::trim);
            let media_type = pieces.next().unwrap_or_default();
            let parameters: Vec<_> =
                pieces.filter_map(|piece| piece.split_once('=')).map(|(k, v)| (k.trim(), v.trim())).collect();
            let quality = parameters.iter().find(|(k, _)| *k == "q").and_then(|(_, v)| v.parse().ok());
            Clause { media_type, parameters, quality: quality.unwrap_or(1.0) }
        })
        .collect();
    clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    clauses
}

/// Chooses the answer for a request.
///
/// # Errors
/// 406 when nothing that the client accepts is available.
pub(crate) fn negotiate(headers: &HeaderMap, query: &Query, offer: Offer) -> Result<Negotiated, Failure> {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let json = json_encoding(headers, query);
    if accept.trim().is_empty() {
        return Ok(Negotiated { form: Form::Object, encoding: json });
    }
    let mut known = false;
    for clause in clauses(accept) {
        let encoding = match clause.media_type {
            "application/json" | "*/*" => json,
            "application/yaml" if offer != Offer::JsonOnly => Encoding::Yaml,
            "application/vnd.kubernetes.protobuf" if offer != Offer::JsonOnly => Encoding::Protobuf,
            _ => continue,
        };
        known = true;
        let Some(form) = form(&clause).filter(|form| offer.has(form, encoding)) else { continue };
        if offer.is_watch() && encoding == Encoding::Yaml {
            let message = "only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
            let mut failure = Failure::not_acceptable("");
            message.clone_into(&mut failure.message);
            failure.details = None;
            return Err(failure);
        }
        return Ok(Negotiated { form, encoding });
    }
    if (known && offer != Offer::JsonOnly) || offer.is_custom() {
        let mut failure = Failure::not_acceptable("");
        failure.message = format!("only the following media types are accepted: {AVAILABLE}");
        failure.details = None;
        return Err(failure);
    }
    Err(match offer {
        Offer::Watch | Offer::CustomWatch => Failure::not_acceptable(&format!(
            "{AVAILABLE}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
        )),
        Offer::JsonOnly => Failure::not_acceptable("application/json"),
        Offer::Objects | Offer::CustomObjects | Offer::Plain => Failure::not_acceptable(AVAILABLE),
    })
}

/// Returns how an error is encoded: as the answer would have been, JSON when in doubt.
pub(crate) fn error_encoding(headers: &HeaderMap, query: &Query) -> Encoding {
    negotiate(headers, query, Offer::Plain).map_or_else(|_| json_encoding(headers, query), |n| n.encoding)
}

fn form(clause: &Clause<'_>) -> Option<Form> {
    let (form, group, version) = (clause.parameter("as"), clause.parameter("g"), clause.parameter("v"));
    if form.is_empty() {
        return Some(Form::Object);
    }
    if group != "meta.k8s.io" || !matches!(version, "v1" | "v1beta1") {
        return None;
    }
    match form {
        "Table" => Some(Form::Table(version.to_owned())),
        "PartialObjectMetadata" => Some(Form::PartialObject(version.to_owned())),
        "PartialObjectMetadataList" => Some(Form::PartialObjectList(version.to_owned())),
        _ => None,
    }
}

fn json_encoding(headers: &HeaderMap, query: &Query) -> Encoding {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let browser = ["curl", "Wget", "Mozilla/5.0"].iter().any(|name| agent.starts_with(name));
    let pretty = match query.first("pretty") {
        Some(value) => matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True"),
        None => browser,
    };
    if pretty { Encoding::PrettyJson } else { Encoding::Json }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn accept(value: &str) -> Result<Negotiated, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, value.parse().unwrap());
        negotiate(&headers, &Query::default(), Offer::Objects)
    }

    #[rstest]
    #[case("*/*", Form::Object)]
    #[case("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Form::Table("v1".to_owned()))]
    #[case("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", Form::Object)]
    #[case("application/vnd.kubernetes.protobuf,application/json", Form::Object)]
    #[case("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json", Form::Object)]
    #[case("application/json;q=0.9,application/xml;q=1", Form::Object)]
    fn takes_the_best_that_is_there(#[case] header: &str, #[case] form: Form) {
        assert_eq!(accept(header).unwrap().form, form);
    }

    #[rstest]
    #[case(Offer::Objects, "application/vnd.kubernetes.protobuf,application/json", Encoding::Protobuf)]
    #[case(Offer::CustomObjects, "application/vnd.kubernetes.protobuf,application/json", Encoding::Json)]
    #[case(
        Offer::CustomWatch,
        "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        Encoding::Protobuf
    )]
    fn custom_resources_have_only_metadata_in_protobuf(
        #[case] offer: Offer,
        #[case] header: &str,
        #[case] encoding: Encoding,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, header.parse().unwrap());
        assert_eq!(negotiate(&headers, &Query::default(), offer).unwrap().encoding, encoding);
    }

    #[rstest]
    #[case("application/xml")]
    #[case("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io")]
    #[case("application/*")]
    #[case("application/json;as=Table")]
    #[case("garbage")]
    fn refuses_the_rest(#[case] header: &str) {
        assert_eq!(accept(header).unwrap_err().code, 406);
    }
}
