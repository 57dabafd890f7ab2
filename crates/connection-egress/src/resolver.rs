//! Resolves names to addresses and checks each address.
//!
//! The client connects only to the addresses that the resolver returns, so changing the address of a name after the
//! check has no effect.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use connection_contract::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::public_address::{is_localhost, is_metadata, is_public};

/// Looks up the addresses of a name.
pub(super) trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
}

pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// The addresses that a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// All addresses, because the host named the origin.
    Any,
    /// All addresses except those at which a cloud gives its machines their secrets, because a user named the origin.
    Private,
    /// Public addresses, because the user did not name the origin.
    Public,
}

impl Addresses {
    /// Returns `true` if a client may connect to `address`.
    pub(super) fn allow(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Private => !is_metadata(address),
            Self::Public => is_public(address) && !is_metadata(address),
        }
    }
}

/// A resolver that returns only addresses that the client may connect to.
pub(super) struct CheckedResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) addresses: Addresses,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.lookup);
        let addresses = self.addresses;
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let mut found = if is_localhost(&name) {
                // These names never leave the machine (RFC 6761, section 6.3).
                vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            } else {
                lookup.lookup(name).await.map_err(|_| NameNotFound)?
            };
            if found.is_empty() {
                return Err(NameNotFound.into());
            }
            found.retain(|address| addresses.allow(*address));
            if found.is_empty() {
                return Err(AddressRefused.into());
            }
            // The client replaces the port 0 by that of the URL.
            let checked: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(checked)
        })
    }
}

/// The error for a name none of whose addresses is allowed.
#[derive(Debug)]
pub(super) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name resolves to a private address")
    }
}

impl std::error::Error for AddressRefused {}

/// The error for a name that has no address, or could not be looked up.
#[derive(Debug)]
pub(super) struct NameNotFound;

impl fmt::Display for NameNotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name does not resolve")
    }
}

impl std::error::Error for NameNotFound {}
