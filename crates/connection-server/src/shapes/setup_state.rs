//! The shape of a setup: its state, and what is known of it besides.

use connection_inbound::{ChoiceBody, FieldBody, NoticeBody, SetupBody, StateBody};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountBody, GuideBody, ReasonBody, words};

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
        /// The label of the connection.
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
        /// Notices that stay visible.
        beside: Vec<SetupNotice>,
    },
    /// The step asks to open an address; the browser returns by itself.
    Redirect {
        /// The address to open in a browser.
        open: String,
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

impl SetupShape {
    /// Converts a setup. `start` is the address of this host in place of the one that a browser opens. The other members
    /// are set by the caller, who knows them.
    pub(crate) fn new(setup: SetupBody, kind_title: String, start: Option<String>) -> Self {
        Self {
            id: setup.id,
            kind: setup.kind,
            kind_title,
            provider: None,
            reauthorizes: None,
            extension: None,
            created_at: None,
            expires_at: None,
            step: setup.step,
            cursor: setup.cursor,
            state: SetupState::new(setup.state, start),
        }
    }
}

impl SetupState {
    fn new(state: StateBody, start: Option<String>) -> Self {
        match state {
            StateBody::Cancelled => Self::Cancelled,
            StateBody::Confirm { title, account } => Self::Confirm { title, account: account.into() },
            StateBody::Done { account, liveness, reason, connection, label } => Self::Done {
                account: account.into(),
                liveness,
                reason: reason.map(ReasonBody::from),
                connection,
                label,
            },
            StateBody::Failed { reason } => Self::Failed { reason: reason.into() },
            StateBody::Notice { beside, resumable } => Self::Notice { beside: notices(beside), resumable },
            StateBody::Prompt { title, problem, guide, fields, open, beside } => Self::Prompt {
                title,
                problem,
                guide: guide.into_iter().map(GuideBody::from).collect(),
                fields: fields.into_iter().map(SetupField::from).collect(),
                open: open.map(|open| start.unwrap_or(open)),
                beside: notices(beside),
            },
            StateBody::Redirect { open, beside } => {
                Self::Redirect { open: start.unwrap_or(open), beside: notices(beside) }
            }
            // Whoever reads a state that this version does not know waits for the next one.
            _ => Self::Working,
        }
    }
}

fn notices(beside: Vec<NoticeBody>) -> Vec<SetupNotice> {
    beside.into_iter().map(SetupNotice::from).collect()
}

impl From<connection_inbound::AccountBody> for AccountBody {
    fn from(account: connection_inbound::AccountBody) -> Self {
        Self { id: account.id, label: account.label }
    }
}

impl From<connection_inbound::GuideBody> for GuideBody {
    fn from(part: connection_inbound::GuideBody) -> Self {
        Self { text: part.text, open: part.open }
    }
}

impl From<connection_inbound::ReasonBody> for ReasonBody {
    fn from(reason: connection_inbound::ReasonBody) -> Self {
        Self { code: reason.code, message: reason.message, remedy: reason.remedy }
    }
}

impl From<FieldBody> for SetupField {
    fn from(field: FieldBody) -> Self {
        let choice = |choice: ChoiceBody| SetupChoice { value: choice.value, label: choice.label };
        Self {
            name: field.name,
            label: field.label,
            input: field.input,
            required: field.required,
            many: field.many,
            help: field.help,
            placeholder: field.placeholder,
            default: field.default,
            pattern: field.pattern,
            choices: field.choices.into_iter().map(choice).collect(),
        }
    }
}

impl From<NoticeBody> for SetupNotice {
    fn from(notice: NoticeBody) -> Self {
        Self {
            message: notice.message,
            open: notice.open,
            user_code: notice.user_code,
            reason: notice.reason.map(ReasonBody::from),
        }
    }
}
