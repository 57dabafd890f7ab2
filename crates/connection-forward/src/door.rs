//! The door: opening it, and accepting the connections of programs.

use std::{
    convert::Infallible,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use connection_egress::Clock;
use secrecy::SecretString;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep,
};

use crate::{
    ForwardError, ForwardSettings,
    certificates::Validity,
    connect::{self, Shared},
    credential::{RunCredential, USER},
    granted::GrantedOrigins,
    reverse_door::ReverseDoor,
    tunnel::Tunnels,
};

/// The greatest number of connections at once. The system keeps others waiting until one ends.
const MAX_CONNECTIONS: usize = 256;
/// The pause after a connection could not be accepted, for example because the system has run out of sockets.
const RESPITE: Duration = Duration::from_millis(100);

/// A forward door, which listens on a port of `127.0.0.1`.
///
/// ```
/// use std::time::Duration;
///
/// use connection_egress::SystemClock;
/// use connection_forward::{ForwardDoor, ForwardSettings};
/// use secrecy::ExposeSecret as _;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), connection_forward::ForwardError> {
/// let settings = ForwardSettings::new("http://127.0.0.1:8745/use", Duration::from_secs(3600));
/// let door = ForwardDoor::open(settings, &SystemClock::new()).await?;
/// assert!(door.proxy_url().expose_secret().starts_with("http://run:"));
/// assert_eq!(door.direct_host(), Some("127.0.0.1"));
/// # Ok(())
/// # }
/// ```
pub struct ForwardDoor {
    listener: TcpListener,
    address: SocketAddr,
    authority_pem: String,
    direct_host: Option<String>,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
}

impl ForwardDoor {
    /// Opens a door: signs the certificates of the run, draws its credential, and listens. Programs are served while
    /// [`serve`](Self::serve) runs.
    ///
    /// # Errors
    ///
    /// See [`ForwardError`].
    pub async fn open(settings: ForwardSettings, clock: &dyn Clock) -> Result<Self, ForwardError> {
        let door = ReverseDoor::new(&settings.doors, &settings.root_certificates)?;
        let tunnels = Tunnels::new(&settings, door.at().clone())?;
        let validity = Validity::of_run(clock.now(), settings.lifetime);
        let (granted, authority_pem) = GrantedOrigins::new(&settings.connections, door.base(), validity)?;
        let credential = RunCredential::new()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ForwardError::Listen)?;
        let address = listener.local_addr().map_err(ForwardError::Listen)?;
        let host = &door.at().host;
        let direct_host = (!granted.are_below(host)).then(|| host.to_string());
        let shared = Arc::new(Shared { credential, door, granted, tunnels });
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        Ok(Self { listener, address, authority_pem, direct_host, shared, places })
    }

    /// Returns the address of the proxy with the credential of the run, for `HTTPS_PROXY`.
    pub fn proxy_url(&self) -> SecretString {
        format!("http://{USER}:{}@{}", self.shared.credential.password(), self.address).into()
    }

    /// Returns the certificate of the authority of this run as PEM. It holds no secret.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// Returns the host of the reverse door, which programs reach without the proxy.
    ///
    /// Returns `None` if a granted connection has an origin at this host or below it: programs would then pass the
    /// proxy by, because most of them compare no ports.
    pub fn direct_host(&self) -> Option<&str> {
        self.direct_host.as_deref()
    }

    /// Serves programs, and never returns.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any time, which ends all connections.
    pub async fn serve(&self) -> Infallible {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                (stream, place) = self.accept() => {
                    let shared = Arc::clone(&self.shared);
                    connections.spawn(async move {
                        connect::serve(&shared, stream).await;
                        drop(place);
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn accept(&self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // The semaphore is never closed.
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, _)) => return (stream, place),
                Err(error) => {
                    tracing::debug!(%error, "a connection to the forward door could not be accepted");
                    sleep(RESPITE).await;
                }
            }
        }
    }
}

impl fmt::Debug for ForwardDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardDoor").field("address", &self.address).finish_non_exhaustive()
    }
}
