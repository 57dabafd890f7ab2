//! A request that is sent at most once, packed for another process of this host, which sends it in the same way.
//!
//! The process that packs the request decides where it goes: the other one has no policy of its own. A name is resolved
//! where the request is sent, and only addresses that the packing process allows are connected to.

use std::{sync::Arc, time::Duration};

use connection_contract::{HttpError, HttpRequest, HttpResponse, Record, Secret, host};
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret as _;

use crate::{
    Clock, Egress, HttpClient, HttpPolicy, LastAnswer, SendUntil, egress::Target, once::BodyDecision,
    outgoing::Outgoing, resolver::Addresses,
};

/// The beginning of the name of a field with a header.
const HEADER: &str = "header ";

impl HttpClient {
    /// Packs a request that [`send_once`](Self::send_once) would send, with everything that the policy says about it.
    /// The request takes at most `longest`. The record has the secrets of the request.
    ///
    /// # Errors
    ///
    /// The error of `send_once` for a request that may not be sent.
    pub fn packed(&self, egress: &Egress, request: &HttpRequest, longest: Duration) -> Result<Record, HttpError> {
        let policy = self.policy();
        let target = egress.target(policy, request.url())?;
        let outgoing = Outgoing::new(host::duplicate(request))?;
        let record = Record::new()
            .with("url", target.url.as_str())
            .with("addresses", format!("{:?}", target.addresses))
            .with("method", outgoing.method.as_str())
            .with("body", outgoing.body)
            .with("timeout", policy.spending_deadline(Some(longest)).as_millis().to_string())
            .with("connect_timeout", policy.connect_timeout.as_millis().to_string())
            .with("body_limit", policy.body_limit.to_string())
            .with("user_agent", &*policy.user_agent);
        let record = policy.proxy.iter().fold(record, |record, proxy| record.with("proxy", proxy.expose_secret()));
        let roots = policy.root_certificates.iter();
        let record = roots.fold(record, |record, pem| record.with("root", Secret::new(&pem[..])));
        Ok(outgoing.headers.iter().fold(record, |record, (name, value)| {
            record.with(&format!("{HEADER}{name}"), Secret::new(value.as_bytes()))
        }))
    }
}

/// Sends a [packed](HttpClient::packed) request once the `word` says until when that may begin. Returns the answer, and
/// `true` if the request may have been sent; `None` without the word, or for a record that was not packed. The client
/// is made before the word.
pub async fn deliver(
    record: &Record,
    clock: Arc<dyn Clock>,
    word: impl Future<Output = Option<SendUntil>>,
) -> Option<(Result<HttpResponse, HttpError>, bool)> {
    let text = |name| record.text(name).ok();
    let millis = |name| text(name).and_then(|millis| millis.parse().ok()).map(Duration::from_millis);
    let timeout = millis("timeout")?;
    let policy = HttpPolicy::new()
        .timeout(timeout)
        .connect_timeout(millis("connect_timeout")?)
        .body_limit(text("body_limit")?.parse().ok()?)
        .user_agent(text("user_agent")?);
    let policy = text("proxy").into_iter().fold(policy, HttpPolicy::proxy);
    let roots = record.fields().filter(|(name, _)| *name == "root");
    let policy = roots.fold(policy, |policy, (_, pem)| policy.root_certificate_pem(pem.expose()));
    let origin = host::origin(text("url")?)?;
    let is_named = |addresses: &Addresses| text("addresses").is_some_and(|name| name == format!("{addresses:?}"));
    let addresses = [Addresses::Any, Addresses::Private, Addresses::Public].into_iter().find(is_named)?;
    let target = Target { url: Url::parse(text("url")?).ok()?, requested: origin.clone(), origin, addresses };
    let mut headers = HeaderMap::new();
    for (name, value) in record.fields().filter_map(|(field, value)| Some((field.strip_prefix(HEADER)?, value))) {
        let mut value = HeaderValue::from_bytes(value.expose()).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    let method = Method::from_bytes(text("method")?.as_bytes()).ok()?;
    let outgoing = Outgoing { method, headers, body: record.find("body")?.duplicate(), follows: false };
    let client = HttpClient::new(policy, Arc::clone(&clock)).ok()?;
    let taken = BodyDecision::until(Arc::clone(&clock), Some(word.await?));
    Some(client.send_marked(&LastAnswer::default(), &target, outgoing, &taken, timeout).await)
}
