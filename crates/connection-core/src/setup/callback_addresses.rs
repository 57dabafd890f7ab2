//! The port by which setups ask for the address at which a host receives callbacks.

use connection_contract::{BoxFuture, Kind};

/// The addresses at which this host is called back.
pub(crate) trait CallbackAddresses: Send + Sync {
    /// Returns the redirect URI for this kind, or `None` if there is none now.
    fn redirect_uri<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Option<String>>;

    /// Makes this host reachable at an address that it gave out, and returns `true` if it is reachable there.
    fn rebind<'a>(&'a self, redirect_uri: &'a str) -> BoxFuture<'a, bool>;

    /// Returns `true` if a page of this origin leads users of this host to their own setups.
    fn leads_users_of(&self, origin: &str) -> bool;
}
