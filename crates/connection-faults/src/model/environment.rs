//! The steps of the model outside of the processes: the provider, the network, the clock and the faults.

use super::{
    designs::{Courier, Design, Scope, Semantics},
    label::Label,
    protocol::renew,
    state::{Answer, Message, Process, Rescued, Settled, State, Step},
};

/// Returns the steps in which the provider or the network handles a request.
pub(crate) fn messages(design: &Design, scope: &Scope, state: &State) -> Vec<(Label, State)> {
    let mut next = Vec::new();
    for (at, message) in state.messages.iter().enumerate() {
        let mut after = state.clone();
        after.messages.remove(at);
        let of = |text| Label::new(message.from, text);
        let awaited = message.awaited;
        if !awaited {
            next.push((of("the request of # is lost"), after.clone()));
        }
        if awaited && state.budget.refusals > 0 {
            let mut turned = after.clone();
            turned.budget.refusals -= 1;
            if !message.again {
                turned.ghost.spent &= !(1 << message.token);
            }
            turned.processes[message.from].step = Step::Answered(Answer::TurnedAway);
            next.push((of("the provider turns # away"), turned));
        }
        let (said, answer) = process(scope, &mut after, message);
        if awaited {
            after.processes[message.from].step = Step::Answered(answer);
            if let Answer::New(token) = answer {
                after.ghost.received = token;
                if design.courier != Courier::Off {
                    let generation = after.processes[message.from].generation;
                    after.rescued[scope.nodes[message.from]] = Some(Rescued { generation, token });
                }
            }
        }
        next.push((of(said), after));
    }
    next
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

/// Returns the steps in which time passes.
pub(crate) fn time(design: &Design, scope: &Scope, state: &State) -> Vec<(Label, State)> {
    let mut next = Vec::new();
    if let Some(lease) = state.row.lease
        && state.processes[lease.owner].is_killed()
        && !lease.expired
        && design.expires
    {
        let mut after = state.clone();
        after.row.lease.iter_mut().for_each(|lease| lease.expired = true);
        next.push((Label::new(lease.owner, "the lease of # expires"), after));
    }
    if design.day {
        next.extend(day(scope, state));
    }
    if scope.semantics.graceful() {
        windows(state, &mut next);
    }
    next
}

/// Returns the step in which a day passes without a sign of life from the sender's node. By then its requests are
/// over, and its rescue file counts as lost.
fn day(scope: &Scope, state: &State) -> Option<(Label, State)> {
    let exchange = state.row.exchange.filter(|it| it.answer.is_none() && it.settled == Settled::No && !it.gone)?;
    let node = scope.nodes[exchange.sender];
    // A process that can begin no further run gives no sign of life either.
    let gone = |process: &Process| process.is_killed() || (process.step == Step::Idle && process.runs == 0);
    let silent = scope.nodes.iter().zip(&state.processes).all(|(at, process)| *at != node || gone(process));
    let under_way = state.messages.iter().any(|message| message.from == exchange.sender);
    if !silent || under_way || !state.processes[exchange.sender].is_killed() {
        return None;
    }
    let mut after = state.clone();
    after.row.exchange.iter_mut().for_each(|exchange| exchange.gone = true);
    after.rescued[node] = None;
    // A courier that is still out was paused for so long.
    let sender = &mut after.processes[exchange.sender];
    sender.stale |= sender.alone;
    Some((Label::new(exchange.sender, "a day passes without a sign of #"), after))
}

/// Adds the steps in which a window closes.
///
/// The provider accepts a spent token for a time after its rotation. We count that time from the first intent, so the
/// provider's window closes after ours, and requests that are covered are processed or lost by then.
fn windows(state: &State, next: &mut Vec<(Label, State)>) {
    let ours = state.row.exchange.is_some_and(|exchange| exchange.window);
    if ours {
        let mut after = state.clone();
        after.row.exchange.iter_mut().for_each(|exchange| exchange.window = false);
        next.push((Label::world("our window closes"), after));
    }
    let spent = state.provider.window;
    let held = |message: &Message| Some(message.token) == spent && message.covered;
    if spent.is_some() && !ours && !state.messages.iter().any(held) {
        let mut after = state.clone();
        after.provider.window = None;
        next.push((Label::world("the provider's window closes"), after));
    }
}

/// Returns the steps that use up a part of the fault budget.
pub(crate) fn faults(design: &Design, state: &State) -> Vec<(Label, State)> {
    let mut next = Vec::new();
    for (index, process) in state.processes.iter().enumerate() {
        let of = |text| Label::new(index, text);
        let running = !matches!(process.step, Step::Idle | Step::Dead);
        let sender = state.row.exchange.is_some_and(|exchange| exchange.sender == index);
        if state.budget.crashes > 0 && process.step != Step::Dead && (running || sender) {
            let mut after = state.clone();
            after.budget.crashes -= 1;
            let process = &mut after.processes[index];
            let has_request = matches!(process.step, Step::Intended | Step::Checked | Step::Waiting)
                || (process.step == Step::Leading && design.courier == Courier::NoWord);
            // The second kill is that of the courier.
            process.alone = !process.alone && has_request && design.courier != Courier::Off;
            (process.runs, process.stale, process.cut) = (0, false, false);
            let alone = process.alone;
            if !alone {
                process.step = Step::Dead;
            }
            after.messages.iter_mut().for_each(|message| message.awaited &= alone || message.from != index);
            after.messages.sort_unstable();
            next.push((of("# is killed"), after));
        }
        let running = running && !process.alone;
        if state.budget.pauses > 0 && running && !process.stale {
            let mut after = state.clone();
            after.budget.pauses -= 1;
            after.processes[index].stale = true;
            after.row.lease.iter_mut().for_each(|lease| lease.expired |= design.expires && lease.owner == index);
            next.push((of("# is paused beyond its lease"), after));
        }
        if state.budget.cuts > 0 && running && !process.cut {
            let mut after = state.clone();
            after.budget.cuts -= 1;
            after.processes[index].cut = true;
            next.push((of("the database session of # ends"), after));
        }
    }
    if let Some(Answer::New(_)) = state.row.exchange.and_then(|exchange| exchange.answer)
        && state.budget.unopened > 0
    {
        let mut after = state.clone();
        after.budget.unopened -= 1;
        after.row.exchange.iter_mut().for_each(|exchange| exchange.answer = Some(Answer::Unopened));
        next.push((Label::world("the recorded answer can no longer be opened"), after));
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
