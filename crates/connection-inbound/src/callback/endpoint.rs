//! The redirect URIs of a host with a public address.

use connection_contract::Kind;
use connection_core::InboundEndpoint;
use url::Url;

use crate::PublicUrl;

/// An inbound endpoint at a public address: `https://example.com/callback/{kind}`.
///
/// The host mounts [`callback_routes`](crate::callback_routes) at that address.
#[derive(Clone, Debug)]
pub struct PublicEndpoint {
    url: PublicUrl,
    /// The origins of pages that lead their own users here.
    origins: Vec<String>,
}

impl PublicEndpoint {
    /// Returns an endpoint at this address.
    pub fn new(url: PublicUrl) -> Self {
        Self { url, origins: Vec::new() }
    }

    /// Adds an address of the host's own pages, such as `https://app.example.com/settings`. A form on a page of its
    /// origin may send a user to the start address of a setup with a POST, and the user is not asked there.
    ///
    /// A text that is not an `http` or `https` address is ignored.
    #[must_use]
    pub fn return_address(mut self, address: &str) -> Self {
        let origin = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        self.origins.extend(origin.map(|url| url.origin().ascii_serialization()));
        self
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
        let kind = kind.and_then(|path| path.split('/').next());
        kind.is_some_and(|kind| Kind::parse_path_segment(kind).is_some())
    }

    fn leads_users_of(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }
}
