//! The HTTP client of the `oauth2` crate, over the context.
//!
//! It takes a request of that crate, applies the configuration's deviations, sends it, and returns the response in the
//! form of RFC 6749, section 5.1, whatever the provider sent.

use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use connection_contract::{Exposed as _, Secret, Spend, Value, encode};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};

use super::{refusal::Occasion, response};
use crate::{
    OAuth2Error,
    answer::Answered,
    client::Application,
    config::{Endpoint, RequestKind},
    provider::{Parameters, Provider},
};

/// One request of the `oauth2` crate.
pub(super) struct ContextHttpClient<'a> {
    pub(super) provider: &'a Provider<'a>,
    pub(super) application: &'a Application,
    pub(super) on: RequestKind,
    pub(super) occasion: Occasion,
    pub(super) spend: Option<Spend<'a>>,
    /// The response as received, for the parts that the `oauth2` crate does not keep.
    pub(super) answer: Mutex<Option<(Answered, Value)>>,
}

impl<'a> ContextHttpClient<'a> {
    pub(super) fn new(
        provider: &'a Provider<'a>,
        application: &'a Application,
        on: RequestKind,
        occasion: Occasion,
        spend: Option<Spend<'a>>,
    ) -> Self {
        Self { provider, application, on, occasion, spend, answer: Mutex::new(None) }
    }

    /// Returns the response as received.
    pub(super) fn into_answer(self) -> Option<(Answered, Value)> {
        self.answer.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, OAuth2Error> {
        let url = request.uri().to_string();
        // This copy is wiped; the one that the `oauth2` crate holds is not.
        let body = Secret::new(request.into_body());
        let mut parameters = Parameters::of(encode::from_form(body.exposed()));
        // The `oauth2` crate supports two ways to authenticate; all of them are implemented in `authenticate` instead.
        parameters.pairs.retain(|(name, _)| !matches!(name.as_str(), "client_id" | "client_secret"));
        self.provider.authenticate(self.application, &url, &mut parameters)?;
        self.provider.change(self.on, &mut parameters)?;
        let what = Endpoint::Token.name();
        let answer = self.provider.post(Some(self.on), &url, what, parameters, self.spend).await?;
        let rules = &self.provider.config.response;
        let value = response::read(rules, self.occasion, &answer)?;
        let normal = response::normal(rules, &answer, &value)?;
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some((answer, value));
        let mut standard = HttpResponse::new(normal.to_string().into_bytes());
        standard.headers_mut().insert("content-type", oauth2::http::HeaderValue::from_static("application/json"));
        Ok(standard)
    }
}

impl<'c, 'a> AsyncHttpClient<'c> for ContextHttpClient<'a> {
    type Error = OAuth2Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OAuth2Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
