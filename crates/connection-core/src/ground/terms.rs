//! The comparison of a kind's terms with those to which a person agreed.

use connection_contract::{Kind, Reason, reason};

use crate::{ConnectionInfo, Error, kinds::KindEntry};

const REMEDY: &str = "look at what changed, then accept the kind's new terms";

/// Checks that the terms of a kind, without those of its revocation, are those under which an account was connected. A
/// caller that runs a kind's code on a connection checks the entry that it runs.
///
/// # Errors
///
/// [`Error::KindChanged`].
pub(crate) fn check_terms(kind: &KindEntry, info: &ConnectionInfo) -> Result<(), Error> {
    match kind.permits_use(info.terms.as_deref()) {
        true => Ok(()),
        false => Err(Error::KindChanged { kind: info.kind.clone(), label: info.label.to_string() }),
    }
}

/// Returns the reason for a connection whose kind has other terms than those to which a person agreed.
pub(crate) fn kind_changed(kind: &Kind) -> Reason {
    let message = format!("the kind '{kind}' no longer sends secrets as it did when the account was connected");
    Reason::new(reason::KIND_CHANGED, message).remedy(REMEDY)
}
