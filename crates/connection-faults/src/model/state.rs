//! What a refresh depends on: the row, the processes, what is under way to the provider, and what may still go wrong.

/// Which refresh token; a later one has a higher number.
pub(crate) type Token = u8;

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) row: Row,
    pub(crate) provider: Provider,
    pub(crate) processes: Vec<Process>,
    /// Requests that were sent and not yet processed; they outlive their sender.
    pub(crate) messages: Vec<Message>,
    /// What could not be committed, per node. Never removed, so that each reader meets old ones too.
    pub(crate) rescued: [Option<Rescued>; 2],
    pub(crate) budget: Budget,
    pub(crate) ghost: Ghost,
}

/// What is committed of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) generation: u8,
    pub(crate) token: Token,
    /// Somebody must authorize again, as far as this row knows.
    pub(crate) failing: bool,
    pub(crate) lease: Option<Lease>,
    pub(crate) exchange: Option<Exchange>,
}

/// A process holds one lease at most, so the owner serves as its fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) owner: usize,
    pub(crate) expired: bool,
}

/// The journal's entry of what is being spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Exchange {
    /// The process that committed the intent, or took the exchange over for a replay.
    pub(crate) sender: usize,
    /// The attempt before this one, which comes back when this one is taken back.
    pub(crate) before: Option<Before>,
    pub(crate) answer: Option<Answer>,
    /// A quarantine that begins now ends before the provider's window does, which is counted from the first intent.
    pub(crate) window: bool,
    pub(crate) settled: Settled,
    /// A day has passed without a sign of the sender's node.
    pub(crate) gone: bool,
    /// It was sent a second time. Kept only for designs that count.
    pub(crate) replayed: bool,
}

/// The note in the row that the attempt is over and left no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Settled {
    No,
    /// The next send waits for the end of a quarantine that began with the note.
    Quarantined,
    /// The next send waits for nothing.
    AtOnce,
}

/// An attempt whose place a replay has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Before {
    pub(crate) sender: usize,
    pub(crate) settled: Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    /// A new refresh token.
    New(Token),
    /// `invalid_grant`.
    Refused,
    /// A 2xx that the plugin cannot read. The protocol records none.
    Unreadable,
    /// An answer that was recorded and can no longer be opened.
    Unopened,
    /// Not processed: 429, or a 4xx that says nothing of the token.
    TurnedAway,
}

/// The truth about the tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Provider {
    pub(crate) current: Token,
    /// The first of the tokens that are good; the last is the current one.
    pub(crate) eldest: Token,
    /// The first token of the authorization that the row holds.
    pub(crate) family: Token,
    pub(crate) alive: bool,
    /// The spent token that is still taken.
    pub(crate) window: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) step: Step,
    /// How many runs it may still begin.
    pub(crate) runs: u8,
    /// The generation and the token with which the run began.
    pub(crate) generation: u8,
    pub(crate) token: Token,
    pub(crate) replays: bool,
    /// It was paused beyond its lease and its deadline.
    pub(crate) stale: bool,
    /// The database no longer sees its session.
    pub(crate) cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Idle,
    /// It holds the lease.
    Leading,
    /// One of the two looks that a replay needs is done.
    Looked,
    /// Both are.
    Proved,
    /// The intent is committed.
    Intended,
    /// Its own deadline was looked at; what comes next is the send.
    Checked,
    Waiting,
    Answered(Answer),
    /// The answer is committed, so that every run finds it.
    Recorded(Answer),
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Message {
    pub(crate) from: usize,
    /// The sender waits for the answer.
    pub(crate) awaited: bool,
    pub(crate) token: Token,
    pub(crate) replay: bool,
    /// It was sent after the sender's deadline, by a process that was paused between its look at the clock and the send.
    pub(crate) late: bool,
    /// Its quarantine ends before the provider's window does.
    pub(crate) covered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rescued {
    pub(crate) generation: u8,
    pub(crate) token: Token,
}

/// How often each fault may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Processes that are killed.
    pub(crate) crashes: u8,
    /// Processes that are paused beyond their lease.
    pub(crate) pauses: u8,
    /// Attempts without a clear answer: 5xx, no whole answer, or a 2xx that the plugin cannot read.
    pub(crate) unclear: u8,
    /// Commits that the disk refuses.
    pub(crate) failures: u8,
    /// Database sessions that end while their process lives.
    pub(crate) cuts: u8,
    /// Requests that are turned away unprocessed.
    pub(crate) refusals: u8,
    /// Recorded answers that can no longer be opened.
    pub(crate) unopened: u8,
    /// Authorizations anew by a person.
    pub(crate) renewals: u8,
}

/// What nobody in the model knows, and the invariants are about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Ghost {
    /// Tokens that were sent, one bit each.
    pub(crate) spent: u32,
    pub(crate) spent_twice: bool,
    /// A token was sent again while an earlier request could still be sent or processed.
    pub(crate) hasty: bool,
    /// The row is failing because an answer could not be opened.
    pub(crate) unopened: bool,
    pub(crate) flipped: bool,
    pub(crate) dropped: bool,
    pub(crate) stuck: bool,
    /// The last token that a process was given.
    pub(crate) received: Token,
}
