//! Setups: the steps by which a person connects an account, or authorizes one again.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Account, FieldChoice, Guide, Input, Liveness, Reason, words::words};

words! {
    /// The stage of a setup that has not ended.
    SetupStage {
        /// The server asks the provider.
        Running = "running",
        /// The setup waits for a person, or to be resumed.
        Waiting = "waiting",
        /// The setup was cancelled just now.
        Cancelled = "cancelled",
        _ => Unrecognized,
    }
    /// The state of a setup, without what a person sees of it.
    SetupType {
        /// The setup was cancelled.
        Cancelled = "cancelled",
        /// The step asks whether the account is the right one.
        Confirm = "confirm",
        /// The connection was made or authorized again.
        Done = "done",
        /// The setup failed.
        Failed = "failed",
        /// There is nothing to answer.
        Notice = "notice",
        /// The step asks for answers.
        Prompt = "prompt",
        /// The step asks to open an address.
        Redirect = "redirect",
        /// The server asks the provider.
        Working = "working",
        _ => Unrecognized,
    }
}

/// A setup and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// The id, for all other requests.
    pub id: String,
    /// The kind that is connected, such as `github`.
    pub kind: String,
    /// The name of the kind that a person reads.
    pub kind_title: String,
    /// The provider; `null` if the kind is not registered.
    pub provider: Option<String>,
    /// The name of the provider that a person reads.
    pub provider_title: String,
    /// The id of the connection that is authorized again.
    pub reauthorizes: Option<String>,
    /// The name of the extension for which an account is connected.
    pub extension: Option<String>,
    /// The time at which the setup was begun; `null` for one that has ended.
    pub created_at: Option<String>,
    /// The time at which the setup expires if it gets no input; `null` for one that has ended.
    pub expires_at: Option<String>,
    /// The number of the step, for answers; `null` while no step is shown.
    pub step: Option<u64>,
    /// The cursor of the state, for `after`.
    pub cursor: String,
    /// The state that the setup has reached.
    #[serde(flatten)]
    pub state: SetupState,
}

/// The state of a setup.
///
/// ```
/// use connection_api::SetupState;
///
/// assert_eq!(serde_json::from_str::<SetupState>(r#"{"type": "cancelled"}"#)?, SetupState::Cancelled);
/// assert_eq!(serde_json::from_str::<SetupState>(r#"{"type": "asleep"}"#)?, SetupState::Unrecognized);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "camelCase")] // The schema does not follow `rename_all_fields`.
#[non_exhaustive]
pub enum SetupState {
    /// The setup was cancelled.
    Cancelled,
    /// The step asks whether the account is the right one.
    Confirm {
        /// The question for people, which names the account.
        title: String,
        /// The account that a person signed in to.
        account: Account,
    },
    /// The connection was made or authorized again.
    Done {
        /// The account that the connection reaches.
        account: Account,
        /// The liveness of the connection, as it was measured at the end of the setup.
        liveness: Liveness,
        /// The reason why the connection is not live.
        reason: Option<Reason>,
        /// The id of the connection.
        connection: Option<String>,
        /// The label of the connection; `null` for the visitor of a setup link.
        label: Option<String>,
    },
    /// The setup failed, and no connection was made or changed.
    Failed {
        /// The reason why the setup failed.
        reason: Reason,
    },
    /// There is nothing to answer.
    Notice {
        /// Notices that stay visible.
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
        /// The provider's own words about the previous answers. Absent if there are none.
        #[serde(rename = "providerText", default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schema(nullable = false))]
        provider_text: Option<String>,
        /// Instructions for obtaining the values.
        guide: Vec<Guide>,
        /// The fields, in their order.
        fields: Vec<SetupField>,
        /// An address to open, as another way to continue.
        #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
        open: Option<OpenAddress>,
        /// The host of the provider to which `open` leads.
        #[serde(rename = "openHost")]
        open_host: Option<String>,
        /// `true` if the browser returns by itself from `open`, so that nothing has to be entered.
        returns: bool,
        /// Notices that stay visible.
        beside: Vec<SetupNotice>,
    },
    /// The step asks to open an address; the browser returns by itself.
    Redirect {
        /// The address to open in a browser.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        open: OpenAddress,
        /// The host of the provider to which `open` leads.
        #[serde(rename = "openHost")]
        open_host: Option<String>,
        /// Notices that stay visible.
        beside: Vec<SetupNotice>,
    },
    /// The server asks the provider.
    Working,
    /// A state of a later version of the server.
    #[serde(other, skip_serializing)]
    Unrecognized,
}

/// An address for a person's browser.
///
/// `Debug` hides it, because the first person who opens it continues the setup.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpenAddress(String);

/// A field to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SetupField {
    /// The name of the field, which is the key of the answer.
    pub name: String,
    /// The label that a person reads.
    pub label: String,
    /// `text`, `secret`, `url`, `number`, `bool`, `choice` or `directory`.
    pub input: Input,
    /// `true` if an empty answer is refused.
    pub required: bool,
    /// `true` if the answer may be an array.
    pub many: bool,
    /// A text that says where to find the value.
    pub help: Option<String>,
    /// The text shown while the field is empty.
    pub placeholder: Option<String>,
    /// The value that is used if the field is not answered.
    pub default: Option<String>,
    /// A regular expression that must match the whole answer.
    pub pattern: Option<String>,
    /// The values of a `choice`.
    pub choices: Vec<FieldChoice>,
}

/// A notice that stays visible during a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetupNotice {
    /// One sentence that a person reads.
    pub message: String,
    /// An address for the person to open.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub open: Option<OpenAddress>,
    /// The code that the person types there.
    pub user_code: Option<String>,
    /// The reason why the provider cannot be reached now, or why one of several ways to go on has ended.
    pub reason: Option<Reason>,
}

/// A setup that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenSetup {
    /// The id, for all other requests.
    pub id: String,
    /// The kind that is connected.
    pub kind: String,
    /// The stage of the setup.
    pub state: SetupStage,
    /// The number of the step.
    pub step: u64,
    /// The reason why the setup waits until it is resumed, or does not open; `null` if it waits for an answer.
    pub reason: Option<Reason>,
    /// The id of the connection that is authorized again.
    pub reauthorizes: Option<String>,
    /// The name of the extension for which an account is connected.
    pub extension: Option<String>,
    /// The time at which the setup was begun.
    pub created_at: String,
    /// The time at which the setup expires if it gets no input.
    pub expires_at: String,
}

/// A setup that has not ended, with the names of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListedSetup {
    /// The setup, as far as it is known without its kind.
    #[serde(flatten)]
    pub setup: OpenSetup,
    /// The name of the kind that a person reads.
    pub kind_title: String,
    /// The provider of the kind; `null` if the host no longer has the kind.
    pub provider: Option<String>,
}

/// The setup to begin: of a new connection, or of a re-authorization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BeginSetup {
    /// The kind of the new connection.
    pub kind: Option<String>,
    /// The extension for which the connection is made, and to which it is granted. Without `kind`, the best kind for it is
    /// used.
    pub extension: Option<String>,
    /// The label of the new connection.
    pub label: Option<String>,
    /// Allows a second connection to the same account.
    #[serde(default)]
    pub again: bool,
    /// The id of the connection to authorize again.
    pub connection: Option<String>,
    /// Allows another account than before.
    #[serde(default)]
    pub another_account: bool,
    /// Scopes to ask for in a re-authorization, in addition to those that every setup of the kind asks for. The kind
    /// must allow them.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// The step that is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmStep {
    /// The number of the step.
    pub step: u64,
}

impl SetupState {
    /// Returns the word for this state, which is its `type`.
    pub fn word(&self) -> SetupType {
        match self {
            Self::Cancelled => SetupType::Cancelled,
            Self::Confirm { .. } => SetupType::Confirm,
            Self::Done { .. } => SetupType::Done,
            Self::Failed { .. } => SetupType::Failed,
            Self::Notice { .. } => SetupType::Notice,
            Self::Prompt { .. } => SetupType::Prompt,
            Self::Redirect { .. } => SetupType::Redirect,
            Self::Working => SetupType::Working,
            Self::Unrecognized => SetupType::Unrecognized,
        }
    }

    /// Returns `true` if the setup has ended.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Done { .. } | Self::Failed { .. })
    }
}

impl OpenAddress {
    /// Returns the address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for OpenAddress {
    fn from(address: String) -> Self {
        Self(address)
    }
}

impl fmt::Debug for OpenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenAddress(..)")
    }
}

impl BeginSetup {
    /// Connects an account of this kind.
    pub fn kind(kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..Self::default() }
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
