//! Why a configuration is refused.

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is neither `https` nor on this machine, or has user, fragment or a broken variable in it.
    #[error("'{address}' is no address: https, or http on this machine; variables are ${{config.NAME}}")]
    Address {
        /// As it was given.
        address: String,
    },
    /// Two parts contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// Something that every kind needs.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A header of the account's request that is the flow's own, or is no header.
    #[error("'{name}' is no header that the account's request may have")]
    Header {
        /// Which one.
        name: String,
    },
    /// A variable decides which host gets the application's secret (or a token).
    #[error(
        "a variable decides the host of '{address}': end it with a fixed domain, declare the origins, or let each \
         connection bring its own application"
    )]
    OpenHost {
        /// As it was given.
        address: String,
    },
    /// A parameter that is the flow's own.
    #[error("the parameter '{name}' is the flow's own")]
    Shadows {
        /// Which one.
        name: String,
    },
    /// A field or variable is not declared, declared twice, or the flow's own.
    #[error("'{name}' is not a field or captured value of this kind, or is the flow's own")]
    Unknown {
        /// Which one.
        name: String,
    },
    /// It is unsafe, and nobody said that they mean it.
    #[error("{0}")]
    Unsafe(&'static str),
}
