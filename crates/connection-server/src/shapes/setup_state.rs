//! The shape of a setup: its state, and what is known of it besides.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::http::Uri;
use connection_contract::{Descriptor, DisplayText, Field, Input, Notice, SetupFailure, Text};
use connection_core::{Outcome, SetupSession, SetupStep, StepNo};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountBody, GuideBody, ReasonBody, input_word, liveness_word, words};

/// A setup and its state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setup)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetupShape {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The name of the kind that a person reads.
    pub(crate) kind_title: String,
    /// The provider; `null` if the kind is not registered.
    pub(crate) provider: Option<String>,
    /// The name of the provider that a person reads.
    pub(crate) provider_title: String,
    /// The id of the connection that is authorized again.
    pub(crate) reauthorizes: Option<String>,
    /// The name of the extension for which an account is connected.
    pub(crate) extension: Option<String>,
    /// The time at which the setup was begun; `null` for one that has ended.
    pub(crate) created_at: Option<String>,
    /// The time at which the setup expires if it gets no input; `null` for one that has ended.
    pub(crate) expires_at: Option<String>,
    /// The number of the step, for answers; `null` while no step is shown.
    pub(crate) step: Option<u64>,
    /// The cursor of the state, for `after`.
    pub(crate) cursor: String,
    #[serde(flatten)]
    pub(crate) state: SetupState,
}

/// The state of a setup.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum SetupState {
    /// The setup was cancelled.
    Cancelled,
    /// The step asks whether the account is the right one.
    Confirm {
        /// The question for people, which names the account.
        title: String,
        account: AccountBody,
    },
    /// The connection was made or authorized again.
    Done {
        account: AccountBody,
        #[schema(value_type = words::Liveness)]
        liveness: &'static str,
        /// The reason why the connection is not live.
        reason: Option<ReasonBody>,
        /// The id of the connection.
        connection: Option<String>,
        /// The label of the connection; `null` for the visitor of a setup link.
        label: Option<String>,
    },
    /// The setup failed, and no connection was made or changed.
    Failed { reason: ReasonBody },
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
        /// Instructions for obtaining the values.
        guide: Vec<GuideBody>,
        fields: Vec<SetupField>,
        /// An address to open, as another way to continue.
        open: Option<String>,
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
        open: String,
        /// The host of the provider to which `open` leads.
        #[serde(rename = "openHost")]
        open_host: Option<String>,
        /// Notices that stay visible.
        beside: Vec<SetupNotice>,
    },
    /// The server asks the provider.
    Working,
}

/// A field to answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetupField {
    /// The name of the field, which is the key of the answer.
    name: String,
    label: String,
    #[schema(value_type = words::Input)]
    input: &'static str,
    /// `true` if an empty answer is refused.
    required: bool,
    /// `true` if the answer may be an array.
    many: bool,
    /// A text that says where to find the value.
    help: Option<String>,
    placeholder: Option<String>,
    /// The value that is used if the field is not answered.
    default: Option<String>,
    /// A regular expression that must match the whole answer.
    pattern: Option<String>,
    /// The values of a `choice`.
    choices: Vec<SetupChoice>,
}

/// A value to choose.
#[derive(Debug, Serialize, ToSchema)]
struct SetupChoice {
    value: String,
    label: String,
}

/// A notice that stays visible during a step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetupNotice {
    message: String,
    /// An address for the person to open.
    open: Option<String>,
    /// The code that the person types there.
    user_code: Option<String>,
    /// The reason why the provider cannot be reached now.
    reason: Option<ReasonBody>,
}

/// The state of a setup with the number of its step and its cursor.
#[derive(Debug)]
pub(crate) struct StateAtStep {
    pub(crate) step: Option<StepNo>,
    pub(crate) cursor: String,
    pub(crate) state: SetupState,
}

impl StateAtStep {
    /// Returns a state at a step; without one, the server asks the provider.
    pub(crate) fn new(shown: Option<(StepNo, SetupState)>) -> Self {
        let (step, state) = match shown {
            Some((step, state)) => (Some(step), state),
            None => (None, SetupState::Working),
        };
        let cursor = cursor(step, &state);
        Self { step, cursor, state }
    }

    /// Returns `true` if `after` names this state: by the cursor, or by the step's number alone.
    pub(crate) fn is_named_by(&self, after: &str) -> bool {
        after == self.cursor || after.parse().is_ok_and(|after| self.step == Some(after))
    }
}

/// Returns the step's number and a hash of the state, because some changes keep the number.
fn cursor(step: Option<StepNo>, state: &SetupState) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(state).unwrap_or_default().hash(&mut hasher);
    format!("{}-{:016x}", step.unwrap_or_default(), hasher.finish())
}

impl SetupShape {
    /// Converts a setup. `start` is the address of this host in place of the one that a browser opens. The other members
    /// are set by the caller, who knows them.
    pub(crate) fn new(session: &SetupSession, at: StateAtStep, kind_title: String, start: Option<String>) -> Self {
        Self {
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
            state: at.state.opening(start),
        }
    }
}

impl SetupState {
    /// Converts a step that is not the last one, with the guide of its kind, if the kind is registered.
    pub(crate) fn of(step: &SetupStep, kind: Option<&Descriptor>) -> Self {
        let guide = kind.map(|kind| step.guide(kind)).unwrap_or_default();
        match step {
            SetupStep::Prompt { prompt, fields, open, beside } => Self::Prompt {
                title: prompt.title.to_string(),
                problem: prompt.problem.as_ref().map(ToString::to_string),
                guide: guide.iter().filter_map(GuideBody::of).collect(),
                fields: fields.iter().map(SetupField::from).collect(),
                open: open.as_ref().map(|redirect| redirect.link.as_str().to_owned()),
                open_host: open.as_ref().and_then(|redirect| host_of(redirect.link.as_str())),
                returns: false,
                beside: notices(beside),
            },
            SetupStep::Confirm { identity } => {
                Self::Confirm { title: format!("Is {} the right account?", identity.label), account: identity.into() }
            }
            SetupStep::Redirect { redirect, beside } => {
                let open = redirect.link.as_str().to_owned();
                Self::Redirect { open_host: host_of(&open), open, beside: notices(beside) }
            }
            SetupStep::Notice { beside } => {
                Self::Notice { beside: notices(beside), resumable: beside.iter().any(|notice| notice.reason.is_some()) }
            }
            SetupStep::Done { identity, liveness } => Self::Done {
                account: identity.into(),
                liveness: liveness_word(*liveness),
                reason: None,
                connection: None,
                label: None,
            },
            SetupStep::Failed(failure) => Self::Failed { reason: failure.into() },
        }
    }

    /// Converts the outcome of a setup that has ended.
    pub(crate) fn ended(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Done(done) => Self::Done {
                account: (&done.identity).into(),
                liveness: liveness_word(done.liveness),
                reason: done.reason.as_ref().map(ReasonBody::from),
                connection: Some(done.connection.to_string()),
                label: Some(done.label.to_string()),
            },
            Outcome::Failed(failure) => Self::Failed { reason: failure.into() },
        }
    }

    /// Returns the state without the label of the connection.
    pub(crate) fn without_label(mut self) -> Self {
        if let Self::Done { label, .. } = &mut self {
            *label = None;
        }
        self
    }

    /// Returns the word for this state, which is its `type`.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Confirm { .. } => "confirm",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Notice { .. } => "notice",
            Self::Prompt { .. } => "prompt",
            Self::Redirect { .. } => "redirect",
            Self::Working => "working",
        }
    }

    /// Returns the reason why the setup failed; `None` if it did not.
    pub(crate) fn into_failure(self) -> Option<ReasonBody> {
        match self {
            Self::Failed { reason } => Some(reason),
            _ => None,
        }
    }

    /// Returns `true` if the setup has ended.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Cancelled | Self::Done { .. } | Self::Failed { .. })
    }

    /// Returns `true` if the state has an address that a browser opens.
    pub(crate) fn has_address(&self) -> bool {
        matches!(self, Self::Prompt { open: Some(_), .. } | Self::Redirect { .. })
    }

    /// Replaces the address that a browser opens by one of this host, to which the browser returns.
    fn opening(mut self, address: Option<String>) -> Self {
        match (&mut self, address) {
            (Self::Prompt { open: Some(open), returns, .. }, Some(address)) => {
                *open = address;
                *returns = true;
            }
            (Self::Redirect { open, .. }, Some(address)) => *open = address,
            _ => {}
        }
        self
    }
}

/// Returns the host of an address, with the port if the address names one, for a person who decides whether to go there.
fn host_of(address: &str) -> Option<String> {
    let address = address.parse::<Uri>().ok()?;
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}{port}", address.host()?))
}

fn notices(beside: &[Notice]) -> Vec<SetupNotice> {
    beside.iter().map(SetupNotice::from).collect()
}

impl From<&SetupFailure> for ReasonBody {
    fn from(failure: &SetupFailure) -> Self {
        Self::new(
            failure.code.to_string(),
            failure.message.to_string(),
            failure.remedy.as_ref().map(ToString::to_string),
        )
    }
}

impl From<&Field> for SetupField {
    fn from(field: &Field) -> Self {
        let choices = match &field.input {
            Input::Choice(choices) => choices.as_slice(),
            _ => &[],
        };
        let choice =
            |(value, label): &(Text, DisplayText)| SetupChoice { value: value.to_string(), label: label.to_string() };
        Self {
            name: field.name.to_string(),
            label: field.label.to_string(),
            input: input_word(&field.input),
            required: field.required,
            many: field.many,
            help: field.help.as_ref().map(ToString::to_string),
            placeholder: field.placeholder.as_ref().map(ToString::to_string),
            default: field.default.as_ref().map(ToString::to_string),
            pattern: field.pattern.as_ref().map(ToString::to_string),
            choices: choices.iter().map(choice).collect(),
        }
    }
}

impl From<&Notice> for SetupNotice {
    fn from(notice: &Notice) -> Self {
        Self {
            message: notice.message.to_string(),
            open: notice.link.as_ref().map(|link| link.as_str().to_owned()),
            user_code: notice.user_code.as_ref().map(ToString::to_string),
            reason: notice.reason.as_ref().map(ReasonBody::from),
        }
    }
}
