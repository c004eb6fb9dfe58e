//! The certificate that a server shows, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::error::chain_line;

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_secs(5);

/// Where a certificate and its key are, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, followed by those between it and its authority.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate that cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} holds no certificate in PEM", .path.display())]
    Certificate { path: PathBuf },
    #[error("{} holds no private key in PEM", .path.display())]
    Key { path: PathBuf },
    #[error("the key in {} does not belong to the certificate in {}", .files.key.display(), .files.certificate.display())]
    Pair {
        files: CertificateFiles,
        #[source]
        source: rustls::Error,
    },
}

/// Whether a look at the files found something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Changed,
    Same,
}

/// The certificate of two files, as they were when they fitted last.
#[derive(Debug)]
pub struct ServingCertificate {
    files: CertificateFiles,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    read: Read,
}

/// What was in the files.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl ServingCertificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// When a file is missing or the two do not fit.
    pub async fn open(files: CertificateFiles) -> Result<Arc<Self>, CertificateError> {
        let read = read_files(&files).await?;
        let key = certified_key(&files, &read)?;
        Ok(Arc::new(Self { files, current: RwLock::new(Current { key, read }) }))
    }

    /// Reads the files again. Where they do not fit, as in the middle of a rotation, the old certificate stays.
    ///
    /// # Errors
    /// When a file is missing or the two do not fit.
    pub async fn look(&self) -> Result<Look, CertificateError> {
        let read = read_files(&self.files).await?;
        if self.current.read().read == read {
            return Ok(Look::Same);
        }
        let key = certified_key(&self.files, &read)?;
        *self.current.write() = Current { key, read };
        Ok(Look::Changed)
    }

    /// Looks at the files from time to time, until it is dropped.
    pub async fn follow(self: Arc<Self>) {
        let mut last_error = String::new();
        loop {
            tokio::time::sleep(LOOK).await;
            match self.look().await {
                Ok(Look::Changed) => {
                    tracing::info!(certificate = %self.files.certificate.display(), "certificate read again");
                    last_error.clear();
                }
                Ok(Look::Same) => last_error.clear(),
                Err(error) => {
                    let text = chain_line(&error);
                    if text != last_error {
                        tracing::error!(error = text, "the certificate stays as it was");
                        last_error = text;
                    }
                }
            }
        }
    }
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().key.clone())
    }
}

async fn read_files(files: &CertificateFiles) -> Result<Read, CertificateError> {
    Ok(Read { certificate: read_file(&files.certificate).await?, key: read_file(&files.key).await? })
}

async fn read_file(path: &Path) -> Result<Vec<u8>, CertificateError> {
    tokio::fs::read(path).await.map_err(|source| CertificateError::Read { path: path.to_owned(), source })
}

fn certified_key(files: &CertificateFiles, read: &Read) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read.certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::Certificate { path: files.certificate.clone() })?;
    if chain.is_empty() {
        return Err(CertificateError::Certificate { path: files.certificate.clone() });
    }
    let key = PrivateKeyDer::from_pem_slice(&read.key)
        .map_err(|_| CertificateError::Key { path: files.key.clone() })?;
    let provider = rustls::crypto::ring::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider)
        .map_err(|source| CertificateError::Pair { files: files.clone(), source })?;
    Ok(Arc::new(key))
}

#[cfg(test)]
mod tests {
    use karmada_apiserver::auth::Authority;

    use super::*;

    #[tokio::test]
    async fn a_new_certificate_is_shown_once_both_files_are_there() {
        let directory = tempfile::tempdir().unwrap();
        let files = CertificateFiles {
            certificate: directory.path().join("tls.crt"),
            key: directory.path().join("tls.key"),
        };
        let missing = ServingCertificate::open(files.clone()).await.unwrap_err();
        assert!(matches!(missing, CertificateError::Read { .. }));
        let authority = Authority::ephemeral("test").unwrap();
        let (first, second) = (
            authority.client_certificate("a", &[]).unwrap(),
            authority.client_certificate("b", &[]).unwrap(),
        );
        std::fs::write(&files.certificate, &first.0).unwrap();
        std::fs::write(&files.key, &first.1).unwrap();
        let serving = ServingCertificate::open(files.clone()).await.unwrap();
        let shown = || serving.current.read().key.cert.clone();
        let before = shown();
        assert_eq!(serving.look().await.unwrap(), Look::Same);
        std::fs::write(&files.certificate, &second.0).unwrap();
        assert!(matches!(serving.look().await, Err(CertificateError::Pair { .. })));
        assert_eq!(shown(), before);
        std::fs::write(&files.key, &second.1).unwrap();
        assert_eq!(serving.look().await.unwrap(), Look::Changed);
        assert_ne!(shown(), before);
        std::fs::write(&files.key, "nothing").unwrap();
        assert!(matches!(serving.look().await, Err(CertificateError::Key { .. })));
    }
}
