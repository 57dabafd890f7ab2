//! The address of the operator, and the secret that signs what is sent there.

use std::fmt;

use connection_contract::{BaseUrl, Crypto as _, HttpRequest, Secret, encode, host};
use connection_egress::{AllowedOrigin, Egress, NamedBy, is_loopback};

use super::AttentionUrl;
use crate::services::crypto::SystemCrypto;

/// The beginning of a secret of Standard Webhooks.
const PREFIX: &str = "whsec_";

/// The address to which events are sent, and the secret that signs them.
///
/// # Examples
///
/// ```
/// use connection_contract::Secret;
/// use connection_core::EventReceiver;
///
/// let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
/// EventReceiver::new("https://app.example.com/events", &secret)?;
/// assert!(EventReceiver::new("http://app.example.com/events", &secret).is_err());
/// # Ok::<(), connection_core::EventReceiverError>(())
/// ```
pub struct EventReceiver {
    base: BaseUrl,
    /// The path and the query, which may hold a secret of the receiver.
    path: String,
    key: Secret,
    attention_url: Option<AttentionUrl>,
}

/// The reason why no events can be sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventReceiverError {
    /// The text is not an address.
    #[error("the address is not of the form https://app.example.com/events, without a user or a fragment")]
    Address,
    /// The secret is not one of Standard Webhooks.
    #[error("the secret is not {PREFIX} and the base64 of 24 to 64 bytes")]
    Secret,
    /// The address is neither encrypted nor on this machine.
    #[error("the address is not encrypted: use https, or http on a loopback address such as http://127.0.0.1:9001")]
    Unencrypted,
}

impl EventReceiver {
    /// Creates a receiver at this address. The secret is `whsec_` and the base64 of 24 to 64 random bytes.
    ///
    /// # Errors
    ///
    /// [`EventReceiverError`], which repeats neither the address nor the secret.
    pub fn new(url: &str, secret: &Secret) -> Result<Self, EventReceiverError> {
        let origin = host::origin(url).ok_or(EventReceiverError::Address)?;
        let base = host::base_url(origin.as_str()).ok_or(EventReceiverError::Address)?;
        if !origin.as_str().starts_with("https:") && !is_loopback(&origin) {
            return Err(EventReceiverError::Unencrypted);
        }
        let rest = url.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
        let path = match rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or("/") {
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        host::request("POST", &base, &path).ok_or(EventReceiverError::Address)?;
        let key = secret.expose_str().and_then(|text| encode::from_base64(text.trim().strip_prefix(PREFIX)?));
        let key = key.filter(|key| (24..=64).contains(&key.len())).ok_or(EventReceiverError::Secret)?;
        Ok(Self { base, path, key: Secret::new(key), attention_url: None })
    }

    /// Adds to the messages about connections that need a person the address at which the host takes that person in.
    #[must_use]
    pub fn with_attention_url(mut self, template: AttentionUrl) -> Self {
        self.attention_url = Some(template);
        self
    }

    pub(super) fn attention_url(&self) -> Option<&AttentionUrl> {
        self.attention_url.as_ref()
    }

    /// Returns the origin of the address. Its path may be a secret.
    pub fn origin(&self) -> &str {
        self.base.origin().as_str()
    }

    /// Returns the origins that requests may go to. The operator named the address, and a private one is nevertheless
    /// refused unless the policy of the host allows it, because the name may come to lead elsewhere.
    pub(super) fn egress(&self) -> Egress {
        let origin = self.base.origin().clone();
        if is_loopback(&origin) {
            return Egress { host: vec![origin], ..Egress::default() };
        }
        Egress { origins: vec![AllowedOrigin { origin, named: NamedBy::Owner }], ..Egress::default() }
    }

    /// Returns the signed request for a message, as it is sent at this time, in seconds. `None` cannot occur, because the
    /// address was checked.
    pub(super) fn request(&self, id: &str, seconds: i64, body: &str) -> Option<HttpRequest> {
        let mut request = host::request("POST", &self.base, &self.path)?.no_redirect();
        let signed = format!("{id}.{seconds}.{body}");
        let signature = encode::base64(&SystemCrypto.hmac_sha256(&self.key, signed.as_bytes()));
        request.set_header("content-type", Secret::from("application/json"));
        request.set_header("webhook-id", Secret::from(id));
        request.set_header("webhook-timestamp", Secret::from(seconds.to_string()));
        request.set_header("webhook-signature", Secret::from(format!("v1,{signature}")));
        request.body = Secret::from(body);
        Some(request)
    }
}

impl fmt::Debug for EventReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReceiver").field("origin", &self.origin()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification and of its reference libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let receiver = EventReceiver::new("https://app.example.com/events?a=b", &secret).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let request = receiver.request(id, 1_614_265_330, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(request.url(), "https://app.example.com/events?a=b");
        let header = |name: &str| {
            let (_, value) = request.headers.iter().find(|(own, _)| own == name).unwrap();
            String::from_utf8(value.expose().to_vec()).unwrap()
        };
        assert_eq!(header("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!((header("webhook-id"), header("webhook-timestamp")), (id.to_owned(), "1614265330".to_owned()));
    }

    #[test]
    fn an_unsafe_address_and_a_weak_secret_are_refused_without_being_repeated() {
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        for url in ["http://127.0.0.1:1", "http://localhost:1/a", "https://a.test", "https://a.test?b=c"] {
            EventReceiver::new(url, &secret).unwrap();
        }
        for (url, error) in [
            ("http://a.test/", EventReceiverError::Unencrypted),
            ("http://10.0.0.1/", EventReceiverError::Unencrypted),
            ("https://me:hunter2@a.test/", EventReceiverError::Address),
            ("https://a.test/#b", EventReceiverError::Address),
            ("https://a.test/../b", EventReceiverError::Address),
            ("ftp://a.test", EventReceiverError::Address),
            ("hunter2", EventReceiverError::Address),
        ] {
            assert_eq!(EventReceiver::new(url, &secret).unwrap_err(), error, "{url}");
        }
        let of = |bytes: usize| format!("whsec_{}", encode::base64(&vec![7; bytes]));
        for secret in [of(24), of(64)] {
            EventReceiver::new("https://a.test", &Secret::from(secret)).unwrap();
        }
        for secret in [of(23), of(65), encode::base64(&[7; 32]), "whsec_hunter2!".to_owned(), String::new()] {
            let error = EventReceiver::new("https://a.test", &Secret::from(secret)).unwrap_err();
            assert!(error == EventReceiverError::Secret && !error.to_string().contains("hunter2"));
        }
    }
}
