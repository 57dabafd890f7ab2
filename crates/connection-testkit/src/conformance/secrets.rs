//! Secrets: the answers to secret fields are searched for in all output, in every form that they may take.

use std::fmt::Debug;

use connection_contract::{ConnectionDefinition, HeaderValue, HttpRequest, Value};

use super::Suite;
use crate::{FakeHost, fault::fail};

impl<D: ConnectionDefinition> Suite<D>
where
    D::Credential: Debug,
{
    #[track_caller]
    pub(super) fn hidden(&self) {
        let (host, run) = self.run();
        self.silent(&format!("{:?}", run.steps), "a step of the setup");
        self.silent(&format!("{:?}", run.result), "the result of the setup");
        self.unsaid(&host);
        let made = self.made();
        let host = self.connected(&self.verify);
        let connection = host.connection(&made);
        self.silent(&format!("{connection:?}"), "the public half of the connection");
        self.silent(&format!("{:?}", host.verify(&made.credential, &connection)), "the result of verify");
        self.unsaid(&host);
        if let (Some(_), Ok(base)) = (host.definition.authorizer(), connection.base_url()) {
            let body = Value::object([("a", 1.into())]);
            for request in [HttpRequest::get(base, "/"), HttpRequest::post(base, "/").json(&body)] {
                match host.authorize(&made.credential, request) {
                    Ok(request) => self.attached(&request),
                    Err(error) => fail(&format!("the authorizer refuses the credential that setup made: {error}")),
                }
            }
        }
        let page = host.definition.credential_page(Some(&made.credential), &connection);
        self.silent(page.as_deref().unwrap_or_default(), "the address of the page for the credential");
        for name in &host.world.descriptor.secret_names {
            let secret = host.secret(&made.credential, name);
            self.silent(&format!("{secret:?}"), "a named secret");
        }
        if host.definition.secrets().is_some_and(|s| s.secret(&made.credential, "no such name").is_some()) {
            fail("`NamedSecrets` hands something out for a name that it does not have");
        }
    }

    /// Fails if an authorizer puts a secret into the URL or into a public header.
    #[track_caller]
    fn attached(&self, request: &HttpRequest) {
        self.silent_address(request.url());
        for (name, value) in &request.headers {
            if let HeaderValue::Public(text) = value {
                self.silent(text, &format!("the header '{name}', which is not marked as a secret"));
            }
        }
    }

    #[track_caller]
    fn unsaid(&self, host: &FakeHost<D>) {
        self.silent(&format!("{:?}", host.log()), "the log");
        self.silent_address(&host.world.script.urls().join("\n"));
    }

    #[track_caller]
    fn silent_address(&self, url: &str) {
        if !self.has_secret_in_address {
            self.silent(url, "the URL of a request");
        }
    }

    /// Fails if the text shows a secret. The message names only the field.
    #[track_caller]
    pub(super) fn silent(&self, text: &str, place: &str) {
        if self.searched.borrow().contains(text) {
            return;
        }
        for (name, canary) in self.canaries() {
            if canary.found(text.as_bytes()).is_some() {
                fail(&format!("{place} shows what the user gave to the secret field '{name}'"));
            }
        }
        self.searched.borrow_mut().insert(text.to_owned());
    }
}
