//! The authority of one run, and the certificates that it signs.
//!
//! The authority exists only while the door is opened: it signs a certificate for each host, and then its key is
//! dropped. A program that trusts it therefore trusts nothing that is signed later.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use connection_contract::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{ForwardError, host_port::Host};

/// The only protocol that is spoken over TLS (ALPN, RFC 7301).
const PROTOCOL: &[u8] = b"http/1.1";
/// The number of seconds by which the certificates begin before the run, for programs whose clock is slightly wrong.
const MARGIN: i64 = 60 * 60;
/// The last second of the year 9999, after which a certificate cannot end (RFC 5280, section 4.1.2.5).
const LAST_SECOND: i64 = 253_402_300_799;

/// The authority of one run.
pub(crate) struct RunAuthority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    validity: Validity,
}

/// The first and the last second of a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    begin: i64,
    end: i64,
}

impl Validity {
    /// Returns the validity of the certificates of a run that begins now.
    pub(crate) fn of_run(now: Timestamp, lifetime: Duration) -> Self {
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let end = now.seconds().saturating_add(lifetime).clamp(0, LAST_SECOND);
        Self { begin: now.seconds().saturating_sub(MARGIN).clamp(0, end), end }
    }

    fn set(self, parameters: &mut CertificateParams) {
        let since_1970 = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
        // Neither sum overflows, because both are before the end of the year 9999.
        parameters.not_before = date_time_ymd(1970, 1, 1) + since_1970(self.begin);
        parameters.not_after = date_time_ymd(1970, 1, 1) + since_1970(self.end);
    }
}

impl RunAuthority {
    /// Creates an authority whose certificates are accepted for these hosts alone.
    pub(crate) fn new(hosts: &BTreeSet<Host>, validity: Validity) -> Result<Self, ForwardError> {
        let mut parameters = parameters("Connections, authority of one run", validity);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        parameters.name_constraints = Some(constraints(hosts));
        let key = KeyPair::generate().map_err(failed)?;
        let pem = parameters.self_signed(&key).map_err(failed)?.pem();
        Ok(Self { pem, issuer: Issuer::new(parameters, key), validity })
    }

    /// Returns the certificate of the authority as PEM.
    pub(crate) fn into_pem(self) -> String {
        self.pem
    }

    /// Returns the TLS configuration of a server for exactly this host, with a certificate and a key of its own.
    pub(crate) fn server_config(&self, host: &Host) -> Result<Arc<ServerConfig>, ForwardError> {
        let (certificate, key) = self.sign(host)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let key = provider.key_provider.load_private_key(key).map_err(failed)?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate], key));
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let resolver = Arc::new(OneHost { host: host.clone(), certified });
        let mut config = builder.map_err(failed)?.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        // A session that is resumed would save nothing on loopback, and each connection is checked in full without it.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    fn sign(&self, host: &Host) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), ForwardError> {
        // Without a period, the name of the subject cannot be taken for the name of a host.
        let mut parameters = parameters("Connections, host of one run", self.validity);
        parameters.subject_alt_names = vec![match host {
            Host::Address(address) => SanType::IpAddress(*address),
            Host::Name(name) => SanType::DnsName(name.as_str().try_into().map_err(failed)?),
        }];
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }
}

/// Permits these hosts alone.
///
/// A permitted name does not exclude addresses and the other way round (RFC 5280, section 4.2.1.10), so the form of
/// which there is no host is excluded as a whole. A permitted name always includes the names below it.
fn constraints(hosts: &BTreeSet<Host>) -> NameConstraints {
    let permitted = hosts.iter().map(|host| match host {
        Host::Address(IpAddr::V4(address)) => GeneralSubtree::IpAddress(CidrSubnet::V4(address.octets(), [255; 4])),
        Host::Address(IpAddr::V6(address)) => GeneralSubtree::IpAddress(CidrSubnet::V6(address.octets(), [255; 16])),
        Host::Name(name) => GeneralSubtree::DnsName(name.clone()),
    });
    let mut excluded = Vec::new();
    if !hosts.iter().any(|host| matches!(host, Host::Name(_))) {
        excluded.push(GeneralSubtree::DnsName(String::new()));
    }
    // Not every implementation excludes the addresses of one family because an address of the other one is permitted.
    if !hosts.iter().any(|host| matches!(host, Host::Address(IpAddr::V4(_)))) {
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])));
    }
    if !hosts.iter().any(|host| matches!(host, Host::Address(IpAddr::V6(_)))) {
        excluded.push(GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])));
    }
    NameConstraints { permitted_subtrees: permitted.collect(), excluded_subtrees: excluded }
}

fn parameters(name: &str, validity: Validity) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    validity.set(&mut parameters);
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> ForwardError {
    ForwardError::Authority(error.into())
}

/// The certificate for one host, which no client gets that names another one.
struct OneHost {
    host: Host,
    certified: Arc<CertifiedKey>,
}

impl ResolvesServerCert for OneHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_named = match (&self.host, hello.server_name()) {
            (Host::Name(_), Some(name)) => Host::parse(name).as_ref() == Some(&self.host),
            (Host::Name(_), None) => false,
            // A client names no address in TLS (RFC 6066, section 3).
            (Host::Address(_), name) => name.is_none(),
        };
        is_named.then(|| Arc::clone(&self.certified))
    }
}

impl std::fmt::Debug for OneHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OneHost").field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
