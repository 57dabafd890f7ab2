//! Variables that direct the programs of a provider to the door of a host.

use crate::Text;

/// A variable of the environment that directs the usual programs of a provider, such as its SDKs, to a door of the host.
///
/// At a door, a program uses a connection with a token of its own. The value holds `{door}` for the address of the
/// connection at the door, without `/` at its end, and `{token}` for the token in the form that
/// [`Descriptor::door_token`](crate::Descriptor::door_token) states.
///
/// ```
/// use connection_contract::{AuthType, Descriptor, DoorVariable, Kind};
///
/// let kind = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey)
///     .door_variable("ACME_BASE_URL", "{door}/v1")
///     .door_variable("ACME_API_KEY", "{token}");
/// assert_eq!(kind.door_variables, [
///     DoorVariable::new("ACME_BASE_URL", "{door}/v1"),
///     DoorVariable::new("ACME_API_KEY", "{token}"),
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DoorVariable {
    /// Name of the variable.
    pub name: Text,
    /// Value of the variable, with `{door}`, `{token}` or both.
    pub value: Text,
}

impl DoorVariable {
    /// Creates a variable from its name and its value.
    pub fn new(name: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// Returns `true` for a variable that a host sets: a name of at most 128 capital letters, digits and `_` that is
    /// neither one of a dynamic linker nor a search path, and a value of at most 256 letters, digits and `.:/_-` with
    /// `{door}` and `{token}`, at least one of them and each at most once.
    ///
    /// ```
    /// use connection_contract::DoorVariable;
    ///
    /// assert!(DoorVariable::new("ACME_URL", "{door}/v1").is_valid());
    /// assert!(!DoorVariable::new("ACME_URL", "https://example.com").is_valid());
    /// assert!(!DoorVariable::new("LD_PRELOAD", "{door}").is_valid());
    /// ```
    pub fn is_valid(&self) -> bool {
        let Self { name, value } = self;
        let is_name = (1..=128).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && !["CONNECTIONS_", "DYLD_", "LD_"].iter().any(|reserved| name.starts_with(reserved))
            && !name.ends_with("PATH");
        let counts = ["{door}", "{token}"].map(|placeholder| value.matches(placeholder).count());
        let rest = value.replace("{door}", "").replace("{token}", "");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:/_-".contains(&byte);
        is_name
            && value.len() <= 256
            && counts.contains(&1)
            && counts.iter().all(|count| *count <= 1)
            && rest.bytes().all(is_plain)
    }
}
