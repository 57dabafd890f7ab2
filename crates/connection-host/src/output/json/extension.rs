//! Extensions, what they may use, and what they are set to.

use connection_core::{
    ConnectionInfo, ConnectionRequired, ExtensionInfo, Grant, Preferences, RequiredAction, ResolvedConnection,
    Revisions,
};
use serde::Serialize;
use serde_json::Value;

use super::ErrorContent;
use crate::{Error, Exit, output::quoted};

/// `extensions add`, and an element of `extensions`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtensionBody {
    pub(crate) name: String,
    /// `None` where nothing says it, as of one that was not added.
    pub(crate) provider: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) secret_names: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) status: Option<&'static str>,
    pub(crate) error: Option<ErrorContent>,
    /// The id of the one that is meant.
    pub(crate) connection: Option<String>,
    pub(crate) granted: bool,
    /// The scopes that it declares and the connection lacks.
    pub(crate) missing_scopes: Vec<String>,
    pub(crate) grants: Vec<GrantBody>,
    pub(crate) added_at: Option<String>,
}

impl ExtensionBody {
    /// Without what its declaration says, which may be none any more.
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

    /// Of one that was not added: a host made its handle itself, and let it use these.
    pub(crate) fn unadded(name: String, grants: Vec<GrantBody>) -> Self {
        let own = quoted(&name);
        let message = "it was not added; a host lets it use this";
        let remedy = format!(
            "add it with `connections extensions add FILE`, or take back what it may use with `connections extensions revoke {own}`"
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

/// `extensions grant`, an element of `extensions revoke`, and in an extension.
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

    /// What it is of, for people: `github:work`.
    pub(crate) fn named(&self) -> String {
        format!("{}:{}", self.kind, self.label)
    }

    /// The same with the secrets that may be had: `github:work (accessToken)`.
    pub(crate) fn told(&self) -> String {
        let names = if self.secret_names.is_empty() { "no secret".to_owned() } else { self.secret_names.join(", ") };
        format!("{} ({names})", self.named())
    }
}

/// `extensions remove`.
#[derive(Debug, Serialize)]
pub(crate) struct ExtensionRemovedBody {
    pub(crate) name: String,
    /// What it may not use any more.
    pub(crate) revoked: usize,
}

/// `preferences get` and `preferences set`.
#[derive(Debug, Serialize)]
pub(crate) struct PreferencesBody {
    pub(crate) extension: String,
    pub(crate) command: Option<String>,
    pub(crate) values: Value,
    /// The names that somebody has set.
    pub(crate) set: Vec<String>,
    /// The names of those that are required and have no value.
    pub(crate) missing: Vec<String>,
    /// The names of those for which the connection has a value of its own, which is used.
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

/// `open-settings`.
#[derive(Debug, Serialize)]
pub(crate) struct OpenSettingsBody {
    pub(crate) extension: String,
    pub(crate) command: Option<String>,
    /// `None` when nothing is required any more.
    pub(crate) required: Option<RequiredBody>,
    /// As `resolve` prints it.
    pub(crate) resolved: Value,
    pub(crate) ticket: Option<String>,
}

/// What a view shows in the place of what needs a connection.
#[derive(Debug, Serialize)]
pub(crate) struct RequiredBody {
    title: String,
    guide: Option<String>,
    action: &'static str,
    kinds: Vec<String>,
    /// The command that does it.
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

/// `connect`
fn action_word(action: RequiredAction) -> &'static str {
    match action {
        RequiredAction::Choose => "choose",
        RequiredAction::Connect => "connect",
        RequiredAction::Grant => "grant",
        RequiredAction::Reauthorize => "reauthorize",
        _ => "unavailable",
    }
}
