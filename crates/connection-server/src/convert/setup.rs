//! Setups: their states, and what is known of them besides.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::Uri;
use connection_api as api;
use connection_contract::{Descriptor, Field, Notice, SetupFailure};
use connection_core::{Outcome, SetupInfo, SetupSession, SetupStage, SetupStep, StepNo};

use super::{account, connection::provider_text, guide, input, kind::choices, liveness, reason};

/// Converts a setup that has not ended.
pub fn open_setup(info: &SetupInfo) -> api::OpenSetup {
    api::OpenSetup {
        id: info.id.to_string(),
        kind: info.kind.to_string(),
        state: stage(info.stage),
        step: info.step,
        reason: info.reason.as_ref().map(reason),
        reauthorizes: info.reauthorizes.map(|id| id.to_string()),
        extension: info.extension.clone(),
        created_at: info.created_at.to_rfc3339(),
        expires_at: info.expires_at.to_rfc3339(),
    }
}

/// Converts the stage of a setup.
pub fn stage(stage: SetupStage) -> api::SetupStage {
    match stage {
        SetupStage::Waiting => api::SetupStage::Waiting,
        _ => api::SetupStage::Running,
    }
}

/// The state of a setup with the number of its step and its cursor.
#[derive(Debug)]
pub(crate) struct StateAtStep {
    pub(crate) step: Option<StepNo>,
    pub(crate) cursor: String,
    pub(crate) state: api::SetupState,
}

impl StateAtStep {
    /// Returns a state at a step; without one, the server asks the provider.
    pub(crate) fn new(shown: Option<(StepNo, api::SetupState)>) -> Self {
        let (step, state) = match shown {
            Some((step, state)) => (Some(step), state),
            None => (None, api::SetupState::Working),
        };
        let cursor = cursor(step, &state);
        Self { step, cursor, state }
    }

    /// Returns `true` if `after` names this state: by the cursor, or by the step's number alone.
    pub(crate) fn is_named_by(&self, after: &str) -> bool {
        after == self.cursor || after.parse().is_ok_and(|after| self.step == Some(after))
    }

    /// Returns `true` if the state has an address that a browser opens.
    pub(crate) fn has_address(&self) -> bool {
        matches!(self.state, api::SetupState::Prompt { open: Some(_), .. } | api::SetupState::Redirect { .. })
    }
}

/// Returns the step's number and a hash of the state, because some changes keep the number.
fn cursor(step: Option<StepNo>, state: &api::SetupState) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(state).unwrap_or_default().hash(&mut hasher);
    format!("{}-{:016x}", step.unwrap_or_default(), hasher.finish())
}

/// Converts a setup. `start` is the address of this host in place of the one that a browser opens. The other members
/// are set by the caller, who knows them.
pub(crate) fn setup(session: &SetupSession, at: StateAtStep, kind_title: String, start: Option<String>) -> api::Setup {
    api::Setup {
        id: session.id().to_string(),
        kind: session.kind().to_string(),
        kind_title,
        provider: None,
        provider_title: String::new(),
        reauthorizes: None,
        extension: None,
        created_at: None,
        expires_at: None,
        step: at.step,
        cursor: at.cursor,
        state: opening(at.state, start),
    }
}

/// Converts a step that is not the last one, with the guide of its kind, if the kind is registered.
pub(crate) fn step(step: &SetupStep, kind: Option<&Descriptor>) -> api::SetupState {
    let parts = kind.map(|kind| step.guide(kind)).unwrap_or_default();
    match step {
        SetupStep::Prompt { prompt, fields, open, beside } => {
            let open = open.as_ref().map(|redirect| redirect.link.as_str().to_owned());
            api::SetupState::Prompt {
                title: prompt.title.to_string(),
                problem: prompt.problem.as_ref().map(ToString::to_string),
                provider_text: provider_text(prompt.provider_text.as_ref()),
                guide: parts.iter().filter_map(guide).collect(),
                fields: fields.iter().map(field).collect(),
                open_host: open.as_deref().and_then(host_of),
                open: open.map(Into::into),
                returns: false,
                beside: notices(beside),
            }
        }
        SetupStep::Confirm { identity } => api::SetupState::Confirm {
            title: format!("Is {} the right account?", identity.label),
            account: account(identity),
        },
        SetupStep::Redirect { redirect, beside } => {
            let open = redirect.link.as_str().to_owned();
            api::SetupState::Redirect { open_host: host_of(&open), open: open.into(), beside: notices(beside) }
        }
        SetupStep::Notice { beside } => api::SetupState::Notice {
            beside: notices(beside),
            resumable: beside.iter().any(|notice| notice.reason.is_some()),
        },
        SetupStep::Done { identity, liveness: state } => api::SetupState::Done {
            account: account(identity),
            liveness: liveness(*state),
            reason: None,
            connection: None,
            label: None,
        },
        SetupStep::Failed(why) => api::SetupState::Failed { reason: failure(why) },
    }
}

/// Converts the outcome of a setup that has ended.
pub(crate) fn outcome(outcome: &Outcome) -> api::SetupState {
    match outcome {
        Outcome::Cancelled => api::SetupState::Cancelled,
        Outcome::Done(done) => api::SetupState::Done {
            account: account(&done.identity),
            liveness: liveness(done.liveness),
            reason: done.reason.as_ref().map(reason),
            connection: Some(done.connection.to_string()),
            label: Some(done.label.to_string()),
        },
        Outcome::Failed(why) => api::SetupState::Failed { reason: failure(why) },
    }
}

/// Returns the state for the visitor of a setup link: without the label of the connection and the provider's own words, which
/// are the owner's.
pub(crate) fn for_visitor(mut state: api::SetupState) -> api::SetupState {
    let beside = match &mut state {
        api::SetupState::Done { label, reason, .. } => {
            *label = None;
            reason.iter_mut().for_each(|reason| reason.provider_text = None);
            return state;
        }
        api::SetupState::Failed { reason } => {
            reason.provider_text = None;
            return state;
        }
        api::SetupState::Prompt { provider_text, beside, .. } => {
            *provider_text = None;
            beside
        }
        api::SetupState::Notice { beside, .. } | api::SetupState::Redirect { beside, .. } => beside,
        _ => return state,
    };
    beside.iter_mut().filter_map(|notice| notice.reason.as_mut()).for_each(|reason| reason.provider_text = None);
    state
}

/// Replaces the address that a browser opens by one of this host, to which the browser returns.
fn opening(mut state: api::SetupState, address: Option<String>) -> api::SetupState {
    match (&mut state, address) {
        (api::SetupState::Prompt { open: Some(open), returns, .. }, Some(address)) => {
            *open = address.into();
            *returns = true;
        }
        (api::SetupState::Redirect { open, .. }, Some(address)) => *open = address.into(),
        _ => {}
    }
    state
}

/// Converts the failure of a setup.
fn failure(failure: &SetupFailure) -> api::Reason {
    api::Reason {
        code: failure.code.to_string(),
        message: failure.message.to_string(),
        remedy: failure.remedy.as_ref().map(ToString::to_string),
        provider_text: provider_text(failure.provider_text.as_ref()),
    }
}

/// Returns the host of an address, with the port if the address names one, for a person who decides whether to go there.
fn host_of(address: &str) -> Option<String> {
    let address = address.parse::<Uri>().ok()?;
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", address.host()?))
}

fn notices(beside: &[Notice]) -> Vec<api::SetupNotice> {
    let notice = |notice: &Notice| api::SetupNotice {
        message: notice.message.to_string(),
        open: notice.link.as_ref().map(|link| link.as_str().to_owned().into()),
        user_code: notice.user_code.as_ref().map(ToString::to_string),
        reason: notice.reason.as_ref().map(reason),
    };
    beside.iter().map(notice).collect()
}

fn field(field: &Field) -> api::SetupField {
    api::SetupField {
        name: field.name.to_string(),
        label: field.label.to_string(),
        input: input(&field.input),
        required: field.required,
        many: field.many,
        help: field.help.as_ref().map(ToString::to_string),
        placeholder: field.placeholder.as_ref().map(ToString::to_string),
        default: field.default.as_ref().map(ToString::to_string),
        pattern: field.pattern.as_ref().map(ToString::to_string),
        choices: choices(&field.input),
    }
}
