//! The JSON form of a setup, converted from the core's step field by field.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use connection_contract::{Field, Guide, Identity, Input, Liveness, Notice, Reason, SetupFailure};
use connection_core::{Outcome, SetupSession, SetupStep, StepNo};
use serde::Serialize;

/// A setup and its state.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetupBody {
    /// The id of the setup, for all other requests.
    pub id: String,
    /// The kind of the connection.
    pub kind: String,
    /// The number of the step, for answers; `null` while no step is shown.
    pub step: Option<StepNo>,
    /// The cursor of the state; a request with `?after=CURSOR` waits for another state.
    pub cursor: String,
    /// The state of the setup, with its fields in this object.
    #[serde(flatten)]
    pub state: StateBody,
}

/// The state of a setup.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum StateBody {
    /// The setup was cancelled.
    Cancelled,
    /// The step asks whether the account is the right one. An answer without fields confirms it.
    Confirm {
        /// The question for people, which names the account.
        title: String,
        /// The account that a person signed in to.
        account: AccountBody,
    },
    /// The connection was made or re-authorized.
    Done {
        /// The account that was connected.
        account: AccountBody,
        /// `live`, `offline`, `failing` or `unknown`.
        liveness: &'static str,
        /// The reason why the connection is not live.
        reason: Option<ReasonBody>,
        /// The id of the connection.
        connection: Option<String>,
        /// The label of the connection.
        label: Option<String>,
    },
    /// The setup failed; no connection was made or changed.
    Failed {
        /// The reason why the setup failed.
        reason: ReasonBody,
    },
    /// There is nothing to answer.
    Notice {
        /// Notices that stay on the page.
        beside: Vec<NoticeBody>,
        /// `true` if the setup waits to be resumed: the provider cannot be reached now, and the answers are kept.
        resumable: bool,
    },
    /// The step asks for answers.
    Prompt {
        /// The heading above the fields.
        title: String,
        /// The problem with the previous answer.
        problem: Option<String>,
        /// Instructions for obtaining the requested values; empty if there is an address to open.
        guide: Vec<GuideBody>,
        /// The fields, in order.
        fields: Vec<FieldBody>,
        /// An address to open, as another way to continue.
        open: Option<String>,
        /// Notices that stay on the page.
        beside: Vec<NoticeBody>,
    },
    /// The step asks to open an address; the browser returns by itself.
    Redirect {
        /// The address to open in a browser.
        open: String,
        /// Notices that stay on the page.
        beside: Vec<NoticeBody>,
    },
    /// The plugin is working.
    Working,
}

/// An account at the provider.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AccountBody {
    /// The provider's id of the account.
    pub id: String,
    /// The name for people.
    pub label: String,
}

/// The reason why something does not work.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ReasonBody {
    /// The stable code for programs.
    pub code: String,
    /// One sentence that says what is wrong.
    pub message: String,
    /// A sentence that says how to resolve the problem.
    pub remedy: Option<String>,
}

/// A field to answer, as its plugin declares it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FieldBody {
    /// The name of the field, which is the key of the answer.
    pub name: String,
    /// The label for people.
    pub label: String,
    /// The type of input: `bool`, `choice`, `directory`, `number`, `secret`, `text` or `url`.
    pub input: &'static str,
    /// `true` if an empty answer is refused.
    pub required: bool,
    /// `true` if the answer may be an array.
    pub many: bool,
    /// A text that says where to find the value.
    pub help: Option<String>,
    /// The text shown while the field is empty.
    pub placeholder: Option<String>,
    /// The value used if the field is not answered.
    pub default: Option<String>,
    /// A regular expression that must match the whole answer.
    pub pattern: Option<String>,
    /// The values to choose from.
    pub choices: Vec<ChoiceBody>,
}

/// A part of a kind's guide.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct GuideBody {
    /// The text for people: a sentence, or the name of the address.
    pub text: String,
    /// The address to open.
    pub open: Option<String>,
}

/// A value to choose.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ChoiceBody {
    /// The value to answer with.
    pub value: String,
    /// The label for people.
    pub label: String,
}

/// A notice that stays on the page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NoticeBody {
    /// One sentence that a person reads.
    pub message: String,
    /// The address to open.
    pub open: Option<String>,
    /// The code to type there.
    pub user_code: Option<String>,
    /// The reason why the provider cannot be reached now.
    pub reason: Option<ReasonBody>,
}

impl SetupBody {
    pub(super) fn new(session: &SetupSession, shown: Option<(StepNo, StateBody)>) -> Self {
        let (step, state) = match shown {
            Some((step, state)) => (Some(step), state),
            None => (None, StateBody::Working),
        };
        let cursor = cursor(step, &state);
        Self { id: session.id().to_string(), kind: session.kind().to_string(), step, cursor, state }
    }
}

/// Returns the step's number and a hash of the state, because some changes keep the number.
fn cursor(step: Option<StepNo>, state: &StateBody) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(state).unwrap_or_default().hash(&mut hasher);
    format!("{}-{:016x}", step.unwrap_or_default(), hasher.finish())
}

impl StateBody {
    /// Converts a step that is not the last one, with the guide of its kind.
    pub(super) fn of(step: &SetupStep, guide: &[Guide]) -> Self {
        match step {
            SetupStep::Prompt { prompt, fields, open, beside } => Self::Prompt {
                title: prompt.title.to_string(),
                problem: prompt.problem.as_ref().map(ToString::to_string),
                guide: if open.is_none() { guide.iter().filter_map(GuideBody::of).collect() } else { Vec::new() },
                fields: fields.iter().map(FieldBody::from).collect(),
                open: open.as_ref().map(|redirect| redirect.link.as_str().to_owned()),
                beside: beside.iter().map(NoticeBody::from).collect(),
            },
            SetupStep::Confirm { identity } => {
                Self::Confirm { title: format!("Is {} the right account?", identity.label), account: identity.into() }
            }
            SetupStep::Redirect { redirect, beside } => Self::Redirect {
                open: redirect.link.as_str().to_owned(),
                beside: beside.iter().map(NoticeBody::from).collect(),
            },
            SetupStep::Notice { beside } => Self::Notice {
                beside: beside.iter().map(NoticeBody::from).collect(),
                resumable: beside.iter().any(|notice| notice.reason.is_some()),
            },
            SetupStep::Done { identity, liveness } => Self::Done {
                account: identity.into(),
                liveness: word(*liveness),
                reason: None,
                connection: None,
                label: None,
            },
            SetupStep::Failed(failure) => Self::Failed { reason: failure.into() },
        }
    }

    pub(super) fn ended(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Done(done) => Self::Done {
                account: (&done.identity).into(),
                liveness: word(done.liveness),
                reason: done.reason.as_ref().map(ReasonBody::from),
                connection: Some(done.connection.to_string()),
                label: Some(done.label.to_string()),
            },
            Outcome::Failed(failure) => Self::Failed { reason: failure.into() },
        }
    }
}

impl GuideBody {
    /// Converts a part of a guide; `None` for a part that this crate does not know.
    fn of(part: &Guide) -> Option<Self> {
        match part {
            Guide::Link(text, address) => Some(Self { text: text.to_string(), open: Some(address.to_string()) }),
            Guide::Text(text) => Some(Self { text: text.to_string(), open: None }),
            _ => None,
        }
    }
}

impl From<&Identity> for AccountBody {
    fn from(identity: &Identity) -> Self {
        Self { id: identity.account_id.to_string(), label: identity.label.to_string() }
    }
}

impl From<&Reason> for ReasonBody {
    fn from(reason: &Reason) -> Self {
        let remedy = reason.remedy.as_ref().map(ToString::to_string);
        Self { code: reason.code.to_string(), message: reason.message.to_string(), remedy }
    }
}

impl From<&SetupFailure> for ReasonBody {
    fn from(failure: &SetupFailure) -> Self {
        let remedy = failure.remedy.as_ref().map(ToString::to_string);
        Self { code: failure.code.to_string(), message: failure.message.to_string(), remedy }
    }
}

impl From<&Notice> for NoticeBody {
    fn from(notice: &Notice) -> Self {
        Self {
            message: notice.message.to_string(),
            open: notice.link.as_ref().map(|link| link.as_str().to_owned()),
            user_code: notice.user_code.as_ref().map(ToString::to_string),
            reason: notice.reason.as_ref().map(ReasonBody::from),
        }
    }
}

impl From<&Field> for FieldBody {
    fn from(field: &Field) -> Self {
        let choices = match &field.input {
            Input::Choice(choices) => choices.as_slice(),
            _ => &[],
        };
        let choice = |(value, label): &(connection_contract::Text, connection_contract::DisplayText)| ChoiceBody {
            value: value.to_string(),
            label: label.to_string(),
        };
        Self {
            name: field.name.to_string(),
            label: field.label.to_string(),
            input: input(&field.input),
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

fn input(input: &Input) -> &'static str {
    match input {
        Input::Bool => "bool",
        Input::Choice(_) => "choice",
        Input::Directory => "directory",
        Input::Number => "number",
        Input::Secret => "secret",
        Input::Url => "url",
        _ => "text",
    }
}

fn word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Live => "live",
        Liveness::Offline => "offline",
        Liveness::Failing => "failing",
        _ => "unknown",
    }
}
