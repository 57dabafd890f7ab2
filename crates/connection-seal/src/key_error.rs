//! The reasons why a key source gives no key. Each names the source, and has a remedy where there is one.

use super::KeyId;
use crate::platform::NotPrivate;

/// The reason why a key source gives no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A command of the source could not be started, failed, or did not end in time.
    #[error("the key source '{source_name}' gives no key: the command {detail}")]
    Command {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The failure, such as `did not end within 10 seconds`.
        detail: String,
    },
    /// Another process is changing the keys.
    #[error("the keys of this database are being changed by another process")]
    Contended,
    /// The wrapped key that the database stores for the source is damaged.
    #[error("the data of the key source '{source_name}' in the database is damaged: {detail}")]
    Damaged {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The damage that was found, as the rest of the message.
        detail: String,
    },
    /// The database is sealed with the key of another source, or two configured sources hold different keys.
    #[error("{}", disagreement(source_name, *have, other_name, *other))]
    Disagree {
        /// The name of the source in use, for people.
        source_name: String,
        /// The key of that source; `None` if the source has none or does not reveal it.
        have: Option<KeyId>,
        /// The name of the other source, for people.
        other_name: String,
        /// The key of the other source.
        other: KeyId,
    },
    /// The source holds a key already.
    #[error("the key source '{source_name}' already holds a key")]
    Exists {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
    },
    /// Other users may have read or changed the key.
    #[error("the key is not private: {0}")]
    Exposed(NotPrivate),
    /// The keyring is locked, or did not answer in time.
    #[error("the key source '{source_name}' is locked: {detail}")]
    Locked {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The message of the keyring, without a secret.
        detail: String,
    },
    /// The source holds something that is not a key, or a damaged one.
    #[error("the key source '{source_name}' holds a malformed key")]
    Malformed {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
    },
    /// The database is sealed, and the source does not hold the key.
    #[error("the key source '{source_name}' holds no key, but the database is sealed with one")]
    Missing {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
    },
    /// Neither of two sources holds the key of this database.
    #[error("only key {need} opens this database: '{from}' holds key {have}, and '{to}' does not open it either")]
    Neither {
        /// The name of the source in use, for people.
        from: String,
        /// The name of the source that the database is to be moved to, for people.
        to: String,
        /// The key of the source in use.
        have: KeyId,
        /// The key that opens the database.
        need: KeyId,
    },
    /// This system has no keyring that the process can use.
    #[error("the key source '{source_name}' cannot be reached: {detail}")]
    NoKeyring {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The message of the keyring library, in one line.
        detail: String,
    },
    /// The database has no keyset yet, so nothing in it is sealed.
    #[error("this database has no keys yet")]
    NoKeyset,
    /// The passphrase is not available: its file cannot be read, or nobody entered it.
    #[error("the key source '{source_name}' has no passphrase: {detail}")]
    NoPassphrase {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The reason why the passphrase is not available, as a clause for people.
        detail: String,
    },
    /// The source holds no key and cannot create one.
    #[error("the key source '{source_name}' holds no key and cannot create one")]
    NotSupported {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
    },
    /// The keys of the database are wrapped for another type of source.
    #[error("the keys of this database are wrapped for the key source '{other}', but '{source_name}' is used")]
    OtherSource {
        /// The name of the source in use, for people.
        source_name: String,
        /// The type of source that opens the database, as `key.source` names it.
        other: &'static str,
    },
    /// The passphrase is too easy to guess.
    #[error("the passphrase of the key source '{source_name}' has fewer than {least} characters")]
    ShortPassphrase {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The minimum number of characters of a new passphrase.
        least: usize,
    },
    /// The system refused to read or write the key.
    #[error("the key source '{source_name}' cannot be used: {detail}")]
    Unavailable {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
        /// The message of the operating system, or a description of the failure.
        detail: String,
    },
    /// The keyset is wrapped for two sources, and only one of them is available.
    #[error("a change of the key source has not finished, and '{source_name}' is one of its two sources")]
    Unfinished {
        /// The name of the source that is available, for people.
        source_name: String,
    },
    /// The passphrase is not the one with which the database was sealed.
    #[error("the passphrase of the key source '{source_name}' does not open this database")]
    WrongPassphrase {
        /// The name of the source for people, such as `file /home/ada/.config/connections/key/root.key`.
        source_name: String,
    },
}

impl KeyError {
    /// Returns what a person can do about it, if there is something.
    pub fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Command { source_name, .. } => format!(
                "run the command of '{source_name}' by hand: it must exit with 0 within 10 seconds and print only \
                 its result, at most 4096 bytes; of the variables, it gets `PATH`, `HOME` and similar ones, and those \
                 that `key.variables` names"
            ),
            Self::Contended => "try again".into(),
            Self::Damaged { .. } => "restore the database from a backup".into(),
            Self::Disagree { source_name, other_name, other, .. } => format!(
                "use one source: configure only '{other_name}' if key {other} belongs to this database; otherwise \
                 restore the right key of '{source_name}' from a backup, and move '{other_name}' away"
            ),
            Self::Exposed(exposed) => exposed.remedy(),
            Self::Locked { .. } => "unlock the keyring, then try again".into(),
            Self::Malformed { source_name } | Self::Missing { source_name } => {
                format!("restore the key of '{source_name}' from a backup: without it, the database cannot be opened")
            }
            Self::Neither { need, .. } => format!("use the key source that holds key {need}"),
            Self::NoKeyring { .. } => {
                "start the keyring of this session, then try again; a machine without a keyring needs another key \
                 source, such as `file` or `passphrase`"
                    .into()
            }
            Self::NoKeyset => "open the database once with the key source of your choice".into(),
            Self::NoPassphrase { .. } => {
                "put the passphrase into a file that only its owner can read and name the file with \
                 `key.passphrase_file`, or type the passphrase at a terminal"
                    .into()
            }
            Self::NotSupported { source_name } => format!("put a key of 32 bytes into '{source_name}'"),
            Self::OtherSource { other, .. } => {
                format!("use the key source '{other}' (`key.source`); `key change` then moves the database")
            }
            Self::ShortPassphrase { least, .. } => {
                format!("choose a passphrase of at least {least} characters, such as six random words")
            }
            Self::Unavailable { source_name, .. } => {
                format!("check that '{source_name}' exists and that the user who runs this program may use it")
            }
            Self::Unfinished { .. } => "finish the change first: `key change` continues where it stopped".into(),
            Self::WrongPassphrase { .. } => {
                "enter the passphrase with which the database was sealed: without it, the database cannot be opened"
                    .into()
            }
            Self::Exists { .. } => return None,
        })
    }
}

fn disagreement(source: &str, have: Option<KeyId>, other_name: &str, other: KeyId) -> String {
    let have = have.map_or_else(|| "has no key that opens this database".to_owned(), |id| format!("holds key {id}"));
    format!("two key sources differ: '{source}' {have}, and '{other_name}' holds key {other}")
}
