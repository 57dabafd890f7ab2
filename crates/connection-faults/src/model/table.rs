//! What was explored, as the document shows it.

use std::collections::BTreeMap;

use super::{
    cases::{Case, Expected},
    checker,
    refresh::{Ends, Invariant, Refresh},
    state::Budget,
};

/// What an exploration found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was explored.
    pub case: Case,
    /// How many states there are.
    pub states: usize,
    /// How the ends are.
    pub ends: Ends,
    /// Per invariant that does not hold, the shortest history that breaks it.
    pub broken: BTreeMap<Invariant, Vec<String>>,
}

impl Case {
    /// Explores all that may happen.
    #[must_use]
    pub fn explore(&self) -> Outcome {
        let mut refresh = Refresh { design: self.design, scope: self.scope.clone(), ends: Ends::default() };
        let explored = checker::explore(&mut refresh);
        Outcome { case: self.clone(), states: explored.states, ends: refresh.ends, broken: explored.broken }
    }
}

impl Outcome {
    fn scope(&self) -> String {
        let scope = &self.case.scope;
        let nodes = scope.nodes.iter().max().map_or(0, |last| last + 1);
        format!(
            "| {} | {} | {}/{nodes} | {} | {}",
            self.case.name,
            scope.semantics.name(),
            scope.nodes.len(),
            faults(&scope.budget),
            self.states,
        )
    }

    fn verdict(&self) -> &'static str {
        if self.broken.is_empty() { "holds" } else { "FAILS" }
    }
}

/// Designs that hold.
#[must_use]
pub fn held(outcomes: &[Outcome]) -> String {
    let mut table = "| Design | Provider | Processes/nodes | Faults | States | Verdict |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    for outcome in outcomes {
        table += &format!("{} | {} |\n", outcome.scope(), outcome.verdict());
    }
    table
}

/// Designs that hold, and in how many states nothing more can happen.
#[must_use]
pub fn ended(outcomes: &[Outcome]) -> String {
    let mut table = "| Design | Provider | Processes/nodes | Faults | States | Verdict | Live | Open | Failing |\n\
                     |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for outcome in outcomes {
        let Ends { live, open, failing } = outcome.ends;
        let (scope, verdict) = (outcome.scope(), outcome.verdict());
        table += &format!("{scope} | {verdict} | {live} | {open} | {failing} |\n");
    }
    table
}

/// Designs that fail, and why.
#[must_use]
pub fn failed(outcomes: &[Outcome]) -> String {
    let mut table = "| Design | Provider | Processes/nodes | Faults | States | Fails | Shortest counterexample |\n\
                     |---|---|---|---|---|---|---|\n"
        .to_owned();
    for outcome in outcomes {
        let broken: Vec<_> = outcome.broken.keys().map(|invariant| invariant.id()).collect();
        let shown = match outcome.case.expected {
            Expected::Breaks(invariant) => invariant,
            Expected::Holds => continue,
        };
        let history = outcome.broken.get(&shown).map_or("NONE".to_owned(), |steps| steps.join("; "));
        table += &format!("{} | {} | {}: {history} |\n", outcome.scope(), broken.join(", "), shown.id());
    }
    table
}

impl Invariant {
    /// How the tables call it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NoSecondSpend => "I01",
            Self::LiveIsLive => "I02",
            Self::NothingReceivedIsLost => "I05",
            Self::EveryRunEnds => "I06",
            Self::NoFlip => "I06b",
            Self::NothingIsGivenUp => "I07",
        }
    }
}

fn faults(budget: &Budget) -> String {
    let named = [
        ("killed", budget.crashes),
        ("paused", budget.pauses),
        ("answer unclear", budget.unclear),
        ("commit failed", budget.failures),
        ("session cut", budget.cuts),
        ("turned away", budget.refusals),
        ("record unreadable", budget.unopened),
        ("authorized again", budget.renewals),
    ];
    let told: Vec<_> =
        named.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}
