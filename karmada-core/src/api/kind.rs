//! The macro that makes a root object out of a spec and a status type.

/// Defines a Kubernetes kind: the root struct and its kube traits.
///
/// kube's derive makes exactly one kind per spec type; here two kinds (a namespaced one and a
/// cluster-wide one) often share a spec. Reading does not look at `apiVersion` and `kind`:
/// they are written from the type. A kind has `spec`, `spec` and `status`, `status` alone, or a
/// list of another name in the place of both (`list webhooks = Webhook`).
macro_rules! kind {
    (
        $(#[$meta:meta])*
        $name:ident, $scope:ident, $group:expr, $version:literal, $plural:literal, spec = $spec:ty $(, status = $status:ty)?
    ) => {
        kind! {
            @root $(#[$meta])* $name, $scope, $group, $version, $plural,
            {
                /// What the user, or the component that owns the object, wants.
                spec: $spec,
            }
            { $(
                /// What was last observed.
                status: $status,
            )? }
        }

        impl $name {
            /// Returns an object with this name and spec.
            pub fn new(name: &str, spec: $spec) -> Self {
                let mut object = Self::default();
                object.metadata.name = Some(name.to_owned());
                object.spec = spec;
                object
            }
        }

        impl kube::core::object::HasSpec for $name {
            type Spec = $spec;

            fn spec(&self) -> &Self::Spec {
                &self.spec
            }
            fn spec_mut(&mut self) -> &mut Self::Spec {
                &mut self.spec
            }
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident, $scope:ident, $group:expr, $version:literal, $plural:literal, status = $status:ty
    ) => {
        kind! {
            @root $(#[$meta])* $name, $scope, $group, $version, $plural,
            {}
            {
                /// What was last observed.
                status: $status,
            }
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident, $scope:ident, $group:expr, $version:literal, $plural:literal, list $field:ident = $item:ty
    ) => {
        kind! {
            @root $(#[$meta])* $name, $scope, $group, $version, $plural,
            {
                /// The entries.
                $field: Vec<$item>,
            }
            {}
        }
    };
    (
        @root $(#[$meta:meta])*
        $name:ident, $scope:ident, $group:expr, $version:literal, $plural:literal,
        { $( $(#[$field_meta:meta])* $field:ident: $field_type:ty, )? }
        { $( $(#[$status_meta:meta])* $status:ident: $status_type:ty, )? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default)]
        pub struct $name {
            /// Standard object metadata.
            #[schemars(schema_with = "crate::api::schema::object")]
            #[schemars(skip_serializing_if = "crate::api::schema::optional")]
            pub metadata: kube::core::ObjectMeta,
            $(
                $(#[$field_meta])*
                pub $field: $field_type,
            )?
            $(
                $(#[$status_meta])*
                #[schemars(skip_serializing_if = "Option::is_none")]
                pub $status: Option<$status_type>,
            )?
        }

        impl $name {
            /// The kind's name.
            pub const KIND: &'static str = stringify!($name);
            /// The kind's group and version, as in `apiVersion`.
            pub const API_VERSION: &'static str = concat!($group, "/", $version);
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[derive(serde::Serialize)]
                #[serde(rename_all = "camelCase")]
                struct Wire<'a> {
                    api_version: &'static str,
                    kind: &'static str,
                    metadata: &'a kube::core::ObjectMeta,
                    $( $field: &'a $field_type, )?
                    $(
                        #[serde(skip_serializing_if = "Option::is_none")]
                        $status: &'a Option<$status_type>,
                    )?
                }
                Wire {
                    api_version: Self::API_VERSION,
                    kind: Self::KIND,
                    metadata: &self.metadata,
                    $( $field: &self.$field, )?
                    $( $status: &self.$status, )?
                }
                .serialize(serializer)
            }
        }

        impl kube::Resource for $name {
            type DynamicType = ();
            type Scope = kube::core::$scope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                Self::KIND.into()
            }
            fn group((): &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }
            fn version((): &()) -> std::borrow::Cow<'_, str> {
                $version.into()
            }
            fn api_version((): &()) -> std::borrow::Cow<'_, str> {
                Self::API_VERSION.into()
            }
            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &kube::core::ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut kube::core::ObjectMeta {
                &mut self.metadata
            }
        }

        $(
            impl kube::core::object::HasStatus for $name {
                type Status = $status_type;

                fn status(&self) -> Option<&Self::Status> {
                    self.$status.as_ref()
                }
                fn status_mut(&mut self) -> &mut Option<Self::Status> {
                    &mut self.$status
                }
            }
        )?
    };
}
