//! One attempt of a process: the check of the deadline, the send, and the handling of its result.

use super::{
    designs::{Courier, Grace, Semantics, Unclear, Withdrawn},
    protocol::{Next, Turn, renew},
    state::{Answer, Before, Exchange, Lease, Message, Process, Rescued, Settled, State, Step},
};

impl Turn<'_> {
    pub(super) fn check(&self) -> Next {
        match self.design.check && self.me().stale {
            true => vec![("# does not send", self.over(self.with(|state| self.withdraw(state))))],
            false => vec![("# is in time", self.at(Step::Checked))],
        }
    }

    /// Withdraws an attempt that was not sent or not processed.
    fn withdraw(&self, state: &mut State) {
        let mine = state.row.exchange.filter(|exchange| exchange.sender == self.index && exchange.answer.is_none());
        let Some(exchange) = mine else { return };
        match (exchange.before, self.design.withdrawn) {
            (Some(Before { sender, settled }), Withdrawn::Uncertain) => {
                state.row.exchange = Some(Exchange { sender, settled, before: None, ..exchange });
            }
            // The token was not spent, so a process that reported an unknown outcome was wrong.
            _ => (state.row.exchange, state.row.failing) = (None, false),
        }
    }

    pub(super) fn sent(&self) -> State {
        let me = self.me();
        let scope = self.scope;
        let token = me.token;
        let replay = me.replays;
        let late = me.stale;
        let hasty = replay && self.is_hasty(token);
        self.with(|state| {
            let bit = 1 << token;
            let again = state.ghost.spent & bit != 0;
            if scope.semantics != Semantics::Stable {
                state.ghost.hasty |= hasty;
                state.ghost.spent_twice |= !replay && again;
                state.ghost.spent |= bit;
            }
            state.messages.push(Message { from: self.index, awaited: true, token, again, late, covered: false });
            state.messages.sort_unstable();
            state.processes[self.index].step = Step::Waiting;
        })
    }

    /// Returns `true` if sending this token is in fact too early, whatever the process has checked: an earlier
    /// request with the token can still be processed, perhaps after the provider's window, or another process is
    /// still spending it.
    fn is_hasty(&self, token: u8) -> bool {
        let spends = |process: &Process| {
            let spending = matches!(process.step, Step::Intended | Step::Checked | Step::Waiting | Step::Answered(_));
            // After a day, a courier counts as ended, whatever the design makes of that.
            spending && process.token == token && !(process.alone && process.stale)
        };
        let others = self.state.processes.iter().enumerate().filter(|(index, _)| *index != self.index);
        others.map(|(_, process)| process).any(spends)
            || self.state.messages.iter().any(|message| message.token == token && !message.covered)
    }

    /// Returns the steps of a courier whose process was killed.
    pub(super) fn alone(&self) -> Next {
        let mut ended = self.with(|state| {
            let me = &mut state.processes[self.index];
            (me.step, me.alone) = (Step::Dead, false);
            state.messages.iter_mut().for_each(|message| message.awaited &= message.from != self.index);
            state.messages.sort_unstable();
        });
        let has_word = self.me().step != Step::Intended || self.design.courier == Courier::NoWord;
        let is_late = self.me().stale && self.design.courier != Courier::Duration;
        match self.me().step {
            Step::Answered(_) => vec![("the courier of # ends", ended)],
            Step::Waiting if self.state.budget.unclear == 0 => Vec::new(),
            Step::Waiting => {
                ended.budget.unclear -= 1;
                vec![("the courier of # gets no answer", ended)]
            }
            _ if has_word && !is_late => vec![("the courier of # sends", self.sent())],
            _ => {
                // The note does not say how the attempt before it ended.
                if !self.me().replays {
                    self.withdraw(&mut ended);
                }
                vec![("the note of the courier of # that nothing was sent is found", ended)]
            }
        }
    }

    pub(super) fn wait(&self) -> Next {
        if self.state.budget.unclear == 0 {
            return Vec::new();
        }
        let ended = |text, ended| {
            let mut after = self.with(|state| {
                state.budget.unclear -= 1;
                let mine = state.messages.iter_mut().filter(|message| message.from == self.index);
                mine.for_each(|message| message.awaited = false);
                state.messages.sort_unstable();
            });
            if after.row.exchange.is_some_and(|exchange| exchange.sender == self.index) {
                self.conclude(&mut after, Some(ended));
            }
            let mut after = self.over(after);
            // The faults have a budget, so this needs no bound.
            after.processes[self.index].runs += 1;
            (text, after)
        };
        vec![
            ended("# is answered 503", Unclear::Failed),
            ended("# gets no answer", Unclear::Lost),
            ended("# gets a page", Unclear::Page),
        ]
    }

    pub(super) fn record(&self, answer: Answer) -> Next {
        if answer == Answer::TurnedAway {
            return vec![("# was turned away", self.over(self.with(|state| self.withdraw(state))))];
        }
        if !self.design.journal {
            return vec![("# reads the answer", self.at(Step::Recorded(answer)))];
        }
        let me = self.me();
        let row = &self.state.row;
        let open = row.generation == me.generation && row.exchange.is_some_and(|exchange| exchange.answer.is_none());
        if !open || self.is_fenced() {
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

    pub(super) fn finish(&self, answer: Answer) -> (&'static str, State) {
        let me = self.me();
        let row = &self.state.row;
        let same = row.generation == me.generation;
        match answer {
            Answer::New(token) if same && !self.is_fenced() => {
                ("# commits the outcome", self.over(self.with(|state| renew(state, token))))
            }
            Answer::Refused if same || !self.design.reread => {
                let refused = self.with(|state| {
                    state.ghost.flipped |= !same;
                    (state.row.failing, state.row.exchange) = (true, None);
                });
                ("# commits the refusal", self.over(refused))
            }
            Answer::Unopened if same => {
                let spent = self.scope.semantics != Semantics::Stable;
                let unknown = self.with(|state| {
                    (state.row.failing, state.row.exchange) = (spent, None);
                    state.ghost.unopened = spent;
                });
                ("# says that the outcome is unknown", self.over(unknown))
            }
            _ => ("# writes nothing", self.over(self.state.clone())),
        }
    }

    /// Returns the step of a process whose plugin cannot read the recorded answer, in which the new token is.
    pub(super) fn unread(&self, answer: Answer) -> Option<(&'static str, State)> {
        let same = self.state.row.generation == self.me().generation;
        let Answer::New(token) = answer else { return None };
        if self.state.budget.unread == 0 || !same || self.is_fenced() {
            return None;
        }
        let stable = self.scope.semantics == Semantics::Stable;
        let mut after = self.with(|state| state.budget.unread -= 1);
        if stable {
            after.row.exchange = None;
        } else if self.design.erases_unread {
            after.ghost.dropped |= token != after.row.token;
            after.row.exchange = after.row.exchange.map(|exchange| Exchange { answer: None, ..exchange });
            self.conclude(&mut after, Some(Unclear::Page));
        }
        let mut after = self.over(after);
        // The faults have a budget, so this needs no bound.
        after.processes[self.index].runs += 1;
        Some(("# cannot read the answer", after))
    }

    /// Notes that the attempt is over, and whether the next send needs a quarantine.
    ///
    /// If a quarantine is longer than the rest of the provider's window, a request under way may be processed after
    /// the window closes.
    pub(super) fn conclude(&self, state: &mut State, ended: Option<Unclear>) {
        let token = state.row.token;
        let Some(exchange) = state.row.exchange.as_mut() else { return };
        let grace = (self.scope.semantics.graceful() && exchange.window).then_some(self.design.grace);
        let hasty = ended.is_some() && ended == self.design.hasty;
        exchange.settled = match grace {
            Some(Grace::Nothing | Grace::Window | Grace::Quarantine) => Settled::AtOnce,
            _ if hasty => Settled::AtOnce,
            _ => Settled::Quarantined,
        };
        if matches!(grace, Some(Grace::Nothing | Grace::Quarantine)) {
            let spent = state.messages.iter_mut().filter(|message| message.token == token);
            spent.for_each(|message| message.covered = true);
        }
    }

    /// Returns `true` if the design drops an answer because the process no longer holds the lease.
    pub(super) fn is_fenced(&self) -> bool {
        let holds = |lease: &Lease| lease.owner == self.index && !lease.expired;
        self.design.fenced && !self.state.row.lease.as_ref().is_some_and(holds)
    }
}
