//! The state of the model: the row, the processes, the requests under way to the provider, and the faults that may
//! still happen.

/// The number of a refresh token. Later tokens have higher numbers.
pub(crate) type Token = u8;

/// The state of the whole model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) row: Row,
    pub(crate) provider: Provider,
    pub(crate) processes: Vec<Process>,
    /// Requests that were sent and are not yet processed. They outlive their sender.
    pub(crate) messages: Vec<Message>,
    /// The rescue file of each node, with an answer that could not be committed. Files are never removed, so that
    /// later readers also meet old ones.
    pub(crate) rescued: [Option<Rescued>; 2],
    pub(crate) budget: Budget,
    pub(crate) ghost: Ghost,
}

/// The committed row of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) generation: u8,
    pub(crate) token: Token,
    /// The row says that a person must re-authorize the connection.
    pub(crate) failing: bool,
    pub(crate) lease: Option<Lease>,
    pub(crate) exchange: Option<Exchange>,
}

/// The lease on the row. A process holds one lease at most, so the owner serves as the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) owner: usize,
    pub(crate) expired: bool,
}

/// The journal's entry for the token that is being spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Exchange {
    /// The process that committed the intent, or that took the exchange over for a replay.
    pub(crate) sender: usize,
    /// The previous attempt, which is restored when this attempt is withdrawn.
    pub(crate) before: Option<Before>,
    pub(crate) answer: Option<Answer>,
    /// A quarantine that begins now ends before the provider's window closes. The window is counted from the first
    /// intent.
    pub(crate) window: bool,
    pub(crate) settled: Settled,
    /// A day has passed without a sign of life from the sender's node.
    pub(crate) gone: bool,
    /// The request was sent a second time. This is recorded only for designs that count replays.
    pub(crate) replayed: bool,
}

/// A note in the row that the attempt is over and left no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Settled {
    No,
    /// The next send waits for the end of a quarantine that began when the note was committed.
    Quarantined,
    /// The next send may happen at once.
    AtOnce,
}

/// An attempt that a replay has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Before {
    pub(crate) sender: usize,
    pub(crate) settled: Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    /// The provider issued a new refresh token.
    New(Token),
    /// The provider answered `invalid_grant`.
    Refused,
    /// A recorded answer that can no longer be opened.
    Unopened,
    /// The provider did not process the request: 429, or a 4xx that says nothing about the token.
    TurnedAway,
}

/// The provider's own state of the tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Provider {
    pub(crate) current: Token,
    /// The first of the tokens that are valid. The last one is `current`.
    pub(crate) eldest: Token,
    /// The first token of the authorization from which the row's token comes.
    pub(crate) family: Token,
    pub(crate) alive: bool,
    /// The spent token that the provider still accepts.
    pub(crate) window: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) step: Step,
    /// Number of runs that the process may still begin.
    pub(crate) runs: u8,
    /// The generation at the start of the run. `token` is the token at that time.
    pub(crate) generation: u8,
    pub(crate) token: Token,
    pub(crate) replays: bool,
    /// The process was paused beyond its lease, whose last extension is its last sign of life.
    pub(crate) stale: bool,
    /// The database no longer sees the process's session.
    pub(crate) cut: bool,
    /// The process was killed, and its courier goes on at its step.
    pub(crate) alone: bool,
}

impl Process {
    /// Returns `true` if the process was killed, whether or not its courier goes on.
    pub(crate) fn is_killed(&self) -> bool {
        self.alone || self.step == Step::Dead
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Idle,
    /// The process holds the lease.
    Leading,
    /// One of the two checks that a replay needs is done.
    Looked,
    /// Both checks that a replay needs are done.
    Proved,
    /// The intent to send is committed, and nothing was sent yet.
    Intended,
    /// The process has checked its own deadline and sends next.
    Checked,
    Waiting,
    Answered(Answer),
    /// The answer is committed, so every later run finds it.
    Recorded(Answer),
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Message {
    pub(crate) from: usize,
    /// The sender waits for the answer.
    pub(crate) awaited: bool,
    pub(crate) token: Token,
    /// An earlier attempt sent the token, and was not turned away.
    pub(crate) again: bool,
    /// The request was sent too long after the sender's last sign of life, because the sender was paused between its check
    /// of the clock and the send.
    pub(crate) late: bool,
    /// The quarantine for this request ends before the provider's window closes.
    pub(crate) covered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rescued {
    pub(crate) generation: u8,
    pub(crate) token: Token,
}

/// The number of times that each fault may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// The number of processes that may still be killed.
    pub(crate) crashes: u8,
    /// The number of processes that may still be paused beyond their lease.
    pub(crate) pauses: u8,
    /// Attempts without a clear answer: a 5xx, no complete response, or a page.
    pub(crate) unclear: u8,
    /// The number of times that the plugin cannot read a recorded answer. A later version of it can.
    pub(crate) unread: u8,
    /// Commits that fail because the disk refuses them.
    pub(crate) failures: u8,
    /// Database sessions that end while their process lives.
    pub(crate) cuts: u8,
    /// Requests that the provider turns away without processing them.
    pub(crate) refusals: u8,
    /// Recorded answers that can no longer be opened.
    pub(crate) unopened: u8,
    /// Re-authorizations by a person.
    pub(crate) renewals: u8,
}

/// History that no process of the model can see, and that the invariants need.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Ghost {
    /// The tokens that were sent, one bit for each.
    pub(crate) spent: u32,
    pub(crate) spent_twice: bool,
    /// A token was sent again while an earlier request could still be sent or processed.
    pub(crate) hasty: bool,
    /// The row is failing because an answer could not be opened.
    pub(crate) unopened: bool,
    pub(crate) flipped: bool,
    pub(crate) dropped: bool,
    /// The last token that a process received.
    pub(crate) received: Token,
}
