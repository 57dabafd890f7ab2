//! Where this host is reached from outside: nothing of a request says so.

use std::net::{Ipv4Addr, SocketAddr};

use connection_inbound::PublicUrl;

use crate::Error;

/// Where `serve` listens unless it is said: a port that systems give to nobody by themselves.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8745);

/// What the keys `inbound.…` say.
#[derive(Clone, Debug, Default)]
pub(crate) struct InboundSettings {
    /// The maximum number of connections to `serve` from one address.
    pub(crate) connections_per_peer: Option<usize>,
    pub(crate) listen: Option<SocketAddr>,
    /// For browsers that come back to a command.
    pub(crate) loopback_port: Option<u16>,
    pub(crate) public_url: Option<PublicUrl>,
    /// An address of a private network without encryption, in the place of the public URL.
    pub(super) unencrypted_url: Option<PublicUrl>,
}

impl InboundSettings {
    /// Takes the one address that is configured.
    ///
    /// # Errors
    ///
    /// Two are.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.public_url.is_some() && self.unencrypted_url.is_some() {
            return Err(Error::configuration("inbound.public_url and inbound.unencrypted_url are both set")
                .remedy("a host is reached at one address: take one of the two away"));
        }
        self.public_url = self.public_url.take().or(self.unencrypted_url.take());
        Ok(())
    }

    /// Where `serve` listens.
    ///
    /// # Errors
    ///
    /// Other machines would reach it in the clear, and nobody chose that: codes and what providers send would pass by
    /// everybody between.
    pub(crate) fn listen(&self) -> Result<SocketAddr, Error> {
        let listen = self.listen.unwrap_or(LISTEN);
        if listen.ip().is_loopback()
            || self.public_url.as_ref().is_some_and(|url| url.is_secure() || url.reaches_others())
        {
            return Ok(listen);
        }
        let message =
            format!("inbound.listen is {listen}, which other machines reach, and inbound.public_url is not https");
        let remedy = "listen on 127.0.0.1, or set inbound.public_url to the https address of the proxy that passes requests on to it; for a device of your own network without encryption, see inbound.unencrypted_url";
        Err(Error::configuration(message).remedy(remedy))
    }

    /// Where browsers and providers reach whoever listens there.
    ///
    /// # Errors
    ///
    /// It is not this machine's, and nothing else is said.
    pub(crate) fn url(&self, listening: SocketAddr) -> Result<PublicUrl, Error> {
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            None => public_url(&format!("http://{listening}"), "inbound.listen"),
        }
    }
}

/// Reads a public URL that was configured there.
pub(super) fn public_url(text: &str, source: &str) -> Result<PublicUrl, Error> {
    text.parse().map_err(|error: connection_inbound::InvalidPublicUrl| {
        Error::configuration(format!("{source}: 'inbound.public_url': {error}")).remedy(error.remedy())
    })
}

/// Reads an address without encryption that was configured there.
pub(super) fn unencrypted_url(text: &str, source: &str) -> Result<PublicUrl, Error> {
    PublicUrl::on_private_network(text).map_err(|error| {
        Error::configuration(format!("{source}: 'inbound.unencrypted_url': {error}"))
            .remedy("give the address of this machine in its own network, such as http://192.168.1.20:8745")
    })
}
