//! The files of the certificate with which `serve` speaks TLS.

use std::path::{Path, PathBuf};

use connection_contract::Secret;
use connection_core::SecretFile;
use connection_inbound::InvalidTls;

use super::file::settings_text;
use crate::Error;

const CERTIFICATE: &str = "inbound.tls_certificate";
const KEY: &str = "inbound.tls_key";

/// The paths of a certificate and its private key.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

/// The contents of the two files.
#[derive(Debug)]
pub(crate) struct TlsPems {
    pub(crate) certificate: String,
    pub(crate) key: Secret,
}

impl TlsFiles {
    /// Returns the two paths, or `None` if neither is configured.
    ///
    /// # Errors
    ///
    /// Returns an error that names the missing one of the two keys.
    pub(crate) fn of_both(certificate: Option<&PathBuf>, key: Option<&PathBuf>) -> Result<Option<Self>, Error> {
        let missing = match (certificate, key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => {
                return Ok(Some(Self { certificate: certificate.clone(), key: key.clone() }));
            }
            (Some(_), None) => (CERTIFICATE, KEY, "private key of the certificate"),
            (None, Some(_)) => (KEY, CERTIFICATE, "certificate to which the private key belongs"),
        };
        let (set, unset, what) = missing;
        Err(Error::configuration(format!("{set} is set, and {unset} is not"))
            .remedy(format!("set {unset} to the file of the {what}")))
    }

    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Reads both files, on a thread that may wait for the disk.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, if other users can change it, or if they can read the key.
    pub(crate) fn read(&self) -> Result<TlsPems, Error> {
        let certificate = settings_text(CERTIFICATE, &self.certificate)?;
        let key = SecretFile::at(&self.key as &Path).read_blocking().map_err(|error| {
            let remedy = error.remedy();
            Error::configuration(format!("{KEY}: {error}")).remedy(remedy)
        })?;
        Ok(TlsPems { certificate, key })
    }

    /// Returns the error for files with which a server cannot speak TLS.
    pub(crate) fn refused(&self, error: &InvalidTls) -> Error {
        let (name, path) = match error {
            InvalidTls::NoCertificate | InvalidTls::UnusableCertificate => (CERTIFICATE, &self.certificate),
            _ => (KEY, &self.key),
        };
        Error::configuration(format!("{name}: {}: {error}", path.display())).remedy(error.remedy())
    }
}
