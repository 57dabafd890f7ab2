//! The TLS configuration, with rustls and aws-lc. It trusts the certificates of the system and those of the host.
//!
//! Certificate checks cannot be disabled.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::HttpPolicyError;

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
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
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

/// Creates a configuration that trusts these certificates.
pub(super) fn config(trusted: Arc<Trusted>) -> Result<ClientConfig, HttpPolicyError> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&trusted.provider));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| HttpPolicyError::Client(error.into()))?;
    // rustls calls every custom verifier dangerous. This one asks the verifier of the system.
    Ok(builder.dangerous().with_custom_certificate_verifier(trusted).with_no_client_auth())
}
