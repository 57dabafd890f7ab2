//! What hosts see of a setup.

use connection_contract::{DisplayText, Field, Identity, Liveness, Notice, Prompt, Reason, Redirect, SetupFailure};

use crate::ConnectionId;

/// The number of a step: `advance` names the one that it answers.
pub type StepNo = u64;

/// What a host renders.
///
/// `beside` is what stays on the page: earlier notices, then those of this step.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new step must break a host until it is handled")]
pub enum SetupStep {
    /// Show the account, and [`advance`](super::SetupSession::advance) without answers once a person has confirmed that it
    /// is the right one; nothing is stored before. [Cancel](super::SetupSession::cancel) the session of an account that is
    /// not. Only a session that [confirms](super::BeginSetup::confirm_account) comes to this step.
    Confirm {
        /// The account that the provider says was signed in to.
        identity: Identity,
    },
    /// Ask, then `advance`. May offer an address to open, too, when several ways race.
    Prompt {
        /// What to ask.
        prompt: Prompt,
        /// The declared fields that it names, in its order.
        fields: Vec<Field>,
        /// Another way to go on.
        open: Option<Redirect>,
        /// Stays on the page.
        beside: Vec<Notice>,
    },
    /// Send the browser there; it comes back by itself.
    Redirect {
        /// Where to.
        redirect: Redirect,
        /// Stays on the page.
        beside: Vec<Notice>,
    },
    /// Show; nothing to answer. A notice with a reason says that the provider cannot be asked now: the answers are
    /// kept, and resuming the session asks again. Otherwise it goes on by itself.
    Notice {
        /// Stays on the page.
        beside: Vec<Notice>,
    },
    /// The connection is made, or authorized again, and stored.
    Done {
        /// Which account.
        identity: Identity,
        /// As the candidate was measured.
        liveness: Liveness,
    },
    /// Nothing was made or changed, and nothing is kept.
    Failed(SetupFailure),
}

impl SetupStep {
    /// Returns why the setup has come to this step and not to its end: what is wrong with the last answers, why the
    /// provider cannot be asked now, or why the setup failed. `None` where nothing is wrong.
    ///
    /// ```
    /// use connection_contract::SetupFailure;
    /// use connection_core::SetupStep;
    ///
    /// let step = SetupStep::Failed(SetupFailure::new("account_connected", "this account is connected already"));
    /// assert_eq!(step.problem().as_deref(), Some("this account is connected already"));
    /// ```
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Prompt { prompt, .. } => prompt.problem.as_ref().map(ToString::to_string),
            Self::Notice { beside } => {
                let reason = beside.iter().find_map(|notice| notice.reason.as_ref());
                reason.map(|reason| reason.message.to_string())
            }
            Self::Failed(failure) => Some(failure.to_string()),
            Self::Confirm { .. } | Self::Redirect { .. } | Self::Done { .. } => None,
        }
    }
}

/// What a setup made. The row is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Done {
    /// Its id.
    pub connection: ConnectionId,
    /// Its label.
    pub label: DisplayText,
    /// Which account it reaches.
    pub identity: Identity,
    /// As the candidate was measured.
    pub liveness: Liveness,
    /// Why it is not live.
    pub reason: Option<Reason>,
}

/// How a session ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a session ends in one of these three ways")]
pub enum Outcome {
    /// `cancel` was called; nothing is kept.
    Cancelled,
    /// With a connection, made or authorized again, which is stored.
    Done(Done),
    /// Without one; nothing is kept.
    Failed(SetupFailure),
}

impl Outcome {
    /// The last step that a host renders; none for a session that was cancelled.
    pub(crate) fn step(&self) -> Option<SetupStep> {
        match self {
            Self::Cancelled => None,
            Self::Done(done) => Some(SetupStep::Done { identity: done.identity.clone(), liveness: done.liveness }),
            Self::Failed(failure) => Some(SetupStep::Failed(failure.clone())),
        }
    }
}
