//! Subresources: status, scale, finalize, approval, and those of pods and service accounts.

use axum::response::Response;
use http::Method;
use serde_json::Value;

use super::call::Call;
use super::dispatch::{self, Incoming};
use super::failure::Failure;
use super::{pod, scale, token_request};
use crate::registry::{UpdateTarget, prepare};

/// Answers a request about a subresource.
pub(super) async fn dispatch(call: &mut Call<'_>, incoming: Incoming) -> Result<Response, Failure> {
    let name = incoming.target.subresource.clone();
    let Some(subresource) = call.resource.subresource(&name).cloned() else {
        return Err(if call.resource.is_custom() { call.not_found() } else { Failure::no_such_resource() });
    };
    let verb = incoming.target.verb(&incoming.method, &incoming.query);
    // Streams are opened by GET or POST, which discovery calls get and create.
    let allowed = subresource.verbs.iter().any(|allowed| allowed == verb);
    if !allowed && call.resource.is_custom() && incoming.method != Method::HEAD {
        return Err(Failure::verb_not_supported(&call.resource, verb));
    }
    if !allowed || incoming.method == Method::HEAD {
        return Err(Failure::method_not_allowed());
    }
    match (name.as_str(), verb) {
        ("scale", _) => scale::answer(call, incoming, verb).await,
        ("finalize", "update") => finalize(call, &incoming).await,
        ("binding", "create") => pod::bind(call, &incoming).await,
        ("eviction", "create") => pod::evict(call, &incoming).await,
        ("token", "create") => token_request::create(call, &incoming).await,
        (_, "get") if is_view_of_parent(&name) => dispatch::get(call, &incoming).await,
        ("status" | "approval", "update") => dispatch::update(call, &incoming, UpdateTarget::Status).await,
        ("status" | "approval", "patch") => dispatch::patch(call, &incoming, UpdateTarget::Status).await,
        ("ephemeralcontainers", "update" | "patch") => {
            pod::add_ephemeral_containers(call, &incoming, verb).await
        }
        ("resize", "update") => dispatch::update(call, &incoming, UpdateTarget::Main).await,
        ("resize", "patch") => dispatch::patch(call, &incoming, UpdateTarget::Main).await,
        _ => pod::connect(call, &incoming).await,
    }
}

fn is_view_of_parent(name: &str) -> bool {
    matches!(name, "status" | "approval" | "ephemeralcontainers" | "resize")
}

/// Replaces `spec.finalizers` of a namespace, and nothing else.
async fn finalize(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    call.options = super::options::WriteOptions::parse(&incoming.query, &incoming.headers, "UpdateOptions")?;
    let mut object = dispatch::read_object(call, incoming)?;
    super::update::check_names(call, &mut object)?;
    let saved = call.finalize(&object).await?;
    let view = dispatch::object_view(call, incoming)?;
    view.object(http::StatusCode::OK, &saved)
}

impl Call<'_> {
    /// Writes the finalizers of a namespace.
    pub(crate) async fn finalize(&mut self, wanted: &Value) -> Result<super::respond::Saved, Failure> {
        let finalizers = wanted.pointer("/spec/finalizers").cloned().unwrap_or(Value::Null);
        let empty = finalizers.as_array().is_none_or(Vec::is_empty);
        let version = wanted.pointer("/metadata/resourceVersion").cloned();
        "finalize".clone_into(&mut self.subresource);
        self.replace(|old| {
            let mut new = old.clone();
            // A finalization replaces the metadata as any update does, and of the rest only the finalizers.
            for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
                let metadata = new.get_mut("metadata").and_then(Value::as_object_mut);
                match (metadata, wanted["metadata"].get(key)) {
                    (Some(metadata), Some(value)) => drop(metadata.insert(key.to_owned(), value.clone())),
                    (Some(metadata), None) => drop(metadata.remove(key)),
                    _ => {}
                }
            }
            let name = new["metadata"]["name"].clone();
            new["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            if let Some(spec) = new.get_mut("spec").and_then(Value::as_object_mut) {
                if empty {
                    spec.remove("finalizers");
                } else {
                    spec.insert("finalizers".to_owned(), finalizers.clone());
                }
            }
            if let (Some(version), Some(metadata)) = (&version, new.get_mut("metadata")) {
                metadata["resourceVersion"] = version.clone();
            } else if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("resourceVersion");
            }
            Ok(new)
        })
        .await
    }

    /// Changes an object as [`Call::replace`] does, in nobody's name.
    pub(super) async fn replace_unowned(
        &mut self,
        mut change: impl FnMut(&Value) -> Result<Value, Failure>,
    ) -> Result<super::respond::Saved, Failure> {
        self.change(UpdateTarget::Main, |_, old| change(old).map(super::update::Changed::Final)).await
    }

    /// Changes an object past the rules of its resource: for the parts that belong to the server.
    pub(crate) async fn replace(
        &mut self,
        mut change: impl FnMut(&Value) -> Result<Value, Failure>,
    ) -> Result<super::respond::Saved, Failure> {
        self.change(UpdateTarget::Main, |call, old| {
            let mut new = change(old)?;
            call.prepare(&call.name, |context| prepare::decode(&call.resource, &mut new, context))?;
            call.own_fields(&mut new, Some(old));
            Ok(super::update::Changed::Reviewed(new))
        })
        .await
    }
}
