//! The Secrets of an installation, from its certificates.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::certificate_set::{ADMIN, CertificateSet, ROOT};
use super::names::{
    ADMIN_NAME, CERTIFICATES, CLUSTER_NAME, Component, ETCD_CERTIFICATES, KUBECONFIG_KEY,
    WEBHOOK_CERTIFICATES,
};
use super::options::{Etcd, InstallOptions, Profile};
use super::pods::metadata;
use crate::error::CliError;
use crate::printer::{DocumentFormat, render_document};

/// Files of Secrets, by the name of the Secret and of the file. Empty where they are not known.
pub type Secrets = BTreeMap<String, BTreeMap<String, String>>;

/// Returns the Secrets of an installation.
///
/// # Errors
/// When a kubeconfig cannot be written as YAML.
pub fn secrets(options: &InstallOptions, certificates: &CertificateSet) -> Result<Secrets, CliError> {
    let mut secrets = Secrets::new();
    let file = |name: &str| (name.to_owned(), certificates.file(name).to_owned());
    secrets.insert(
        CERTIFICATES.to_owned(),
        certificates.files().iter().map(|(name, text)| (name.clone(), text.clone())).collect(),
    );
    if options.profile == Profile::Single {
        return Ok(secrets);
    }
    if matches!(options.etcd, Etcd::Local(_)) {
        secrets.insert(
            ETCD_CERTIFICATES.to_owned(),
            ["etcd-ca.crt", "etcd-server.crt", "etcd-server.key"].map(file).into(),
        );
    }
    secrets.insert(
        WEBHOOK_CERTIFICATES.to_owned(),
        BTreeMap::from([
            ("tls.crt".to_owned(), certificates.file("webhook.crt").to_owned()),
            ("tls.key".to_owned(), certificates.file("webhook.key").to_owned()),
        ]),
    );
    let kubeconfig = kubeconfig(&options.internal_server(), certificates);
    let text = render_document(&kubeconfig, DocumentFormat::Yaml)?;
    for component in Component::ALL {
        if let Some(name) = component.kubeconfig_secret() {
            secrets.insert(name, BTreeMap::from([(KUBECONFIG_KEY.to_owned(), text.clone())]));
        }
    }
    Ok(secrets)
}

/// Returns the Secrets as objects.
pub fn objects(options: &InstallOptions, secrets: &Secrets) -> Vec<Value> {
    secrets
        .iter()
        .map(|(name, files)| {
            let data: BTreeMap<&String, String> =
                files.iter().map(|(file, text)| (file, STANDARD.encode(text))).collect();
            let kind = if name == WEBHOOK_CERTIFICATES { "kubernetes.io/tls" } else { "Opaque" };
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": metadata(options, name, name),
                "type": kind, "data": data,
            })
        })
        .collect()
}

/// Reads the files of a Secret.
pub fn files_of(secret: &Value) -> BTreeMap<String, String> {
    let data = secret["data"].as_object();
    data.into_iter()
        .flatten()
        .filter_map(|(name, text)| {
            let bytes = STANDARD.decode(text.as_str()?).ok()?;
            Some((name.clone(), String::from_utf8(bytes).ok()?))
        })
        .collect()
}

/// Returns the administrator's kubeconfig for an address of the API server.
pub fn kubeconfig(server: &str, certificates: &CertificateSet) -> Value {
    let encoded = |name: &str| STANDARD.encode(certificates.file(name));
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CLUSTER_NAME,
        "clusters": [{"name": CLUSTER_NAME, "cluster": {
            "server": server, "certificate-authority-data": encoded(&format!("{ROOT}.crt"))}}],
        "contexts": [{"name": CLUSTER_NAME, "context": {"cluster": CLUSTER_NAME, "user": ADMIN_NAME}}],
        "users": [{"name": ADMIN_NAME, "user": {
            "client-certificate-data": encoded(&format!("{ADMIN}.crt")),
            "client-key-data": encoded(&format!("{ADMIN}.key"))}}],
    })
}
