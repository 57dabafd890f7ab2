//! The address of a server, and the addresses of its API.

use std::net::IpAddr;

use connection_contract::encode;
use reqwest::Url;

use crate::Error;

/// The address of a server, without a slash at its end.
#[derive(Clone, Debug)]
pub(crate) struct BaseAddress(String);

impl BaseAddress {
    /// Checks an address. The error does not repeat it, because it may hold a password or a code.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or(Error::Address("it is not an http or https address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Address("it has a user name or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::Address("it has a query or a fragment"));
        }
        if url.scheme() == "http" && !is_this_machine(&url) {
            return Err(Error::Unencrypted { url: url.origin().ascii_serialization() });
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the address of a path of the API. A segment that would change the path is refused.
    pub(crate) fn of_api(&self, path: &[&str], query: &[(&'static str, String)]) -> Result<Url, Error> {
        let mut address = format!("{}/api/v1", self.0);
        for segment in path {
            if matches!(*segment, "" | "." | "..") {
                return Err(Error::Name);
            }
            address.push('/');
            address.push_str(&encode::percent_encode(segment));
        }
        if !query.is_empty() {
            address.push('?');
            address.push_str(&encode::form(query.iter().map(|(name, value)| (*name, value.as_str()))));
        }
        Url::parse(&address).map_err(|_| Error::Name)
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actual = match BaseAddress::parse(text) {
            Ok(address) => address.0,
            Err(error) => error.code().to_owned(),
        };
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn an_address_is_encrypted_or_of_this_machine() {
        check("https://connections.example/", "https://connections.example");
        check("https://connections.example/below/", "https://connections.example/below");
        check("http://127.0.0.1:8745", "http://127.0.0.1:8745");
        check("http://[::1]:8745", "http://[::1]:8745");
        check("http://localhost:8745", "http://localhost:8745");
        for other in ["http://192.168.7.5:8745", "http://connections.example", "http://localhost.example"] {
            check(other, "unencrypted");
        }
        for wrong in ["", "connections.example", "ftp://connections.example", "file:///etc/passwd"] {
            check(wrong, "invalid_address");
        }
    }

    #[test]
    fn an_error_does_not_repeat_what_may_be_a_secret() {
        for wrong in ["https://ada:canary@connections.example", "https://connections.example/#code=canary", "canary"] {
            let error = BaseAddress::parse(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn a_name_stays_within_its_segment() {
        let base = BaseAddress::parse("https://connections.example/below").unwrap();
        let of = |path: &[&str]| base.of_api(path, &[]).map(String::from);
        let address = of(&["kinds", "issues/acme?x#y%2f"]).unwrap();
        assert_eq!(address, "https://connections.example/below/api/v1/kinds/issues%2Facme%3Fx%23y%252f");
        for wrong in ["", ".", ".."] {
            assert!(matches!(of(&["connections", wrong]), Err(Error::Name)), "{wrong:?}");
        }
    }
}
