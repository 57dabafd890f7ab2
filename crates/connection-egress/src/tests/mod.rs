//! Tests of the HTTP client with real servers on loopback.
//!
//! The clock stands still, so that a request times out only if a test moves the clock.
#![cfg(feature = "workspace-tests")]

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use connection_contract::{BaseUrl, BoxFuture, HttpError, HttpRequest, HttpResponse, Origin, Timestamp, host};

use crate::{AllowedOrigin, Egress, HttpClient, HttpPolicy, NamedBy, clock::ManualClock, resolver::Lookup};

mod addresses;
mod coding;
mod deadline;
mod egress;
mod environment;
mod failures;
mod heads;
mod logging;
mod metadata;
mod once;
mod open;
mod outages;
mod policy;
mod redirects;
mod requests;
mod reuse;
mod said;
mod streaming;
mod tls;
mod websockets;

/// A name service that knows only these names.
#[derive(Default)]
struct Names {
    known: Vec<(&'static str, Vec<IpAddr>)>,
    lookups: Mutex<usize>,
}

impl Names {
    fn of(known: &[(&'static str, &[&str])]) -> Arc<Self> {
        let parse = |addresses: &[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        let known = known.iter().map(|(name, addresses)| (*name, parse(addresses))).collect();
        Arc::new(Self { known, lookups: Mutex::new(0) })
    }
}

impl Lookup for Names {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        *self.lookups.lock().unwrap() += 1;
        let found = self.known.iter().find(|(known, _)| *known == name).map(|(_, addresses)| addresses.clone());
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_seconds(1_700_000_000)))
}

fn client(policy: HttpPolicy) -> HttpClient {
    client_with(policy, Names::of(&[]))
}

fn client_with(policy: HttpPolicy, names: Arc<Names>) -> HttpClient {
    HttpClient::with_lookup(policy, clock(), names).unwrap()
}

fn base(url: &str) -> BaseUrl {
    host::base_url(url).unwrap()
}

fn origin(url: &str) -> Origin {
    host::origin(url).unwrap()
}

/// Allows an origin that the user named.
fn named(url: &str) -> Egress {
    granted([(url, true)])
}

/// Allows an origin that a descriptor declares.
fn declared(url: &str) -> Egress {
    granted([(url, false)])
}

/// Allows these origins. The flag is `true` if the user named the origin.
fn granted<const N: usize>(origins: [(&str, bool); N]) -> Egress {
    let allowed = origins.map(|(url, named)| AllowedOrigin {
        origin: origin(url),
        named: if named { NamedBy::Owner } else { NamedBy::Nobody },
    });
    Egress { origins: allowed.into(), is_of_process: true, ..Egress::default() }
}

/// Sends a `GET` of `/` to an origin that the user named.
async fn ask(url: &str) -> Result<HttpResponse, HttpError> {
    client(HttpPolicy::new()).send(&named(url), HttpRequest::get(&base(url), "/")).await
}

#[track_caller]
fn error(result: Result<HttpResponse, HttpError>) -> HttpError {
    result.map(|response| format!("{response:?} {:?}", response.body().expose_str())).unwrap_err()
}
