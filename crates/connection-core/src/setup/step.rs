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
