//! The profiles of local tools on the machine of a server.

use serde::{Deserialize, Serialize};

use crate::{Client, Error, Reason};

/// A profile of a local tool: a directory of the server's machine with an identity of its own.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn defaults(client: &Client) -> Result<Vec<String>, Error> {
///     let profiles = client.profiles().await?.into_iter();
///     Ok(profiles.filter(|profile| profile.is_default).map(|profile| profile.label).collect())
/// }
/// # let _ = defaults;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Profile {
    /// The id of the profile, which never changes.
    pub id: String,
    /// The kind whose tool uses the profile, such as `claude`.
    pub kind: String,
    /// The label, which is unique among the profiles of the tool.
    pub label: String,
    /// The path of the directory in which the tool keeps the profile.
    pub directory: String,
    /// `true` for the profile with which the tool is run unless another one is named.
    pub is_default: bool,
    /// `true` for the directory that the tool uses by itself.
    pub is_implicit: bool,
    /// The slots that use the profile.
    pub slots: Vec<String>,
    /// The time at which it was created.
    pub created_at: String,
    /// The state of the directory and of the login in it.
    pub found: DirectoryProbe,
}

/// The state of a tool's directory and of the login in it, as it was just read from the disk.
///
/// ```no_run
/// # use connection_client::{Client, Error};
/// async fn signed_in(client: &Client) -> Result<usize, Error> {
///     let profiles = client.profiles().await?;
///     Ok(profiles.iter().filter(|profile| profile.found.authenticated == Some(true)).count())
/// }
/// # let _ = signed_in;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DirectoryProbe {
    /// The path of the directory in which the tool keeps the profile.
    pub directory: String,
    /// The state of the directory, such as `there` or `gone`.
    pub state: String,
    /// `true` if the directory exists and the tool has used it.
    pub exists: bool,
    /// `true` if the directory holds a login of the tool, `false` if the tool is signed out there, and `None` if that
    /// is not known.
    pub authenticated: Option<bool>,
    /// The reason why it is not known whether the tool is signed in, because a file cannot be judged.
    pub reason: Option<Reason>,
    /// The account of the login, if it is known.
    pub account: Option<String>,
}

/// The list of profiles, which has one page.
#[derive(Deserialize)]
struct Profiles {
    items: Vec<Profile>,
}

impl Client {
    /// Returns the profiles of all tools.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer.
    pub async fn profiles(&self) -> Result<Vec<Profile>, Error> {
        self.get(&["profiles"]).answer().await.map(|Profiles { items }| items)
    }
}
