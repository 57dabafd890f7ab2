//! The shapes of `backup`, `restore` and `failover`.

use connection_core::{Backup, Restored};
use serde::Serialize;

/// A backup that was written.
#[derive(Debug, Serialize)]
pub(crate) struct BackupBody {
    file: String,
    version: i64,
    keys: Vec<String>,
    connections: u64,
}

impl From<&Backup> for BackupBody {
    fn from(backup: &Backup) -> Self {
        Self {
            file: backup.file.display().to_string(),
            version: backup.version,
            keys: backup.keys.iter().map(ToString::to_string).collect(),
            connections: backup.connections,
        }
    }
}

/// A database that was restored, or marked as restored or failed over.
#[derive(Debug, Serialize)]
pub(crate) struct RestoredBody {
    database: String,
    kept: Option<String>,
    unread: Option<String>,
    completed: bool,
    connections: Vec<RestoredConnectionBody>,
    frozen: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoredConnectionBody {
    id: String,
    owner: String,
    kind: String,
    label: String,
    refresh_token: &'static str,
    command: Option<String>,
}

impl RestoredBody {
    /// `commands` has what to do with each connection.
    pub(crate) fn new(restored: &Restored, commands: Vec<Option<String>>) -> Self {
        let bodies = restored.connections.iter().zip(commands).map(|(restored, command)| {
            let info = &restored.connection;
            RestoredConnectionBody {
                id: info.id.to_string(),
                owner: info.owner.clone(),
                kind: info.kind.to_string(),
                label: info.label.to_string(),
                refresh_token: restored.token.name(),
                command,
            }
        });
        Self {
            database: restored.database.clone(),
            kept: restored.kept.as_ref().map(|kept| kept.display().to_string()),
            unread: restored.unread.clone(),
            completed: restored.is_completed,
            connections: bodies.collect(),
            frozen: restored.frozen.iter().map(ToString::to_string).collect(),
        }
    }
}
