//! The parameters of a request, each of which comes once (RFC 6749, section 3.1).

use connection_contract::encode;

/// The parameters of an address or of a form.
pub(super) struct Parameters(Vec<(String, String)>);

/// An error for a parameter that comes twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Twice;

impl Parameters {
    pub(super) fn read(text: &str) -> Self {
        Self(encode::from_form(text))
    }

    /// Returns the value of a parameter. An empty one counts as absent.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Twice> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let first = values.next().filter(|value| !value.is_empty());
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Twice),
        }
    }
}
