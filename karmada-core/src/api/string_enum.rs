//! The macro for string enumerations that accept values they do not know.

/// Defines an open enumeration of strings.
///
/// The default, `Unset`, is the empty string: a field of such a type needs no `Option` and is
/// skipped with `is_unset`. A value that is not listed is kept as `Other`. The schema lists the
/// values, except those of an enumeration that is defined `as text`: upstream's schema does not.
macro_rules! string_enum {
    (
        $(#[$meta:meta])*
        $name:ident as text { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        string_enum! {
            @define $(#[$meta])* $name { $( $(#[$variant_meta])* $variant = $text, )+ }
            { "type": "string" }
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        string_enum! {
            @define $(#[$meta])* $name { $( $(#[$variant_meta])* $variant = $text, )+ }
            { "type": "string", "enum": [$( $text ),+] }
        }
    };
    (
        @define $(#[$meta:meta])*
        $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+ }
        { $($schema:tt)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            /// No value given: the empty string.
            #[default]
            Unset,
            $( $(#[$variant_meta])* $variant, )+
            /// A value this version does not know.
            Other(String),
        }

        impl $name {
            /// Every value this version knows.
            pub const KNOWN: &'static [Self] = &[$( Self::$variant ),+];

            /// Returns the text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    Self::Unset => "",
                    $( Self::$variant => $text, )+
                    Self::Other(text) => text,
                }
            }

            /// Returns true when no value was given.
            pub fn is_unset(&self) -> bool {
                *self == Self::Unset
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    "" => Self::Unset,
                    $( $text => Self::$variant, )+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ $($schema)+ })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }
    };
}
