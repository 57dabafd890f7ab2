//! What happens around the processes: the provider, the network, the clock, and faults.

use super::{
    designs::{Scope, Semantics},
    label::Label,
    protocol::renew,
    state::{Answer, Message, Process, State, Step},
};

/// What the provider makes of a message, and what the network makes of it.
pub(crate) fn messages(scope: &Scope, state: &State) -> Vec<(Label, State)> {
    let mut next = Vec::new();
    for (at, message) in state.messages.iter().enumerate() {
        let mut after = state.clone();
        after.messages.remove(at);
        let of = |text| Label::new(message.from, text);
        let awaited = awaits(state, message);
        if !awaited {
            next.push((of("the request of # is lost"), after.clone()));
        }
        if awaited && state.budget.refusals > 0 {
            let mut turned = after.clone();
            turned.budget.refusals -= 1;
            match message.replay {
                true => turned.ghost.replays = turned.ghost.replays.saturating_sub(1),
                false => turned.ghost.spent &= !(1 << message.token),
            }
            turned.processes[message.from].step = Step::Answered(Answer::TurnedAway);
            next.push((of("the provider turns # away"), turned));
        }
        let (said, answer) = process(scope, &mut after, message);
        if awaited {
            after.processes[message.from].step = Step::Answered(answer);
            if let Answer::New(token) = answer {
                after.ghost.received = token;
            }
            if state.budget.garbled > 0 && matches!(answer, Answer::New(_)) {
                let mut garbled = after.clone();
                garbled.budget.garbled -= 1;
                garbled.ghost.received = state.ghost.received;
                garbled.processes[message.from].step = Step::Answered(Answer::Unreadable);
                next.push((of("the provider rotates, and # cannot read its answer"), garbled));
            }
        }
        next.push((of(said), after));
    }
    next
}

fn awaits(state: &State, message: &Message) -> bool {
    let sender = &state.processes[message.from];
    sender.step == Step::Waiting && sender.runs == message.run
}

fn process(scope: &Scope, state: &mut State, message: &Message) -> (&'static str, Answer) {
    let provider = &mut state.provider;
    if message.token < provider.family || !provider.alive {
        return ("the provider refuses #", Answer::Refused);
    }
    if scope.semantics == Semantics::Stable {
        return ("the provider renews for #", Answer::New(message.token));
    }
    if (provider.eldest..=provider.current).contains(&message.token) {
        provider.current += 1;
        provider.eldest = provider.current;
        provider.window = scope.semantics.graceful().then_some(message.token);
        state.messages.iter_mut().for_each(|other| other.early |= other.token == message.token);
        return ("the provider rotates for #", Answer::New(provider.current));
    }
    if provider.window == Some(message.token) {
        provider.current += u8::from(scope.semantics != Semantics::GraceSame);
        if scope.semantics == Semantics::GraceLast {
            provider.eldest = provider.current;
        }
        return ("the provider answers # again", Answer::New(provider.current));
    }
    provider.alive = false;
    ("the provider sees a reuse by # and revokes all", Answer::Refused)
}

/// Time passes, for all or for one.
pub(crate) fn time(expires: bool, scope: &Scope, state: &State) -> Vec<(Label, State)> {
    let mut next = Vec::new();
    if let Some(lease) = state.row.lease
        && state.processes[lease.owner].step == Step::Dead
        && !lease.expired
        && expires
    {
        let mut after = state.clone();
        after.row.lease.iter_mut().for_each(|lease| lease.expired = true);
        next.push((Label::new(lease.owner, "the lease of # expires"), after));
    }
    if scope.semantics.graceful() {
        windows(state, &mut next);
    }
    next
}

/// The provider takes a spent token for a time after its rotation; we count that time from the intent, so ours ends
/// first, by more than a message lives.
fn windows(state: &State, next: &mut Vec<(Label, State)>) {
    let ours = state.row.exchange.is_some_and(|exchange| exchange.window);
    // Who looked at the window and was not paused since sends while it is open.
    let sending = |process: &Process| process.graceful && !process.stale && process.step == Step::Checked;
    if state.processes.iter().any(sending) {
        return;
    }
    if ours {
        let mut after = state.clone();
        after.row.exchange.iter_mut().for_each(|exchange| exchange.window = false);
        next.push((Label::world("our window closes"), after));
    }
    let spent = state.provider.window;
    let held = |message: &Message| Some(message.token) == spent && (message.early || !message.late);
    if spent.is_some() && !ours && !state.messages.iter().any(held) {
        let mut after = state.clone();
        after.provider.window = None;
        next.push((Label::world("the provider's window closes"), after));
    }
}

/// What costs a fault.
pub(crate) fn faults(expires: bool, state: &State) -> Vec<(Label, State)> {
    let mut next = Vec::new();
    for (index, process) in state.processes.iter().enumerate() {
        let of = |text| Label::new(index, text);
        let running = !matches!(process.step, Step::Idle | Step::Dead);
        let sender = state.row.exchange.is_some_and(|exchange| exchange.sender == index);
        if state.budget.crashes > 0 && process.step != Step::Dead && (running || sender) {
            let mut after = state.clone();
            after.budget.crashes -= 1;
            let process = &mut after.processes[index];
            (process.step, process.runs, process.stale, process.cut) = (Step::Dead, 0, false, false);
            next.push((of("# is killed"), after));
        }
        if state.budget.pauses > 0 && running && !process.stale {
            let mut after = state.clone();
            after.budget.pauses -= 1;
            after.processes[index].stale = true;
            after.row.lease.iter_mut().for_each(|lease| lease.expired |= expires && lease.owner == index);
            next.push((of("# is paused beyond its lease"), after));
        }
        if state.budget.cuts > 0 && running && !process.cut {
            let mut after = state.clone();
            after.budget.cuts -= 1;
            after.processes[index].cut = true;
            next.push((of("the database session of # ends"), after));
        }
    }
    if state.budget.renewals > 0 {
        let mut after = state.clone();
        after.budget.renewals -= 1;
        let provider = &mut after.provider;
        provider.current += 1;
        (provider.eldest, provider.family) = (provider.current, provider.current);
        (provider.alive, provider.window) = (true, None);
        let token = provider.current;
        renew(&mut after, token);
        next.push((Label::world("somebody authorizes again"), after));
    }
    next
}
