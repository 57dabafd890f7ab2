//! The addresses at which this host is reached. They are configured, and never taken from a request.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use connection_inbound::{Network, PublicUrl};

use super::TlsFiles;
use crate::Error;

/// The default address of `serve`, with a port that systems do not assign by themselves.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8745);

/// The name of this machine in the address of a page that only this machine reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocalName {
    /// The address at which the server listens.
    Address,
    Localhost,
}

impl FromStr for LocalName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "127.0.0.1" => Ok(Self::Address),
            "localhost" => Ok(Self::Localhost),
            _ => Err(()),
        }
    }
}

/// The configuration keys below `inbound`.
#[derive(Clone, Debug, Default)]
pub(crate) struct InboundSettings {
    /// The maximum number of connections to `serve` from one address.
    pub(crate) connections_per_peer: Option<usize>,
    /// The URL of the doors, if they have an origin of their own.
    pub(super) doors_url: Option<PublicUrl>,
    pub(crate) listen: Option<SocketAddr>,
    pub(super) local_name: Option<LocalName>,
    /// The port for browsers that return to a command.
    pub(crate) loopback_port: Option<u16>,
    pub(crate) public_url: Option<PublicUrl>,
    /// The maximum number of requests of an access token in a minute.
    pub(crate) requests_per_minute: Option<u32>,
    /// The time for which `serve` still takes requests after it was asked to stop.
    pub(crate) stop_delay: Duration,
    /// The file of the certificate, if `serve` speaks TLS.
    pub(super) tls_certificate: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    /// The networks of the proxies before `serve`.
    pub(crate) trusted_proxies: Vec<Network>,
    /// The socket at which `serve` also opens the doors.
    pub(crate) unix_socket: Option<PathBuf>,
    /// An unencrypted address in a private network, in place of the public URL.
    pub(super) unencrypted_url: Option<PublicUrl>,
}

impl InboundSettings {
    /// Makes the unencrypted address the public URL if it is configured.
    ///
    /// # Errors
    ///
    /// Returns an error if both addresses are configured, or one of them with a name of this machine.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.public_url.is_some() && self.unencrypted_url.is_some() {
            return Err(Error::configuration("inbound.public_url and inbound.unencrypted_url are both set")
                .remedy("a host is reached at one address: remove one of the two"));
        }
        self.public_url = self.public_url.take().or(self.unencrypted_url.take());
        if self.public_url.is_some() && self.local_name.is_some() {
            return Err(Error::configuration("inbound.local_name and a URL of this host are both set")
                .remedy("the page has the name in its URL: remove inbound.local_name"));
        }
        Ok(())
    }

    /// Returns the address at which `serve` listens.
    ///
    /// # Errors
    ///
    /// Returns an error if other machines could reach the address without encryption and this was not configured.
    /// Codes and webhooks would then be readable by everyone on the way.
    pub(crate) fn listen(&self) -> Result<SocketAddr, Error> {
        let listen = self.listen.unwrap_or(LISTEN);
        if listen.ip().is_loopback()
            || self.public_url.as_ref().is_some_and(|url| url.is_secure() || url.reaches_others())
        {
            return Ok(listen);
        }
        let message =
            format!("inbound.listen is {listen}, which other machines reach, and inbound.public_url is not https");
        let remedy = "listen on 127.0.0.1, or set inbound.public_url to the https address of this server, with inbound.tls_certificate, or of the proxy that passes requests on to it; for a device of your own network without encryption, see inbound.unencrypted_url";
        Err(Error::configuration(message).remedy(remedy))
    }

    /// Returns the URL at which browsers and providers reach a server that listens at `listening`.
    ///
    /// # Errors
    ///
    /// Returns an error if the address is not on this machine and no public URL is configured, or if `localhost` does
    /// not lead to the address.
    pub(crate) fn url(&self, listening: SocketAddr) -> Result<PublicUrl, Error> {
        let scheme = self.scheme();
        match (&self.public_url, self.local_name) {
            (Some(url), _) => Ok(url.clone()),
            (None, None | Some(LocalName::Address)) => public_url(&format!("{scheme}://{listening}"), "inbound.listen"),
            (None, Some(LocalName::Localhost)) => {
                let is_localhost = listening.ip() == Ipv4Addr::LOCALHOST || listening.ip() == Ipv6Addr::LOCALHOST;
                let url = PublicUrl::on_localhost(&format!("{scheme}://localhost:{}", listening.port())).ok();
                url.filter(|_| is_localhost).ok_or_else(|| {
                    Error::configuration(format!("inbound.local_name is localhost, and inbound.listen is {listening}"))
                        .remedy("listen on 127.0.0.1 or [::1], or remove inbound.local_name")
                })
            }
        }
    }

    /// Returns the URL of the doors of a server that is reached at `url`, if they have an origin of their own.
    ///
    /// # Errors
    ///
    /// Returns an error if it is the origin of `url`, or has a path.
    pub(crate) fn doors(&self, url: &PublicUrl) -> Result<Option<&PublicUrl>, Error> {
        let Some(doors) = &self.doors_url else { return Ok(None) };
        if doors.origin() == url.origin() {
            return Err(Self::not_apart(&url.origin()));
        }
        if !doors.prefix().is_empty() {
            let error = Error::configuration(format!("inbound.doors_url is {doors}, which has a path"));
            return Err(error.remedy("give it without a path: only another host name or port is another origin"));
        }
        Ok(Some(doors))
    }

    /// Returns the refusal of doors that have an origin at which the page or the API is reached.
    pub(crate) fn not_apart(origin: &str) -> Error {
        let message = format!("inbound.doors_url has an origin of the page and the API, {origin}");
        Error::configuration(message).remedy("give the doors another host name, or remove inbound.doors_url")
    }

    /// Returns the files of the certificate, or `None` if `serve` speaks HTTP.
    ///
    /// # Errors
    ///
    /// Returns an error if only one of the two files is configured, or if the server would speak TLS and is reached
    /// without.
    pub(crate) fn tls(&self) -> Result<Option<TlsFiles>, Error> {
        let files = TlsFiles::of_both(self.tls_certificate.as_ref(), self.tls_key.as_ref())?;
        match self.public_url.as_ref().filter(|url| files.is_some() && !url.is_secure()) {
            None => Ok(files),
            Some(url) => Err(Error::configuration(format!("inbound.tls_certificate is set, and {url} is not https"))
                .remedy("set inbound.public_url to the https address of this server, or leave out the certificate")),
        }
    }

    /// Returns `true` if the server itself speaks TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.tls_certificate.is_some()
    }

    /// Returns the scheme in which the server itself speaks, with or without a proxy.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.has_tls() { "https" } else { "http" }
    }

    /// Returns the address at which a person at this machine opens the page of a server that listens at `listening` and
    /// is reached at `url`.
    ///
    /// A server on loopback is opened at its own address, so that the page opens without a proxy, too. With TLS, the
    /// certificate is one for the name in `url`.
    pub(crate) fn page_address(&self, listening: SocketAddr, url: &PublicUrl) -> String {
        if listening.ip().is_loopback() && !self.has_tls() && self.local_name.is_none() {
            return format!("http://{listening}{}", url.prefix());
        }
        url.to_string()
    }
}

/// Parses a public URL; `source` names where it was configured.
pub(super) fn public_url(text: &str, source: &str) -> Result<PublicUrl, Error> {
    text.parse().map_err(|error: connection_inbound::InvalidPublicUrl| {
        Error::configuration(format!("{source}: 'inbound.public_url': {error}")).remedy(error.remedy())
    })
}

/// Parses the URL of the doors; `source` names where it was configured.
pub(super) fn doors_url(text: &str, source: &str) -> Result<PublicUrl, Error> {
    text.parse().or_else(|error| PublicUrl::on_localhost(text).map_err(|_| error)).map_err(
        |error: connection_inbound::InvalidPublicUrl| {
            Error::configuration(format!("{source}: 'inbound.doors_url': {error}"))
                .remedy("give the address at which programs reach the doors, such as https://doors.example.com")
        },
    )
}

/// Parses an unencrypted address; `source` names where it was configured.
pub(super) fn unencrypted_url(text: &str, source: &str) -> Result<PublicUrl, Error> {
    PublicUrl::on_private_network(text).map_err(|error| {
        Error::configuration(format!("{source}: 'inbound.unencrypted_url': {error}"))
            .remedy("give the address of this machine in its own network, such as http://192.168.1.20:8745")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_server_that_only_this_machine_reaches_has_one_name() {
        let page = |name: Option<&str>, listen: &str| {
            let local_name = name.map(|name| name.parse().unwrap());
            let inbound = InboundSettings { local_name, ..Default::default() };
            let listen = listen.parse().unwrap();
            inbound.url(listen).map(|url| (inbound.page_address(listen, &url), url.to_string()))
        };
        let both = |address: &str| (address.to_owned(), address.to_owned());
        assert_eq!(page(None, "127.0.0.1:1").unwrap(), both("http://127.0.0.1:1"));
        assert_eq!(page(Some("127.0.0.1"), "127.0.0.1:1").unwrap(), both("http://127.0.0.1:1"));
        assert_eq!(page(Some("localhost"), "127.0.0.1:1").unwrap(), both("http://localhost:1"));
        assert_eq!(page(Some("localhost"), "[::1]:1").unwrap(), both("http://localhost:1"));
        let error = page(Some("localhost"), "127.0.0.2:1").unwrap_err().to_string();
        assert!(error.contains("inbound.local_name is localhost, and inbound.listen is 127.0.0.2:1"), "{error}");
    }
}
