//! Who calls: named by the API server in front, by a client certificate, or by a token that the API server knows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, header};
use jiff::Timestamp;
use karmada_apiserver::UserInfo;
use karmada_apiserver::auth::{AuthError, Caller, Callers, FrontProxy};
use karmada_apiserver::http::Failure;
use parking_lot::{Mutex, RwLock};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::error::chain_line;
use crate::raw;

/// Where an API server says by whom it may be trusted.
const CONFIG_MAP: &str = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
const TOKEN_REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
/// Time between two looks at what is trusted.
const LOOK: Duration = Duration::from_secs(20);
/// How long an answer about a token holds.
const TOKEN_LIFE: Duration = Duration::from_secs(10);
/// Answers that are kept at most.
const TOKENS: usize = 1024;

/// What is trusted, where it is not to be as the API server says.
#[derive(Clone, Debug, Default)]
pub struct FrontProxyFlags {
    /// File with those who sign clients' certificates.
    pub client_ca_file: Option<PathBuf>,
    /// File with those who sign the API server's certificate as a proxy.
    pub proxy_ca_file: Option<PathBuf>,
    pub allowed_names: Vec<String>,
    pub user_headers: Vec<String>,
    pub group_headers: Vec<String>,
    pub extra_prefixes: Vec<String>,
}

/// What is trusted cannot be found out.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    #[error("cannot read the ConfigMap extension-apiserver-authentication of namespace kube-system")]
    ConfigMap(#[source] ApiError),
    #[error("cannot read {}", .path.display())]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the API server does not say whose certificates it shows as a proxy (requestheader-client-ca-file)"
    )]
    NoProxy,
    #[error("the authorities that are trusted cannot be read")]
    Authorities(#[source] AuthError),
}

/// What is trusted, as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trusted {
    client_ca_pem: String,
    front: FrontProxy,
}

/// Whose a token is, by its digest, and when that was said.
type Tokens = BTreeMap<Vec<u8>, (Instant, Option<UserInfo>)>;

/// Finds out who calls.
pub struct Authentication {
    client: kube::Client,
    flags: FrontProxyFlags,
    current: RwLock<(Trusted, Arc<Callers>)>,
    tokens: Mutex<Tokens>,
}

impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authentication").field("flags", &self.flags).finish_non_exhaustive()
    }
}

impl Authentication {
    /// Asks the API server whom to trust.
    ///
    /// # Errors
    /// When it does not say, and files do not either.
    pub async fn start(
        client: kube::Client,
        flags: FrontProxyFlags,
    ) -> Result<Arc<Self>, AuthenticationError> {
        let trusted = trusted(&client, &flags).await?;
        let callers = callers(&trusted)?;
        let current = RwLock::new((trusted, callers));
        Ok(Arc::new(Self { client, flags, current, tokens: Mutex::default() }))
    }

    /// Keeps up with whom the API server trusts, until it is dropped.
    pub async fn follow(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look().await {
                Ok(true) => tracing::info!("the authorities that are trusted have changed"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = chain_line(&error), "whom to trust stays as it was");
                }
            }
        }
    }

    async fn look(&self) -> Result<bool, AuthenticationError> {
        let trusted = trusted(&self.client, &self.flags).await?;
        if self.current.read().0 == trusted {
            return Ok(false);
        }
        let callers = callers(&trusted)?;
        *self.current.write() = (trusted, callers);
        Ok(true)
    }

    /// Finds out who sent a request over a connection whose other end showed these certificates.
    pub(super) async fn caller(
        &self,
        chain: &[CertificateDer<'_>],
        headers: &HeaderMap,
    ) -> Result<UserInfo, Failure> {
        let callers = self.current.read().1.clone();
        let caller = callers.identify(chain, headers, Timestamp::now());
        if let Caller::Known(user) = caller {
            return Ok(user);
        }
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) {
            return self.token_user(token.trim()).await?.ok_or_else(Failure::unauthorized);
        }
        if caller == Caller::Foreign { Err(Failure::unauthorized()) } else { Ok(UserInfo::anonymous()) }
    }

    async fn token_user(&self, token: &str) -> Result<Option<UserInfo>, Failure> {
        let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref().to_vec();
        if let Some((since, user)) = self.tokens.lock().get(&digest)
            && since.elapsed() < TOKEN_LIFE
        {
            return Ok(user.clone());
        }
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
        });
        let answer = post(&self.client, TOKEN_REVIEWS, &review).await.map_err(|error| {
            tracing::error!(error = chain_line(&error), "the API server does not review tokens");
            Failure::internal("the API server does not say whose token this is")
        })?;
        let status = &answer["status"];
        let user = (status["authenticated"] == true).then(|| reviewed(&status["user"]));
        let mut tokens = self.tokens.lock();
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        tokens.insert(digest, (Instant::now(), user.clone()));
        Ok(user)
    }
}

/// Posts a review and returns the answer.
pub(super) async fn post(client: &kube::Client, path: &str, review: &Value) -> Result<Value, ApiError> {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(review.to_string().into_bytes())
        .map_err(kube::Error::HttpError)?;
    Ok(client.request(request).await?)
}

fn reviewed(user: &Value) -> UserInfo {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    UserInfo {
        name: text("username"),
        uid: text("uid"),
        groups: texts(&user["groups"]),
        extra: user["extra"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, values)| (key.clone(), texts(values)))
            .collect(),
    }
}

fn callers(trusted: &Trusted) -> Result<Arc<Callers>, AuthenticationError> {
    let callers = Callers::new(&trusted.client_ca_pem, trusted.front.clone());
    callers.map(Arc::new).map_err(AuthenticationError::Authorities)
}

async fn trusted(client: &kube::Client, flags: &FrontProxyFlags) -> Result<Trusted, AuthenticationError> {
    let config_map = if flags.proxy_ca_file.is_some() && flags.client_ca_file.is_some() {
        Value::Null
    } else {
        raw::read(client, CONFIG_MAP).await.map_err(AuthenticationError::ConfigMap)?.unwrap_or_default()
    };
    let mut trusted = said(&config_map["data"]);
    if let Some(path) = &flags.client_ca_file {
        trusted.client_ca_pem = read_file(path).await?;
    }
    if let Some(path) = &flags.proxy_ca_file {
        trusted.front.ca_pem = read_file(path).await?;
    }
    for (flag, field) in [
        (&flags.allowed_names, &mut trusted.front.allowed_names),
        (&flags.user_headers, &mut trusted.front.user_headers),
        (&flags.group_headers, &mut trusted.front.group_headers),
        (&flags.extra_prefixes, &mut trusted.front.extra_prefixes),
    ] {
        if !flag.is_empty() {
            field.clone_from(flag);
        }
    }
    if trusted.front.ca_pem.trim().is_empty() {
        return Err(AuthenticationError::NoProxy);
    }
    Ok(trusted)
}

/// Reads what an API server says about whom it trusts.
fn said(data: &Value) -> Trusted {
    let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
    // Each list is JSON in a text.
    let list = |key: &str| serde_json::from_str::<Vec<String>>(&text(key)).unwrap_or_default();
    Trusted {
        client_ca_pem: text("client-ca-file"),
        front: FrontProxy {
            ca_pem: text("requestheader-client-ca-file"),
            allowed_names: list("requestheader-allowed-names"),
            user_headers: list("requestheader-username-headers"),
            uid_headers: list("requestheader-uid-headers"),
            group_headers: list("requestheader-group-headers"),
            extra_prefixes: list("requestheader-extra-headers-prefix"),
        },
    }
}

async fn read_file(path: &PathBuf) -> Result<String, AuthenticationError> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|source| AuthenticationError::File { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_server_says_whom_it_trusts() {
        let trusted = said(&json!({
            "client-ca-file": "A", "requestheader-client-ca-file": "B",
            "requestheader-allowed-names": "[\"front-proxy-client\"]",
            "requestheader-username-headers": "[\"X-Remote-User\"]",
            "requestheader-group-headers": "[\"X-Remote-Group\"]",
            "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
        }));
        assert_eq!(trusted.client_ca_pem, "A");
        let expected = FrontProxy {
            ca_pem: "B".into(),
            allowed_names: vec!["front-proxy-client".into()],
            ..FrontProxy::default()
        };
        assert_eq!(trusted.front, expected);
    }

    #[test]
    fn a_reviewed_token_names_its_user() {
        let user = reviewed(&json!({"username": "a", "groups": ["g"], "extra": {"k": ["v"]}}));
        assert_eq!(
            (user.name.as_str(), user.groups, user.extra["k"].clone()),
            ("a", vec!["g".to_owned()], vec!["v".to_owned()])
        );
    }
}
