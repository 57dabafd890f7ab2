//! The certificate of a server that speaks TLS itself.

use std::{
    fmt, io,
    sync::{Arc, PoisonError, RwLock},
};

use connection_contract::{Secret, Timestamp};
use connection_egress::certificate_ends_at;
use rustls::{
    Error, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The protocol that the server speaks over TLS (ALPN, RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";

/// The certificate and the private key with which a [`Server`](crate::Server) speaks TLS 1.2 and 1.3.
///
/// Clones share the certificate, so that one of them replaces it while the server runs.
///
/// # Examples
///
/// ```
/// use connection_contract::Secret;
/// use connection_inbound::{InvalidTls, ServerTls};
///
/// let refused = ServerTls::from_pem(b"not a certificate", &Secret::from("not a key"));
/// assert_eq!(refused.unwrap_err(), InvalidTls::NoCertificate);
/// ```
#[derive(Clone)]
pub struct ServerTls(Arc<RwLock<InUse>>);

/// The certificate and key for new connections, with the end of the certificate.
#[derive(Clone)]
struct InUse {
    config: Arc<ServerConfig>,
    ends_at: Option<Timestamp>,
}

/// An error for a certificate and a private key with which a server cannot speak TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTls {
    /// There is no certificate in PEM form.
    #[error("the file of the certificate contains no certificate in PEM form")]
    NoCertificate,
    /// There is no private key in PEM form, or it is encrypted.
    #[error("the file of the private key contains no unencrypted private key in PEM form")]
    NoKey,
    /// The private key belongs to another certificate than the first one.
    #[error("the private key does not belong to the first certificate")]
    OtherKey,
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    UnusableCertificate,
    /// The private key cannot be read, or its algorithm is not supported.
    #[error("the private key cannot be read, or its algorithm is not supported")]
    UnusableKey,
}

impl InvalidTls {
    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoCertificate | Self::UnusableCertificate => {
                "put the certificate of the host into the file in PEM form, followed by those of its authorities, as \
                 in the fullchain.pem of certbot"
            }
            Self::NoKey | Self::UnusableKey => {
                "put the private key of the certificate into the file in PEM form, without a passphrase, as in the \
                 privkey.pem of certbot"
            }
            Self::OtherKey => {
                "use the two files that were issued together, with the certificate of the host before those of its \
                 authorities"
            }
        }
    }
}

impl ServerTls {
    /// Reads a certificate, followed by those of its authorities, and its private key (PKCS#8, PKCS#1 or SEC 1), all in
    /// PEM form.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidTls`], which names the problem, for example that the key does not belong to the certificate.
    pub fn from_pem(certificates: &[u8], key: &Secret) -> Result<Self, InvalidTls> {
        Ok(Self(Arc::new(RwLock::new(in_use(certificates, key)?))))
    }

    /// Replaces the certificate and the key for all new connections; connections that are open keep the former ones.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`from_pem`](Self::from_pem); the former certificate then stays in use.
    pub fn replace_pem(&self, certificates: &[u8], key: &Secret) -> Result<(), InvalidTls> {
        let in_use = in_use(certificates, key)?;
        // The lock is held for an assignment alone, so a poisoned one is still good.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = in_use;
        Ok(())
    }

    /// Returns the time after which clients refuse the first certificate, or `None` if it cannot be read.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).ends_at
    }

    /// Performs the handshake of a new connection.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let config = self.0.read().unwrap_or_else(PoisonError::into_inner).config.clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration holds the private key.
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

fn in_use(certificates: &[u8], key: &Secret) -> Result<InUse, InvalidTls> {
    let certificates = CertificateDer::pem_slice_iter(certificates)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| InvalidTls::UnusableCertificate)?;
    let ends_at = certificate_ends_at(certificates.first().ok_or(InvalidTls::NoCertificate)?);
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|error| match error {
        pem::Error::NoItemsFound => InvalidTls::NoKey,
        _ => InvalidTls::UnusableKey,
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| match error {
            Error::InconsistentKeys(_) => InvalidTls::OtherKey,
            Error::InvalidCertificate(_) => InvalidTls::UnusableCertificate,
            _ => InvalidTls::UnusableKey,
        })?;
    config.alpn_protocols = vec![PROTOCOL.to_owned()];
    Ok(InUse { config: Arc::new(config), ends_at })
}
