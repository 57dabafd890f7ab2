//! What a process does next, by the design.

use super::{
    designs::{Design, Grace, Proof, Quarantine, Replays, Rescue, Scope, Semantics, Withdrawn},
    state::{Answer, Before, Exchange, Lease, Message, Process, Rescued, State, Step},
};

/// One process at a state, and the steps that it may take.
pub(crate) struct Turn<'a> {
    pub(crate) design: &'a Design,
    pub(crate) scope: &'a Scope,
    pub(crate) state: &'a State,
    pub(crate) index: usize,
}

/// What happens, and what is then.
pub(crate) type Next = Vec<(&'static str, State)>;

impl Turn<'_> {
    pub(crate) fn steps(&self) -> Next {
        match self.me().step {
            Step::Idle => self.begin(),
            Step::Leading => self.lead(),
            Step::Looked => self.look_again(),
            Step::Proved => self.settle(),
            Step::Intended => self.check(),
            Step::Checked => vec![("# sends", self.sent())],
            Step::Waiting => self.wait(),
            Step::Answered(answer) => self.record(answer),
            Step::Recorded(answer) => vec![self.finish(answer)],
            Step::Dead => Vec::new(),
        }
    }

    fn me(&self) -> &Process {
        &self.state.processes[self.index]
    }

    fn with(&self, change: impl FnOnce(&mut State)) -> State {
        let mut state = self.state.clone();
        change(&mut state);
        state
    }

    fn at(&self, step: Step) -> State {
        self.with(|state| state.processes[self.index].step = step)
    }

    /// The run is over: the lease, if it is still ours, is free.
    fn over(&self, mut state: State) -> State {
        let me = &mut state.processes[self.index];
        (me.step, me.runs, me.stale) = (Step::Idle, me.runs - 1, false);
        (me.replays, me.graceful) = (false, false);
        state.row.lease = state.row.lease.filter(|lease| lease.owner != self.index);
        state
    }

    fn owns_lease(&self) -> bool {
        !self.design.lease || self.state.row.lease.is_some_and(|lease| lease.owner == self.index)
    }

    /// A run begins where it may get anywhere; one that cannot is left out, as it would end with nothing written.
    fn begin(&self) -> Next {
        let row = &self.state.row;
        if self.me().runs == 0 || row.generation >= self.scope.goal || row.lease.is_some_and(|lease| !lease.expired) {
            return Vec::new();
        }
        let Some(exchange) = row.exchange else {
            return if row.failing { Vec::new() } else { vec![("# takes the lease", self.led(Step::Leading))] };
        };
        if let Some(answer) = exchange.answer {
            let mut led = self.led(Step::Recorded(answer));
            led.ghost.stuck |= answer == Answer::Unreadable && !self.design.unreadable_ends;
            return vec![("# takes the lease and the answer", led)];
        }
        if self.rescued().is_some() && self.design.rescue == Rescue::AfterProof {
            return vec![("# commits what a rescue file holds", self.ingested())];
        }
        self.meet(&exchange)
    }

    /// An exchange has no answer, and nobody leads.
    fn meet(&self, exchange: &Exchange) -> Next {
        if self.may_replay(exchange) {
            return vec![("# takes the lease", self.led(Step::Leading))];
        }
        let mut next = Vec::new();
        let (failing, permitted) = (self.state.row.failing, self.permits(exchange));
        let guesses = self.design.rescue == Rescue::BeforeProof && !failing;
        if permitted && !exchange.settled && (self.proven(exchange) || guesses) {
            next.push(("# takes the lease", self.led(Step::Leading)));
        }
        let waits = permitted && (exchange.settled || self.proven(exchange));
        if !failing && !waits && self.elapsed(exchange, Quarantine::Intent) {
            // It takes the lease for that, and gives it back.
            let unknown = |state: &mut State| (state.row.failing, state.row.lease) = (true, None);
            next.push(("# says that the outcome is unknown", self.with(unknown)));
        }
        next
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

    /// A replay is left.
    fn permits(&self, exchange: &Exchange) -> bool {
        match self.design.replays {
            Replays::Never => false,
            Replays::Once => exchange.before.is_none(),
            Replays::Always => true,
        }
    }

    /// All that a replay needs is there.
    fn may_replay(&self, exchange: &Exchange) -> bool {
        let waited = |quarantine| exchange.settled && self.elapsed(exchange, quarantine);
        let ready = match self.grace(exchange) {
            Some(Grace::Nothing) => true,
            Some(Grace::Proof) => exchange.settled,
            Some(Grace::Everything) | None => waited(self.design.quarantine),
        };
        self.scope.semantics == Semantics::Stable || (self.permits(exchange) && ready)
    }

    fn grace(&self, exchange: &Exchange) -> Option<Grace> {
        (self.scope.semantics.graceful() && exchange.window).then_some(self.design.grace)
    }

    fn proven(&self, exchange: &Exchange) -> bool {
        let sender = &self.state.processes[exchange.sender];
        let (dead, own) = (sender.step == Step::Dead, exchange.sender == self.index);
        let near = self.scope.nodes[exchange.sender] == self.scope.nodes[self.index];
        own || match self.design.proof {
            Proof::Lease => true,
            Proof::Session => dead || sender.cut,
            Proof::Lock => dead && near,
        }
    }

    /// The quarantine is longer than a message lives. So when it ends, what was sent before it began is processed or
    /// lost; what was sent after it began may be under way. A send in time is near enough to the intent.
    fn elapsed(&self, exchange: &Exchange, quarantine: Quarantine) -> bool {
        let mut messages = self.state.messages.iter().filter(|message| message.from == exchange.sender);
        match quarantine {
            Quarantine::None => true,
            Quarantine::Intent => messages.all(|message| message.late),
            Quarantine::Proof => messages.next().is_none(),
        }
    }

    /// It holds the lease, and looks at what is in the journal.
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

    /// Writes down that nobody sends, if the exchange is still the one that was looked at. The quarantine begins.
    fn settle(&self) -> Next {
        match self.state.row.exchange {
            Some(exchange) if exchange.answer.is_none() && self.owns_lease() => {
                let mut settled = self.over(self.with(|state| {
                    state.row.exchange = Some(Exchange { settled: true, ..exchange });
                }));
                // It happens once per attempt, so it needs no bound.
                settled.processes[self.index].runs += 1;
                vec![("# writes that down", settled)]
            }
            _ => vec![("# is superseded", self.over(self.state.clone()))],
        }
    }

    fn replay(&self, exchange: Exchange) -> Next {
        let before = Some(Before { sender: exchange.sender, settled: exchange.settled });
        self.commit("# takes over", Exchange { sender: self.index, before, settled: false, ..exchange })
    }

    fn intend(&self) -> Next {
        let exchange = Exchange { sender: self.index, before: None, answer: None, window: true, settled: false };
        self.commit("# commits its intent", exchange)
    }

    fn commit(&self, label: &'static str, exchange: Exchange) -> Next {
        let graceful =
            exchange.before.is_some() && self.grace(&exchange).is_some_and(|needed| needed != Grace::Everything);
        let mut next = vec![(
            label,
            self.with(|state| {
                state.row.exchange = Some(exchange);
                let me = &mut state.processes[self.index];
                (me.step, me.replays, me.graceful) = (Step::Intended, exchange.before.is_some(), graceful);
            }),
        )];
        if self.state.budget.failures > 0 {
            let failed = self.with(|state| state.budget.failures -= 1);
            next.push(("# cannot commit its intent", self.over(failed)));
        }
        next
    }

    fn check(&self) -> Next {
        let late = self.design.check && (self.me().stale || (self.me().graceful && self.closed()));
        match late {
            true => vec![("# does not send", self.over(self.with(|state| self.withdraw(state))))],
            false => vec![("# is in time", self.at(Step::Checked))],
        }
    }

    /// Our window of grace is over.
    fn closed(&self) -> bool {
        self.state.row.exchange.is_none_or(|exchange| !exchange.window)
    }

    /// Takes back what was not sent or not processed.
    fn withdraw(&self, state: &mut State) {
        let mine = state.row.exchange.filter(|exchange| exchange.sender == self.index && exchange.answer.is_none());
        let Some(exchange) = mine else { return };
        match (exchange.before, self.design.withdrawn) {
            (Some(Before { sender, settled }), Withdrawn::Uncertain) => {
                state.row.exchange = Some(Exchange { sender, settled, before: None, ..exchange });
            }
            // Nothing was spent, so whoever said that the outcome is unknown was wrong.
            _ => (state.row.exchange, state.row.failing) = (None, false),
        }
    }

    fn sent(&self) -> State {
        let (me, scope) = (self.me(), self.scope);
        let (token, replay, late) = (me.token, me.replays, me.stale);
        self.with(|state| {
            let bit = 1 << token;
            if replay && scope.semantics != Semantics::Stable {
                state.ghost.replays += u8::from(token == state.row.token);
                state.ghost.replayed_twice |= state.ghost.replays > 1;
            } else if scope.semantics != Semantics::Stable {
                state.ghost.spent_twice |= state.ghost.spent & bit != 0;
                state.ghost.spent |= bit;
            }
            state.messages.push(Message { from: self.index, run: me.runs, token, replay, late, early: false });
            state.messages.sort_unstable();
            state.processes[self.index].step = Step::Waiting;
        })
    }

    fn wait(&self) -> Next {
        if self.state.budget.losses == 0 {
            return Vec::new();
        }
        let lost = self.with(|state| {
            state.budget.losses -= 1;
            if let Some(exchange) = state.row.exchange.as_mut().filter(|exchange| exchange.sender == self.index) {
                exchange.settled = true;
            }
        });
        vec![("# gets no answer", self.over(lost))]
    }

    fn record(&self, answer: Answer) -> Next {
        if answer == Answer::TurnedAway {
            return vec![("# was turned away", self.over(self.with(|state| self.withdraw(state))))];
        }
        if !self.design.journal {
            return vec![("# reads the answer", self.at(Step::Recorded(answer)))];
        }
        let (me, row) = (self.me(), &self.state.row);
        let open = row.generation == me.generation && row.exchange.is_some_and(|exchange| exchange.answer.is_none());
        if !open || (self.design.fenced && !self.owns_lease()) {
            let lacks = row.exchange.map_or(!row.failing, |exchange| exchange.answer.is_none());
            let new = matches!(answer, Answer::New(token) if token != row.token);
            let given_up = self.with(|state| {
                state.ghost.dropped |= new && lacks && row.generation == me.generation;
            });
            return vec![("# writes nothing", self.over(given_up))];
        }
        let mut next = vec![(
            "# records the answer",
            self.with(|state| {
                state.row.exchange = state.row.exchange.map(|exchange| Exchange { answer: Some(answer), ..exchange });
                state.processes[self.index].step = Step::Recorded(answer);
            }),
        )];
        if let (Answer::New(token), true) = (answer, self.state.budget.failures > 0) {
            let failed = self.with(|state| {
                state.budget.failures -= 1;
                state.rescued[self.scope.nodes[self.index]] = Some(Rescued { generation: me.generation, token });
            });
            next.push(("# cannot commit the answer, writes a rescue file", failed));
        }
        next
    }

    fn finish(&self, answer: Answer) -> (&'static str, State) {
        let (me, row) = (self.me(), &self.state.row);
        let same = row.generation == me.generation;
        match answer {
            Answer::New(token) if same && (!self.design.fenced || self.owns_lease()) => {
                ("# commits the outcome", self.over(self.with(|state| renew(state, token))))
            }
            Answer::Refused if same || !self.design.reread => {
                let refused = self.with(|state| {
                    state.ghost.flipped |= !same;
                    (state.row.failing, state.row.exchange) = (true, None);
                });
                ("# commits the refusal", self.over(refused))
            }
            Answer::Unreadable if same && self.design.unreadable_ends => {
                let spent = self.scope.semantics != Semantics::Stable;
                let unknown = |state: &mut State| (state.row.failing, state.row.exchange) = (spent, None);
                ("# says that the outcome is unknown", self.over(self.with(unknown)))
            }
            _ => ("# writes nothing", self.over(self.state.clone())),
        }
    }
}

/// The new credential, as a new generation; what was spent for it is forgotten.
pub(crate) fn renew(state: &mut State, token: u8) {
    let row = &mut state.row;
    (row.generation, row.token, row.failing, row.exchange) = (row.generation + 1, token, false, None);
    state.ghost.replays = 0;
}
