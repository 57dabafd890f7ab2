//! The origins of the granted connections, each with its certificate and its address at the reverse door.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use connection_contract::{Origin, encode};
use rustls::ServerConfig;

use crate::{
    ForwardError,
    certificates::{RunAuthority, Validity},
    host_port::{Host, HostPort},
    links::Links,
};

/// The scheme of the origins that the door opens.
const SCHEME: &str = "https://";

/// One origin of a granted connection.
pub(crate) struct Granted {
    pub(crate) at: HostPort,
    /// The address of this origin at the reverse door, to which path and query are added.
    pub(crate) address: String,
    pub(crate) links: Arc<Links>,
    pub(crate) tls: Arc<ServerConfig>,
}

/// The origins of all granted connections.
pub(crate) struct GrantedOrigins {
    origins: HashMap<HostPort, Granted>,
}

impl GrantedOrigins {
    /// Signs a certificate for each origin, and returns the origins with the certificate of the authority as PEM.
    ///
    /// If two connections have the same origin, the first one has it.
    pub(crate) fn new(
        connections: &[(String, Vec<Origin>)],
        doors: &str,
        validity: Validity,
    ) -> Result<(Self, String), ForwardError> {
        let mut hosts = BTreeSet::new();
        let mut places = Vec::new();
        for (id, origins) in connections {
            let authorities: Vec<&str> =
                origins.iter().filter_map(|origin| origin.as_str().strip_prefix(SCHEME)).collect();
            let before = format!("{doors}/{}@", encode::percent_encode(id));
            let links = Arc::new(Links::new(before.clone(), authorities.iter().map(|&ours| ours.to_owned()).collect()));
            for authority in authorities {
                let at = HostPort::parse_https(authority)
                    .ok_or_else(|| ForwardError::Origin { origin: format!("{SCHEME}{authority}") })?;
                hosts.insert(at.host.clone());
                places.push((at, format!("{before}{authority}"), Arc::clone(&links)));
            }
        }
        let signer = RunAuthority::new(&hosts, validity)?;
        let mut origins = HashMap::new();
        for (at, address, links) in places {
            let tls = signer.server_config(&at.host)?;
            if let Entry::Vacant(place) = origins.entry(at.clone()) {
                place.insert(Granted { at, address, links, tls });
            }
        }
        Ok((Self { origins }, signer.into_pem()))
    }

    /// Returns the origin at this host and port.
    pub(crate) fn find(&self, at: &HostPort) -> Option<&Granted> {
        self.origins.get(at)
    }

    /// Returns `true` if an origin has this host, or a host below it. Programs read the hosts
    /// in `NO_PROXY` in this way.
    pub(crate) fn are_below(&self, host: &Host) -> bool {
        self.origins.keys().any(|at| match (&at.host, host) {
            (Host::Name(name), Host::Name(above)) => {
                name.strip_suffix(above.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (ours, host) => ours == host,
        })
    }
}
