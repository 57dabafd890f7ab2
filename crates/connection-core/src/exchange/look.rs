//! Reads the state directory of a node without becoming one of its processes, for a restore and a move.

use std::{collections::HashMap, io, path::Path};

use super::{
    ExchangeScope,
    answer_slots::Content,
    rescue::{self, StoredKind},
    state::{StateDirectory, Users},
};
use crate::ConnectionId;

/// The content of a state directory that concerns one store.
#[derive(Debug, Default)]
pub(crate) struct NodeLook {
    /// `true` if a process of the store is running.
    pub(crate) is_in_use: bool,
    /// `true` if only couriers are running, which finish a renewal within seconds.
    pub(crate) is_renewing: bool,
    /// The connections for which the node keeps answers, with the latest generation of which a token was spent.
    answers: HashMap<ConnectionId, i64>,
    /// `true` if there may be an answer whose connection cannot be read.
    pub(crate) is_unreadable: bool,
    /// The number of answers and of entries of journals that the node keeps.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only a move to a server counts them"))]
    pub(crate) kept: usize,
}

impl NodeLook {
    /// Returns `true` if the node keeps an answer to a request that spent the token of this generation or a later one.
    pub(crate) fn has_answer(&self, id: ConnectionId, generation: i64) -> bool {
        self.answers.get(&id).is_some_and(|spent| *spent >= generation)
    }

    /// Returns the look at a directory that cannot be read.
    pub(crate) fn unreadable() -> Self {
        Self { is_unreadable: true, ..Self::default() }
    }

    /// Reads the directory at `path`, which may not exist, for the store with this tag.
    ///
    /// Blocks: call it on a thread that may block.
    pub(crate) fn at(path: &Path, store: &str) -> Self {
        let mut look = Self::default();
        match StateDirectory::users(path, Some(store)) {
            Ok(users) => {
                look.is_in_use = users == Users::Processes;
                look.is_renewing = users == Users::Couriers;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return look,
            Err(_) => look.is_unreadable = true,
        }
        match StateDirectory::contents(path, store) {
            Ok(contents) => contents.iter().for_each(|content| look.add(content)),
            Err(_) => look.is_unreadable = true,
        }
        look
    }

    fn add(&mut self, content: &Content) {
        let bytes = match content {
            Content::Gone => return,
            Content::Damaged => return self.is_unreadable = true,
            Content::Whole(bytes) => bytes,
        };
        self.kept += 1;
        match rescue::parse(bytes) {
            Some(kept) => {
                if let StoredKind::Answer(ExchangeScope::Connection(id)) = kept.kind {
                    let spent = self.answers.entry(id).or_insert(kept.generation);
                    *spent = kept.generation.max(*spent);
                }
            }
            None => self.is_unreadable = true,
        }
    }
}
