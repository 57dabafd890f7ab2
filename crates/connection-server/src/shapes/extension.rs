//! The shapes of extensions, their grants and their preferences.

use connection_contract::{ExtensionDeclaration, Preference, PreferenceInput, Timestamp};
use connection_core::{
    ConnectionInfo, ConnectionRequired, ExtensionInfo, Grant, Preferences, RequiredAction, ResolvedConnection,
    RetryTicket, Revisions,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{ReasonBody, words};

/// An extension that was added, its requirement, and the connections that it may use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Extension)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExtensionBody {
    /// The name of the extension.
    pub name: String,
    /// The provider that it needs; `None` for an extension that was not added.
    pub provider: Option<String>,
    /// The title of its requirement.
    pub title: Option<String>,
    /// The names of the secrets that it declares.
    pub secret_names: Vec<String>,
    /// The names of its commands.
    pub commands: Vec<String>,
    /// The state of its requirement: `connected`, `failed`, `missing` or `unsupported`.
    #[schema(value_type = Option<words::RequirementStatus>)]
    pub status: Option<&'static str>,
    /// The reason for a state other than `connected`.
    pub error: Option<ReasonBody>,
    /// The id of the connection that the extension uses.
    pub connection: Option<String>,
    /// `true` if a person chose a connection for it, so that the default of the provider does not count.
    pub chosen: bool,
    /// `true` if that connection was granted to it.
    pub granted: bool,
    /// The scopes that the extension declares and the connection lacks, and those for lack of which the provider refused
    /// a request of the extension.
    pub missing_scopes: Vec<String>,
    /// Those of the missing scopes that a re-authorization may ask for.
    pub askable_scopes: Vec<String>,
    /// The grants that were not revoked.
    pub grants: Vec<GrantBody>,
    /// The time at which it was added.
    pub added_at: Option<String>,
}

impl ExtensionBody {
    /// Returns the shape without the members of the declaration, which may no longer be valid.
    pub fn of(added: &ExtensionInfo, grants: Vec<GrantBody>) -> Self {
        Self {
            provider: Some(added.provider.to_string()),
            added_at: Some(added.added_at.to_rfc3339()),
            ..Self::empty(added.name.clone(), grants)
        }
    }

    /// Returns the shape of an extension that was not added: a host made its handle and its grants itself.
    pub fn unadded(name: String, grants: Vec<GrantBody>, remedy: String) -> Self {
        let error = ReasonBody {
            code: "unknown_extension".to_owned(),
            message: "the extension was not added; a host grants it these connections".to_owned(),
            remedy: Some(remedy),
        };
        Self { error: Some(error), ..Self::empty(name, grants) }
    }

    fn empty(name: String, grants: Vec<GrantBody>) -> Self {
        Self {
            name,
            provider: None,
            title: None,
            secret_names: Vec::new(),
            commands: Vec::new(),
            status: None,
            error: None,
            connection: None,
            chosen: false,
            granted: false,
            missing_scopes: Vec::new(),
            askable_scopes: Vec::new(),
            grants,
            added_at: None,
        }
    }

    /// Adds the members of the declaration.
    #[must_use]
    pub fn declared(mut self, declaration: &ExtensionDeclaration) -> Self {
        let requirement = &declaration.requirement;
        self.title = Some(requirement.title.to_string());
        self.secret_names = requirement.auth.secret_names.iter().map(ToString::to_string).collect();
        self.commands = declaration.commands.iter().map(|command| command.name.to_string()).collect();
        self
    }

    /// Adds the state of the requirement.
    #[must_use]
    pub fn resolved(mut self, resolved: &ResolvedConnection) -> Self {
        self.status = Some(resolved.status.as_str());
        self.error = resolved.error.as_ref().map(ReasonBody::from);
        self.connection = resolved.connection().map(|id| id.to_string());
        self.chosen = resolved.is_chosen();
        self.granted = resolved.is_granted();
        self.missing_scopes = resolved.missing_scopes().to_vec();
        self.askable_scopes = resolved.askable_scopes().to_vec();
        self
    }

    /// Adds the reason why the requirement cannot be resolved.
    #[must_use]
    pub fn failed(mut self, error: ReasonBody) -> Self {
        self.error = Some(error);
        self
    }
}

/// The use of a connection that a person granted to an extension.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GrantBody {
    /// The name of the extension.
    pub extension: String,
    /// The id of the connection.
    pub connection: String,
    /// The kind of the connection.
    pub kind: String,
    /// The label of the connection.
    pub label: String,
    /// The names of the secrets that the extension may receive.
    pub secret_names: Vec<String>,
    /// The time at which it was granted.
    pub created_at: String,
    /// The time at which it was revoked.
    pub revoked_at: Option<String>,
}

impl GrantBody {
    /// Converts a grant of a connection.
    pub fn of(grant: &Grant, info: &ConnectionInfo) -> Self {
        Self {
            extension: grant.extension.clone(),
            connection: grant.connection.to_string(),
            kind: info.kind.to_string(),
            label: info.label.to_string(),
            secret_names: grant.names.iter().map(ToString::to_string).collect(),
            created_at: grant.created_at.to_rfc3339(),
            revoked_at: grant.revoked_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// An extension that was removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedExtension)]
#[non_exhaustive]
pub struct ExtensionRemovedBody {
    /// The name of the extension.
    pub name: String,
    /// The number of grants that were revoked.
    pub revoked: usize,
}

impl ExtensionRemovedBody {
    /// Creates the shape from the name of the extension and the number of grants that were revoked.
    pub fn new(name: impl Into<String>, revoked: usize) -> Self {
        Self { name: name.into(), revoked }
    }
}

/// The preferences of an extension, or of one of its commands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preferences)]
pub struct PreferencesBody {
    extension: String,
    command: Option<String>,
    #[schema(value_type = Object)]
    values: Value,
    /// The names of preferences that were set.
    set: Vec<String>,
    /// The names of required preferences without a value.
    missing: Vec<String>,
    /// The names of preferences for which the connection has its own value, which takes precedence.
    overridden: Vec<String>,
    revisions: RevisionsBody,
}

impl PreferencesBody {
    /// Converts the preferences of an extension, or of the named command.
    pub fn of(extension: &str, command: Option<&str>, read: &Preferences) -> Self {
        Self {
            extension: extension.to_owned(),
            command: command.map(str::to_owned),
            values: read.to_json(),
            set: read.set.clone(),
            missing: read.missing.clone(),
            overridden: read.overridden.iter().map(|(name, _)| name.clone()).collect(),
            revisions: (&read.revisions).into(),
        }
    }
}

/// The numbers of writes of what an extension is configured with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revisions)]
#[serde(rename_all = "camelCase")]
struct RevisionsBody {
    extension_config: u64,
    command_config: u64,
    connection_config: u64,
    credential: u64,
}

impl From<&Revisions> for RevisionsBody {
    fn from(revisions: &Revisions) -> Self {
        Self {
            extension_config: revisions.extension_config,
            command_config: revisions.command_config,
            connection_config: revisions.connection_config,
            credential: revisions.credential,
        }
    }
}

/// A preference as the extension declares it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeclaredPreference)]
pub struct DeclaredPreferenceBody {
    name: String,
    title: Option<String>,
    description: Option<String>,
    /// `checkbox`, `dropdown`, `text`, or a word that this version does not know and treats as `text`.
    r#type: String,
    required: bool,
    /// The choices of a `dropdown`.
    choices: Vec<PreferenceChoiceBody>,
}

/// A choice of a dropdown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreferenceChoice)]
struct PreferenceChoiceBody {
    value: String,
    label: String,
}

impl From<&Preference> for DeclaredPreferenceBody {
    fn from(declared: &Preference) -> Self {
        let choice =
            |(value, label): &(_, _)| PreferenceChoiceBody { value: ToString::to_string(value), label: text(label) };
        let (word, choices) = match &declared.input {
            PreferenceInput::Checkbox => ("checkbox".to_owned(), Vec::new()),
            PreferenceInput::Dropdown(choices) => ("dropdown".to_owned(), choices.iter().map(choice).collect()),
            PreferenceInput::Other(word) => (word.to_string(), Vec::new()),
            _ => ("text".to_owned(), Vec::new()),
        };
        Self {
            name: declared.name.to_string(),
            title: declared.title.as_ref().map(text),
            description: declared.description.as_ref().map(text),
            r#type: word,
            required: declared.required,
            choices,
        }
    }
}

fn text(text: &connection_contract::DisplayText) -> String {
    text.to_string()
}

/// The content of a view that needs a connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Required)]
pub struct RequiredBody {
    title: String,
    guide: Option<String>,
    /// `choose`, `connect`, `grant`, `reauthorize` or `unavailable`.
    #[schema(value_type = words::RequiredAction)]
    action: &'static str,
    kinds: Vec<String>,
    /// The command to run, or the path of the page to open.
    way: Option<String>,
}

impl RequiredBody {
    /// Converts the content of the view, with the way to the action.
    pub fn of(required: &ConnectionRequired, way: Option<String>) -> Self {
        Self {
            title: required.title.to_string(),
            guide: required.guide.as_ref().map(ToString::to_string),
            action: action_word(required.action),
            kinds: required.kinds.iter().map(ToString::to_string).collect(),
            way,
        }
    }
}

/// Returns the word for an action, such as `connect`.
fn action_word(action: RequiredAction) -> &'static str {
    match action {
        RequiredAction::Choose => "choose",
        RequiredAction::Connect => "connect",
        RequiredAction::Grant => "grant",
        RequiredAction::Reauthorize => "reauthorize",
        _ => "unavailable",
    }
}

/// The connection that an extension would use, without any secret.
#[derive(ToSchema)]
#[schema(as = ResolvedConnection)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes the JSON that the core makes")]
pub(crate) struct ResolvedSchema {
    /// The extension's own name for the connection.
    connection_id: String,
    extension_name: String,
    provider: String,
    /// The public preferences that the extension named, if they have a value.
    #[schema(value_type = Object)]
    public_config: Value,
    /// The names of the declared secrets that the connection lacks.
    missing_secret_names: Vec<String>,
    #[schema(value_type = words::RequirementStatus)]
    status: String,
    /// The scopes that the extension declares and the connection lacks; absent if there are none.
    #[schema(required = false)]
    missing_scopes: Vec<String>,
    /// The reason for a status other than `connected`.
    #[schema(required = false)]
    error: ReasonBody,
}

/// The state of a hand-off to the settings of an extension.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HandOff)]
#[non_exhaustive]
pub struct HandOffBody {
    /// The name of the extension.
    pub extension: String,
    /// The command to continue with.
    pub command: Option<String>,
    /// `None` if nothing more is required.
    pub required: Option<RequiredBody>,
    /// The resolved requirement.
    #[schema(value_type = ResolvedSchema)]
    pub resolved: Value,
    /// The ticket by which the hand-off is read again.
    pub ticket: Option<String>,
}

impl HandOffBody {
    /// Creates the shape of a hand-off for an extension or for one of its commands.
    pub fn new(
        extension: &str,
        command: Option<&str>,
        required: Option<RequiredBody>,
        resolved: &ResolvedConnection,
        ticket: Option<RetryTicket>,
    ) -> Self {
        Self {
            extension: extension.to_owned(),
            command: command.map(str::to_owned),
            required,
            resolved: resolved.to_json(),
            ticket: ticket.map(|ticket| ticket.to_string()),
        }
    }
}
