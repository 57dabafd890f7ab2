//! The places of requests that doors pass on, in this process. They are apart from those of the page and of the API.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::Extensions;
use connection_core::AgentId;
use connection_inbound::{PassedRequest, RequestPlace};

use crate::problem::Problem;

/// The maximum number of requests at once.
const MAX: usize = 256;
/// The maximum number of requests of one agent at once.
const MAX_OF_AGENT: usize = 32;

/// The maximum number of requests of one agent that wait for a person at once. The next one is answered at once.
const MAX_WAITING: usize = 8;

/// The number of requests of each agent.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    agents: HashMap<AgentId, usize>,
    waiting: HashMap<AgentId, usize>,
}

/// The places of one request that is passed on, until it is dropped: here, and at the server that has read the request.
#[derive(Debug)]
pub(super) struct Passage {
    _counted: CountedDoor,
    _passed: Option<PassedRequest>,
}

/// Counts a request until it is dropped.
#[derive(Debug)]
pub(super) struct CountedDoor {
    places: Places,
    agent: AgentId,
}

impl Places {
    /// Takes the places of a request of an agent.
    ///
    /// # Errors
    ///
    /// The refusal of the request, if there is no place.
    pub(super) fn pass(&self, agent: AgentId, request: &Extensions) -> Result<Passage, Problem> {
        let counted = self.take(agent)?;
        let place = request.get::<RequestPlace>();
        let passed = place.map(|place| place.pass_door().ok_or_else(Problem::doors_taken)).transpose()?;
        Ok(Passage { _counted: counted, _passed: passed })
    }

    /// Takes the place of a request that waits for a person; `None` if there is none.
    pub(super) fn wait(&self, agent: AgentId) -> Option<CountedWait> {
        let mut taken = self.lock();
        let count = taken.waiting.entry(agent).or_default();
        if *count >= MAX_WAITING {
            return None;
        }
        *count += 1;
        Some(CountedWait { places: self.clone(), agent })
    }

    fn take(&self, agent: AgentId) -> Result<CountedDoor, Problem> {
        let mut taken = self.lock();
        let of_agent = taken.agents.get(&agent).copied().unwrap_or_default();
        if of_agent >= MAX_OF_AGENT {
            return Err(Problem::too_many_of_agent(MAX_OF_AGENT));
        }
        if taken.all >= MAX {
            return Err(Problem::doors_taken());
        }
        taken.all += 1;
        taken.agents.insert(agent, of_agent + 1);
        Ok(CountedDoor { places: self.clone(), agent })
    }

    /// Locks the counts. No code under the lock leaves them inconsistent, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a request that waits for a person, until it is dropped.
#[derive(Debug)]
pub(super) struct CountedWait {
    places: Places,
    agent: AgentId,
}

impl Drop for CountedWait {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.waiting.get_mut(&self.agent) {
            *count -= 1;
            if *count == 0 {
                taken.waiting.remove(&self.agent);
            }
        }
    }
}

impl Drop for CountedDoor {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(count) = taken.agents.get_mut(&self.agent) {
            *count -= 1;
            if *count == 0 {
                taken.agents.remove(&self.agent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: usize) -> AgentId {
        format!("00000000-0000-0000-0000-{number:012x}").parse().unwrap()
    }

    #[test]
    fn an_agent_and_all_agents_have_a_number_of_places() {
        let places = Places::default();
        let mut held: Vec<_> = (0..MAX).map(|number| places.take(agent(number / MAX_OF_AGENT)).unwrap()).collect();
        assert_eq!(places.take(agent(0)).unwrap_err().code(), "too_many_requests");
        assert_eq!(places.take(agent(99)).unwrap_err().code(), "too_many_uses");
        held.pop();
        held.push(places.take(agent(99)).unwrap());
        drop(held);
        let waiting: Vec<_> = (0..MAX_WAITING).map(|_| places.wait(agent(0)).unwrap()).collect();
        assert!(places.wait(agent(0)).is_none() && places.wait(agent(1)).is_some());
        drop(waiting);
        let taken = places.lock();
        assert!(taken.all == 0 && taken.agents.is_empty() && taken.waiting.is_empty());
    }
}
