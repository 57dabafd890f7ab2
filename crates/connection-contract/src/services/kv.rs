//! The key-value store that a host keeps for a kind.

use alloc::{boxed::Box, string::String};

use crate::{BoxFuture, Secret, ServiceError, Text};

/// A key-value store for a kind, separate for each owner.
///
/// Public and secret values belong to the kind, and other kinds do not see them. [Shared](Self::get_shared) secrets
/// belong to the provider: all its kinds that send them to the same origins read and write the same values.
///
/// Keys have 1 to 128 bytes, and values have at most 64 KiB. Secret and shared values are sealed at rest. Public,
/// secret and shared values have separate namespaces.
pub trait KvService: Send + Sync {
    /// Reads a public value.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unavailable`] when the store fails.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, ServiceError>>;

    /// Writes a public value, or deletes it with `None`.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get), and [`ServiceError::TooLarge`].
    fn put<'a>(&'a self, key: &'a str, value: Option<String>) -> BoxFuture<'a, Result<(), ServiceError>>;

    /// Reads a secret value. A value that is damaged and can never be opened again reads as `None`; the plugin then
    /// asks for it again.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get).
    fn get_secret<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>>;

    /// Writes a secret value, or deletes it with `None`.
    ///
    /// # Errors
    ///
    /// The errors of [`put`](Self::put), and [`ServiceError::Denied`] if the host supplies its own value under this
    /// key.
    fn put_secret<'a>(&'a self, key: &'a str, value: Option<Secret>) -> BoxFuture<'a, Result<(), ServiceError>>;

    /// Reads a secret value that the kinds of one provider share, such as the credentials of an OAuth application.
    ///
    /// `origins` are all origins that the value is ever sent to. Each is `https://host[:port]` or a wildcard such as
    /// `https://*.acme.example`, in any order. The value is found only for the same owner, the same
    /// [provider](crate::Descriptor::provider) and the same origins, and it is sealed with them: a kind that names a
    /// provider and sends elsewhere does not receive the provider's values. A value that is damaged reads as `None`.
    ///
    /// # Errors
    ///
    /// The errors of [`get`](Self::get), and [`ServiceError::Denied`] if the kind's descriptor does not declare one of
    /// `origins`, or if there are none or more than eight.
    #[expect(unused_variables, reason = "a host that shares nothing needs none of them")]
    fn get_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, ServiceError>> {
        Box::pin(async { Err(ServiceError::Unavailable) })
    }

    /// Writes a secret value that the kinds of one provider share, or deletes it with `None`; see
    /// [`get_shared`](Self::get_shared).
    ///
    /// # Errors
    ///
    /// The errors of [`get_shared`](Self::get_shared), and [`ServiceError::TooLarge`].
    #[expect(unused_variables, reason = "a host that shares nothing needs none of them")]
    fn put_shared<'a>(
        &'a self,
        origins: &'a [Text],
        key: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), ServiceError>> {
        Box::pin(async { Err(ServiceError::Unavailable) })
    }
}
