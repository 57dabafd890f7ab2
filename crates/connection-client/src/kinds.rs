//! The kinds of connections that a server can make.

use serde::{Deserialize, Serialize};

use crate::{Client, Error};

/// A kind in a list.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn names(client: &Client) -> Result<Vec<String>, Error> {
///     Ok(client.kinds().await?.into_iter().map(|kind| kind.title).collect())
/// }
/// # let _ = names;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListedKind {
    /// The name of the kind, such as `github`.
    pub kind: String,
    /// The id of the provider, such as `github`.
    pub provider: String,
    /// The name that a person reads.
    pub title: String,
    /// The way of authentication, such as `oauth` or `apiKey`.
    pub auth: String,
    /// `true` if connections of the kind are for one extension alone.
    pub own: bool,
    /// `true` if the kind is a local tool with profiles.
    pub profiles: bool,
    /// The number of the owner's connections of this kind.
    pub connections: u64,
}

/// A kind, with what a person needs to know before connecting an account.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn questions(client: &Client) -> Result<Vec<String>, Error> {
///     Ok(client.kind("github").await?.fields.into_iter().map(|field| field.label).collect())
/// }
/// # let _ = questions;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Kind {
    /// The kind, as in a list.
    #[serde(flatten)]
    pub listed: ListedKind,
    /// The only extension that may use connections of the kind.
    pub extension: Option<String>,
    /// Instructions for obtaining the requested values.
    pub guide: Vec<Guide>,
    /// The fields that a setup may ask for.
    pub fields: Vec<KindField>,
    /// The capabilities of connections of the kind, such as `send` and `webhooks`.
    pub capabilities: Vec<String>,
    /// The ways of finishing a setup: `browser`, `device`, `paste` or `other`.
    pub ways: Vec<String>,
    /// The address to register at the provider, if browsers return to the server.
    pub redirect_uri: Option<String>,
}

/// A part of a guide: a sentence, or the name of an address.
///
/// ```
/// use connection_client::Guide;
///
/// let text = r#"{"text": "Make a token", "open": "https://github.com/settings/tokens"}"#;
/// assert!(serde_json::from_str::<Guide>(text)?.open.is_some());
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Guide {
    /// The sentence, or the name of the address.
    pub text: String,
    /// The `https` address that a person opens; `None` for a sentence without one.
    pub open: Option<String>,
}

/// A field that a setup of a kind may ask for.
///
/// ```no_run
/// # use connection_client::{Client, Error, KindField};
/// async fn required(client: &Client) -> Result<Vec<KindField>, Error> {
///     Ok(client.kind("github").await?.fields.into_iter().filter(|field| field.required).collect())
/// }
/// # let _ = required;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KindField {
    /// The name of the field, which is the key of the answer.
    pub name: String,
    /// The label that a person reads.
    pub label: String,
    /// `text`, `secret`, `url`, `number`, `bool`, `choice` or `directory`.
    pub input: String,
    /// `true` if the field must be answered.
    pub required: bool,
    /// `true` if the field takes several values.
    pub many: bool,
    /// The question with which the field is offered to a person, if it is optional and not asked for at once.
    pub offer: Option<String>,
    /// A text that says where to find the value.
    pub help: Option<String>,
    /// The value that is used if the field is not answered.
    pub default: Option<String>,
    /// The values of a `choice`, in the order in which they are shown; empty for other inputs.
    pub choices: Vec<KindChoice>,
    /// The way of finishing the setup that asks for the field; `None` for all ways.
    pub way: Option<String>,
    /// `true` if the server keeps the answer, and asks only once for all connections of the kind.
    pub once: bool,
}

/// A value to choose.
///
/// ```
/// use connection_client::KindChoice;
///
/// assert_eq!(serde_json::from_str::<KindChoice>(r#"{"value": "eu", "label": "Europe"}"#)?.value, "eu");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KindChoice {
    /// The text that answers the field.
    pub value: String,
    /// The label that a person reads.
    pub label: String,
}

/// The list of kinds, which has one page.
#[derive(Deserialize)]
struct Kinds {
    items: Vec<ListedKind>,
}

impl Client {
    /// Returns the kinds of the server, by title.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn kinds(&self) -> Result<Vec<ListedKind>, Error> {
        self.get(&["kinds"]).answer().await.map(|Kinds { items }| items)
    }

    /// Returns a kind, with its guide and its fields.
    ///
    /// # Errors
    ///
    /// As [`kinds`](Self::kinds); with the code `unknown_kind` if there is none.
    pub async fn kind(&self, kind: &str) -> Result<Kind, Error> {
        self.get(&["kinds", kind]).answer().await
    }
}
