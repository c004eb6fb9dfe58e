//! ConfigMaps and Secrets.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};
use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use super::hash::append_hash;
use super::run::{Described, With};
use super::sources::{SourceArgs, SourceError, read};
use crate::change::parse_flag;
use crate::error::CliError;

/// Create a ConfigMap from literals and files
#[derive(Args, Debug)]
pub struct ConfigMapArgs {
    /// Name of the ConfigMap
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub sources: SourceArgs,

    #[command(flatten)]
    pub hash: HashArgs,
}

/// Whether the name tells one content from another.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct HashArgs {
    /// Add a hash of the data to the name
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value = "false", hide_default_value = true, value_parser = parse_flag, action = ArgAction::Set)]
    pub append_hash: bool,
}

impl HashArgs {
    fn apply(self, mut object: Value) -> Value {
        if self.append_hash {
            append_hash(&mut object);
        }
        object
    }
}

/// Create a Secret
#[derive(Args, Debug)]
pub struct SecretArgs {
    #[command(subcommand)]
    pub kind: SecretKind,
}

/// Kinds of secrets.
#[derive(Debug, Subcommand)]
pub enum SecretKind {
    Generic(With<GenericArgs>),
    Tls(With<TlsArgs>),
    DockerRegistry(With<DockerRegistryArgs>),
}

/// Create a Secret from literals and files
#[derive(Args, Debug)]
pub struct GenericArgs {
    /// Name of the Secret
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub sources: SourceArgs,

    /// Type of the Secret
    #[arg(long = "type", value_name = "TYPE")]
    pub secret_type: Option<String>,

    #[command(flatten)]
    pub hash: HashArgs,
}

/// Create a Secret with a certificate and its key
#[derive(Args, Debug)]
pub struct TlsArgs {
    /// Name of the Secret
    #[arg(value_name = "NAME")]
    pub name: String,

    /// File with the certificate, in PEM
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub cert: PathBuf,

    /// File with the key, in PEM
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub key: PathBuf,

    #[command(flatten)]
    pub hash: HashArgs,
}

/// Create a Secret for a registry of images
#[derive(Args, Debug)]
pub struct DockerRegistryArgs {
    /// Name of the Secret
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Address of the registry
    #[arg(long, value_name = "URL", default_value = "https://index.docker.io/v1/")]
    pub docker_server: String,

    /// User of the registry
    #[arg(long, value_name = "USER")]
    pub docker_username: Option<String>,

    /// Password of the user
    #[arg(long, value_name = "PASSWORD")]
    pub docker_password: Option<String>,

    /// E-mail address of the user
    #[arg(long, value_name = "ADDRESS")]
    pub docker_email: Option<String>,

    /// Docker's configuration file, instead of user and password
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub from_file: Option<PathBuf>,

    #[command(flatten)]
    pub hash: HashArgs,
}

/// Flags that describe no secret.
#[derive(Debug, thiserror::Error)]
enum SecretError {
    #[error(
        "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required"
    )]
    NoCredentials,
    #[error("{what}: the file {} has no PEM block of a {wanted}", .path.display())]
    Pem { what: &'static str, path: PathBuf, wanted: &'static str },
    #[error("the file {} is not JSON", .path.display())]
    Json { path: PathBuf },
}

impl Described for ConfigMapArgs {
    fn object(&self) -> Result<Value, CliError> {
        let data = read(&self.sources).map_err(CliError::failed)?;
        let (mut texts, mut bytes) = (Map::new(), Map::new());
        for (key, value) in data {
            match String::from_utf8(value) {
                Ok(text) => drop(texts.insert(key, Value::String(text))),
                Err(error) => drop(bytes.insert(key, encode(error.into_bytes()))),
            }
        }
        let mut object =
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": self.name } });
        for (field, values) in [("data", texts), ("binaryData", bytes)] {
            if !values.is_empty() {
                object[field] = Value::Object(values);
            }
        }
        Ok(self.hash.apply(object))
    }
}

impl Described for GenericArgs {
    fn object(&self) -> Result<Value, CliError> {
        let data = read(&self.sources).map_err(CliError::failed)?;
        let data = data.into_iter().map(|(key, value)| (key, encode(value))).collect();
        Ok(self.hash.apply(secret(&self.name, self.secret_type.as_deref(), data)))
    }
}

impl Described for TlsArgs {
    fn object(&self) -> Result<Value, CliError> {
        let read = |path: &PathBuf, what, wanted: &'static str| {
            let bytes = read_file(path)?;
            let text = String::from_utf8_lossy(&bytes);
            let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(wanted);
            if text.lines().any(begins) {
                Ok(encode(bytes))
            } else {
                Err(CliError::failed(SecretError::Pem { what, path: path.clone(), wanted }))
            }
        };
        let data = Map::from_iter([
            ("tls.crt".to_owned(), read(&self.cert, "--cert", "CERTIFICATE")?),
            ("tls.key".to_owned(), read(&self.key, "--key", "PRIVATE KEY")?),
        ]);
        Ok(self.hash.apply(secret(&self.name, Some("kubernetes.io/tls"), data)))
    }
}

impl Described for DockerRegistryArgs {
    fn object(&self) -> Result<Value, CliError> {
        let config = match (&self.from_file, &self.docker_username, &self.docker_password) {
            (Some(path), None, None) => {
                let bytes = read_file(path)?;
                if serde_json::from_slice::<Value>(&bytes).is_err() {
                    return Err(CliError::failed(SecretError::Json { path: path.clone() }));
                }
                bytes
            }
            (None, Some(user), Some(password)) => {
                let auth = encode(format!("{user}:{password}").into_bytes());
                let mut entry = json!({ "username": user, "password": password, "auth": auth });
                if let Some(email) = &self.docker_email {
                    entry["email"] = json!(email);
                }
                json!({ "auths": { &self.docker_server: entry } }).to_string().into_bytes()
            }
            _ => return Err(CliError::failed(SecretError::NoCredentials)),
        };
        let data = Map::from_iter([(".dockerconfigjson".to_owned(), encode(config))]);
        Ok(self.hash.apply(secret(&self.name, Some("kubernetes.io/dockerconfigjson"), data)))
    }
}

fn secret(name: &str, secret_type: Option<&str>, data: Map<String, Value>) -> Value {
    let mut object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name } });
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if let Some(secret_type) = secret_type {
        object["type"] = json!(secret_type);
    }
    object
}

/// Bytes as objects carry them: in base 64.
fn encode(bytes: Vec<u8>) -> Value {
    serde_json::to_value(ByteString(bytes)).expect("bytes are always a JSON text")
}

fn read_file(path: &PathBuf) -> Result<Vec<u8>, CliError> {
    std::fs::read(path)
        .map_err(|source| CliError::failed(SourceError::Unreadable { path: path.clone(), source }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configmap_keeps_texts_and_bytes_apart() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("raw");
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        let args = ConfigMapArgs {
            name: "c".into(),
            sources: SourceArgs {
                from_literal: vec!["a=b".into()],
                from_file: vec![file.display().to_string()],
                ..SourceArgs::default()
            },
            hash: HashArgs::default(),
        };
        assert_eq!(
            args.object().unwrap(),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
                "data": {"a": "b"}, "binaryData": {"raw": "//4="},
            })
        );
    }

    #[test]
    fn a_registry_needs_user_and_password() {
        let args = |password: Option<&str>| DockerRegistryArgs {
            name: "r".into(),
            docker_server: "reg".into(),
            docker_username: Some("u".into()),
            docker_password: password.map(str::to_owned),
            docker_email: None,
            from_file: None,
            hash: HashArgs::default(),
        };
        let object = args(Some("p")).object().unwrap();
        assert_eq!(object["type"], "kubernetes.io/dockerconfigjson");
        let expected = encode(br#"{"auths":{"reg":{"auth":"dTpw","password":"p","username":"u"}}}"#.to_vec());
        assert_eq!(object["data"][".dockerconfigjson"], expected);
        assert!(args(None).object().unwrap_err().to_string().starts_with("either --from-file or"));
    }
}
