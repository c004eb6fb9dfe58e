//! Service-account tokens: JWTs signed with ES256.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use serde::{Deserialize, Serialize};

/// Issuer and default audience.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";
const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("token could not be signed")]
    Sign,
    /// The token is not one of ours.
    #[error("invalid bearer token")]
    Invalid,
    #[error("token has expired")]
    Expired,
    #[error("token audiences {} is invalid for the target audiences {}", list(found), list(wanted))]
    Audience { found: Vec<String>, wanted: Vec<String> },
}

/// An object by name and uid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// What a token says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aud: Vec<String>,
    /// Absent in the tokens of Secrets, which live as long as these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    pub iss: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jti: String,
    #[serde(rename = "kubernetes.io", default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesClaims>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub sub: String,
    #[serde(
        rename = "kubernetes.io/serviceaccount/namespace",
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub legacy_namespace: String,
    #[serde(
        rename = "kubernetes.io/serviceaccount/secret.name",
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub legacy_secret: String,
    #[serde(
        rename = "kubernetes.io/serviceaccount/service-account.name",
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub legacy_name: String,
    #[serde(
        rename = "kubernetes.io/serviceaccount/service-account.uid",
        default,
        skip_serializing_if = "String::is_empty"
    )]
    pub legacy_uid: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesClaims {
    pub namespace: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Bound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Bound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Bound>,
    pub serviceaccount: Bound,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// Tokens whose signature is remembered as good.
const REMEMBERED_TOKENS: usize = 1024;

/// Signs and checks tokens.
pub struct Signer {
    key: EcdsaKeyPair,
    key_id: String,
    random: SystemRandom,
    /// What tokens say that this key has signed, by digest: a client sends its token with every request.
    verified: Mutex<HashMap<Vec<u8>, Claims>>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Signer {
    /// Makes a key, as PKCS#8.
    pub(super) fn generate() -> Result<Vec<u8>, TokenError> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| TokenError::Sign)
    }

    pub(super) fn from_pkcs8(document: &[u8]) -> Result<Self, TokenError> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document, &random)
            .map_err(|_| TokenError::Sign)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key().as_ref());
        Ok(Self { key, key_id: BASE64.encode(digest), random, verified: Mutex::default() })
    }

    /// Signs claims.
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let header = Header { alg: "ES256".to_owned(), kid: self.key_id.clone() };
        let encode =
            |json: serde_json::Result<Vec<u8>>| json.map(|j| BASE64.encode(j)).map_err(|_| TokenError::Sign);
        let message =
            format!("{}.{}", encode(serde_json::to_vec(&header))?, encode(serde_json::to_vec(claims))?);
        let signature = self.key.sign(&self.random, message.as_bytes()).map_err(|_| TokenError::Sign)?;
        Ok(format!("{message}.{}", BASE64.encode(signature)))
    }

    /// Reads a token that was signed by this key and is in force for one of the audiences.
    ///
    /// Whether what it is bound to still exists is the caller's question.
    pub fn verify(&self, token: &str, audiences: &[String], now: Timestamp) -> Result<Claims, TokenError> {
        let mut claims = self.signed(token)?;
        if claims.iss == LEGACY_ISSUER {
            claims.aud = vec![ISSUER.to_owned()];
        } else if claims.iss != ISSUER {
            return Err(TokenError::Invalid);
        }
        if !claims.aud.iter().any(|audience| audiences.contains(audience)) {
            return Err(TokenError::Audience { found: claims.aud, wanted: audiences.to_vec() });
        }
        let seconds = now.as_second();
        if claims.exp.is_some_and(|end| end <= seconds) {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|start| start > seconds) {
            return Err(TokenError::Invalid);
        }
        Ok(claims)
    }

    /// Reads what a token says that this key has signed, in force or not.
    fn signed(&self, token: &str) -> Result<Claims, TokenError> {
        let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
        if let Some(claims) = self.verified.lock().get(digest.as_ref()) {
            return Ok(claims.clone());
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Invalid)?;
        let decode = |text: &str| BASE64.decode(text).map_err(|_| TokenError::Invalid);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Invalid)?;
        if header.alg != "ES256" || header.kid != self.key_id {
            return Err(TokenError::Invalid);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref())
            .verify(message.as_bytes(), &decode(signature)?)
            .map_err(|_| TokenError::Invalid)?;
        let claims: Claims = serde_json::from_slice(&decode(payload)?).map_err(|_| TokenError::Invalid)?;
        let mut verified = self.verified.lock();
        if verified.len() >= REMEMBERED_TOKENS {
            verified.clear();
        }
        verified.insert(digest.as_ref().to_vec(), claims.clone());
        Ok(claims)
    }
}

impl Claims {
    /// The claims of a token that a Secret carries.
    pub fn legacy(namespace: &str, secret: &str, account: &str, uid: &str) -> Self {
        Self {
            iss: LEGACY_ISSUER.to_owned(),
            sub: format!("system:serviceaccount:{namespace}:{account}"),
            legacy_namespace: namespace.to_owned(),
            legacy_secret: secret.to_owned(),
            legacy_name: account.to_owned(),
            legacy_uid: uid.to_owned(),
            ..Self::default()
        }
    }

    pub fn namespace(&self) -> &str {
        self.kubernetes.as_ref().map_or(&self.legacy_namespace, |claims| &claims.namespace)
    }

    /// Returns name and uid of the service account.
    pub fn account(&self) -> (&str, &str) {
        match &self.kubernetes {
            Some(claims) => (&claims.serviceaccount.name, &claims.serviceaccount.uid),
            None => (&self.legacy_name, &self.legacy_uid),
        }
    }
}

fn list(items: &[String]) -> String {
    let quoted: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::from_pkcs8(&Signer::generate().unwrap()).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            aud: vec![ISSUER.to_owned()],
            exp: Some(200),
            iss: ISSUER.to_owned(),
            sub: "system:serviceaccount:n:a".to_owned(),
            ..Claims::default()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn accepts_what_it_signed_until_it_expires() {
        let signer = signer();
        let token = signer.sign(&claims()).unwrap();
        let audiences = [ISSUER.to_owned()];
        assert_eq!(signer.verify(&token, &audiences, at(100)).unwrap(), claims());
        assert_eq!(signer.verify(&token, &audiences, at(200)).unwrap_err(), TokenError::Expired);
        let error = signer.verify(&token, &["other".to_owned()], at(100)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "token audiences [\"https://kubernetes.default.svc\"] is invalid for the target audiences [\"other\"]"
        );
    }

    #[test]
    fn refuses_changed_and_foreign_tokens() {
        let signer_a = signer();
        let token = signer().sign(&claims()).unwrap();
        let audiences = [ISSUER.to_owned()];
        assert_eq!(signer_a.verify(&token, &audiences, at(1)).unwrap_err(), TokenError::Invalid);
        for text in ["", "a.b.c", "nonsense", "...."] {
            assert_eq!(signer_a.verify(text, &audiences, at(1)).unwrap_err(), TokenError::Invalid, "{text}");
        }
        let own = signer_a.sign(&claims()).unwrap();
        let (message, _) = own.rsplit_once('.').unwrap();
        let (_, other) = token.rsplit_once('.').unwrap();
        let forged = format!("{message}.{other}");
        assert_eq!(signer_a.verify(&forged, &audiences, at(1)).unwrap_err(), TokenError::Invalid);
    }
}
