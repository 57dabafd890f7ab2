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

/// The ports of the host and the provider.
pub(super) struct Site {
    host: u16,
    provider: u16,
}

impl Site {
    /// Starts a host at [`PUBLIC`] with callbacks.
    pub(super) async fn of(registry: &ConnectionRegistry) -> Self {
        let path = PUBLIC.strip_prefix("https://host.example").unwrap();
        let app = Router::new().nest(path, callbacks(registry));
        Self { host: tls::before(served(app).await), provider: provider().await }
    }

    /// Starts a browser with a new profile.
    pub(super) async fn browser(&self) -> Option<Browser> {
        Browser::start(&[("host.example", self.host), ("login.example", self.provider)]).await
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

async fn served(app: Router) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    Handle::current().spawn(async move { axum::serve(listener, app).await });
    address
}
