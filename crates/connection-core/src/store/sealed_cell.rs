//! The row and column to which a sealed value belongs.

use std::{borrow::Cow, fmt};

use connection_contract::encode;
use connection_seal::Place;
use uuid::Uuid;

/// The row and column to which a sealed value belongs. The value opens nowhere else.
#[derive(Clone, Debug)]
pub(crate) struct SealedCell {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// The word for the row in messages.
    pub(crate) what: &'static str,
    pub(crate) key: SealedKey,
    pub(crate) owner: String,
    pub(crate) kind: String,
}

/// The primary key of a row, without the owner.
#[derive(Clone, Debug)]
pub(crate) enum SealedKey {
    /// Bytes, and a generation; 0 if there is none. Without bytes for a value that is in no row.
    Bytes(Vec<u8>, i64),
    /// An id, and a generation or a number in a sequence; 0 if there is none.
    Numbered(Uuid, i64),
    /// A session, and one of its inputs.
    Input(Uuid, Uuid),
    /// Namespace and key of a small value.
    Value(String, String),
}

impl SealedKey {
    /// The first keys of each form.
    pub(super) const BYTES: Self = Self::Bytes(Vec::new(), 0);
    pub(super) const NUMBERED: Self = Self::Numbered(Uuid::nil(), i64::MIN);
    pub(super) const INPUT: Self = Self::Input(Uuid::nil(), Uuid::nil());
    pub(super) const VALUE: Self = Self::Value(String::new(), String::new());
}

impl SealedCell {
    /// Calls `work` with the place that is authenticated with the value.
    pub(crate) fn with_place<T>(&self, work: impl FnOnce(&Place<'_>) -> T) -> T {
        let (key, sequence) = match &self.key {
            SealedKey::Bytes(key, number) => (Cow::from(key), *number),
            SealedKey::Numbered(id, number) => (Cow::from(&id.as_bytes()[..]), *number),
            SealedKey::Input(session, id) => ([&session.as_bytes()[..], id.as_bytes()].concat().into(), 0),
            SealedKey::Value(namespace, key) => {
                let [of_namespace, of_key] = [namespace, key].map(|part| (part.len() as u64).to_be_bytes());
                ([&of_namespace[..], namespace.as_bytes(), &of_key, key.as_bytes()].concat().into(), 0)
            }
        };
        let Self { table, column, owner, kind, .. } = self;
        work(&Place { table, column, key: &key, owner, kind, sequence })
    }
}

/// Describes the cell in messages: `connection 018f3b9e-7d2a-7c31-9f43-0123456789ab (connection_credential.sealed, 3)`.
impl fmt::Display for SealedCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, column, what, key, owner, .. } = self;
        match key {
            SealedKey::Bytes(key, _) if key.is_empty() => write!(f, "{what} ({table}.{column})"),
            SealedKey::Bytes(key, number) => write!(f, "{what} {} ({table}.{column}, {number})", encode::hex(key)),
            SealedKey::Numbered(id, number) => write!(f, "{what} {id} ({table}.{column}, {number})"),
            SealedKey::Input(session, id) => write!(f, "{what} {session} ({table}.{column}, {id})"),
            SealedKey::Value(namespace, key) => {
                write!(f, "{what} {namespace} {key} of the owner '{owner}' ({table}.{column})")
            }
        }
    }
}
