//! The owner of connections whose host does not separate its users.

/// Owner used by hosts that do not separate their users.
pub(crate) const DEFAULT_OWNER: &str = "local";

/// Returns `true` for the owner that uses the environment of this process, with its home directory and the files that
/// tools keep there. No other owner may use it.
pub(crate) fn has_environment(owner: &str) -> bool {
    owner == DEFAULT_OWNER
}
