//! The answers that are too long for one result, which this process keeps for ten minutes.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connection_contract::Timestamp;
use connection_core::{AgentId, ConnectionId};

/// The maximum size of a part in bytes.
const PART: usize = 10_000;
/// The maximum number of answers of one agent. The oldest one goes first.
const MAX_OF_AGENT: usize = 8;
/// The maximum number of answers of all agents.
const MAX: usize = 64;
/// The time for which an answer is kept, in seconds.
const KEPT: u64 = 600;

/// The answers that this process keeps.
#[derive(Clone, Debug, Default)]
pub(in crate::doors) struct Rests(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<String, Long>,
    /// The number of answers that were kept, which numbers them.
    count: u64,
    /// Draws ids that an earlier process did not draw. They are no secrets: an answer belongs to its agent.
    drawn: RandomState,
}

/// A long answer.
#[derive(Clone, Debug)]
struct Long {
    number: u64,
    agent: AgentId,
    connection: ConnectionId,
    origin: String,
    text: Arc<str>,
    until: Timestamp,
}

/// A part of an answer.
#[derive(Debug)]
pub(super) struct Part {
    /// The connection from which the answer came.
    pub(super) connection: ConnectionId,
    /// The origin of the provider that sent the text.
    pub(super) origin: String,
    pub(super) text: String,
    /// The sentence that says how to read what follows; empty at the end.
    pub(super) more: String,
}

impl Rests {
    /// Returns the first part of an answer, and keeps the answer if it has more of them.
    pub(super) fn begin(
        &self,
        agent: AgentId,
        connection: ConnectionId,
        origin: String,
        text: String,
        now: Timestamp,
    ) -> Part {
        let long = Long { number: 0, agent, connection, origin, text: text.into(), until: now.after(KEPT) };
        let id = if long.text.len() > PART { self.keep(long.clone(), now) } else { String::new() };
        long.part(&id, 0)
    }

    /// Returns the part with this id, if it is one of this agent. The same id gives the same part again, because a client
    /// may repeat a call.
    pub(super) fn next(&self, rest: &str, agent: AgentId, now: Timestamp) -> Option<Part> {
        let (id, begin) = rest.split_once('.')?;
        let begin: usize = begin.parse().ok()?;
        let mut kept = self.lock();
        kept.answers.retain(|_, long| now < long.until);
        let long = kept.answers.get(id).filter(|long| long.agent == agent)?;
        long.text.is_char_boundary(begin).then(|| long.part(id, begin))
    }

    fn keep(&self, long: Long, now: Timestamp) -> String {
        let mut kept = self.lock();
        let Kept { answers, count, drawn } = &mut *kept;
        answers.retain(|_, long| now < long.until);
        let agent = long.agent;
        let make_room = |answers: &mut HashMap<String, Long>, most: usize, counts: &dyn Fn(&Long) -> bool| {
            let counted = || answers.iter().filter(|(_, long)| counts(long));
            if counted().count() >= most {
                let oldest = counted().min_by_key(|(_, long)| long.number).map(|(id, _)| id.clone());
                oldest.and_then(|id| answers.remove(&id));
            }
        };
        make_room(answers, MAX_OF_AGENT, &|long| long.agent == agent);
        make_room(answers, MAX, &|_| true);
        *count += 1;
        let id = format!("{:016x}", drawn.hash_one(*count));
        answers.insert(id.clone(), Long { number: *count, ..long });
        id
    }

    /// Locks the answers. No code under the lock leaves them inconsistent, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Long {
    /// Returns the part that begins at this byte.
    fn part(&self, id: &str, begin: usize) -> Part {
        let (end, length) = (self.text.floor_char_boundary(begin.saturating_add(PART)), self.text.len());
        let more = match end < length {
            true => format!(
                "These are the bytes {begin} to {end} of {length}. Call read_more with rest = '{id}.{end}' for the \
                 next part."
            ),
            false => String::new(),
        };
        let text = self.text.get(begin..end).unwrap_or_default().to_owned();
        Part { connection: self.connection, origin: self.origin.clone(), text, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: usize) -> AgentId {
        format!("00000000-0000-0000-0000-{number:012x}").parse().unwrap()
    }

    fn connection() -> ConnectionId {
        "00000000-0000-0000-0000-000000000001".parse().unwrap()
    }

    /// Keeps an answer, and returns the id of its second part.
    fn kept(rests: &Rests, agent: AgentId, letter: &str, now: Timestamp) -> String {
        let part = rests.begin(agent, connection(), "https://a.example".to_owned(), letter.repeat(25_000), now);
        assert_eq!(part.text.len(), PART);
        part.more.split('\'').nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_oldest_answer_of_an_agent_goes_first_and_reading_takes_no_room() {
        let (rests, now) = (Rests::default(), Timestamp::from_seconds(0));
        let ids: Vec<_> = (0..MAX_OF_AGENT).map(|_| kept(&rests, agent(0), "a", now)).collect();
        for _ in 0..2 * MAX_OF_AGENT {
            assert_eq!(rests.next(&ids[0], agent(0), now).unwrap().text, "a".repeat(PART));
        }
        let last = rests.next(&ids[7], agent(0), now).unwrap().more.split('\'').nth(1).unwrap().to_owned();
        let last = rests.next(&last, agent(0), now).unwrap();
        assert_eq!((last.text.len(), &*last.more), (5_000, ""));
        kept(&rests, agent(0), "b", now);
        assert!(rests.next(&ids[0], agent(0), now).is_none() && rests.next(&ids[1], agent(0), now).is_some());
        for other in 1..=MAX {
            kept(&rests, agent(other), "c", now);
        }
        assert_eq!(rests.lock().answers.len(), MAX);
    }

    #[test]
    fn an_answer_belongs_to_its_agent_and_ends() {
        let (rests, now) = (Rests::default(), Timestamp::from_seconds(0));
        let id = kept(&rests, agent(0), "é", now);
        assert!(rests.next(&id, agent(1), now).is_none());
        for odd in [id.replace(".10000", ".10001"), id.replace('.', ""), format!("{id}0000000"), "x.0".to_owned()] {
            assert!(rests.next(&odd, agent(0), now).is_none(), "{odd}");
        }
        assert!(rests.next(&id, agent(0), now.after(KEPT - 1)).is_some());
        assert!(rests.next(&id, agent(0), now.after(KEPT)).is_none());
        assert!(rests.lock().answers.is_empty(), "its memory is free");
        let short = rests.begin(agent(0), connection(), String::new(), "x".repeat(PART), now);
        assert!(short.more.is_empty() && rests.lock().answers.is_empty());
    }
}
