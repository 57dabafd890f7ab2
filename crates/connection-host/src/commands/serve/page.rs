//! Gives the page of `serve` to a person at this machine.
//!
//! The page needs a token, which it gets for a code that is good once. The code must not be an argument of the program
//! that opens a browser, since other users of the machine can read arguments. So the browser opens an address of this
//! process, which passes the code on to its first visitor alone.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use connection_core::{ConnectionRegistry, Error as CoreError, NewAccessToken, Role};
use connection_inbound::{Browser, PublicUrl, Server};
use secrecy::ExposeSecret as _;
use tokio::sync::Notify;

use crate::{Error, output::Output};

/// The time for which the address waits for a browser.
const PATIENCE: Duration = Duration::from_secs(60);
/// The name of the token that a page gets.
const NAME: &str = "Page";
/// The text for every visitor after the first one.
const USED: &str = "This address was good once, and has been opened before. If that was not you, somebody else on this \
                    machine can change your connections: run `connections tokens revoke --pages`.\n";

/// The moment after which the address that leads to the page is no longer served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visits {
    /// The first visit, or the end of a minute if there is none.
    First,
    /// The end of a minute. Until then, later visitors learn that they are not the first.
    UntilEnd,
}

/// The page of a server, for the owner of a registry.
#[derive(Clone, Debug)]
pub(super) struct Page {
    registry: ConnectionRegistry,
    /// The address of the page, without a slash at the end.
    address: String,
}

/// The address that gives the page to its first visitor.
#[derive(Clone)]
struct Once {
    page: Page,
    is_taken: Arc<AtomicBool>,
    visited: Arc<Notify>,
}

impl Page {
    /// Returns the page at this address, without a slash at the end.
    pub(super) fn new(registry: ConnectionRegistry, address: String) -> Self {
        Self { registry, address }
    }

    /// Returns the address of the page with a new code.
    pub(super) async fn with_code(&self) -> Result<String, CoreError> {
        let token = NewAccessToken::new(NAME, Role::Manage).owner(self.registry.owner_name());
        let code = self.registry.access_tokens().create_code(token).await?;
        Ok(format!("{}/#code={}", self.address, code.expose_secret()))
    }

    /// Opens the page in the browser, and serves the address that leads there, as long as `visits` says.
    ///
    /// Without a browser, or if none can be started, the person gets the address to open.
    pub(super) async fn open(self, browser: Option<Browser>, output: &Output, visits: Visits) -> Result<(), Error> {
        let Some(browser) = browser else { return self.show(output).await };
        let listening = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::bind(listening).await.map_err(|error| super::not_listening(listening, &error))?;
        let address = format!("http://{}", server.address());
        // The address of a loopback socket is a public URL.
        let url: PublicUrl = address.parse().map_err(|_| Error::io("the page", &std::io::ErrorKind::Other.into()))?;
        let clock = self.registry.clock();
        let visited = Arc::new(Notify::new());
        let once = Once { page: self.clone(), is_taken: Arc::default(), visited: visited.clone() };
        let routes = Router::new().route("/", get(visit)).with_state(once);
        let first = visited.clone();
        let ended = async move {
            tokio::select! {
                () = clock.sleep(PATIENCE) => {}
                () = first.notified(), if visits == Visits::First => {}
            }
        };
        let serving = server.serve(routes, &url, ended);
        let opening = async {
            match browser.open(url.as_str()).await {
                Ok(()) => {
                    output.note("The page opens in your browser.");
                    Ok(())
                }
                Err(_) => {
                    visited.notify_one();
                    self.show(output).await
                }
            }
        };
        let (opened, ()) = tokio::join!(opening, serving);
        opened
    }

    /// Tells the person which address to open.
    async fn show(&self, output: &Output) -> Result<(), Error> {
        let page = self.with_code().await?;
        output.note(format!("No browser could be opened. Open this address within 60 seconds:\n  {page}"));
        Ok(())
    }
}

/// Passes the code to the first visitor.
async fn visit(State(once): State<Once>, method: Method, headers: HeaderMap) -> Response {
    // A page of another site could lead its own visitor here.
    let sites = headers.get_all("sec-fetch-site");
    if method != Method::GET || !sites.iter().all(|site| site.as_bytes() == b"none") {
        return StatusCode::FORBIDDEN.into_response();
    }
    if once.is_taken.swap(true, Ordering::AcqRel) {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return (StatusCode::GONE, kind, crate::name::hints(USED).into_owned()).into_response();
    }
    match once.page.with_code().await {
        Ok(page) => {
            once.visited.notify_one();
            Redirect::to(&page).into_response()
        }
        Err(error) => {
            once.is_taken.store(false, Ordering::Release);
            tracing::warn!(target: crate::platform::OPERATIONS, "the page cannot be opened now: {error}");
            (StatusCode::SERVICE_UNAVAILABLE, "The database cannot be used now; load this page again.\n")
                .into_response()
        }
    }
}
