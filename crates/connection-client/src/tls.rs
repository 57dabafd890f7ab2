//! The TLS configuration, with rustls and aws-lc. It trusts the certificates of the system and those that are added.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;

use crate::Error;

/// Returns a configuration that also trusts these certificates, given as PEM.
///
/// The certificates of the system are read only if the address is encrypted, because a machine may have none.
pub(crate) fn config(is_encrypted: bool, pem: &[Vec<u8>]) -> Result<ClientConfig, Error> {
    let added = added(pem)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let failed = |error: rustls::Error| Error::Certificates(error.to_string());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
    if !is_encrypted {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let verifier = Verifier::new_with_extra_roots(added, provider).map_err(failed)?;
    // rustls calls every custom verifier dangerous. This one is the verifier of the system.
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn added(pem: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut added = Vec::new();
    for pem in pem {
        let before = added.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            added.push(certificate.map_err(|error| Error::Certificates(error.to_string()))?);
        }
        if added.len() == before {
            return Err(Error::Certificates("there is no certificate in PEM".to_owned()));
        }
    }
    Ok(added)
}
