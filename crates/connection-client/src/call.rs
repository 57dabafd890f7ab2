//! One request: its address, its header with the token, its body, and failures as errors.

use std::{error::Error as _, iter::successors};

use bytes::Bytes;
use connection_api::{Problem, Withdrawal};
use connection_contract::Secret;
use connection_egress::tls_fault;
use reqwest::{Method, Response, StatusCode, Url, header};
use secrecy::ExposeSecret as _;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Client, Error};

/// The maximum size of an answer, in bytes: a page of 500 connections, each of 32 KiB.
const MAX_ANSWER: usize = 16 << 20;
/// The maximum size of a refusal, in bytes.
const MAX_PROBLEM: usize = 256 << 10;

/// A request that has not been sent.
pub(crate) struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: &'a [&'a str],
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    limit: usize,
}

/// The bytes of a body, which may hold what a person typed. The memory is wiped after they were sent.
struct Wiped(Secret);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

impl Client {
    pub(crate) fn get<'a>(&'a self, path: &'a [&'a str]) -> Call<'a> {
        Call::new(self, Method::GET, path)
    }

    pub(crate) fn post<'a>(&'a self, path: &'a [&'a str]) -> Call<'a> {
        Call::new(self, Method::POST, path)
    }

    pub(crate) fn patch<'a>(&'a self, path: &'a [&'a str]) -> Call<'a> {
        Call::new(self, Method::PATCH, path)
    }

    pub(crate) fn put<'a>(&'a self, path: &'a [&'a str]) -> Call<'a> {
        Call::new(self, Method::PUT, path)
    }

    pub(crate) fn delete<'a>(&'a self, path: &'a [&'a str]) -> Call<'a> {
        Call::new(self, Method::DELETE, path)
    }
}

impl<'a> Call<'a> {
    fn new(client: &'a Client, method: Method, path: &'a [&'a str]) -> Self {
        let owner = client.shared.owner.clone().map(|owner| ("owner", owner));
        Self { client, method, path, query: owner.into_iter().collect(), body: None, limit: MAX_ANSWER }
    }

    /// Adds a parameter if it has a value.
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Reads answers of another size.
    pub(crate) fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the body. `size` is the size of its texts: without it, growing memory would leave parts of them behind.
    pub(crate) fn body(mut self, body: &impl Serialize, size: usize) -> Self {
        // A character of a text has at most six bytes in JSON.
        let mut bytes = Vec::with_capacity(size.saturating_mul(6).saturating_add(1024));
        // Our bodies have string keys, so serializing them cannot fail.
        serde_json::to_writer(&mut bytes, body).unwrap_or_default();
        self.body = Some(Bytes::from_owner(Wiped(Secret::new(bytes))));
        self
    }

    /// Sends the request and returns the answer, which is JSON.
    pub(crate) async fn answer<T: DeserializeOwned>(self) -> Result<T, Error> {
        let client = self.client;
        let limit = self.limit;
        read(client, self.send().await?, limit).await
    }

    /// Sends a request that takes something back. An answer without content says that this is in force in every process.
    pub(crate) async fn withdrawal(self) -> Result<Withdrawal, Error> {
        let client = self.client;
        let limit = self.limit;
        let response = self.send().await?;
        match response.status() {
            StatusCode::NO_CONTENT => Ok(Withdrawal::default()),
            _ => read(client, response, limit).await,
        }
    }

    /// Sends a request whose answer has no content.
    pub(crate) async fn nothing(self) -> Result<(), Error> {
        self.send().await.map(drop)
    }

    /// Sends a request whose answer is a stream without an end.
    pub(crate) async fn stream(self) -> Result<Response, Error> {
        let request = self.client.shared.streams.request(self.method.clone(), self.url()?);
        let client = self.client;
        succeeded(client, request.header(header::ACCEPT, "text/event-stream").headers(self.headers()?).send().await)
            .await
    }

    async fn send(self) -> Result<Response, Error> {
        let shared = &self.client.shared;
        let request = shared.requests.request(self.method.clone(), self.url()?).timeout(shared.timeout);
        let request = request.header(header::ACCEPT, "application/json").headers(self.headers()?);
        let request = match self.body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body),
            None => request,
        };
        succeeded(self.client, request.send().await).await
    }

    fn url(&self) -> Result<Url, Error> {
        self.client.shared.base.of_api(self.path, &self.query)
    }

    fn headers(&self) -> Result<header::HeaderMap, Error> {
        let text = format!("Bearer {}", self.client.shared.token.expose_secret());
        let mut value = header::HeaderValue::from_str(&text).map_err(|_| Error::Token)?;
        value.set_sensitive(true);
        Ok(header::HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
    }
}

/// Returns an answer that is a success.
async fn succeeded(client: &Client, answer: reqwest::Result<Response>) -> Result<Response, Error> {
    let response = answer.map_err(|error| unreachable(client, &error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = whole(client, response, MAX_PROBLEM).await?;
    match serde_json::from_slice::<Problem>(&bytes) {
        Ok(problem) => Err(Error::Refused { problem: Box::new(problem), retry_after }),
        // A proxy answered in place of the server.
        Err(_) => Err(unexpected(client, status)),
    }
}

/// Reads a body that is JSON, up to a limit.
async fn read<T: DeserializeOwned>(client: &Client, response: Response, limit: usize) -> Result<T, Error> {
    let status = response.status();
    let bytes = whole(client, response, limit).await?;
    serde_json::from_slice(&bytes).map_err(|_| unexpected(client, status))
}

/// Reads a body up to a limit.
async fn whole(client: &Client, mut response: Response, limit: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(client, &error))? {
        if bytes.len() + chunk.len() > limit {
            return Err(Error::TooLarge { url: client.base_url().to_owned(), limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn unexpected(client: &Client, status: StatusCode) -> Error {
    Error::UnexpectedAnswer { url: client.base_url().to_owned(), status: status.as_u16() }
}

/// Returns the error for a request without a whole answer, with the first cause. The error of the library would repeat
/// the address of the request.
pub(crate) fn unreachable(client: &Client, error: &reqwest::Error) -> Error {
    let url = client.base_url().to_owned();
    // After the handshake, the error is one of the answer.
    if let Some(fault) = tls_fault(error).filter(|_| error.is_connect()) {
        let remedy = fault.remedy().map(|remedy| remedy.to_string());
        return Error::Unreachable { url, cause: fault.to_string(), remedy };
    }
    if error.is_timeout() {
        return Error::Unreachable { url, cause: "no answer in time".to_owned(), remedy: None };
    }
    let cause = successors(error.source(), |error| (*error).source()).last();
    let cause = cause.map_or_else(|| "the answer is not complete".to_owned(), ToString::to_string);
    Error::Unreachable { url, cause, remedy: None }
}
