//! A provider as strict as they come: a refresh token works once, and using one twice revokes all that came of it
//! (RFC 9700, section 4.14.2).

use std::sync::{Arc, Mutex, MutexGuard};

use crate::{
    renewing::LIFE,
    test_server::Reply,
    world,
};

/// What the provider knows of one grant.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    /// Of the tokens that work.
    pub(crate) number: u64,
    pub(crate) is_revoked: bool,
    /// Requests to the token endpoint.
    pub(crate) asked: usize,
    /// Uses with a token that does not work.
    pub(crate) refused: usize,
    /// Seconds that its tokens live; it does not say when `None`.
    pub(crate) life: Option<i64>,
    /// What it says of times in its next answers, as members of the answer.
    pub(crate) more: String,
    /// What it answers instead: status, headers and body.
    pub(crate) instead: Option<(u16, String, String)>,
}

/// The provider. A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Strict(Arc<Mutex<Issuer>>);

impl Strict {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Issuer {
            number: 1,
            is_revoked: false,
            asked: 0,
            refused: 0,
            life: Some(LIFE),
            more: String::new(),
            instead: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Issuer> {
        self.0.lock().unwrap()
    }

    /// How often it was asked for a token.
    pub(crate) fn asked(&self) -> usize {
        self.lock().asked
    }

    /// Answers the token endpoint so from now on; `None` as it should.
    pub(crate) fn says(&self, instead: Option<(u16, &str, &str)>) {
        self.lock().instead = instead.map(|(status, headers, body)| (status, headers.to_owned(), body.to_owned()));
    }

    pub(crate) fn answer(&self, request: &str) -> Reply {
        let mut issuer = self.lock();
        if !request.starts_with("POST /token") {
            let works = format!("bearer access-{}\r\n", issuer.number);
            if !issuer.is_revoked && request.to_lowercase().contains(&works) {
                return world::me("1", "ada");
            }
            issuer.refused += 1;
            return Reply::whole(401, "", "{}");
        }
        issuer.asked += 1;
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
        let (number, more) = (issuer.number, &issuer.more);
        let life = issuer.life.map(|life| format!(r#","life":{life}"#)).unwrap_or_default();
        Reply::ok(&format!(r#"{{"access":"access-{number}","refresh":"refresh-{number}"{life}{more}}}"#))
    }
}
