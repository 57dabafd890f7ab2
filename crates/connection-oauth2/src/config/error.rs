//! The reasons why a configuration is refused.

/// The reason why a configuration is refused. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An address is neither `https` nor on this machine, or has a user, a fragment or a broken variable.
    #[error(
        "'{address}' is not a valid address: use https, or http on this machine; variables are written ${{config.NAME}}"
    )]
    Address {
        /// The address, as it was given.
        address: String,
    },
    /// Two parts contradict each other. Holds the sentence for people.
    #[error("{0}")]
    Contradiction(&'static str),
    /// A required part is missing. Holds its name for people.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A header of the account's request is reserved, or is not a valid header.
    #[error("the account's request may not have the header '{name}'")]
    Header {
        /// The name of the header, as it was given.
        name: String,
    },
    /// A variable decides which host receives the application's secret or a token.
    #[error(
        "a variable decides the host of '{address}': end it with a fixed domain, declare the origins, or let each \
         connection bring its own application"
    )]
    OpenHost {
        /// The address, as it was given.
        address: String,
    },
    /// A parameter is reserved by the flow.
    #[error("the parameter '{name}' is reserved for the flow")]
    Shadows {
        /// The name of the parameter, as it was given.
        name: String,
    },
    /// A field or variable is not declared, declared twice, or reserved by the flow.
    #[error("'{name}' is not a field or captured value of this kind, or is reserved for the flow")]
    Unknown {
        /// The name of the field or variable.
        name: String,
    },
    /// A choice is unsafe and not explicitly allowed.
    #[error("{0}")]
    Unsafe(&'static str),
}
