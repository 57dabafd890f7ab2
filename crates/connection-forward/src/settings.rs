//! The settings of a forward door.

use std::{fmt, time::Duration};

use connection_contract::Origin;

/// The settings of a [`ForwardDoor`](crate::ForwardDoor), before it is opened.
///
/// ```
/// use std::time::Duration;
///
/// use connection_contract::host;
/// use connection_forward::ForwardSettings;
///
/// let settings = ForwardSettings::new("http://127.0.0.1:8745/use", Duration::from_secs(3600))
///     .connection("0198c5a2-7d3e-7c41-9a55-0e6f1f6f2b10", host::origin("https://api.github.com"))
///     .tunnel("localhost", 5432);
/// # drop(settings);
/// ```
pub struct ForwardSettings {
    pub(crate) doors: String,
    pub(crate) lifetime: Duration,
    /// The connections, in the order in which they were added.
    pub(crate) connections: Vec<(String, Vec<Origin>)>,
    pub(crate) ambiguous: Vec<Origin>,
    pub(crate) other_hosts: OtherHosts,
    pub(crate) tunnels: Vec<(String, u16)>,
    pub(crate) root_certificates: Vec<Vec<u8>>,
}

/// The answer to `CONNECT` for a host that is no origin of a granted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherHosts {
    Refused,
    Tunnelled,
}

impl ForwardSettings {
    /// Returns the settings of a door that passes requests on to the doors at this address, such as
    /// `http://127.0.0.1:8745/use`. The name of the connection is added to it.
    ///
    /// The certificates of the run end after `lifetime`.
    pub fn new(doors: impl Into<String>, lifetime: Duration) -> Self {
        Self {
            doors: doors.into(),
            lifetime,
            connections: Vec::new(),
            ambiguous: Vec::new(),
            other_hosts: OtherHosts::Tunnelled,
            tunnels: Vec::new(),
            root_certificates: Vec::new(),
        }
    }

    /// Passes requests to these origins on to this connection.
    ///
    /// If two connections have the same origin, its requests go to the one that was added first. An origin that is not
    /// `https` is skipped, because a program sends such requests without `CONNECT`. A wildcard of a kind is no
    /// [`Origin`], so only the hosts that are known when the run begins are opened.
    #[must_use]
    pub fn connection(mut self, id: impl Into<String>, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.connections.push((id.into(), origins.into_iter().collect()));
        self
    }

    /// Refuses these origins, each of which several connections have, unless one of them is added with
    /// [`connection`](Self::connection). Through a tunnel, the provider would get the token of the agent.
    #[must_use]
    pub fn ambiguous(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.ambiguous.extend(origins);
        self
    }

    /// Refuses every host that is no origin of a granted connection, unless it is one of [`tunnel`](Self::tunnel).
    #[must_use]
    pub fn only_granted(mut self) -> Self {
        self.other_hosts = OtherHosts::Refused;
        self
    }

    /// Allows tunnels to this host and port, whatever its address is, unless it is the address of the doors.
    #[must_use]
    pub fn tunnel(mut self, host: impl Into<String>, port: u16) -> Self {
        self.tunnels.push((host.into(), port));
        self
    }

    /// Also trusts these certificates, given as PEM, if the doors are at an `https` address.
    #[must_use]
    pub fn root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }
}

impl fmt::Debug for ForwardSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address of the doors was not checked yet, and may hold a password.
        f.debug_struct("ForwardSettings")
            .field("lifetime", &self.lifetime)
            .field("connections", &self.connections)
            .field("ambiguous", &self.ambiguous)
            .field("other_hosts", &self.other_hosts)
            .field("tunnels", &self.tunnels)
            .finish_non_exhaustive()
    }
}
