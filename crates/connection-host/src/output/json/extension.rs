//! The shapes of extensions, their grants and their preferences.

use connection_core::{
    ConnectionInfo, ConnectionRequired, ExtensionInfo, Grant, Preferences, RequiredAction, ResolvedConnection,
    Revisions,
};
use serde::Serialize;
use serde_json::Value;

use super::ErrorContent;
use crate::{Error, Exit, output::quoted};

/// The shape of `extensions add`, and an element of `extensions`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtensionBody {
    pub(crate) name: String,
    /// `None` if it is unknown, as for an extension that was not added.
    pub(crate) provider: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) secret_names: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) status: Option<&'static str>,
    pub(crate) error: Option<ErrorContent>,
    /// The id of the connection that the extension uses.
    pub(crate) connection: Option<String>,
    pub(crate) granted: bool,
    /// The scopes that the extension declares and the connection lacks.
    pub(crate) missing_scopes: Vec<String>,
    pub(crate) grants: Vec<GrantBody>,
    pub(crate) added_at: Option<String>,
}

impl ExtensionBody {
    /// Returns the shape without the members of the declaration, which may no longer be valid.
    pub(crate) fn of(added: &ExtensionInfo, grants: Vec<GrantBody>) -> Self {
        Self {
            name: added.name.clone(),
            provider: Some(added.provider.to_string()),
            title: None,
            secret_names: Vec::new(),
            commands: Vec::new(),
            status: None,
            error: None,
            connection: None,
            granted: false,
            missing_scopes: Vec::new(),
            grants,
            added_at: Some(added.added_at.to_rfc3339()),
        }
    }

    /// Returns the shape of an extension that was not added: a host made its handle and its grants itself.
    pub(crate) fn unadded(name: String, grants: Vec<GrantBody>) -> Self {
        let own = quoted(&name);
        let message = "the extension was not added; a host grants it these connections";
        let remedy = format!(
            "add it with `connections extensions add FILE`, or revoke its grants with `connections extensions revoke \
             {own}`"
        );
        let error = Error::new(Exit::NotFound, "unknown_extension", message).remedy(remedy);
        Self {
            name,
            provider: None,
            title: None,
            secret_names: Vec::new(),
            commands: Vec::new(),
            status: None,
            error: Some((&error).into()),
            connection: None,
            granted: false,
            missing_scopes: Vec::new(),
            grants,
            added_at: None,
        }
    }

    pub(crate) fn declared(mut self, declaration: &connection_contract::ExtensionDeclaration) -> Self {
        let requirement = &declaration.requirement;
        self.title = Some(requirement.title.to_string());
        self.secret_names = requirement.auth.secret_names.iter().map(ToString::to_string).collect();
        self.commands = declaration.commands.iter().map(|command| command.name.to_string()).collect();
        self
    }

    pub(crate) fn resolved(mut self, resolved: &ResolvedConnection) -> Self {
        self.status = Some(resolved.status.as_str());
        self.error = resolved.error.as_ref().map(ErrorContent::from);
        self.connection = resolved.connection().map(|id| id.to_string());
        self.granted = resolved.is_granted();
        self.missing_scopes = resolved.missing_scopes().to_vec();
        self
    }
}

/// The shape of `extensions grant`, an element of `extensions revoke`, and a member of an extension.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantBody {
    extension: String,
    connection: String,
    kind: String,
    label: String,
    secret_names: Vec<String>,
    created_at: String,
    revoked_at: Option<String>,
}

impl GrantBody {
    pub(crate) fn of(grant: &Grant, info: &ConnectionInfo) -> Self {
        Self {
            extension: grant.extension.clone(),
            connection: grant.connection.to_string(),
            kind: info.kind.to_string(),
            label: info.label.to_string(),
            secret_names: grant.names.iter().map(ToString::to_string).collect(),
            created_at: grant.created_at.to_rfc3339(),
            revoked_at: grant.revoked_at.map(|at| at.to_rfc3339()),
        }
    }

    /// Returns the name of the connection, for people: `github:work`.
    pub(crate) fn named(&self) -> String {
        format!("{}:{}", self.kind, self.label)
    }

    /// Returns the name with the granted secrets: `github:work (accessToken)`.
    pub(crate) fn told(&self) -> String {
        let names = if self.secret_names.is_empty() { "no secret".to_owned() } else { self.secret_names.join(", ") };
        format!("{} ({names})", self.named())
    }
}

/// The shape of `extensions remove`.
#[derive(Debug, Serialize)]
pub(crate) struct ExtensionRemovedBody {
    pub(crate) name: String,
    /// The number of grants that were revoked.
    pub(crate) revoked: usize,
}

/// The shape of `preferences get` and `preferences set`.
#[derive(Debug, Serialize)]
pub(crate) struct PreferencesBody {
    pub(crate) extension: String,
    pub(crate) command: Option<String>,
    pub(crate) values: Value,
    /// The names of preferences that were set.
    pub(crate) set: Vec<String>,
    /// The names of required preferences without a value.
    pub(crate) missing: Vec<String>,
    /// The names of preferences for which the connection has its own value, which takes precedence.
    pub(crate) overridden: Vec<String>,
    pub(crate) revisions: RevisionsBody,
}

impl PreferencesBody {
    pub(crate) fn of(extension: &str, command: Option<&str>, read: &Preferences) -> Self {
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevisionsBody {
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

/// The shape of `open-settings`.
#[derive(Debug, Serialize)]
pub(crate) struct OpenSettingsBody {
    pub(crate) extension: String,
    pub(crate) command: Option<String>,
    /// `None` if nothing more is required.
    pub(crate) required: Option<RequiredBody>,
    /// The shape that `resolve` prints.
    pub(crate) resolved: Value,
    pub(crate) ticket: Option<String>,
}

/// The content of a view that needs a connection.
#[derive(Debug, Serialize)]
pub(crate) struct RequiredBody {
    title: String,
    guide: Option<String>,
    action: &'static str,
    kinds: Vec<String>,
    /// The command to run.
    way: Option<String>,
}

impl RequiredBody {
    pub(crate) fn of(required: &ConnectionRequired, way: Option<String>) -> Self {
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
