//! The redirect URIs of a host that has a public address.

use connection_contract::Kind;
use connection_core::InboundEndpoint;

use crate::PublicUrl;

/// Lends a registry its public address: `https://example.com/callback/{kind}`. Whoever lends it mounts
/// [`callback_routes`](crate::callback_routes) there.
#[derive(Clone, Debug)]
pub struct PublicEndpoint {
    url: PublicUrl,
}

impl PublicEndpoint {
    /// At this address.
    pub fn new(url: PublicUrl) -> Self {
        Self { url }
    }
}

#[async_trait::async_trait]
impl InboundEndpoint for PublicEndpoint {
    async fn redirect_uri(&self, kind: &Kind) -> Option<String> {
        Some(self.url.redirect_uri(kind))
    }

    /// It is what it was as long as the configuration is; nothing is to be done for it.
    async fn rebind(&self, redirect_uri: &str) -> bool {
        let kind = redirect_uri.strip_prefix(self.url.as_str()).and_then(|path| path.strip_prefix("/callback/"));
        kind.is_some_and(|kind| Kind::parse(kind).is_some())
    }
}
