//! Setups: the steps by which a person connects an account, or authorizes one again.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};
use serde_json::json;

use crate::{Account, Client, Error, Guide, Liveness, Reason};

/// A setup and its state.
///
/// This program connects an account of a kind that asks for an API key and for nothing else:
///
/// ```no_run
/// # use connection_client::{BeginSetup, Client, Error, Setup, SetupState};
/// use secrecy::SecretString;
///
/// async fn connect(client: &Client, key: SecretString) -> Result<Setup, Error> {
///     let mut setup = client.begin_setup(&BeginSetup::kind("notion")).await?;
///     loop {
///         setup = match (&setup.state, setup.step) {
///             (SetupState::Prompt { problem: None, .. }, Some(step)) => {
///                 client.answer_setup(&setup.id, step, &[("apiKey".to_owned(), key.clone())]).await?
///             }
///             (SetupState::Working, _) => client.next_setup(&setup).await?,
///             // The setup has ended, or asks for something else.
///             _ => return Ok(setup),
///         };
///     }
/// }
/// # let _ = connect;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Setup {
    /// The id, for all other requests.
    pub id: String,
    /// The kind that is connected, such as `github`.
    pub kind: String,
    /// The name of the kind that a person reads.
    pub kind_title: String,
    /// The provider; `None` if the kind is not registered.
    pub provider: Option<String>,
    /// The name of the provider that a person reads.
    pub provider_title: String,
    /// The id of the connection that is authorized again.
    pub reauthorizes: Option<String>,
    /// The name of the extension for which an account is connected.
    pub extension: Option<String>,
    /// The time at which the setup was begun; `None` for one that has ended.
    pub created_at: Option<String>,
    /// The time at which the setup expires if it gets no input; `None` for one that has ended.
    pub expires_at: Option<String>,
    /// The number of the step, for answers; `None` while no step is shown.
    pub step: Option<u64>,
    /// The cursor of the state, which [`Client::next_setup`] compares.
    pub cursor: String,
    /// The state that the setup has reached.
    #[serde(flatten)]
    pub state: SetupState,
}

/// The state of a setup.
///
/// ```
/// use connection_client::SetupState;
///
/// let ended = SetupState::Cancelled;
/// assert!(!matches!(ended, SetupState::Working));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum SetupState {
    /// The setup was cancelled, and no connection was made or changed.
    Cancelled,
    /// The step asks whether the account is the right one.
    Confirm {
        /// The question for people, which names the account.
        title: String,
        /// The account that a person signed in to.
        account: Account,
    },
    /// The connection was made, or authorized again.
    Done {
        /// The account that the connection reaches.
        account: Account,
        /// The liveness of the connection, as it was measured at the end of the setup.
        liveness: Liveness,
        /// The reason why the connection is not live.
        reason: Option<Reason>,
        /// The id of the connection that was made or authorized again.
        connection: Option<String>,
        /// The label of the connection that was made or authorized again.
        label: Option<String>,
    },
    /// The setup failed, and no connection was made or changed.
    Failed {
        /// The reason why the setup failed.
        reason: Reason,
    },
    /// There is nothing to answer.
    Notice {
        /// Notices that stay visible beside the step.
        beside: Vec<SetupNotice>,
        /// `true` if the setup waits to be resumed: the provider cannot be reached now, and the answers are kept.
        resumable: bool,
    },
    /// The step asks for answers.
    Prompt {
        /// The heading above the fields.
        title: String,
        /// The problem with the previous answers.
        problem: Option<String>,
        /// Instructions for obtaining the values.
        guide: Vec<Guide>,
        /// The fields, in their order.
        fields: Vec<SetupField>,
        /// An address to open, as another way to continue.
        open: Option<OpenAddress>,
        /// The host of the provider to which `open` leads.
        open_host: Option<String>,
        /// `true` if the browser returns by itself from `open`, so that nothing has to be entered.
        returns: bool,
        /// Notices that stay visible beside the step.
        beside: Vec<SetupNotice>,
    },
    /// The step asks to open an address; the browser returns to the server by itself.
    Redirect {
        /// The address to open in a browser.
        open: OpenAddress,
        /// The host of the provider to which `open` leads.
        open_host: Option<String>,
        /// Notices that stay visible beside the step.
        beside: Vec<SetupNotice>,
    },
    /// The server asks the provider, or is in a state of a later version. Wait for the next state.
    #[serde(other)]
    Working,
}

/// An address for a person's browser. `Debug` hides it, because the first person who opens it continues the setup.
///
/// ```
/// use connection_client::OpenAddress;
///
/// let address: OpenAddress = serde_json::from_str("\"https://connections.example/callback/acme/go/abc\"")?;
/// assert!(address.as_str().ends_with("/go/abc"));
/// assert!(!format!("{address:?}").contains("abc"));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpenAddress(String);

impl OpenAddress {
    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OpenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenAddress(..)")
    }
}

/// A field to answer.
///
/// ```
/// use connection_client::SetupField;
///
/// let text = r#"{"name": "apiKey", "label": "API key", "input": "secret", "required": true, "many": false,
///     "help": null, "placeholder": null, "default": null, "pattern": null, "choices": []}"#;
/// assert_eq!(serde_json::from_str::<SetupField>(text)?.input, "secret");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupField {
    /// The name of the field, which is the key of the answer.
    pub name: String,
    /// The label that a person reads.
    pub label: String,
    /// `text`, `secret`, `url`, `number`, `bool`, `choice` or `directory`.
    pub input: String,
    /// `true` if an empty answer is refused.
    pub required: bool,
    /// `true` if the field takes several values.
    pub many: bool,
    /// A text that says where to find the value.
    pub help: Option<String>,
    /// The text shown while the field is empty.
    pub placeholder: Option<String>,
    /// The value that is used if the field is not answered.
    pub default: Option<String>,
    /// A regular expression that must match the whole answer.
    pub pattern: Option<String>,
    /// The values of a `choice`, in the order in which they are shown; empty for other inputs.
    pub choices: Vec<SetupChoice>,
}

/// A value to choose.
///
/// ```
/// use connection_client::SetupChoice;
///
/// assert_eq!(serde_json::from_str::<SetupChoice>(r#"{"value": "eu", "label": "Europe"}"#)?.label, "Europe");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetupChoice {
    /// The text that answers the field.
    pub value: String,
    /// The label that a person reads.
    pub label: String,
}

/// A notice that stays visible during a step.
///
/// ```
/// use connection_client::SetupNotice;
///
/// let text = r#"{"message": "Enter the code", "open": "https://acme.com/device", "userCode": "ABCD", "reason": null}"#;
/// assert_eq!(serde_json::from_str::<SetupNotice>(text)?.user_code.as_deref(), Some("ABCD"));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetupNotice {
    /// One sentence that a person reads.
    pub message: String,
    /// An address for the person to open.
    pub open: Option<OpenAddress>,
    /// The code that the person types there.
    pub user_code: Option<String>,
    /// The reason why the provider cannot be reached now.
    pub reason: Option<Reason>,
}

/// The setup to begin.
///
/// ```
/// use connection_client::BeginSetup;
///
/// let new = BeginSetup::kind("github").label("work").again();
/// let again = BeginSetup::reauthorize("018f3b9e-7d2a-7c31-9f43-0123456789ab").another_account();
/// # drop((new, again));
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BeginSetup {
    kind: Option<String>,
    extension: Option<String>,
    label: Option<String>,
    again: bool,
    connection: Option<String>,
    another_account: bool,
    // A server of before refuses the member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
}

impl BeginSetup {
    /// Connects an account of this kind.
    pub fn kind(kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..Self::default() }
    }

    /// Connects an account for this extension, with the best kind for it, and grants it the connection.
    pub fn for_extension(extension: impl Into<String>) -> Self {
        Self::default().extension(extension)
    }

    /// Authorizes a connection again. It keeps its id and its label, and its credential works until the new one does.
    pub fn reauthorize(connection: impl Into<String>) -> Self {
        Self { connection: Some(connection.into()), ..Self::default() }
    }

    /// Grants the new connection to this extension.
    #[must_use]
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extension = Some(extension.into());
        self
    }

    /// Sets the label of the new connection, in place of the name of the account.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Allows a second connection to the same account.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Asks for this scope in a re-authorization, in addition to those that every setup of the kind asks for. The kind must
    /// allow it, as it does the askable scopes of an [`Answer`](crate::Answer).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Allows another account than before in a re-authorization.
    #[must_use]
    pub fn another_account(mut self) -> Self {
        self.another_account = true;
        self
    }
}

/// The answers to a step, each name with its values.
#[derive(Serialize)]
struct AnswersBody<'a> {
    step: u64,
    #[serde(serialize_with = "by_name")]
    answers: Vec<(&'a str, Vec<&'a str>)>,
}

fn by_name<S: Serializer>(answers: &[(&str, Vec<&str>)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(answers.len()))?;
    for (name, values) in answers {
        match values.as_slice() {
            [only] => map.serialize_entry(name, only)?,
            several => map.serialize_entry(name, several)?,
        }
    }
    map.end()
}

impl Client {
    /// Begins a setup.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] by the server, and the errors of a request without an answer. In the latter case, it is not
    /// known whether a setup was begun; it expires without an answer.
    pub async fn begin_setup(&self, begin: &BeginSetup) -> Result<Setup, Error> {
        self.post(&["setups"]).body(begin, 1024).answer().await
    }

    /// Returns the state of a setup, after at most 25 seconds if the server asks the provider.
    ///
    /// # Errors
    ///
    /// As [`begin_setup`](Self::begin_setup); with the code `setup_not_found` if there is none.
    pub async fn setup(&self, id: &str) -> Result<Setup, Error> {
        self.get(&["setups", id]).answer().await
    }

    /// Returns the state of a setup as soon as it differs from this one, or the same after 25 seconds.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped; the setup continues.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup).
    pub async fn next_setup(&self, seen: &Setup) -> Result<Setup, Error> {
        self.get(&["setups", &seen.id]).query("after", Some(&seen.cursor)).answer().await
    }

    /// Answers a step. The name of a field that takes several values is repeated.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup). The code is `answers_invalid` if answers are missing or malformed, with the
    /// [problem of each field](crate::Problem::problems), and `setup_wrong_step`, `setup_no_prompt` or `setup_ended` if
    /// the setup is at another step by now.
    pub async fn answer_setup(&self, id: &str, step: u64, answers: &[(String, SecretString)]) -> Result<Setup, Error> {
        let mut body = AnswersBody { step, answers: Vec::new() };
        let mut size = 0;
        for (name, value) in answers {
            let value = value.expose_secret();
            size += name.len() + value.len() + 8;
            match body.answers.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value),
                None => body.answers.push((name, vec![value])),
            }
        }
        self.post(&["setups", id, "answers"]).body(&body, size).answer().await
    }

    /// Confirms the account that a setup shows.
    ///
    /// # Errors
    ///
    /// As [`answer_setup`](Self::answer_setup).
    pub async fn confirm_setup(&self, id: &str, step: u64) -> Result<Setup, Error> {
        self.post(&["setups", id, "confirm"]).body(&json!({ "step": step }), 0).answer().await
    }

    /// Continues a setup that waits for the network.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup).
    pub async fn resume_setup(&self, id: &str) -> Result<Setup, Error> {
        self.post(&["setups", id, "resume"]).body(&json!({}), 0).answer().await
    }

    /// Cancels a setup. One that has ended stays as it is.
    ///
    /// # Errors
    ///
    /// As [`setup`](Self::setup).
    pub async fn cancel_setup(&self, id: &str) -> Result<(), Error> {
        self.delete(&["setups", id]).nothing().await
    }
}
