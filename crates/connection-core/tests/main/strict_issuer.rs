//! A provider that is as strict as possible: a refresh token works once, and using it twice revokes everything that
//! was derived from it (RFC 9700, section 4.14.2).

use std::sync::{Arc, Mutex, MutexGuard};

use crate::{renewing::LIFE, test_host, test_server::Reply};

/// The provider's state of one grant.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// The number of the tokens that work.
    pub(crate) number: u64,
    pub(crate) is_revoked: bool,
    /// The number of requests to the token endpoint.
    pub(crate) requests: usize,
    /// The number of uses with a token that does not work.
    pub(crate) refused: usize,
    /// The lifetime of its tokens in seconds; the answer has none if `None`.
    pub(crate) life: Option<i64>,
    /// Further members of its next answers, such as times.
    pub(crate) more: String,
    /// The text before the JSON of its answers with tokens, which only a newer plugin skips.
    pub(crate) prefix: &'static str,
    /// The answer to send instead: status, headers and body.
    pub(crate) instead: Option<(u16, String, String)>,
}

/// The provider. Clones share their state.
#[derive(Clone, Debug)]
pub(crate) struct Strict(Arc<Mutex<Issuer>>);

impl Strict {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Issuer {
            number: 1,
            is_revoked: false,
            requests: 0,
            refused: 0,
            life: Some(LIFE),
            more: String::new(),
            prefix: "",
            instead: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Issuer> {
        self.0.lock().unwrap()
    }

    /// Returns the number of requests for a token.
    pub(crate) fn request_count(&self) -> usize {
        self.lock().requests
    }

    /// Sets the answer of the token endpoint from now on; `None` restores the normal one.
    pub(crate) fn says(&self, instead: Option<(u16, &str, &str)>) {
        self.lock().instead = instead.map(|(status, headers, body)| (status, headers.to_owned(), body.to_owned()));
    }

    pub(crate) fn answer(&self, request: &str) -> Reply {
        let mut issuer = self.lock();
        if !request.starts_with("POST /token") {
            let works = format!("bearer access-{}\r\n", issuer.number);
            if !issuer.is_revoked && request.to_lowercase().contains(&works) {
                return test_host::me("1", "ada");
            }
            issuer.refused += 1;
            return Reply::whole(401, "", "{}");
        }
        issuer.requests += 1;
        if let Some((status, headers, body)) = &issuer.instead {
            return Reply::whole(*status, headers, body);
        }
        if !request.ends_with(&format!("refresh_token=refresh-{}", issuer.number)) {
            issuer.is_revoked = true;
        }
        if issuer.is_revoked {
            return Reply::whole(400, "", r#"{"error":"invalid_grant"}"#);
        }
        issuer.number += 1;
        let number = issuer.number;
        let more = &issuer.more;
        let prefix = issuer.prefix;
        let life = issuer.life.map(|life| format!(r#","life":{life}"#)).unwrap_or_default();
        Reply::ok(&format!(r#"{prefix}{{"access":"access-{number}","refresh":"refresh-{number}"{life}{more}}}"#))
    }
}
