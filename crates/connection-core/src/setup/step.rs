//! The steps of a setup session, which a host renders, and the ways in which a session ends.

use connection_contract::{
    Descriptor, DisplayText, Field, Guide, Identity, Liveness, Notice, Prompt, Reason, Redirect, SetupFailure,
};

use crate::ConnectionId;

/// The number of a step. [`advance`](super::SetupSession::advance) names the step that it answers.
pub type StepNo = u64;

/// A step of a setup session, for the host to render.
///
/// `beside` holds the notices that stay on the page: earlier notices first, then those of this step. The guide of the
/// kind is not part of the step; [`guide`](Self::guide) returns what to show of it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new step must break a host until it is handled")]
pub enum SetupStep {
    /// Show the account, and [`advance`](super::SetupSession::advance) without answers once a person has confirmed
    /// that it is the right one. Nothing is stored before that. If it is the wrong account,
    /// [cancel](super::SetupSession::cancel) the session. Only a session that
    /// [confirms](super::BeginSetup::confirm_account) comes to this step.
    Confirm {
        /// The account that was signed in to, according to the provider.
        identity: Identity,
    },
    /// Show the prompt, then call `advance` with the answers. When several ways race, the step may also offer an
    /// address to open.
    Prompt {
        /// The prompt to show, with its title and the problem of the previous answers.
        prompt: Prompt,
        /// The declared fields that the prompt names, in the order of the prompt.
        fields: Vec<Field>,
        /// The address that a person may open instead of answering.
        open: Option<Redirect>,
        /// The notices that stay on the page.
        beside: Vec<Notice>,
    },
    /// Send the browser to the address. The browser comes back by itself.
    Redirect {
        /// The address to which the browser is sent.
        redirect: Redirect,
        /// The notices that stay on the page.
        beside: Vec<Notice>,
    },
    /// Show the notices; there is nothing to answer. A notice with a reason says that the provider cannot be asked
    /// now: the answers are saved, and resuming the session asks again. Without such a notice, the session continues
    /// by itself.
    Notice {
        /// The notices that stay on the page.
        beside: Vec<Notice>,
    },
    /// The connection was made, or authorized again, and is stored.
    Done {
        /// The account that the connection reaches.
        identity: Identity,
        /// Liveness of the connection, as it was measured for the new credential or later.
        liveness: Liveness,
    },
    /// The setup failed. No connection was made or changed, and nothing is kept.
    Failed(SetupFailure),
}

impl SetupStep {
    /// Returns why the setup has come to this step and not to its end: what is wrong with the last answers, why the
    /// provider cannot be asked now, or why the setup failed. Returns `None` if nothing is wrong.
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

    /// Returns the parts of the kind's guide to show with this step: how a person gets what the step asks for.
    ///
    /// A step that asks for nothing, or that offers an address to open, has no guide. The guide of a kind that asks for
    /// some answers [only once](Field::kept) says how to get those: it belongs to the step that asks for them. So a
    /// person who signs in through an application that is registered already does not read how to register one.
    ///
    /// The descriptor is the one that [`kinds().get`](crate::Kinds::get) returns for the kind of the session.
    ///
    /// ```
    /// use connection_contract::{AuthType, Descriptor, Field, Kind, Prompt};
    /// use connection_core::SetupStep;
    ///
    /// let kind = Kind::parse("acme").expect("it is valid");
    /// let acme = Descriptor::new(kind, "Acme", AuthType::OAuth)
    ///     .field(Field::text("site", "Site"))
    ///     .field(Field::text("clientId", "Client ID").kept("client"))
    ///     .guide("Register an application at Acme.");
    /// let asks_for = |fields: &[Field]| SetupStep::Prompt {
    ///     prompt: Prompt::new("Connect Acme"),
    ///     fields: fields.to_vec(),
    ///     open: None,
    ///     beside: Vec::new(),
    /// };
    /// assert_eq!(asks_for(&acme.fields).guide(&acme).len(), 1);
    /// assert!(asks_for(&acme.fields[..1]).guide(&acme).is_empty());
    /// ```
    pub fn guide<'d>(&self, descriptor: &'d Descriptor) -> &'d [Guide] {
        let asks_once = |fields: &[Field]| fields.iter().any(|field| field.kept.is_some());
        match self {
            Self::Prompt { fields, open: None, .. } if asks_once(fields) || !asks_once(&descriptor.fields) => {
                &descriptor.guide
            }
            _ => &[],
        }
    }
}

/// The connection that a setup made or authorized again. Its row is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Done {
    /// Id of the connection, which never changes.
    pub connection: ConnectionId,
    /// Label of the connection, which people read.
    pub label: DisplayText,
    /// The account that the connection reaches.
    pub identity: Identity,
    /// Liveness of the connection, as it was measured for the new credential or later.
    pub liveness: Liveness,
    /// The reason why the connection is not live, or `None` if it is live.
    pub reason: Option<Reason>,
}

/// The way in which a session ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a session ends in one of these three ways")]
pub enum Outcome {
    /// The session was cancelled; nothing is kept.
    Cancelled,
    /// The connection was made, or authorized again, and is stored.
    Done(Done),
    /// The setup failed; nothing is kept.
    Failed(SetupFailure),
}

impl Outcome {
    /// Returns the last step that a host renders, or `None` for a session that was cancelled.
    pub(crate) fn step(&self) -> Option<SetupStep> {
        match self {
            Self::Cancelled => None,
            Self::Done(done) => Some(SetupStep::Done { identity: done.identity.clone(), liveness: done.liveness }),
            Self::Failed(failure) => Some(SetupStep::Failed(failure.clone())),
        }
    }
}
