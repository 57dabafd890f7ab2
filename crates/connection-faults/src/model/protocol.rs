//! The steps that a process may take, according to the design.

use super::{
    designs::{Courier, Design, Grace, Proof, Quarantine, Replays, Rescue, Scope, Semantics},
    state::{Before, Exchange, Lease, Process, Rescued, Settled, State, Step},
};

/// One process in a state, whose next steps are computed.
pub(crate) struct Turn<'a> {
    pub(crate) design: &'a Design,
    pub(crate) scope: &'a Scope,
    pub(crate) state: &'a State,
    pub(crate) index: usize,
}

/// The possible steps, each with its label and the state after it.
pub(crate) type Next = Vec<(&'static str, State)>;

impl Turn<'_> {
    pub(crate) fn steps(&self) -> Next {
        if self.me().alone {
            return self.alone();
        }
        let mut next = self.own_steps();
        next.extend(self.sign());
        next
    }

    fn own_steps(&self) -> Next {
        match self.me().step {
            Step::Idle => self.begin(),
            Step::Leading => self.lead(),
            Step::Looked => self.look_again(),
            Step::Proved => self.settle(),
            Step::Intended => self.check(),
            Step::Checked => vec![("# sends", self.sent())],
            Step::Waiting => self.wait(),
            Step::Answered(answer) => self.record(answer),
            Step::Recorded(answer) => [self.finish(answer)].into_iter().chain(self.unread(answer)).collect(),
            Step::Dead => Vec::new(),
        }
    }

    /// Returns the step of a process that was paused beyond its lease and extends it, which it can if no other process has
    /// taken the lease.
    fn sign(&self) -> Option<(&'static str, State)> {
        let owns = self.state.row.lease.is_some_and(|lease| lease.owner == self.index);
        let signed = |state: &mut State| {
            state.processes[self.index].stale = false;
            state.row.lease = Some(Lease { owner: self.index, expired: false });
        };
        (self.me().stale && owns).then(|| ("# gives a sign again", self.with(signed)))
    }

    pub(super) fn me(&self) -> &Process {
        &self.state.processes[self.index]
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut State)) -> State {
        let mut state = self.state.clone();
        change(&mut state);
        state
    }

    pub(super) fn at(&self, step: Step) -> State {
        self.with(|state| state.processes[self.index].step = step)
    }

    /// Ends the run and releases the lease if this process still holds it.
    pub(super) fn over(&self, mut state: State) -> State {
        let me = &mut state.processes[self.index];
        (me.step, me.runs, me.stale, me.replays) = (Step::Idle, me.runs - 1, false, false);
        state.row.lease = state.row.lease.filter(|lease| lease.owner != self.index);
        state
    }

    pub(super) fn owns_lease(&self) -> bool {
        !self.design.lease || self.state.row.lease.is_some_and(|lease| lease.owner == self.index)
    }

    /// Begins a run if it can make progress. A run that cannot would end without a write, so it is left out.
    fn begin(&self) -> Next {
        let row = &self.state.row;
        if self.me().runs == 0 || row.generation >= self.scope.goal || row.lease.is_some_and(|lease| !lease.expired) {
            return Vec::new();
        }
        let Some(exchange) = row.exchange else {
            return if row.failing { Vec::new() } else { vec![("# takes the lease", self.led(Step::Leading))] };
        };
        if let Some(answer) = exchange.answer {
            return vec![("# takes the lease and the answer", self.led(Step::Recorded(answer)))];
        }
        if self.rescued().is_some() && self.design.rescue == Rescue::AfterProof {
            return vec![("# commits what a rescue file holds", self.ingested())];
        }
        self.meet(&exchange)
    }

    /// Begins a run for an exchange that has no answer while no process leads.
    fn meet(&self, exchange: &Exchange) -> Next {
        if self.may_replay(exchange) {
            return vec![("# takes the lease", self.led(Step::Leading))];
        }
        let settled = exchange.settled != Settled::No;
        let failing = self.state.row.failing;
        let proven = self.proven(exchange);
        match self.permits(exchange) {
            true if !settled && (proven || self.design.rescue == Rescue::BeforeProof) => {
                vec![("# takes the lease", self.led(Step::Leading))]
            }
            false if !failing && (settled || proven) && self.elapsed(exchange, Quarantine::Intent) => {
                // The process takes the lease for this commit and releases it in the same step.
                let unknown = |state: &mut State| (state.row.failing, state.row.lease) = (true, None);
                vec![("# says that the outcome is unknown", self.with(unknown))]
            }
            _ => Vec::new(),
        }
    }

    fn led(&self, step: Step) -> State {
        self.with(|state| {
            let row = &mut state.row;
            if self.design.lease {
                row.lease = Some(Lease { owner: self.index, expired: false });
            }
            let me = &mut state.processes[self.index];
            (me.step, me.generation, me.token) = (step, row.generation, row.token);
        })
    }

    fn rescued(&self) -> Option<Rescued> {
        let rescued = self.state.rescued[self.scope.nodes[self.index]];
        rescued.filter(|rescued| rescued.generation == self.state.row.generation)
    }

    fn ingested(&self) -> State {
        let token = self.rescued().expect("who asks for it saw it").token;
        self.over(self.with(|state| renew(state, token)))
    }

    /// Returns `true` if the design permits another replay.
    fn permits(&self, exchange: &Exchange) -> bool {
        match self.design.replays {
            Replays::Never => false,
            Replays::Once => !exchange.replayed,
            Replays::Always => true,
        }
    }

    /// Returns `true` if every requirement of a replay is met.
    fn may_replay(&self, exchange: &Exchange) -> bool {
        let ready = match exchange.settled {
            Settled::No => self.grace(exchange) == Some(Grace::Nothing),
            Settled::Quarantined => self.elapsed(exchange, self.design.quarantine),
            Settled::AtOnce => true,
        };
        self.scope.semantics == Semantics::Stable || (self.permits(exchange) && ready)
    }

    fn grace(&self, exchange: &Exchange) -> Option<Grace> {
        (self.scope.semantics.graceful() && exchange.window).then_some(self.design.grace)
    }

    fn proven(&self, exchange: &Exchange) -> bool {
        let sender = &self.state.processes[exchange.sender];
        let is_unseen = sender.alone && self.design.courier == Courier::NamesCaller;
        let dead = sender.step == Step::Dead || is_unseen;
        let own = exchange.sender == self.index;
        let near = self.scope.nodes[exchange.sender] == self.scope.nodes[self.index];
        own || exchange.gone
            || match self.design.proof {
                Proof::Lease => true,
                Proof::Session => dead || sender.cut,
                Proof::Sign => dead || sender.stale,
                Proof::Lock => dead && near,
            }
    }

    /// Returns `true` if a quarantine that began at this time has ended.
    ///
    /// A quarantine is longer than the lifetime of a request. When it ends, every request sent before it began is
    /// processed or lost, but one sent after it began may be under way. A request that is sent before its deadline is
    /// treated as sent when its intent was committed.
    fn elapsed(&self, exchange: &Exchange, quarantine: Quarantine) -> bool {
        let messages = &self.state.messages;
        let token = self.state.row.token;
        match quarantine {
            Quarantine::None => true,
            Quarantine::Intent => messages.iter().all(|message| message.from != exchange.sender || message.late),
            Quarantine::Proof => messages.iter().all(|message| message.token != token),
        }
    }

    /// Reads the journal while holding the lease, and decides what to do.
    fn lead(&self) -> Next {
        if !self.design.journal {
            return vec![("# gets ready", self.at(Step::Intended))];
        }
        let row = &self.state.row;
        match row.exchange {
            _ if !self.owns_lease() && self.design.tied => vec![("# lost its lease", self.over(self.state.clone()))],
            None if self.design.tied && (row.failing || row.generation != self.me().generation) => {
                vec![("# is superseded", self.over(self.state.clone()))]
            }
            None => self.intend(),
            Some(Exchange { answer: Some(_), .. }) => vec![("# is superseded", self.over(self.state.clone()))],
            Some(exchange) if self.may_replay(&exchange) => self.replay(exchange),
            Some(exchange) => match self.design.rescue {
                Rescue::Unread => self.prove(&exchange, Step::Proved),
                Rescue::AfterProof => self.prove(&exchange, Step::Looked),
                Rescue::BeforeProof => self.search(Step::Looked),
            },
        }
    }

    fn look_again(&self) -> Next {
        match (self.state.row.exchange, self.design.rescue) {
            (Some(exchange), Rescue::BeforeProof) => self.prove(&exchange, Step::Proved),
            (Some(_), _) => self.search(Step::Proved),
            (None, _) => vec![("# is superseded", self.over(self.state.clone()))],
        }
    }

    fn prove(&self, exchange: &Exchange, then: Step) -> Next {
        match self.proven(exchange) && self.permits(exchange) {
            true => vec![("# proves that nobody sends", self.at(then))],
            false => vec![("# cannot prove it", self.over(self.state.clone()))],
        }
    }

    fn search(&self, then: Step) -> Next {
        match self.rescued() {
            Some(_) => vec![("# commits what a rescue file holds", self.ingested())],
            None => vec![("# finds no rescue file", self.at(then))],
        }
    }

    /// Commits the proof that no process sends, if the exchange is still the one that was checked. The quarantine
    /// begins.
    fn settle(&self) -> Next {
        match self.state.row.exchange {
            Some(exchange) if exchange.answer.is_none() && self.owns_lease() => {
                let mut settled = self.over(self.with(|state| self.conclude(state, None)));
                // This happens once for each attempt, so it needs no bound.
                settled.processes[self.index].runs += 1;
                vec![("# writes that down", settled)]
            }
            _ => vec![("# is superseded", self.over(self.state.clone()))],
        }
    }

    fn replay(&self, exchange: Exchange) -> Next {
        let before = Some(Before { sender: exchange.sender, settled: exchange.settled });
        let settled = Settled::No;
        let replayed = self.design.replays == Replays::Once;
        self.commit("# takes over", Exchange { sender: self.index, before, settled, replayed, gone: false, ..exchange })
    }

    fn intend(&self) -> Next {
        let exchange = Exchange {
            sender: self.index,
            before: None,
            answer: None,
            window: self.scope.semantics.graceful(),
            settled: Settled::No,
            gone: false,
            replayed: false,
        };
        self.commit("# commits its intent", exchange)
    }

    fn commit(&self, label: &'static str, exchange: Exchange) -> Next {
        let mut next = vec![(
            label,
            self.with(|state| {
                state.row.exchange = Some(exchange);
                let me = &mut state.processes[self.index];
                (me.step, me.replays) = (Step::Intended, exchange.before.is_some());
            }),
        )];
        if self.state.budget.failures > 0 {
            let failed = self.with(|state| state.budget.failures -= 1);
            next.push(("# cannot commit its intent", self.over(failed)));
        }
        next
    }
}

/// Stores the new credential as a new generation and ends the exchange.
pub(crate) fn renew(state: &mut State, token: u8) {
    let row = &mut state.row;
    (row.generation, row.token, row.failing, row.exchange) = (row.generation + 1, token, false, None);
    state.ghost.unopened = false;
}
