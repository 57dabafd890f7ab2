//! The places of a request where a credential stands.

use crate::Text;

/// A place of a request where the credential of a kind stands.
///
/// A program that uses a connection through a host puts its own token for the host where the provider's secret would
/// stand. The host looks for the token in the seats of the kind, and refuses a request that holds another secret in a
/// seat of any kind of the provider.
///
/// A seat describes the request as it is sent to the provider: [`Authorizer::seats`](crate::Authorizer::seats) lists the
/// places that [`Authorizer::authorize`](crate::Authorizer::authorize) fills. A credential that never stands in a request
/// has no seat, such as a private key that signs, and neither has one that stands in a body.
///
/// ```
/// use connection_contract::Seat;
///
/// // X-Api-Key: SECRET
/// let header = Seat::header("x-api-key");
/// // Authorization: Bearer SECRET
/// assert_eq!(Seat::bearer(), Seat::header_after("authorization", "Bearer "));
/// // /bot123:SECRET/sendMessage
/// let path = Seat::path_prefix("/bot", "");
/// assert!(header != path);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seat {
    /// A header, whose value is the text `before`, the secret, and the text `after`.
    #[non_exhaustive]
    Header {
        /// Name of the header, in lower case.
        name: Text,
        /// Text before the secret, such as `Bearer `.
        before: Text,
        /// Text after the secret.
        after: Text,
    },
    /// The user name of HTTP Basic (RFC 7617).
    BasicUser,
    /// The password of HTTP Basic (RFC 7617).
    BasicPassword,
    /// A parameter of the query, whose value is the secret.
    #[non_exhaustive]
    Query {
        /// Name of the parameter.
        name: Text,
    },
    /// The beginning of the path: the text `before`, the secret, and the text `after`, before the path of the request.
    #[non_exhaustive]
    PathPrefix {
        /// Text before the secret. It begins with `/`.
        before: Text,
        /// Text after the secret, up to the path of the request.
        after: Text,
    },
    /// The id of the key in the header `Authorization` of AWS Signature Version 4.
    SigV4KeyId,
}

impl Seat {
    /// Returns the seat `Authorization: Bearer SECRET` (RFC 6750).
    pub fn bearer() -> Self {
        Self::header_after("authorization", "Bearer ")
    }

    /// Returns the seat of a header whose value is the secret.
    pub fn header(name: impl Into<Text>) -> Self {
        Self::header_after(name, "")
    }

    /// Returns the seat of a header whose value is a text and then the secret.
    pub fn header_after(name: impl Into<Text>, before: impl Into<Text>) -> Self {
        Self::header_between(name, before, "")
    }

    /// Returns the seat of a header whose value is a text, the secret and another text.
    pub fn header_between(name: impl Into<Text>, before: impl Into<Text>, after: impl Into<Text>) -> Self {
        let name = name.into().to_ascii_lowercase().into();
        Self::Header { name, before: before.into(), after: after.into() }
    }

    /// Returns the seat of a parameter of the query.
    pub fn query(name: impl Into<Text>) -> Self {
        Self::Query { name: name.into() }
    }

    /// Returns the seat of a path that begins with a text, the secret and another text.
    pub fn path_prefix(before: impl Into<Text>, after: impl Into<Text>) -> Self {
        Self::PathPrefix { before: before.into(), after: after.into() }
    }
}
