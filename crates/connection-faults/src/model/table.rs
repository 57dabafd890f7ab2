//! The results of the explorations, as tables for the document.

use std::collections::BTreeMap;

use super::{
    cases::{Case, Expected},
    checker,
    refresh::{Ends, Invariant, Refresh},
    state::Budget,
};

/// The result of exploring a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case, which is a design in a scope.
    pub case: Case,
    /// The number of states that the case can reach.
    pub states: usize,
    /// Number of final states of each sort.
    pub ends: Ends,
    /// The shortest history that breaks each invariant that does not hold.
    pub broken: BTreeMap<Invariant, Vec<String>>,
}

impl Case {
    /// Visits every reachable state of this case.
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

/// Returns the table of designs that hold.
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

/// Returns the table of designs that hold, with the number of their final states.
#[must_use]
pub fn ended(outcomes: &[Outcome]) -> String {
    let mut table = "| Design | Provider | Processes/nodes | Faults | States | Verdict | Live | Open | Failing |\n\
                     |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for outcome in outcomes {
        let Ends { live, open, failing } = outcome.ends;
        let scope = outcome.scope();
        let verdict = outcome.verdict();
        table += &format!("{scope} | {verdict} | {live} | {open} | {failing} |\n");
    }
    table
}

/// Returns the table of designs that fail, with the invariants that they break and a counterexample.
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
    /// Returns the name of the invariant in the tables.
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
        ("answer unreadable", budget.unread),
        ("commit failed", budget.failures),
        ("session cut", budget.cuts),
        ("turned away", budget.refusals),
        ("record unreadable", budget.unopened),
        ("authorized again", budget.renewals),
    ];
    let broken: Vec<_> =
        named.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    if broken.is_empty() { "none".to_owned() } else { broken.join(", ") }
}
