//! The TLS configuration, with rustls and aws-lc. It trusts the certificates of the system and those of the host.
//!
//! Certificate checks cannot be disabled.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::HttpPolicyError;

/// Creates a configuration that also trusts these certificates, given as PEM.
pub(super) fn config(pem: &[Vec<u8>]) -> Result<ClientConfig, HttpPolicyError> {
    let client = |error: rustls::Error| HttpPolicyError::Client(error.into());
    let mut extra = Vec::new();
    for pem in pem {
        let before = extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            extra.push(certificate.map_err(|_| HttpPolicyError::RootCertificate)?);
        }
        if extra.len() == before {
            return Err(HttpPolicyError::RootCertificate);
        }
    }
    // The added certificates are checked separately, so that an error in them is not reported as one of the system.
    let mut only_extra = RootCertStore::empty();
    for certificate in &extra {
        only_extra.add(certificate.clone()).map_err(|_| HttpPolicyError::RootCertificate)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(client)?;
    Ok(match Verifier::new_with_extra_roots(extra, provider) {
        // rustls calls every custom verifier dangerous. This one is the verifier of the system.
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        // A machine without certificates trusts only the added ones, so that the client still works without TLS.
        Err(_) => builder.with_root_certificates(only_extra).with_no_client_auth(),
    })
}
