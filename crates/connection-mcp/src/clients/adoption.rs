//! The record of a replacement, from which the next run continues after a kill.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    client::Client,
    difference::Difference,
    entry::Place,
    error::ConfigError,
    files::ConfigFile,
    replace::{Replacement, replace},
};

/// The version of the form of records.
const VERSION: u32 = 1;

/// The record of a replacement of entries in one file.
///
/// The caller stores the record before it writes the file, and then does what [`next`](Self::next) says until that is
/// [`Step::Done`]. If it is killed between two steps, the next run reads the record and continues. The end is either
/// the whole replacement or the original.
///
/// # Secrets
///
/// The record holds the original content of the file, which may have secrets in its headers. The caller stores it in a
/// file that only its owner may read, and removes that file after an undo, or when the person confirms that the
/// original is no longer needed.
///
/// # Writing the file
///
/// The caller writes the new content beside the file, with the same permissions, reads the file once more, and renames
/// the new one over it only if the content is still the one that [`next`](Self::next) saw. If the path is a link, the
/// caller resolves it first.
///
/// ```
/// use connection_mcp::clients::{AdoptedEntry, Adoption, Client, Locations, Place, Platform, Stage, Step};
///
/// let locations = Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config");
/// let file = &Client::Cursor.files(&locations)[0];
/// let original = br#"{ "mcpServers": { "linear": { "url": "https://mcp.linear.app/mcp" } } }"#;
/// let entry = AdoptedEntry::new(Place::File, "linear", "linear:work", ["connections", "mcp", "proxy", "linear:work"]);
/// let record = Adoption::plan(file, original, vec![entry])?;
///
/// // The record is stored. Now the file is written, and then the record again.
/// let Step::WriteFile(replaced) = record.next(Some(original)) else { panic!("the file has its original content") };
/// let Step::WriteRecord(Stage::Replaced) = record.next(Some(replaced)) else { panic!("the file is replaced") };
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    version: u32,
    client: Client,
    file: PathBuf,
    stage: Stage,
    entries: Vec<AdoptedEntry>,
    original: Content,
    replaced: Content,
}

/// An entry that is replaced, and the connection that its command uses.
///
/// ```
/// use connection_mcp::clients::{AdoptedEntry, Place};
///
/// let entry = AdoptedEntry::new(Place::File, "linear", "linear:work", ["connections", "mcp", "proxy", "linear:work"]);
/// assert_eq!(entry.connection, "linear:work");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AdoptedEntry {
    /// The place of the entry in the file.
    pub place: Place,
    /// The name that the client uses for the server.
    pub name: String,
    /// The connection that holds the credential for the server now.
    pub connection: String,
    /// The program that the entry runs, and its arguments.
    pub command: Vec<String>,
}

impl AdoptedEntry {
    /// Creates an entry.
    pub fn new<T: Into<String>>(
        place: Place,
        name: impl Into<String>,
        connection: impl Into<String>,
        command: impl IntoIterator<Item = T>,
    ) -> Self {
        let command = command.into_iter().map(Into::into).collect();
        Self { place, name: name.into(), connection: connection.into(), command }
    }
}

/// The stage of a replacement.
///
/// ```
/// use connection_mcp::clients::Stage;
///
/// assert_ne!(Stage::Planned, Stage::Undoing);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the stages are the protocol between the record and its caller")]
pub enum Stage {
    /// The file gets the replaced content, or has it already.
    Planned,
    /// The file has got the replaced content.
    Replaced,
    /// The file gets its original content back, or has it already.
    Undoing,
}

/// The next step of a replacement.
///
/// ```
/// use connection_mcp::clients::{Conflict, Step};
///
/// assert_ne!(Step::Done, Step::Conflict(Conflict::Missing));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must do each step")]
pub enum Step<'a> {
    /// The file has an unexpected content. The caller shows the conflict and writes nothing; the record stays.
    Conflict(Conflict),
    /// There is nothing to do.
    Done,
    /// The caller removes the record.
    RemoveRecord,
    /// The caller writes this content to the file.
    WriteFile(&'a [u8]),
    /// The caller stores the record [at](Adoption::at) this stage.
    WriteRecord(Stage),
}

impl std::fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Conflict(conflict) => f.debug_tuple("Conflict").field(conflict).finish(),
            Self::Done => f.write_str("Done"),
            Self::RemoveRecord => f.write_str("RemoveRecord"),
            // The content may contain secrets.
            Self::WriteFile(_) => f.write_str("WriteFile(..)"),
            Self::WriteRecord(stage) => f.debug_tuple("WriteRecord").field(stage).finish(),
        }
    }
}

/// The reason why the file is not written.
///
/// ```
/// use connection_mcp::clients::{Conflict, Difference};
///
/// let conflict = Conflict::Changed(Difference::between(b"a\n", b"b\n"));
/// assert_ne!(conflict, Conflict::Missing);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// The file has a content that is neither the original nor the replaced one: this is the difference from the
    /// content that was expected.
    Changed(Difference),
    /// The file no longer exists.
    Missing,
}

/// The reason why a record is not read or written.
///
/// ```
/// use connection_mcp::clients::{Adoption, RecordError};
///
/// assert_eq!(Adoption::from_json(b"{}").unwrap_err(), RecordError::Form);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes are not a record.
    #[error("the record of a replacement cannot be read")]
    Form,
    /// The path of the file is not UTF-8, so the record cannot be written.
    #[error("the path of the file is not UTF-8")]
    Path,
    /// A later version of Connections wrote the record.
    #[error("a later version of Connections wrote the record (version {0})")]
    Version(u32),
}

impl Adoption {
    /// Plans the replacement of entries in a file with this content.
    ///
    /// # Errors
    ///
    /// No entry was chosen, or the errors of [`replace`].
    pub fn plan(file: &ConfigFile, original: &[u8], entries: Vec<AdoptedEntry>) -> Result<Self, ConfigError> {
        let replacements = entries
            .iter()
            .map(|entry| Replacement::new(entry.place.clone(), entry.name.clone(), entry.command.iter().cloned()));
        let replacements: Vec<Replacement> = replacements.collect();
        let replaced = replace(file.client, original, &replacements)?;
        if replaced == original {
            return Err(ConfigError::Nothing);
        }
        Ok(Self {
            version: VERSION,
            client: file.client,
            file: file.path.clone(),
            stage: Stage::Planned,
            entries,
            original: Content::new(original)?,
            replaced: Content::new(&replaced)?,
        })
    }

    /// Returns the next step, from the record and the current content of the file. `None` is a file that does not
    /// exist.
    ///
    /// A file with a content that is neither the original nor the replaced one is never written. After the stage
    /// [`Replaced`](Stage::Replaced), the content is of no concern, because clients change their own files.
    pub fn next(&self, current: Option<&[u8]>) -> Step<'_> {
        let (from, to, end) = match self.stage {
            Stage::Planned => (&self.original, &self.replaced, Step::WriteRecord(Stage::Replaced)),
            Stage::Replaced => return Step::Done,
            Stage::Undoing => (&self.replaced, &self.original, Step::RemoveRecord),
        };
        match current {
            None => Step::Conflict(Conflict::Missing),
            Some(current) if current == to.bytes() => end,
            Some(current) if current == from.bytes() => Step::WriteFile(to.bytes()),
            Some(current) => Step::Conflict(Conflict::Changed(Difference::between(from.bytes(), current))),
        }
    }

    /// Returns the record at another stage.
    #[must_use]
    pub fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Returns the record that undoes the replacement. The caller stores it before it writes the file, and then does
    /// what [`next`](Self::next) says.
    ///
    /// The caller first compares the contents with [`undo`](super::undo()), and leaves the record as it is if the file
    /// was changed.
    #[must_use]
    pub fn undo(self) -> Self {
        self.at(Stage::Undoing)
    }

    /// Returns the client whose file it is.
    pub fn client(&self) -> Client {
        self.client
    }

    /// Returns the path of the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the entries that are replaced.
    pub fn entries(&self) -> &[AdoptedEntry] {
        &self.entries
    }

    /// Returns the stage.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns the content of the file before the replacement. It may contain secrets.
    pub fn original(&self) -> &[u8] {
        self.original.bytes()
    }

    /// Returns the content of the file after the replacement.
    pub fn replaced(&self) -> &[u8] {
        self.replaced.bytes()
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// The bytes are not a record, or a later version wrote it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_slice(bytes).map_err(|_| RecordError::Form)?;
        if version > VERSION {
            return Err(RecordError::Version(version));
        }
        // The message of the parser could repeat a secret.
        serde_json::from_slice(bytes).map_err(|_| RecordError::Form)
    }

    /// Writes the record.
    ///
    /// # Errors
    ///
    /// The path of the file is not UTF-8.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordError> {
        serde_json::to_vec(self).map_err(|_| RecordError::Path)
    }
}

/// The content of a file, which may contain secrets. It is text, because only text is replaced.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Content(String);

impl Content {
    fn new(bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = str::from_utf8(bytes).map_err(|_| ConfigError::NotText)?;
        Ok(Self(text.to_owned()))
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(..)")
    }
}
