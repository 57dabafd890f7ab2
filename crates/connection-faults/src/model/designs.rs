//! The designs that are compared: what is built, each way that was rejected, and what they run against.

use super::state::Budget;

/// A way to refresh; each field is a defence or the lack of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design {
    /// One process at a time leads, by a lease on the row.
    pub(crate) lease: bool,
    /// The lease of one who died ends.
    pub(crate) expires: bool,
    /// An intent is committed before the send, and the answer before it is used.
    pub(crate) journal: bool,
    /// An intent is committed only for the generation that was read, and under one's lease.
    pub(crate) tied: bool,
    /// The own deadline is looked at immediately before the send.
    pub(crate) check: bool,
    pub(crate) replays: Replays,
    pub(crate) proof: Proof,
    /// A day without a sign of the sender's node is proof, too.
    pub(crate) day: bool,
    pub(crate) quarantine: Quarantine,
    /// The sort of unclear answer that is sent again without a quarantine.
    pub(crate) hasty: Option<Unclear>,
    pub(crate) rescue: Rescue,
    pub(crate) withdrawn: Withdrawn,
    pub(crate) grace: Grace,
    /// What is committed of an answer depends on the lease, and not on the generation alone.
    pub(crate) fenced: bool,
    /// A 2xx that the plugin cannot read is recorded as the answer.
    pub(crate) keeps_unreadable: bool,
    /// The row is read again before a refusal is believed.
    pub(crate) reread: bool,
}

/// How often an exchange without a clear answer is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replays {
    Never,
    Once,
    Always,
}

/// How an attempt ends without a clear answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// 408 or 5xx.
    Failed,
    /// No whole answer.
    Lost,
    /// A 2xx that the plugin cannot read.
    Unreadable,
}

/// What shows that the sender sends no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Its lease is over.
    Lease,
    /// The database no longer sees its session.
    Session,
    /// Its sign of life is too old.
    Sign,
    /// Its lock file is free, on its node; or the attempt was one's own.
    Lock,
}

/// From when it is waited until no message can be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quarantine {
    None,
    /// Since the intent was committed.
    Intent,
    /// Since it was written down that the sender sends no more.
    Proof,
}

/// When the node's rescue files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rescue {
    Unread,
    /// Before it is seen that the sender sends no more, and so perhaps before it wrote one.
    BeforeProof,
    AfterProof,
}

/// What a replay that was not sent, or was turned away, leaves of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    Nothing,
    /// What it was before the replay.
    Uncertain,
}

/// What a replay needs while the provider still takes the spent token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grace {
    Nothing,
    /// Proof that the sender sends no more, without a quarantine as long as the window is open.
    Window,
    /// The same, where a whole quarantine would end before the window does.
    Quarantine,
    /// The same as without grace.
    Everything,
}

/// What a provider does with a refresh token that was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Semantics {
    /// Takes it as theft and revokes the family.
    Strict,
    /// For a time answers with the token that it gave for it.
    GraceSame,
    /// For a time answers with another new token, and those it gave before stay good.
    GraceEach,
    /// For a time answers with another new token, and the one it gave before is spent.
    GraceLast,
    /// There is none: a refresh leaves the token as it is.
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

/// Against what a design runs.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) semantics: Semantics,
    /// The node of each process.
    pub(crate) nodes: &'static [usize],
    pub(crate) budget: Budget,
    /// How many runs each process may begin.
    pub(crate) runs: u8,
    /// At which generation nothing is due any more.
    pub(crate) goal: u8,
}

/// The protocol.
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
    keeps_unreadable: false,
    reread: true,
};
