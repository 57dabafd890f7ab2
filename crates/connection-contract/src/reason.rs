//! The reason codes that every host knows. A plugin may add its own, prefixed by its kind: `twilio_inactive`.

/// The provider refuses the credential.
pub const UNAUTHORIZED: &str = "unauthorized";
/// The provider knows the credential and does not let it do this.
pub const FORBIDDEN: &str = "forbidden";
/// The credential's time is over.
pub const EXPIRED: &str = "expired";
/// The provider suspended the account.
pub const SUSPENDED: &str = "suspended";
/// The account is closed.
pub const CLOSED: &str = "closed";
/// The credential works and lacks a scope that is needed.
pub const SCOPE_MISSING: &str = "scope_missing";
/// The credential reaches another account than the one that was connected.
pub const ACCOUNT_CHANGED: &str = "account_changed";
/// The stored credential cannot be used.
pub const CREDENTIAL_UNREADABLE: &str = "credential_unreadable";
/// No plugin of this kind is registered.
pub const UNKNOWN_KIND: &str = "unknown_kind";
/// The provider asks to wait.
pub const RATE_LIMITED: &str = "rate_limited";
/// The provider answered with an error.
pub const PROVIDER_ERROR: &str = "provider_error";
/// The provider's answer could not be understood.
pub const NOT_JSON: &str = "not_json";
/// The provider's answer is larger than allowed.
pub const TOO_LARGE: &str = "too_large";
/// The provider's name does not resolve.
pub const DNS: &str = "dns";
/// No connection could be made.
pub const CONNECT: &str = "connect";
/// No trustworthy TLS connection.
pub const TLS: &str = "tls";
/// No answer in time.
pub const TIMEOUT: &str = "timeout";
/// The host's policy refuses the address.
pub const DENIED: &str = "denied";
/// A granted directory is not there.
pub const ROOT_MISSING: &str = "root_missing";
/// The plugin crashed.
pub const PLUGIN_PANICKED: &str = "plugin_panicked";
/// The plugin did not come to an end.
pub const PLUGIN_TIMEOUT: &str = "plugin_timeout";
/// The plugin made a mistake of its own.
pub const PLUGIN_FAULT: &str = "plugin_fault";
/// A token may have been spent, and the answer is lost.
pub const REFRESH_OUTCOME_UNKNOWN: &str = "refresh_outcome_unknown";
/// The connection must be authorized again.
pub const NEEDS_REAUTHORIZATION: &str = "needs_reauthorization";

/// All of them, for a host that explains codes.
pub const ALL: &[&str] = &[
    UNAUTHORIZED,
    FORBIDDEN,
    EXPIRED,
    SUSPENDED,
    CLOSED,
    SCOPE_MISSING,
    ACCOUNT_CHANGED,
    CREDENTIAL_UNREADABLE,
    UNKNOWN_KIND,
    RATE_LIMITED,
    PROVIDER_ERROR,
    NOT_JSON,
    TOO_LARGE,
    DNS,
    CONNECT,
    TLS,
    TIMEOUT,
    DENIED,
    ROOT_MISSING,
    PLUGIN_PANICKED,
    PLUGIN_TIMEOUT,
    PLUGIN_FAULT,
    REFRESH_OUTCOME_UNKNOWN,
    NEEDS_REAUTHORIZATION,
];
