//! The way to a member cluster: through the control plane's proxy, or by the credentials its Cluster points to.

use std::time::Duration;

use http::{Request, Uri};
use karmada_controllers::members::{Connector, Endpoint, Verification};
use kube::Api;
use kube::client::Body;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};

use crate::api_error::ApiError;

/// Longest time for finding out whether the control plane's proxy leads to a member.
const PROBE: Duration = Duration::from_secs(5);

/// A member cluster that cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cluster {cluster} has no API endpoint yet")]
    NoEndpoint { cluster: String },
    #[error("cluster {cluster} refers to no credentials (spec.secretRef)")]
    NoSecretRef { cluster: String },
    #[error("cannot read the credentials of cluster {cluster} (secret {namespace}/{name})")]
    Secret {
        cluster: String,
        namespace: String,
        name: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error("the secret {namespace}/{name} of cluster {cluster} has no token")]
    NoToken { cluster: String, namespace: String, name: String },
    #[error("cannot make a client for cluster {cluster}")]
    Client {
        cluster: String,
        #[source]
        source: karmada_controllers::members::ConnectError,
    },
}

/// The kind Cluster, for calls with unstructured objects.
pub fn cluster_resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("cluster.karmada.io", "v1alpha1", "Cluster"),
        "clusters",
    )
}

/// Returns the registered clusters, by name.
pub async fn clusters(control_plane: &kube::Client) -> Result<Vec<DynamicObject>, ApiError> {
    let api: Api<DynamicObject> = Api::all_with(control_plane.clone(), &cluster_resource());
    let mut clusters = api.list(&kube::api::ListParams::default()).await?.items;
    clusters.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
    Ok(clusters)
}

/// Returns the Cluster of a member.
pub async fn cluster(control_plane: &kube::Client, name: &str) -> Result<DynamicObject, ApiError> {
    let api: Api<DynamicObject> = Api::all_with(control_plane.clone(), &cluster_resource());
    Ok(api.get(name).await?)
}

/// Makes a client for a member cluster.
///
/// The way leads through the control plane's proxy, in the name of the user. Where there is no proxy, or the member does
/// not let it speak for the user, the credentials that the Cluster points to are used, if the user may read them.
///
/// # Errors
/// When neither way is there.
pub async fn member_client(
    control_plane: &kube::Client,
    cluster: &DynamicObject,
) -> Result<kube::Client, ConnectError> {
    let through = through_proxy(control_plane, cluster.metadata.name.as_deref().unwrap_or_default());
    match tokio::time::timeout(PROBE, through.apiserver_version()).await {
        Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => {
            match direct_client(control_plane, cluster).await {
                // Whoever may not read secrets is told what the proxy says.
                Err(ConnectError::Secret { .. }) if status.code == 403 => Ok(through),
                direct => direct,
            }
        }
        // What else is wrong shows when the client is used.
        _ => Ok(through),
    }
}

/// Makes a client whose requests the control plane passes on to a member.
pub fn through_proxy(control_plane: &kube::Client, cluster: &str) -> kube::Client {
    let prefix = format!("/apis/cluster.karmada.io/v1alpha1/clusters/{cluster}/proxy");
    let (client, namespace) = (control_plane.clone(), control_plane.default_namespace().to_owned());
    let service = tower::service_fn(move |mut request: Request<Body>| {
        let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let uri = format!("{prefix}{path}").parse::<Uri>();
        let client = client.clone();
        async move {
            *request.uri_mut() = uri.map_err(|error| kube::Error::HttpError(error.into()))?;
            client.send(request).await
        }
    });
    kube::Client::new(service, namespace)
}

/// Makes a client for a member cluster out of its Cluster's endpoint and secret.
async fn direct_client(
    control_plane: &kube::Client,
    cluster: &DynamicObject,
) -> Result<kube::Client, ConnectError> {
    let name = cluster.metadata.name.clone().unwrap_or_default();
    let spec = &cluster.data["spec"];
    let url = spec["apiEndpoint"]
        .as_str()
        .filter(|endpoint| !endpoint.is_empty())
        .ok_or_else(|| ConnectError::NoEndpoint { cluster: name.clone() })?;
    let (Some(namespace), Some(secret_name)) =
        (spec["secretRef"]["namespace"].as_str(), spec["secretRef"]["name"].as_str())
    else {
        return Err(ConnectError::NoSecretRef { cluster: name });
    };
    let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(control_plane.clone(), namespace);
    let secret = secrets.get(secret_name).await.map_err(|source| ConnectError::Secret {
        cluster: name.clone(),
        namespace: namespace.to_owned(),
        name: secret_name.to_owned(),
        source: Box::new(ApiError(source)),
    })?;
    let data = secret.data.unwrap_or_default();
    let token = data
        .get("token")
        .and_then(|token| String::from_utf8(token.0.clone()).ok())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| ConnectError::NoToken {
            cluster: name.clone(),
            namespace: namespace.to_owned(),
            name: secret_name.to_owned(),
        })?;
    let headers = spec["proxyHeader"].as_object().into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let endpoint = Endpoint {
        url: url.to_owned(),
        token,
        ca_bundle: data.get("caBundle").map(|bundle| bundle.0.clone()).unwrap_or_default(),
        verification: if spec["insecureSkipTLSVerification"] == true {
            Verification::Skip
        } else {
            Verification::Full
        },
        proxy_url: spec["proxyURL"].as_str().filter(|proxy| !proxy.is_empty()).map(str::to_owned),
        proxy_headers: headers.collect(),
    };
    Connector::new()
        .with_program("karmadactl")
        .connect(&endpoint)
        .map_err(|source| ConnectError::Client { cluster: name, source })
}
