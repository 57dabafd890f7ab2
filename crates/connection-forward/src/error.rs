//! The error of opening a forward door.

use std::{error::Error, io};

/// The reason why a forward door cannot be opened.
///
/// ```
/// use std::time::Duration;
///
/// use connection_egress::SystemClock;
/// use connection_forward::{ForwardDoor, ForwardError, ForwardSettings};
///
/// # #[tokio::main]
/// # async fn main() {
/// let settings = ForwardSettings::new("ftp://127.0.0.1", Duration::from_secs(60));
/// let refused = ForwardDoor::open(settings, &SystemClock::new()).await;
/// assert!(matches!(refused, Err(ForwardError::Doors)));
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// The authority of the run or a certificate could not be made.
    #[error("the certificates of the run could not be made")]
    Authority(#[source] Box<dyn Error + Send + Sync>),
    /// The client that sends requests to the reverse door could not be made.
    #[error("the client of the reverse door could not be made")]
    Client(#[source] Box<dyn Error + Send + Sync>),
    /// The address of the doors cannot be used. It is not repeated, because it may hold a secret.
    #[error("the address of the doors is not one of http or https without a user, a query and a fragment")]
    Doors,
    /// No port of loopback could be opened.
    #[error("no port of 127.0.0.1 could be opened")]
    Listen(#[source] io::Error),
    /// The host of an origin is neither a name nor an address.
    #[error("the host of the origin {origin} is neither a name nor an address")]
    Origin {
        /// The origin.
        origin: String,
    },
    /// The system provides no random numbers.
    #[error("the system provides no random numbers")]
    Random,
    /// The certificates to trust are not certificates in PEM form.
    #[error("the certificates to trust are not in PEM form")]
    RootCertificates,
    /// The host of a tunnel is neither a name nor an address.
    #[error("the host '{host}' of a tunnel is neither a name nor an address")]
    Tunnel {
        /// The host.
        host: String,
    },
}
