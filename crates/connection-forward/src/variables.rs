//! The environment variables with which programs use the door, and the file of certificates that they trust.
//!
//! No list is complete: programs that read none of these variables need a setting of their own.

use secrecy::{ExposeSecret as _, SecretString};

/// The usual paths of the system's root certificates in PEM form. The first one that exists is that of the system.
///
/// ```
/// use connection_forward::SYSTEM_ROOTS;
///
/// let roots = SYSTEM_ROOTS.iter().find_map(|path| std::fs::read_to_string(path).ok());
/// # drop(roots);
/// ```
pub const SYSTEM_ROOTS: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // macOS, OpenBSD, Alpine
];

/// The variables that name the proxy. Some programs read only one of the spellings.
const PROXY: &[&str] = &["HTTPS_PROXY", "https_proxy"];
/// The variables that name the hosts that are reached without a proxy.
const NO_PROXY: &[&str] = &["NO_PROXY", "no_proxy"];
/// The variables that name a file of certificates. Most programs then ignore the certificates of the system.
const BUNDLE: &[&str] = &[
    "SSL_CERT_FILE",       // OpenSSL, and with it Python and Ruby; Go; rustls-native-certs
    "NODE_EXTRA_CA_CERTS", // Node
    "REQUESTS_CA_BUNDLE",  // requests of Python
    "CURL_CA_BUNDLE",      // curl
    "PIP_CERT",            // pip
    "GIT_SSL_CAINFO",      // git
    "AWS_CA_BUNDLE",       // the command and the SDKs of AWS
    "CARGO_HTTP_CAINFO",   // cargo
    "DENO_CERT",           // Deno
    "npm_config_cafile",   // npm, whose settings may name another file, which it then uses alone
];

/// Returns the environment variables with which a program uses the proxy at this address and trusts the certificates in
/// this file, which [`bundle`] makes.
///
/// `direct_host` is [`ForwardDoor::direct_host`](crate::ForwardDoor::direct_host). Without it, `NO_PROXY` is empty, so
/// that a value that the program would inherit leads no request past the door. The values hold the credential of the
/// run: they are for the environment of the program, and not for a log.
///
/// ```
/// let proxy = "http://run:6e6f74@127.0.0.1:40123".into();
/// let variables = connection_forward::variables(&proxy, "/run/user/1000/roots.pem", Some("127.0.0.1"));
/// assert!(variables.contains(&("NO_PROXY", "127.0.0.1".to_owned())));
/// assert!(variables.contains(&("SSL_CERT_FILE", "/run/user/1000/roots.pem".to_owned())));
/// ```
pub fn variables(
    proxy_url: &SecretString,
    bundle_path: &str,
    direct_host: Option<&str>,
) -> Vec<(&'static str, String)> {
    let proxy = PROXY.iter().map(|&name| (name, proxy_url.expose_secret()));
    let no_proxy = NO_PROXY.iter().map(|&name| (name, direct_host.unwrap_or_default()));
    // Node reads the variables of proxies only if this one is set.
    let node = [("NODE_USE_ENV_PROXY", "1")];
    let bundle = BUNDLE.iter().map(|&name| (name, bundle_path));
    let all = proxy.chain(no_proxy).chain(node).chain(bundle);
    all.map(|(name, value)| (name, value.to_owned())).collect()
}

/// Returns the text of a file with the authority of the run and the root certificates of the system.
///
/// Most programs trust only the certificates in the file that a variable names, so they need both in one file.
///
/// ```
/// use connection_forward::bundle;
///
/// assert_eq!(bundle("authority", Some("roots\n")), "authority\nroots\n");
/// ```
pub fn bundle(authority_pem: &str, system: Option<&str>) -> String {
    let mut bundle = String::new();
    for part in [authority_pem, system.unwrap_or_default()].into_iter().filter(|part| !part.is_empty()) {
        bundle.push_str(part);
        if !part.ends_with('\n') {
            bundle.push('\n');
        }
    }
    bundle
}
