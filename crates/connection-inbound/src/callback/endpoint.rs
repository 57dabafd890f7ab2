//! The redirect URIs of a host with a public address.

use connection_contract::Kind;
use connection_core::InboundEndpoint;

use crate::PublicUrl;

/// An inbound endpoint at a public address: `https://example.com/callback/{kind}`.
///
/// The host mounts [`callback_routes`](crate::callback_routes) at that address.
#[derive(Clone, Debug)]
pub struct PublicEndpoint {
    url: PublicUrl,
}

impl PublicEndpoint {
    /// Returns an endpoint at this address.
    pub fn new(url: PublicUrl) -> Self {
        Self { url }
    }
}

#[async_trait::async_trait]
impl InboundEndpoint for PublicEndpoint {
    async fn redirect_uri(&self, kind: &Kind) -> Option<String> {
        Some(self.url.redirect_uri(kind))
    }

    /// Returns `true` for every redirect URI of the configured address; nothing has to be set up again.
    async fn rebind(&self, redirect_uri: &str) -> bool {
        let kind = redirect_uri.strip_prefix(self.url.as_str()).and_then(|path| path.strip_prefix("/callback/"));
        kind.is_some_and(|kind| Kind::parse_path_segment(kind).is_some())
    }
}
