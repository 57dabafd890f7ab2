//! The reason codes that every host knows.
//!
//! A plugin may add its own codes, with its kind as the prefix: `twilio_inactive`.

/// The phrase with which a remedy advises a re-authorization. A host that has a command or a button for it shows that in
/// place of the phrase, and the failure of a setup says `begin again`.
pub const AUTHORIZE_AGAIN: &str = "authorize this connection again";

/// The provider refuses the credential.
pub const UNAUTHORIZED: &str = "unauthorized";
/// The provider refused a request, and the connection was not verified since. The connection may still work.
pub const USE_REFUSED: &str = "use_refused";
/// The provider refuses a login, perhaps because the clock of this machine differs from the provider's.
pub const CLOCK_DIFFERS: &str = "clock_differs";
/// The provider knows the credential but does not permit this request.
pub const FORBIDDEN: &str = "forbidden";
/// The provider reports that the credential has expired, or its end has passed and it could not be renewed.
pub const EXPIRED: &str = "expired";
/// The provider suspended the account.
pub const SUSPENDED: &str = "suspended";
/// The account was closed at the provider, so another account has to be connected.
pub const CLOSED: &str = "closed";
/// The credential works but lacks a required scope.
pub const SCOPE_MISSING: &str = "scope_missing";
/// The credential reaches a different account than the connected one.
pub const ACCOUNT_CHANGED: &str = "account_changed";
/// The connection works, and the provider gave its account another name.
pub const ACCOUNT_RENAMED: &str = "account_renamed";
/// The stored credential cannot be used.
pub const CREDENTIAL_UNREADABLE: &str = "credential_unreadable";
/// The terms of the kind are no longer those under which the account was connected.
pub const KIND_CHANGED: &str = "kind_changed";
/// No plugin of this kind is registered.
pub const UNKNOWN_KIND: &str = "unknown_kind";
/// The provider limits the rate of requests.
pub const RATE_LIMITED: &str = "rate_limited";
/// The provider answered with an error.
pub const PROVIDER_ERROR: &str = "provider_error";
/// The provider's answer could not be parsed.
pub const NOT_JSON: &str = "not_json";
/// The provider's answer is larger than the host allows.
pub const TOO_LARGE: &str = "too_large";
/// The provider's name does not resolve.
pub const DNS: &str = "dns";
/// No connection could be made.
pub const CONNECT: &str = "connect";
/// The TLS connection could not be established, or the certificate is not trusted.
pub const TLS: &str = "tls";
/// The answer did not arrive in time.
pub const TIMEOUT: &str = "timeout";
/// The host's policy refuses the address.
pub const DENIED: &str = "denied";
/// A granted directory does not exist.
pub const ROOT_MISSING: &str = "root_missing";
/// The plugin panicked during the operation.
pub const PLUGIN_PANICKED: &str = "plugin_panicked";
/// The plugin did not finish in time.
pub const PLUGIN_TIMEOUT: &str = "plugin_timeout";
/// The plugin has a bug, such as a result that breaks a rule of the contract. Only its author can correct it.
pub const PLUGIN_FAULT: &str = "plugin_fault";
/// A token may have been spent, and the answer is lost.
pub const REFRESH_OUTCOME_UNKNOWN: &str = "refresh_outcome_unknown";
/// A refresh has nothing to renew, such as an access token for which the provider issued no refresh token. This says
/// nothing about the credential, which works until its end.
pub const NOTHING_TO_RENEW: &str = "nothing_to_renew";
/// The connection needs a re-authorization.
pub const NEEDS_REAUTHORIZATION: &str = "needs_reauthorization";
/// The database was restored from a backup, or its server failed over, and the refresh token may be used up since.
pub const RESTORED: &str = "restored";
/// The credential was not revoked, because the provider would also end another connection that has the same grant.
pub const GRANT_SHARED: &str = "grant_shared";
/// The credential was not revoked, because its kind has no request that revokes it.
pub const NO_REVOCATION: &str = "no_revocation";
/// The credential was not revoked, because the kind revokes in another way than the one to which a person agreed.
pub const REVOCATION_CHANGED: &str = "revocation_changed";
/// The credential was not revoked, because a person had entered it and nobody asked to revoke it.
pub const REVOCATION_NOT_REQUESTED: &str = "revocation_not_requested";
/// The provider's answer does not confirm that the credential was revoked.
pub const REVOCATION_UNCONFIRMED: &str = "revocation_unconfirmed";

/// Returns `true` if this code of a plugin says that the provider does not accept the application with which the kind
/// authorizes its connections, such as `acme_client_refused`, or that its secret has expired, such as
/// `acme_client_expired`. That concerns all connections of the application, and authorizing one of them again does not help.
pub fn is_application_refused(code: &str) -> bool {
    code.ends_with("client_refused") || code.ends_with("client_expired")
}

/// Returns `true` if this code of a plugin says that a policy at the provider refuses a refresh, such as
/// `acme_policy_refused`, while the credential stays. The refresh is tried again, and works as soon as the policy allows it.
pub fn is_policy_refused(code: &str) -> bool {
    code.ends_with("policy_refused")
}

/// Returns `true` if authorizing the connection again does not resolve the reason with this code: the provider refuses the
/// [application](is_application_refused), a [policy](is_policy_refused) refuses a refresh, or a
/// [clock](CLOCK_DIFFERS) is wrong. The remedy of the reason then says where it is resolved.
pub fn is_mended_elsewhere(code: &str) -> bool {
    is_application_refused(code) || is_policy_refused(code) || code == CLOCK_DIFFERS
}

/// All reason codes, for a host that explains them.
pub const ALL: &[&str] = &[
    UNAUTHORIZED,
    USE_REFUSED,
    CLOCK_DIFFERS,
    FORBIDDEN,
    EXPIRED,
    SUSPENDED,
    CLOSED,
    SCOPE_MISSING,
    ACCOUNT_CHANGED,
    ACCOUNT_RENAMED,
    CREDENTIAL_UNREADABLE,
    KIND_CHANGED,
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
    NOTHING_TO_RENEW,
    NEEDS_REAUTHORIZATION,
    RESTORED,
    GRANT_SHARED,
    NO_REVOCATION,
    REVOCATION_CHANGED,
    REVOCATION_NOT_REQUESTED,
    REVOCATION_UNCONFIRMED,
];
