//! One file that describes a kind.

use std::sync::Arc;

use connection_contract::Kind;

use super::{
    FileKind, Problem, Problems, account_name,
    definition::Prepared,
    in_json::in_json,
    model::{KindModel, Mechanism},
    read::{self, Denied},
    text::{MAX_BYTES, Text},
};

/// A file that describes a kind, read and checked.
///
/// ```
/// use connection_manifest::KindFile;
///
/// let file = KindFile::parse("acme.toml", r#"
/// format = 1
/// id = "acme"
/// name = "Acme"
/// mechanism = "none"
/// "#)?;
/// assert_eq!(file.id().as_str(), "acme");
/// # Ok::<(), connection_manifest::Problems>(())
/// ```
#[derive(Clone, Debug)]
pub struct KindFile {
    id: Kind,
    file: String,
    /// The line of the file, for one line of a file that has a kind on each line.
    line: Option<u32>,
    is_json: bool,
    model: Arc<KindModel>,
}

impl KindFile {
    /// The maximum size of a file in bytes. A host need not read more than one byte beyond it.
    pub const MAX_BYTES: usize = MAX_BYTES;

    /// Reads a file that extends no other. A name that ends in `.json` is JSON, one that ends in `.toml` is TOML.
    ///
    /// # Errors
    ///
    /// Every problem of the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        let text = Text::named(name, text);
        read::one(text, &Denied::new()).map(|model| Self::new(text, model))
    }

    pub(super) fn new(text: Text<'_>, mut model: KindModel) -> Self {
        account_name::ask(&mut model);
        // The checks refuse a file without a valid id.
        let id = model.id.as_deref().and_then(Kind::parse).or_else(|| Kind::parse(text.stem()?));
        Self {
            id: id.unwrap_or(Kind::from_static("unnamed")),
            file: text.name.to_owned(),
            line: text.first_line,
            is_json: text.is_json(),
            model: Arc::new(model),
        }
    }

    /// Returns the name of the kind.
    pub fn id(&self) -> &Kind {
        &self.id
    }

    /// Returns the name of the file, as the host gave it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the name for people.
    pub fn name(&self) -> &str {
        self.model.name.as_deref().unwrap_or_default()
    }

    /// Returns where the endpoints are documented, as the file says.
    pub fn sources(&self) -> &[String] {
        &self.model.sources
    }

    /// Returns `true` unless the kind has OAuth and does not say where refusals of its provider are documented.
    pub(super) fn says_how_refused(&self) -> bool {
        let Some(table) = self.model.oauth2.as_ref() else { return true };
        table.response.source.is_some() || table.response.undocumented.is_some()
    }

    /// Returns what the author should add. A file with warnings is accepted.
    ///
    /// ```
    /// use connection_manifest::KindFile;
    ///
    /// let file = KindFile::parse("acme.toml", r#"
    /// format = 1
    /// id = "acme"
    /// name = "Acme"
    /// mechanism = "api_key"
    /// [[fields]]
    /// name = "apiKey"
    /// label = "API key"
    /// secret = true
    /// [request]
    /// base = "https://api.acme.com"
    /// headers = { Authorization = "Bearer ${secret.apiKey}" }
    /// "#)?;
    /// assert_eq!(file.warnings()[0].field.as_str(), "removal");
    /// # Ok::<(), connection_manifest::Problems>(())
    /// ```
    pub fn warnings(&self) -> Vec<Problem> {
        if self.model.removal.is_some() || self.model.mechanism == Some(Mechanism::None) {
            return Vec::new();
        }
        let sentence =
            "the file does not say where a person deletes the credential; add [removal] with url = \"https://…\"";
        let sentence = if self.is_json { in_json(sentence) } else { sentence.to_owned() };
        vec![Problem::new(&self.file, self.line, "removal", sentence)]
    }

    /// Returns the kind that the file describes, to register it.
    pub fn definition(&self) -> FileKind {
        FileKind(Arc::new(Prepared::new(Arc::clone(&self.model))))
    }
}
