//! The refresh of one connection as a model for the checker, with the invariants of the protocol.

use std::collections::BTreeMap;

use super::{
    checker::Model,
    designs::{Design, Scope},
    environment,
    label::Label,
    protocol::Turn,
    state::{Answer, Ghost, Process, Provider, Row, State, Step},
};

/// A property that must hold in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// No token is sent twice without a proof and a quarantine between the two sends.
    NoSecondSpend,
    /// While nothing is under way, a row that is live holds a token that the provider accepts.
    LiveIsLive,
    /// A token that was received is committed, held by a living process or kept in a rescue file, or else the row says
    /// that it is lost. No later spend by a process of the model makes the token worthless while it is available.
    NothingReceivedIsLost,
    /// No process waits forever.
    EveryRunEnds,
    /// A refusal of an earlier token leaves the stored credential as it is.
    NoFlip,
    /// A row asks for re-authorization only if the provider no longer accepts the token, or if the recorded answer
    /// cannot be opened.
    NothingIsGivenUp,
}

/// A design in a scope, as a model.
pub(crate) struct Refresh {
    pub(crate) design: Design,
    pub(crate) scope: Scope,
    pub(crate) ends: Ends,
}

/// The number of final states of each sort. A state is final if nothing more can happen in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The row holds a credential, and no exchange is open.
    pub live: usize,
    /// The exchange has no answer yet, and the runs of the model are used up.
    pub open: usize,
    /// A person must re-authorize the connection.
    pub failing: usize,
}

impl Model for Refresh {
    type State = State;
    type Label = Label;
    type Invariant = Invariant;

    fn initial(&self) -> State {
        let runs = self.scope.runs;
        let step = Step::Idle;
        let process =
            Process { step, runs, generation: 0, token: 0, replays: false, stale: false, cut: false, alone: false };
        State {
            row: Row { generation: 0, token: 0, failing: false, lease: None, exchange: None },
            provider: Provider { current: 0, eldest: 0, family: 0, alive: true, window: None },
            processes: vec![process; self.scope.nodes.len()],
            messages: Vec::new(),
            rescued: [None; 2],
            budget: self.scope.budget,
            ghost: Ghost::default(),
        }
    }

    fn steps(&self, state: &State) -> Vec<(Label, State)> {
        let design = &self.design;
        let scope = &self.scope;
        let mut next = Vec::new();
        for index in 0..state.processes.len() {
            let steps = Turn { design, scope, state, index }.steps();
            next.extend(steps.into_iter().map(|(label, after)| (Label::new(index, label), after)));
        }
        next.extend(environment::messages(design, scope, state));
        next.extend(environment::time(design, scope, state));
        next.extend(environment::faults(design, state));
        next
    }

    fn broken(&self, state: &State, last: bool) -> Vec<Invariant> {
        let row = &state.row;
        let ghost = &state.ghost;
        let due = !row.failing && row.generation < self.scope.goal;
        let waits = |process: &Process| !rests(process) || (due && process.runs > 0);
        let broken = BTreeMap::from([
            (Invariant::NoSecondSpend, ghost.spent_twice || ghost.hasty),
            (Invariant::LiveIsLive, quiescent(state) && !row.failing && row.exchange.is_none() && !usable(state)),
            (Invariant::NothingReceivedIsLost, ghost.dropped || wasted(state) || forgotten(state)),
            (Invariant::EveryRunEnds, last && state.processes.iter().any(waits)),
            (Invariant::NoFlip, ghost.flipped),
            (Invariant::NothingIsGivenUp, row.failing && !ghost.unopened && taken(state)),
        ]);
        broken.into_iter().filter_map(|(invariant, broken)| broken.then_some(invariant)).collect()
    }

    fn ended(&mut self, state: &State) {
        let Row { failing, exchange, .. } = state.row;
        self.ends.live += usize::from(!failing && exchange.is_none());
        self.ends.open += usize::from(!failing && exchange.is_some());
        self.ends.failing += usize::from(failing);
    }
}

fn quiescent(state: &State) -> bool {
    state.messages.is_empty() && state.processes.iter().all(rests)
}

fn rests(process: &Process) -> bool {
    matches!(process.step, Step::Idle | Step::Dead)
}

fn usable(state: &State) -> bool {
    state.provider.alive && (state.provider.eldest..=state.provider.current).contains(&state.row.token)
}

/// Returns `true` if the provider accepts the row's token, as a valid one or as a spent one inside its window.
fn taken(state: &State) -> bool {
    usable(state) || (state.provider.alive && state.provider.window == Some(state.row.token))
}

/// Returns `true` if a spend by a process of the model has made an available token worthless.
fn wasted(state: &State) -> bool {
    !state.provider.alive && at_hand(state)
}

/// Returns `true` if a process received the current token, nothing holds it, and the row does not say so.
fn forgotten(state: &State) -> bool {
    let row = &state.row;
    let provider = &state.provider;
    let given = provider.alive && state.ghost.received == provider.current && provider.current > provider.family;
    given && !row.failing && row.exchange.is_none() && !at_hand(state)
}

/// Returns `true` if the provider's current token is in the row, the journal, a process or a rescue file.
fn at_hand(state: &State) -> bool {
    let current = Answer::New(state.provider.current);
    // A courier alone gives its answer to nobody; the file of its node has it.
    let has = |step| matches!(step, Step::Answered(it) | Step::Recorded(it) if it == current);
    let held = |process: &Process| has(process.step) && !process.alone;
    let rescued = state
        .rescued
        .iter()
        .flatten()
        .any(|rescued| rescued.token == state.provider.current && rescued.generation == state.row.generation);
    let row = &state.row;
    (!row.failing && row.token == state.provider.current)
        || row.exchange.is_some_and(|exchange| exchange.answer == Some(current))
        || state.processes.iter().any(held)
        || rescued
}
