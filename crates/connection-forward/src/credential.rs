//! The credential of one run, without which the door opens nothing.

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use connection_contract::encode;
use hyper::{
    HeaderMap,
    header::{HeaderValue, PROXY_AUTHORIZATION},
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::ForwardError;

/// The user in the address of the proxy.
pub(crate) const USER: &str = "run";
/// The number of random bytes in the credential.
const LENGTH: usize = 32;

/// The random credential of one run.
pub(crate) struct RunCredential {
    password: SecretString,
    /// The user and the password as HTTP Basic has them (RFC 7617).
    basic: SecretString,
}

impl RunCredential {
    /// Draws a new credential.
    pub(crate) fn new() -> Result<Self, ForwardError> {
        let mut bytes = [0; LENGTH];
        rand::fill(&mut bytes).map_err(|_| ForwardError::Random)?;
        let password = encode::hex(&bytes);
        let basic = encode::base64(format!("{USER}:{password}").as_bytes()).into();
        Ok(Self { password: password.into(), basic })
    }

    pub(crate) fn password(&self) -> &str {
        self.password.expose_secret()
    }

    /// Returns `true` if the request has this credential, exactly once. The time that it takes does not depend on where
    /// a wrong credential differs.
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(PROXY_AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else { return false };
        let basic = self.basic.expose_secret().as_bytes();
        digits(value).is_some_and(|digits| verify_slices_are_equal(digits.as_bytes(), basic).is_ok())
    }
}

fn digits(value: &HeaderValue) -> Option<&str> {
    let (scheme, digits) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| digits.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_have_different_credentials_and_none_opens_the_other() {
        let [one, other] = [(); 2].map(|()| RunCredential::new().unwrap());
        assert_eq!(one.password().len(), 2 * LENGTH);
        let headers = |text: &str| HeaderMap::from_iter([(PROXY_AUTHORIZATION, text.parse().unwrap())]);
        let basic = one.basic.expose_secret();
        assert!(one.is_in(&headers(&format!("bAsIc  {basic}"))));
        assert!(!other.is_in(&headers(&format!("Basic {basic}"))));
        for wrong in [format!("Bearer {basic}"), "Basic ".to_owned(), "Basic".to_owned(), format!("Basic {basic}A")] {
            assert!(!one.is_in(&headers(&wrong)), "{wrong}");
        }
        let mut twice = headers(&format!("Basic {basic}"));
        twice.append(PROXY_AUTHORIZATION, format!("Basic {basic}").parse().unwrap());
        assert!(!one.is_in(&twice));
    }
}
