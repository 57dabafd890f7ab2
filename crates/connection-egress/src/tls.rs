//! TLS by rustls and aws-lc, trusting what the system trusts and what the host adds.
//!
//! There is no way to trust less carefully than that.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::HttpPolicyError;

/// A configuration that also trusts these certificates, given as PEM.
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
    // Tried alone, so that what is wrong with them is not taken for a fault of the system's.
    let mut only_extra = RootCertStore::empty();
    for certificate in &extra {
        only_extra.add(certificate.clone()).map_err(|_| HttpPolicyError::RootCertificate)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(client)?;
    Ok(match Verifier::new_with_extra_roots(extra, provider) {
        // "Dangerous" is any verifier of one's own; this is the system's.
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        // A machine without certificates trusts nobody, and works where no TLS is used.
        Err(_) => builder.with_root_certificates(only_extra).with_no_client_auth(),
    })
}
