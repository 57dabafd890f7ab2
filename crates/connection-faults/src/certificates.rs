//! Certificates of tests, and servers that speak TLS with one.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A certificate of a server, and its key.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate in PEM form.
    pub pem: String,
    /// The private key in PEM form.
    pub key: String,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Certificate {
    /// Creates a certificate for these names or addresses, which no authority signed.
    pub fn self_signed(names: &[&str]) -> Self {
        let key = new_key();
        let certificate = parameters(names).self_signed(&key).expect("the parameters are valid");
        Self::of(&certificate, &key)
    }

    /// Creates such a certificate that may also sign others, which is what `openssl req -x509` makes.
    pub fn self_signed_authority(names: &[&str]) -> Self {
        let mut parameters = parameters(names);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = new_key();
        let certificate = parameters.self_signed(&key).expect("the parameters are valid");
        Self::of(&certificate, &key)
    }

    /// Creates such a certificate that ends at the beginning of a day, in UTC.
    pub fn self_signed_until(names: &[&str], year: i32, month: u8, day: u8) -> Self {
        let mut parameters = parameters(names);
        parameters.not_after = date_time_ymd(year, month, day);
        let key = new_key();
        let certificate = parameters.self_signed(&key).expect("the parameters are valid");
        Self::of(&certificate, &key)
    }

    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            pem: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
            key_der: key.serialize_der(),
        }
    }

    /// Returns the certificate as a client trusts it.
    pub fn der(&self) -> CertificateDer<'static> {
        self.der.clone()
    }

    /// Returns the configuration of a server with this certificate.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_der.clone()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], key)
            .expect("the key is that of the certificate");
        Arc::new(config)
    }

    /// Starts a server of this machine that answers the first bytes of each connection with `answer`, until the process
    /// ends. Returns its port.
    pub fn serve(&self, answer: &'static str) -> u16 {
        let config = self.server_config();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("the listener is bound").port();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = ServerConnection::new(Arc::clone(&config)).expect("the configuration is complete");
                let mut stream = StreamOwned::new(server, stream);
                // If the client does not trust the certificate, there is no request to read.
                if stream.read(&mut [0; 4096]).is_ok() {
                    // A client that closes the connection early has its result already.
                    stream.write_all(answer.as_bytes()).unwrap_or_default();
                    stream.conn.send_close_notify();
                    stream.flush().unwrap_or_default();
                }
            }
        });
        port
    }
}

/// Starts a server of this machine without TLS that answers the first bytes of each connection with `answer`, until the
/// process ends. Returns its port.
pub fn serve_plain(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("the listener is bound").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The server reads what came, so that its answer is not lost by a reset of the connection.
            let read = stream.read(&mut [0; 4096]);
            read.and_then(|_| stream.write_all(answer)).unwrap_or_default();
        }
    });
    port
}

/// An authority that signs certificates.
pub struct Authority {
    /// The certificate of the authority as PEM.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Creates an authority that nobody trusts yet.
    #[expect(clippy::new_without_default, reason = "each authority has a new key")]
    pub fn new() -> Self {
        let mut parameters = parameters(&[]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, "An authority of tests");
        let key = new_key();
        let pem = parameters.self_signed(&key).expect("the parameters are valid").pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    /// Creates a certificate for a name or an address.
    pub fn sign(&self, name: &str) -> Certificate {
        self.signed(&parameters(&[name]))
    }

    /// Creates a certificate that is valid from the first day of a year until that of another one, in UTC.
    pub fn sign_between(&self, name: &str, from: i32, until: i32) -> Certificate {
        let mut parameters = parameters(&[name]);
        parameters.not_before = date_time_ymd(from, 1, 1);
        parameters.not_after = date_time_ymd(until, 1, 1);
        self.signed(&parameters)
    }

    /// Creates a certificate with which only a client may identify itself.
    pub fn sign_for_a_client(&self, name: &str) -> Certificate {
        let mut parameters = parameters(&[name]);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.signed(&parameters)
    }

    fn signed(&self, parameters: &CertificateParams) -> Certificate {
        let key = new_key();
        let certificate = parameters.signed_by(&key, &self.issuer).expect("the parameters are valid");
        Certificate::of(&certificate, &key)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("the names are valid")
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system has random numbers")
}
