//! A setup as it is shown: the core's step, by hand, name by name.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use connection_contract::{Field, Guide, Identity, Input, Liveness, Notice, Reason, SetupFailure};
use connection_core::{Outcome, SetupSession, SetupStep, StepNo};
use serde::Serialize;

/// Where a setup stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SetupBody {
    /// Names it in every other request.
    pub id: String,
    /// Of what kind the connection will be.
    pub kind: String,
    /// The number of the step, for answers; `null` while nothing is shown.
    pub step: Option<StepNo>,
    /// What is shown, as a word: `?after=` it waits for something else.
    pub cursor: String,
    /// What is shown.
    #[serde(flatten)]
    pub state: StateBody,
}

/// What is shown.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum StateBody {
    /// It was cancelled.
    Cancelled,
    /// The connection is there.
    Done {
        /// Which account.
        account: AccountBody,
        /// `live`, `offline`, `failing` or `unknown`.
        liveness: &'static str,
        /// Why it is not live.
        reason: Option<ReasonBody>,
        /// The connection's id.
        connection: Option<String>,
        /// The connection's label.
        label: Option<String>,
    },
    /// No connection was made or changed.
    Failed {
        /// Why.
        reason: ReasonBody,
    },
    /// Nothing to answer.
    Notice {
        /// Stays on the page.
        beside: Vec<NoticeBody>,
        /// Whether it waits to be resumed: the provider cannot be asked now, and the answers are kept.
        resumable: bool,
    },
    /// Something to answer.
    Prompt {
        /// Heading.
        title: String,
        /// What was wrong with the previous answer.
        problem: Option<String>,
        /// How to get what is asked for; empty where an address is opened.
        guide: Vec<GuideBody>,
        /// In order.
        fields: Vec<FieldBody>,
        /// Another way to go on: an address to open.
        open: Option<String>,
        /// Stays on the page.
        beside: Vec<NoticeBody>,
    },
    /// An address to open; the browser comes back by itself.
    Redirect {
        /// The address.
        open: String,
        /// Stays on the page.
        beside: Vec<NoticeBody>,
    },
    /// The plugin works.
    Working,
}

/// An account.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AccountBody {
    /// The provider's own id of it.
    pub id: String,
    /// For people.
    pub label: String,
}

/// Why something does not work.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ReasonBody {
    /// For programs.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do.
    pub remedy: Option<String>,
}

/// A field to answer, as its plugin declares it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct FieldBody {
    /// The key of the answer.
    pub name: String,
    /// For people.
    pub label: String,
    /// `bool`, `choice`, `directory`, `number`, `secret`, `text` or `url`.
    pub input: &'static str,
    /// Refused when empty.
    pub required: bool,
    /// Takes an array.
    pub many: bool,
    /// Where to find it.
    pub help: Option<String>,
    /// Shown while empty.
    pub placeholder: Option<String>,
    /// Used when not answered.
    pub default: Option<String>,
    /// A regular expression that the whole answer matches.
    pub pattern: Option<String>,
    /// What may be chosen.
    pub choices: Vec<ChoiceBody>,
}

/// A part of a kind's guide.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct GuideBody {
    /// For people: a sentence, or what the address is called.
    pub text: String,
    /// Where to go.
    pub open: Option<String>,
}

/// What may be chosen.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ChoiceBody {
    /// The answer.
    pub value: String,
    /// For people.
    pub label: String,
}

/// Stays on the page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NoticeBody {
    /// One sentence.
    pub message: String,
    /// Where to go.
    pub open: Option<String>,
    /// What to type there.
    pub user_code: Option<String>,
    /// Why the provider cannot be asked now.
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

/// The step's number, and a hash of all that is shown: some changes keep the number.
fn cursor(step: Option<StepNo>, state: &StateBody) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(state).unwrap_or_default().hash(&mut hasher);
    format!("{}-{:016x}", step.unwrap_or_default(), hasher.finish())
}

impl StateBody {
    /// A step that is not the last one, with the guide of its kind.
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
            // An answer without fields confirms it.
            SetupStep::Confirm { identity } => Self::Prompt {
                title: format!("Is {} the right account?", identity.label),
                problem: None,
                guide: Vec::new(),
                fields: Vec::new(),
                open: None,
                beside: Vec::new(),
            },
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

    /// The end.
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
    /// `None` for a part that a later contract has and this crate does not know.
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
