//! The files of the user's own kinds while a command runs: they are read again when they change.
//!
//! `serve` looks at the directory every few seconds, because notifications differ on each system; a command that runs a
//! setup looks before each answer. All files are checked before one of them is used. While a file has a problem, its old
//! kind stays in force, and so do all kinds while the directory cannot be read or is gone with its files.

use std::{io, path::PathBuf, time::Duration};

use connection_contract::{ConnectionDefinition as _, Kind};
use connection_core::ConnectionRegistry;
use connection_manifest::FileKind;
use tokio::task::spawn_blocking;

use crate::{
    catalogue,
    kinds_directory::{self, OwnKinds, Stamps, describes},
    platform::OPERATIONS,
    program::Program,
};

/// The time between two looks at the directory.
const INTERVAL: Duration = Duration::from_secs(2);

/// The kinds of files that are in force in this process.
pub(super) struct KindsInForce {
    registry: ConnectionRegistry,
    directory: PathBuf,
    seen: Stamps,
    used: Vec<Kind>,
    /// The kinds of the program itself, which no file replaces.
    built_in: Vec<Kind>,
    has_catalogue: bool,
    /// `true` if the directory could not be read at the last look.
    is_unreadable: bool,
}

impl KindsInForce {
    /// Returns the kinds as the program has registered them; `None` without a directory to look at.
    pub(super) fn new(program: &Program, registry: &ConnectionRegistry) -> Option<Self> {
        let own = program.own_kinds.clone();
        Some(Self {
            registry: registry.clone(),
            directory: program.settings.kinds_directory()?,
            seen: own.stamps,
            used: own.kinds,
            built_in: own.built_in,
            has_catalogue: program.has_catalogue,
            is_unreadable: false,
        })
    }

    /// Reads the files again whenever they change, without an end.
    pub(super) async fn follow(mut self) {
        let clock = self.registry.clock();
        loop {
            clock.sleep(INTERVAL).await;
            self.look().await;
        }
    }

    /// Reads the files again if they have changed.
    pub(super) async fn look(&mut self) {
        let directory = self.directory.clone();
        let seen = self.seen.clone();
        let changed = move || -> io::Result<Option<OwnKinds>> {
            if kinds_directory::stamps(&directory)? == seen {
                return Ok(None);
            }
            let own = kinds_directory::read(&directory)?;
            if own.stamps.are_gone_with_directory(&seen) {
                return Err(io::Error::new(io::ErrorKind::NotFound, "it is gone with its files"));
            }
            Ok(Some(own))
        };
        match spawn_blocking(changed).await {
            Ok(Ok(own)) => {
                self.is_unreadable = false;
                if let Some(own) = own {
                    self.apply(own).await;
                }
            }
            Ok(Err(error)) => self.unreadable(&error),
            // The runtime shuts down.
            Err(_) => {}
        }
    }

    /// Keeps the kinds in force while the directory cannot be read, and says so once.
    fn unreadable(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_unreadable, true) {
            let directory = self.directory.display();
            tracing::warn!(target: OPERATIONS, "{directory} cannot be read, and its kinds stay in force: {error}");
        }
    }

    /// Puts what was read in force.
    async fn apply(&mut self, own: OwnKinds) {
        let before = std::mem::replace(&mut self.seen, own.stamps);
        for (file, problems) in &own.problems {
            if self.seen.files.get(file) != before.files.get(file) {
                let problems = problems.join("; ");
                tracing::warn!(target: OPERATIONS, "a changed kind is not used, and the old one stays: {problems}");
            }
        }
        let mut used = Vec::new();
        for (file, kind) in own.kinds {
            let name = kind.descriptor().kind;
            let is_changed = self.seen.files.get(&file) != before.files.get(&file);
            if self.built_in.contains(&name) {
                if is_changed {
                    let file = file.display();
                    tracing::warn!(
                        target: OPERATIONS,
                        "{file} is not used, because the program has a kind '{name}' already; change the id in the file"
                    );
                }
                continue;
            }
            self.replace(kind, &name, is_changed).await;
            used.push(name);
        }
        for name in std::mem::take(&mut self.used) {
            if used.contains(&name) {
                continue;
            }
            match self.seen.files.keys().any(|file| describes(file, &name)) {
                true => used.push(name),
                false => self.gone(&name).await,
            }
        }
        self.used = used;
    }

    async fn replace(&self, kind: FileKind, name: &Kind, is_changed: bool) {
        let terms = kind.descriptor().terms;
        let old = self.registry.kinds().get(name);
        if let Err(error) = self.registry.kinds().replace(kind) {
            tracing::warn!(target: OPERATIONS, "the changed kind '{name}' is not used, and the old one stays: {error}");
            return;
        }
        if is_changed {
            tracing::info!(target: OPERATIONS, "the kind '{name}' was read again");
        }
        if old.is_some_and(|old| old.descriptor.terms != terms) && self.is_connected(name).await {
            tracing::warn!(
                target: OPERATIONS,
                "the kind '{name}' sends secrets in another way than before; its connections are not used until \
                 `connections kinds accept {name}`"
            );
        }
    }

    /// Ends the use of a kind whose file was deleted. A kind of the catalogue takes its place.
    async fn gone(&self, name: &Kind) {
        let embedded = if self.has_catalogue { catalogue::kind(name.as_str()) } else { None };
        if let Some(embedded) = embedded {
            return self.replace(embedded, name, true).await;
        }
        self.registry.kinds().unregister(name);
        let rest = if self.is_connected(name).await { "; its connections are not used until it is back" } else { "" };
        tracing::warn!(target: OPERATIONS, "the file of the kind '{name}' is gone{rest}");
    }

    /// Returns `true` if there are connections of the kind. If the store cannot be read, there may be some.
    async fn is_connected(&self, name: &Kind) -> bool {
        self.registry.all_owners().count_connections(Some(name)).await.map_or(true, |count| count > 0)
    }
}
