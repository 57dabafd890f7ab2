//! Names to addresses, every one of them checked; a connection is made to what comes out of here and to nothing else.
//!
//! So a name that changes its address after the check gains nothing.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use connection_contract::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::public_address::{is_localhost, is_metadata, is_public};

/// Asks for the addresses of a name.
pub(super) trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
}

/// The system's name service.
pub(super) struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Which addresses a client may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// The host named the origin.
    Any,
    /// A user did: any but those at which a cloud tells its machines their secrets.
    Private,
    /// Nobody did.
    Public,
}

impl Addresses {
    /// Whether this one may be connected to.
    pub(super) fn allow(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Private => !is_metadata(address),
            Self::Public => is_public(address) && !is_metadata(address),
        }
    }
}

/// Gives a client only addresses that it may connect to.
pub(super) struct CheckedResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) addresses: Addresses,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, addresses, name) = (Arc::clone(&self.lookup), self.addresses, name.as_str().to_owned());
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
            // The client puts the URL's port in the place of 0.
            let checked: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(checked)
        })
    }
}

/// Every address of the name is a private one.
#[derive(Debug)]
pub(super) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to a private address")
    }
}
impl std::error::Error for AddressRefused {}

/// The name has no address, or nobody can be asked.
#[derive(Debug)]
pub(super) struct NameNotFound;

impl fmt::Display for NameNotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name does not resolve")
    }
}
impl std::error::Error for NameNotFound {}
