//! The host and the provider as a browser reaches them.

use axum::{Router, extract::Request, response::Html, routing::get};
use connection_contract::encode;
use connection_core::ConnectionRegistry;
use connection_faults::browser::Browser;
use tokio::{net::TcpListener, runtime::Handle};

use super::tls;
use crate::test_host::{PUBLIC, callbacks};

/// The origin of the provider, as a browser sees it.
pub(super) const PROVIDER: &str = "https://login.example";

/// The ports of the host, the provider, and the pages of others.
pub(super) struct Site {
    host: u16,
    provider: u16,
    others: u16,
}

impl Site {
    /// Starts a host at [`PUBLIC`] with callbacks.
    pub(super) async fn of(registry: &ConnectionRegistry) -> Self {
        let path = PUBLIC.strip_prefix("https://host.example").unwrap();
        let app = Router::new().nest(path, callbacks(registry));
        Self { host: tls::before(served(app).await), provider: provider().await, others: others().await }
    }

    /// Returns the address of a page of another site, which leads to an address in every way that a page has.
    pub(super) fn page(site: &str, to: &str) -> String {
        format!("https://{site}/?to={}", encode::percent_encode(to))
    }

    /// Starts a browser with a new profile.
    pub(super) async fn browser(&self) -> Option<Browser> {
        let others = ["app.example", "evil.example"].map(|name| (name, self.others));
        Browser::start(&[("host.example", self.host), ("login.example", self.provider), others[0], others[1]]).await
    }
}

/// Starts the provider, on whose page a person allows or denies access and is sent back.
async fn provider() -> u16 {
    let page = get(|request: Request| async move {
        let query = encode::from_form(request.uri().query().unwrap_or_default());
        let value = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap();
        let back = value("redirect_uri");
        let state = value("state");
        Html(format!(
            "<title>Provider</title><script>document.title = 'a script ran'</script>\
             <a id=allow href='{back}?code=the-code&amp;state={state}'>Allow</a> \
             <a id=deny href='{back}?error=access_denied&amp;state={state}'>Deny</a>"
        ))
    });
    tls::before(served(Router::new().route("/authorize", page)).await)
}

/// Starts the pages of other sites.
async fn others() -> u16 {
    let page = get(|request: Request| async move {
        let query = encode::from_form(request.uri().query().unwrap_or_default());
        let to = &query[0].1;
        Html(format!(
            "<title>A page</title>A page <a id=link href='{to}'>Link</a> <img src='{to}'> <iframe src='{to}'></iframe>\
             <form method=post action='{to}'><button id=post>Post</button></form>"
        ))
    });
    tls::before(served(Router::new().route("/", page)).await)
}

async fn served(app: Router) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    Handle::current().spawn(async move { axum::serve(listener, app).await });
    address
}
