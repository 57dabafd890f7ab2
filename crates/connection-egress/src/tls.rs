//! The TLS configuration, with rustls and aws-lc. It trusts the certificates of the system and those of the host.
//!
//! Certificate checks cannot be disabled.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use connection_contract::{CertificateFault, HttpError, Timestamp};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

use crate::{
    HttpPolicyError,
    certificate::{is_self_signed, is_valid_at},
};

/// The certificates of the system and those of the host.
///
/// The certificates of the system are read at the first handshake, because that takes milliseconds and most commands
/// send no request.
#[derive(Debug)]
pub(super) struct Trusted {
    added: Vec<CertificateDer<'static>>,
    only_added: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    /// `None` on a machine without certificates, if the host added none: then no server is trusted.
    verifier: OnceLock<Option<Arc<dyn ServerCertVerifier>>>,
}

impl Trusted {
    /// Also trusts these certificates, given as PEM.
    pub(super) fn new(pem: &[Vec<u8>]) -> Result<Self, HttpPolicyError> {
        let mut added = Vec::new();
        for pem in pem {
            let before = added.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                added.push(certificate.map_err(|_| HttpPolicyError::RootCertificate)?);
            }
            if added.len() == before {
                return Err(HttpPolicyError::RootCertificate);
            }
        }
        // Checked here, so that an error in them is not reported as one of the system.
        let mut only_added = RootCertStore::empty();
        for certificate in &added {
            only_added.add(certificate.clone()).map_err(|_| HttpPolicyError::RootCertificate)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        Ok(Self { added, only_added: Arc::new(only_added), provider, verifier: OnceLock::new() })
    }

    /// Returns `true` if the certificates of the system were read.
    #[cfg(test)]
    pub(super) fn is_read(&self) -> bool {
        self.verifier.get().is_some()
    }

    fn verifier(&self) -> Option<&dyn ServerCertVerifier> {
        let read = || -> Option<Arc<dyn ServerCertVerifier>> {
            if let Ok(verifier) = Verifier::new_with_extra_roots(self.added.clone(), Arc::clone(&self.provider)) {
                return Some(Arc::new(verifier));
            }
            let only_added = Arc::clone(&self.only_added);
            let provider = Arc::clone(&self.provider);
            let verifier = WebPkiServerVerifier::builder_with_provider(only_added, provider).build();
            verifier.ok().map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        };
        self.verifier.get_or_init(read).as_deref()
    }

    /// Verifies a certificate that the host added and that a server presents itself. Returns `None` for any other one.
    ///
    /// If such a certificate may also sign others, as one that `openssl req -x509` made, verifiers take it for that of an
    /// authority alone. Whoever has its key could sign another one for the same name.
    fn added_itself(
        &self,
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<ServerCertVerified, Error>> {
        let is_added = self.added.iter().any(|added| **added == **end_entity);
        let is_usable = is_added && is_self_signed(end_entity) && is_valid_at(end_entity, timestamp(now));
        is_usable.then(|| {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            Ok(ServerCertVerified::assertion())
        })
    }
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(verifier) = self.verifier() else {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        };
        let verified = verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let verified = verified.or_else(|error| self.added_itself(end_entity, server_name, now).unwrap_or(Err(error)));
        verified.map_err(|error| {
            use CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet};
            let Error::InvalidCertificate(fault) = error else { return error };
            Error::InvalidCertificate(match fault {
                // Some verifiers of systems leave out the time by which they decide.
                Expired => ExpiredContext { time: now, not_after: now },
                NotValidYet => CertificateError::NotValidYetContext { time: now, not_before: now },
                fault @ (ExpiredContext { .. }
                | CertificateError::NotValidYetContext { .. }
                | NotValidForName
                | NotValidForNameContext { .. }) => fault,
                _ if is_self_signed(end_entity) => CertificateError::Other(OtherError(Arc::new(SelfSigned))),
                // An authority of the same name is known, and has another key.
                CertificateError::BadSignature => CertificateError::UnknownIssuer,
                fault => fault,
            })
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The fault of a certificate that names itself as its issuer.
#[derive(Debug)]
struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate is self-signed")
    }
}

impl std::error::Error for SelfSigned {}

/// Returns why there is no TLS connection.
pub(super) fn fault(error: &Error) -> HttpError {
    use CertificateError::{
        ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYetContext, UnknownIssuer,
    };
    let clock = |time: &UnixTime| timestamp(*time);
    HttpError::Certificate(match error {
        // The first bytes are those of another protocol, such as HTTP. A server whose handshake is malformed speaks TLS.
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::InvalidEmptyPayload
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::UnknownProtocolVersion,
        ) => return HttpError::NotTls,
        Error::InvalidCertificate(fault) => match fault {
            ExpiredContext { time, .. } => CertificateFault::Expired { clock: clock(time) },
            NotValidYetContext { time, .. } => CertificateFault::NotYetValid { clock: clock(time) },
            NotValidForName | NotValidForNameContext { .. } => CertificateFault::OtherName,
            UnknownIssuer => CertificateFault::UnknownAuthority,
            CertificateError::Other(other) if other.0.is::<SelfSigned>() => CertificateFault::SelfSigned,
            _ => return HttpError::Tls,
        },
        _ => return HttpError::Tls,
    })
}

fn timestamp(time: UnixTime) -> Timestamp {
    Timestamp::from_seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// Creates a configuration that trusts the certificates of the system and these, given as PEM. Errors of connections with it
/// are those of [`tls_fault`](crate::tls_fault).
///
/// # Errors
///
/// [`HttpPolicyError::RootCertificate`], if a text is not PEM with certificates, and [`HttpPolicyError::Client`].
pub fn tls_config(pem: &[Vec<u8>]) -> Result<ClientConfig, HttpPolicyError> {
    config(Arc::new(Trusted::new(pem)?))
}

/// Creates a configuration that trusts these certificates.
pub(super) fn config(trusted: Arc<Trusted>) -> Result<ClientConfig, HttpPolicyError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&trusted.provider));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| HttpPolicyError::Client(error.into()))?;
    // rustls calls every custom verifier dangerous. This one asks the verifier of the system.
    Ok(builder.dangerous().with_custom_certificate_verifier(trusted).with_no_client_auth())
}
