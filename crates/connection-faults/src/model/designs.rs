//! The designs that are compared, which are the protocol and each rejected alternative, and the scopes in which they
//! run.

use super::state::Budget;

/// A design of the refresh. Each field is a defence or the lack of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design {
    /// A lease on the row lets one process at a time lead.
    pub(crate) lease: bool,
    /// The lease of a dead process expires.
    pub(crate) expires: bool,
    /// The intent is committed before the send, and the answer before it is used.
    pub(crate) journal: bool,
    /// An intent is committed only for the generation that was read, and only while the process holds the lease.
    pub(crate) tied: bool,
    /// A process checks its own deadline immediately before the send.
    pub(crate) check: bool,
    pub(crate) replays: Replays,
    pub(crate) proof: Proof,
    /// A day without a sign of life from the sender's node also counts as proof.
    pub(crate) day: bool,
    pub(crate) quarantine: Quarantine,
    /// The sort of unclear answer after which the request is sent again without a quarantine.
    pub(crate) hasty: Option<Unclear>,
    pub(crate) rescue: Rescue,
    pub(crate) withdrawn: Withdrawn,
    pub(crate) grace: Grace,
    /// The commit of an answer requires the lease, and not only the generation.
    pub(crate) fenced: bool,
    /// An answer that the plugin cannot read is erased, and the token is sent again.
    pub(crate) erases_unread: bool,
    /// The row is read again before a refusal is believed.
    pub(crate) reread: bool,
    pub(crate) courier: Courier,
}

/// The courier that sends the request, if one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Courier {
    Off,
    Right,
    /// The lock of the process that commits the intent proves the end of the attempt.
    NamesCaller,
    /// The courier sends as soon as it has the request.
    NoWord,
    /// The end is a time from when the courier got the word.
    Duration,
}

/// The number of replays of an exchange without a clear answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replays {
    Never,
    Once,
    Always,
}

/// The ways in which an attempt ends without a clear answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// The provider answers 408 or 5xx.
    Failed,
    /// The response does not arrive, or not completely.
    Lost,
    /// A gateway answers with a page and a 2xx.
    Page,
}

/// The evidence that the sender will not send any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The sender's lease has ended.
    Lease,
    /// The database no longer sees the sender's session.
    Session,
    /// The sender's last sign of life is too old.
    Sign,
    /// The sender's lock file on the same node is free, or the sender is the process itself.
    Lock,
}

/// The start of the wait until no request can be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quarantine {
    None,
    /// The wait starts when the intent is committed.
    Intent,
    /// The wait starts when the proof that the sender will not send any more is committed.
    Proof,
}

/// The time at which the node's rescue files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rescue {
    Unread,
    /// The files are read before the proof that the sender will not send any more. The sender may still write one
    /// after that.
    BeforeProof,
    AfterProof,
}

/// The state of the exchange after a replay that was not sent or was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    Nothing,
    /// The exchange is as it was before the replay.
    Uncertain,
}

/// The requirements for a replay while the provider still accepts the spent token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grace {
    Nothing,
    /// Proof that the sender will not send any more, but no quarantine while the window is open.
    Window,
    /// The same as `Window`, but only where a whole quarantine would end before the window closes.
    Quarantine,
    /// The same requirements as without grace.
    Everything,
}

/// The behaviour of a provider when a spent refresh token is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// The provider treats the use as theft and revokes all tokens of the authorization.
    Strict,
    /// For a time, the provider answers with the same successor as before.
    GraceSame,
    /// For a time, the provider answers with another new token, and earlier successors stay valid.
    GraceEach,
    /// For a time, the provider answers with another new token, and the earlier successor becomes spent.
    GraceLast,
    /// Refresh tokens are never spent: a refresh leaves the token as it is.
    Stable,
}

impl Semantics {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::GraceSame => "grace, same token",
            Self::GraceEach => "grace, each token good",
            Self::GraceLast => "grace, last token good",
            Self::Stable => "stable",
        }
    }

    pub(crate) fn graceful(self) -> bool {
        matches!(self, Self::GraceSame | Self::GraceEach | Self::GraceLast)
    }
}

/// The environment in which a design runs.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) semantics: Semantics,
    /// The node of each process.
    pub(crate) nodes: &'static [usize],
    pub(crate) budget: Budget,
    /// Number of runs that each process may begin.
    pub(crate) runs: u8,
    /// The generation at which no refresh is due any longer.
    pub(crate) goal: u8,
}

/// The design that this project implements.
pub(crate) const PROTOCOL: Design = Design {
    lease: true,
    expires: true,
    journal: true,
    tied: true,
    check: true,
    replays: Replays::Always,
    proof: Proof::Lock,
    day: true,
    quarantine: Quarantine::Proof,
    hasty: None,
    rescue: Rescue::AfterProof,
    withdrawn: Withdrawn::Uncertain,
    grace: Grace::Quarantine,
    fenced: false,
    erases_unread: false,
    reread: true,
    courier: Courier::Off,
};
