//! Clients that keep to a rate and to the time of a lease, are counted, and bring defaults where the server has none.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{HeaderValue, Method, Request};
use kube::client::Body;
use kube::{Client, Error};
use serde_json::Value;

use super::rates::{Bucket, Rate};
use crate::metrics::Metrics;
use crate::tenure::Fence;

/// Changes an object that is about to be created.
pub type Defaults = Arc<dyn Fn(Value) -> Value + Send + Sync>;

/// What is put in front of a client.
#[derive(Clone, Default)]
pub struct ClientSettings {
    /// The program, for servers that write down who calls and who owns which fields. A name that a request has
    /// already stays.
    pub program: Option<&'static str>,
    /// Calls that are made at most; watches count once.
    pub rate: Option<Rate>,
    /// Where calls are counted, under which name of the server.
    pub counted: Option<(Metrics, String)>,
    /// Defaults for objects of Karmada's kinds, for servers that do not set them themselves.
    pub defaults: Option<Defaults>,
    /// What writes must pass.
    pub fence: Option<Fence>,
}

impl std::fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSettings").field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// Returns a client that calls through `client` under the settings. It must be called within a runtime of tokio.
pub fn shape(client: Client, settings: ClientSettings) -> Client {
    let ClientSettings { program, rate, counted, defaults, fence } = settings;
    let is_shaped =
        program.is_some() || rate.is_some() || counted.is_some() || defaults.is_some() || fence.is_some();
    if !is_shaped {
        return client;
    }
    let agent = program.map(user_agent);
    let namespace = client.default_namespace().to_owned();
    let bucket = rate.map(|rate| Arc::new(Bucket::new(rate)));
    let service = tower::service_fn(move |mut request: Request<Body>| {
        if let Some(agent) = &agent {
            request.headers_mut().entry(USER_AGENT).or_insert_with(|| agent.clone());
        }
        let (client, bucket) = (client.clone(), bucket.clone());
        let (counted, defaults, fence) = (counted.clone(), defaults.clone(), fence.clone());
        async move {
            if let Some(bucket) = bucket {
                let turn = bucket.reserve();
                if !turn.is_zero() {
                    tokio::time::sleep(turn).await;
                }
            }
            let request = match defaults {
                Some(defaults) if is_creation(&request) => with_defaults(request, &defaults).await?,
                _ => request,
            };
            let method = request.method().to_string();
            let answer = match fence {
                Some(fence) if !request.method().is_safe() => match fence.guard(client.send(request)).await {
                    Ok(answer) => answer,
                    Err(error) => Err(Error::Service(error.into())),
                },
                _ => client.send(request).await,
            };
            if let Some((metrics, host)) = counted {
                let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
                metrics.runtime.called(&host, &method, code);
            }
            answer
        }
    });
    Client::new(service, namespace)
}

/// Returns how a program calls itself: servers take what is before the slash for the manager of fields.
fn user_agent(program: &'static str) -> HeaderValue {
    HeaderValue::try_from(format!("{program}/{}", env!("CARGO_PKG_VERSION")))
        .unwrap_or_else(|_| HeaderValue::from_static(env!("CARGO_PKG_NAME")))
}

/// Whether a request creates an object of one of Karmada's kinds.
fn is_creation(request: &Request<Body>) -> bool {
    let path = request.uri().path();
    let group = path.strip_prefix("/apis/").and_then(|rest| rest.split('/').next());
    request.method() == Method::POST && group.is_some_and(|group| group.ends_with(".karmada.io"))
}

async fn with_defaults(request: Request<Body>, defaults: &Defaults) -> Result<Request<Body>, Error> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect_bytes().await?;
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(object) => serde_json::to_vec(&defaults(object)).map_err(Error::SerdeError)?,
        // Not ours to judge: the server will say what is wrong.
        Err(_) => bytes.to_vec(),
    };
    Ok(Request::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use http::Response;
    use kube::api::{Api, PostParams};
    use parking_lot::Mutex;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn creations_get_defaults_and_calls_are_counted() {
        let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
        let server = {
            let seen = seen.clone();
            tower::service_fn(move |request: Request<Body>| {
                let seen = seen.clone();
                async move {
                    let agent = request.headers()[USER_AGENT].to_str().unwrap().to_owned();
                    assert!(agent.starts_with("karmada-scheduler/"), "{agent}");
                    let bytes = request.into_body().collect_bytes().await.unwrap();
                    seen.lock().push(serde_json::from_slice(&bytes).unwrap());
                    Ok::<_, Error>(Response::builder().status(201).body(Body::from(bytes.to_vec())).unwrap())
                }
            })
        };
        let metrics = Metrics::default();
        let client = shape(
            Client::new(server, "default"),
            ClientSettings {
                program: Some("karmada-scheduler"),
                rate: Some(Rate { per_second: 1000.0, burst: 10 }),
                counted: Some((metrics.clone(), "control-plane".into())),
                defaults: Some(Arc::new(|mut object: Value| {
                    object["metadata"]["labels"] = json!({"id": "1"});
                    object
                })),
                fence: None,
            },
        );
        let work: karmada_core::api::work::Work =
            serde_json::from_value(json!({"metadata": {"name": "w"}, "spec": {"workload": {}}})).unwrap();
        let created = Api::namespaced(client, "ns").create(&PostParams::default(), &work).await.unwrap();
        assert_eq!(created.metadata.labels.unwrap()["id"], "1");
        assert_eq!(seen.lock()[0]["metadata"]["labels"]["id"], "1");
        let page = metrics.page().unwrap().text;
        assert!(
            page.contains(
                "rest_client_requests_total{code=\"201\",host=\"control-plane\",method=\"POST\"} 1"
            )
        );
    }
    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_after_the_lease_and_reads_go_on() {
        let seen: Arc<Mutex<Vec<Method>>> = Arc::default();
        let server = {
            let seen = seen.clone();
            tower::service_fn(move |request: Request<Body>| {
                seen.lock().push(request.method().clone());
                std::future::ready(Ok::<_, Error>(Response::new(Body::empty())))
            })
        };
        let tenure = crate::tenure::Tenure::default();
        tenure.extend(tokio::time::Instant::now() + std::time::Duration::from_secs(1));
        let fence = Some(Fence::of(tenure));
        let settings = ClientSettings { fence, ..ClientSettings::default() };
        let client = shape(Client::new(server, "default"), settings);
        let send = async |method: Method| {
            let request = Request::builder().method(method).uri("/api").body(Body::empty()).unwrap();
            client.send(request).await.map(drop)
        };
        send(Method::PUT).await.unwrap();
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let error = send(method).await.unwrap_err();
            assert!(crate::hub::chain(&error).contains("no longer holds its lease"), "{error}");
        }
        send(Method::GET).await.unwrap();
        assert_eq!(*seen.lock(), [Method::PUT, Method::GET]);
    }
}
