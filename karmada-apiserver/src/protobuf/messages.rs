//! The table of messages.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Fallback for kinds that every group has, such as `DeleteOptions`.
const META: &str = "k8s.io.apimachinery.pkg.apis.meta.v1";

static MESSAGES: LazyLock<Messages> = LazyLock::new(Messages::load);

/// A message.
#[derive(Debug)]
pub(super) struct Descriptor {
    /// Name without the package.
    pub(super) name: String,
    package: String,
    pub(super) form: Form,
    /// Ascending by number.
    pub(super) fields: Vec<Field>,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// Name in JSON.
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) kind: Kind,
}

/// How often a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    One,
    Many,
    /// Texts to values.
    Map,
    /// A message whose fields stand among those of its parent in JSON.
    Inline,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Bytes,
    Double,
    Int32,
    Int64,
    Text,
    /// Index of a message.
    Message(usize),
}

/// How a message looks in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As an object with the fields of the message.
    Object,
    /// As text with whole seconds.
    Time,
    /// As text with microseconds.
    MicroTime,
    /// As its one text.
    Quantity,
    IntOrString,
    /// As the JSON that its bytes are.
    Json,
    /// As its bytes, which are JSON or an enveloped object.
    RawExtension,
    /// As its one list.
    List,
    /// As a flag or its schema.
    SchemaOrBool,
    /// As a schema or a list of schemas.
    SchemaOrList,
    /// As a schema or a list of texts.
    SchemaOrTexts,
}

struct Messages {
    all: Vec<Descriptor>,
    /// Full name to index.
    index: HashMap<String, usize>,
    /// Group and version to package.
    packages: HashMap<(String, String), String>,
}

/// Returns the message of a kind.
pub(super) fn of_kind(group: &str, version: &str, kind: &str) -> Option<&'static Descriptor> {
    let messages = &*MESSAGES;
    let package = messages.packages.get(&(group.to_owned(), version.to_owned()));
    let index = package
        .and_then(|package| messages.index.get(&format!("{package}.{kind}")))
        .or_else(|| messages.index.get(&format!("{META}.{kind}")))?;
    Some(&messages.all[*index])
}

/// Returns the message that a field refers to.
pub(super) fn at(index: usize) -> &'static Descriptor {
    &MESSAGES.all[index]
}

impl Descriptor {
    /// Returns the name of the OpenAPI definition of the same type.
    pub(super) fn definition(&self) -> String {
        let package =
            self.package.replace("_apiserver", "-apiserver").replace("kube_aggregator", "kube-aggregator");
        format!("io.{}.{}", package.replacen("k8s.io", "k8s", 1), self.name)
    }

    /// Returns the field of a number.
    pub(super) fn field(&self, number: u32) -> Option<&Field> {
        let index = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        self.fields.get(index)
    }
}

impl Messages {
    fn load() -> Self {
        let packed = include_bytes!("../../data/messages.tsv.zst");
        let bytes = zstd::decode_all(packed.as_slice()).expect("the embedded table is a whole zstd stream");
        let text = std::str::from_utf8(&bytes).expect("the embedded table is UTF-8");
        let names = text.lines().filter_map(|line| line.strip_prefix("M\t"));
        let index: HashMap<String, usize> =
            names.enumerate().map(|(index, name)| (name.to_owned(), index)).collect();
        let mut messages = Self { all: Vec::new(), index, packages: HashMap::new() };
        for line in text.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            match parts.as_slice() {
                ["M", name] => messages.all.push(Descriptor::new(name)),
                ["G", group, version, package] => {
                    let key = ((*group).to_owned(), (*version).to_owned());
                    messages.packages.insert(key, (*package).to_owned());
                }
                [number, name, shape, kind] => {
                    let field = messages.field(number, name, shape, kind);
                    let message = messages.all.last_mut().expect("fields follow the name of their message");
                    message.fields.push(field);
                }
                _ => {}
            }
        }
        for message in &mut messages.all {
            message.fields.sort_by_key(|field| field.number);
        }
        messages
    }

    fn field(&self, number: &str, name: &str, shape: &str, kind: &str) -> Field {
        Field {
            number: number.parse().expect("the embedded table has numbers"),
            name: name.to_owned(),
            shape: match shape {
                "many" => Shape::Many,
                "map" => Shape::Map,
                "inline" => Shape::Inline,
                _ => Shape::One,
            },
            kind: match kind {
                "bool" => Kind::Bool,
                "bytes" => Kind::Bytes,
                "double" => Kind::Double,
                "int32" => Kind::Int32,
                "int64" => Kind::Int64,
                "string" => Kind::Text,
                message => Kind::Message(self.index[message]),
            },
        }
    }
}

impl Descriptor {
    fn new(full_name: &str) -> Self {
        let (package, name) = full_name.rsplit_once('.').unwrap_or(("", full_name));
        let form = match name {
            "Time" => Form::Time,
            "MicroTime" => Form::MicroTime,
            "Quantity" => Form::Quantity,
            "IntOrString" => Form::IntOrString,
            "FieldsV1" | "JSON" => Form::Json,
            "RawExtension" => Form::RawExtension,
            "ExtraValue" | "Verbs" => Form::List,
            "JSONSchemaPropsOrBool" => Form::SchemaOrBool,
            "JSONSchemaPropsOrArray" => Form::SchemaOrList,
            "JSONSchemaPropsOrStringArray" => Form::SchemaOrTexts,
            _ => Form::Object,
        };
        Self { name: name.to_owned(), package: package.to_owned(), form, fields: Vec::new() }
    }
}
