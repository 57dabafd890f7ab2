//! A checker that visits every reachable state of a model, breadth first, so that the first state that breaks an
//! invariant has the shortest history.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    hash::Hash,
};

/// A model that the checker explores.
pub(crate) trait Model {
    /// The state, with everything on which the next steps depend.
    type State: Clone + Eq + Hash;
    /// The name of a step in a history.
    type Label: Display;
    /// A property that must hold in every state. Results are in its order.
    type Invariant: Copy + Ord;

    /// Returns the state in which every history begins.
    fn initial(&self) -> Self::State;
    /// Returns every step that may come next, with the state after it.
    fn steps(&self, state: &Self::State) -> Vec<(Self::Label, Self::State)>;
    /// Returns the invariants that do not hold in a state. `last` is `true` if the state has no next step.
    fn broken(&self, state: &Self::State, last: bool) -> Vec<Self::Invariant>;
    /// Notes a state that has no next step.
    fn ended(&mut self, state: &Self::State);
}

/// The result of visiting every state of a model.
#[derive(Clone, Debug)]
pub(crate) struct Explored<I> {
    /// Number of states that the model can reach.
    pub(crate) states: usize,
    /// The shortest history that breaks each invariant that does not hold.
    pub(crate) broken: BTreeMap<I, Vec<String>>,
}

/// Visits every reachable state of a model.
pub(crate) fn explore<M: Model>(model: &mut M) -> Explored<M::Invariant> {
    let initial = model.initial();
    let mut numbers = HashMap::from([(initial.clone(), 0)]);
    let mut states = vec![(initial, 0)];
    let mut first = BTreeMap::new();
    let mut next = 0;
    while let Some((state, _)) = states.get(next).cloned() {
        let steps = model.steps(&state);
        for invariant in model.broken(&state, steps.is_empty()) {
            first.entry(invariant).or_insert(next);
        }
        if steps.is_empty() {
            model.ended(&state);
        }
        for (_, state) in steps {
            numbers.entry(state).or_insert_with_key(|state| {
                states.push((state.clone(), next));
                states.len() - 1
            });
        }
        next += 1;
    }
    let broken = first.into_iter().map(|(invariant, at)| (invariant, history(model, &states, at))).collect();
    Explored { states: states.len(), broken }
}

/// Returns the labels of the steps from the initial state to a state. The exploration keeps no labels, so each step
/// is computed again.
fn history<M: Model>(model: &M, states: &[(M::State, usize)], mut at: usize) -> Vec<String> {
    let mut labels = Vec::new();
    while at != 0 {
        let (state, before) = &states[at];
        let mut steps = model.steps(&states[*before].0).into_iter();
        let (label, _) = steps.find(|(_, next)| next == state).expect("a state is reached by a step of the one before");
        labels.push(label.to_string());
        at = *before;
    }
    labels.reverse();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model that counts in steps of one and three up to ten, and must not exceed `limit`.
    struct Counter {
        limit: u8,
        ends: usize,
    }

    impl Model for Counter {
        type State = u8;
        type Label = String;
        type Invariant = &'static str;

        fn initial(&self) -> u8 {
            0
        }

        fn steps(&self, state: &u8) -> Vec<(String, u8)> {
            [1, 3].map(|by| (format!("+{by}"), state + by)).into_iter().filter(|(_, next)| *next <= 10).collect()
        }

        fn broken(&self, state: &u8, last: bool) -> Vec<&'static str> {
            [("limit", *state > self.limit), ("last", last && *state != 10)]
                .into_iter()
                .filter_map(|(name, broken)| broken.then_some(name))
                .collect()
        }

        fn ended(&mut self, _: &u8) {
            self.ends += 1;
        }
    }

    #[test]
    fn every_state_is_visited_once_and_the_shortest_history_is_told() {
        let mut counter = Counter { limit: 6, ends: 0 };
        let explored = explore(&mut counter);
        assert_eq!((explored.states, counter.ends), (11, 1));
        assert_eq!(explored.broken, BTreeMap::from([("limit", vec!["+1".to_owned(), "+3".into(), "+3".into()])]));
    }

    #[test]
    fn what_holds_everywhere_is_not_told() {
        assert!(explore(&mut Counter { limit: 10, ends: 0 }).broken.is_empty());
    }
}
