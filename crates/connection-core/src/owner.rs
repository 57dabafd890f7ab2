//! The owner of connections whose host does not separate its users, and the names of owners.

use connection_contract::DisplayText;

const MAX_LENGTH: usize = 200;

/// Owner used by hosts that do not separate their users.
pub(crate) const DEFAULT_OWNER: &str = "local";

/// Returns `true` for the owner that uses the environment of this process, with its home directory and the files that
/// tools keep there. No other owner may use it.
pub(crate) fn has_environment(owner: &str) -> bool {
    owner == DEFAULT_OWNER
}

/// Checks the name of an owner.
///
/// # Errors
///
/// The problem, as the end of a sentence about the name.
pub(crate) fn check(owner: &str) -> Result<(), &'static str> {
    if owner.is_empty() {
        return Err("is empty");
    }
    if owner.chars().count() > MAX_LENGTH {
        return Err("has more than 200 characters");
    }
    if DisplayText::from(owner.to_owned()).as_str() != owner {
        return Err("has control characters or invisible ones");
    }
    Ok(())
}
