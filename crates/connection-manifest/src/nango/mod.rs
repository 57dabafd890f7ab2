//! Conversion of `providers.yaml`, in which the project Nango describes the providers that it connects, into kind files.
//!
//! The format is public ([its documentation](https://nango.dev/docs/reference/api-configuration)); the file of that
//! project is under another license, so a person converts a copy of their own. Data that the format of kinds
//! cannot hold is reported as lost, and an entry that would mean something else, or that would be unsafe, is refused.
//!
//! | Module | Owns |
//! |---|---|
//! | `yaml`, `table` | the document as a tree, within limits; tables whose members are taken one by one |
//! | `alias` | entries that stand on another one |
//! | `entry`, `fields`, `request`, `oauth2`, `exchange` | the document of a kind, part by part |
//! | `conversion`, `template` | the state of a conversion; templates in the other format |
//! | `hosts` | hosts that a person chooses |
//! | `text` | writing TOML |

mod alias;
mod conversion;
mod entry;
mod exchange;
mod fields;
mod hosts;
mod oauth2;
mod request;
mod table;
mod template;
mod text;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use connection_contract::Value;

use self::entry::Converted;
use crate::kind::{KindFile, KindSet, Problem};

/// The maximum number of hosts that an entry may leave to a person.
const MAX_HOSTS: usize = 8;
/// The maximum number of entries.
const MAX_ENTRIES: usize = 5000;
/// The maximum size of an entry in bytes, which is that of a kind file.
const MAX_ENTRY: usize = KindFile::MAX_BYTES;

/// The result of converting a file `providers.yaml` of the project Nango.
///
/// ```
/// use connection_manifest::{NangoImport, NangoOutcome};
///
/// let file = r"
/// acme:
///     display_name: Acme
///     auth_mode: API_KEY
///     proxy:
///         base_url: https://api.acme.com
///         headers:
///             authorization: Bearer ${apiKey}
///         paginate:
///             type: link
/// ";
/// let import = NangoImport::read("providers.yaml", file.as_bytes())?;
/// let NangoOutcome::Converted { text, lost, .. } = &import.entries[0].outcome else { panic!("it is converted") };
/// assert!(text.contains("headers = { authorization = \"Bearer ${secret.apiKey}\" }"));
/// assert_eq!(lost, &["proxy.paginate"]);
/// # Ok::<(), connection_manifest::Problem>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NangoImport {
    /// The entries, in the order of the file.
    pub entries: Vec<NangoEntry>,
}

/// One entry of the file.
///
/// ```
/// let import = connection_manifest::NangoImport::read("providers.yaml", b"8x8: {auth_mode: OAUTH1}").unwrap();
/// assert_eq!((import.entries[0].name.as_str(), import.entries[0].id.as_str()), ("8x8", "kind-8x8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NangoEntry {
    /// The name of the entry in the file.
    pub name: String,
    /// The name of the kind, which has no characters that a kind cannot have.
    pub id: String,
    /// The kind file, or the reasons for a refusal.
    pub outcome: NangoOutcome,
}

/// The result of converting one entry.
///
/// ```
/// use connection_manifest::{NangoImport, NangoOutcome};
///
/// let import = NangoImport::read("providers.yaml", b"acme: {auth_mode: OAUTH1}").unwrap();
/// let reason = "auth_mode: the format does not have the way OAUTH1".to_owned();
/// assert_eq!(import.entries[0].outcome, NangoOutcome::Refused { reasons: vec![reason] });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an entry is converted or refused")]
pub enum NangoOutcome {
    /// The entry was converted to a kind file.
    Converted {
        /// The kind file in TOML, to be called `ID.toml`. It may extend the file of another entry.
        text: String,
        /// The keys of the entry that the format does not have.
        lost: Vec<String>,
        /// The documentation of the provider, which the file names as the page on which a person deletes the
        /// credential. The format of Nango has no such page.
        removal: Option<String>,
    },
    /// The entry was refused, because the format cannot express it or a check failed.
    Refused {
        /// One sentence for each reason, which repeats no value of the file.
        reasons: Vec<String>,
    },
}

impl NangoImport {
    /// The maximum size of a file in bytes. A host need not read more than one byte beyond it.
    pub const MAX_BYTES: usize = yaml::MAX_BYTES;

    /// Converts a file. Every file that results was checked, and its requests were rendered with dummy values.
    ///
    /// # Errors
    ///
    /// The file is too large or too deep, has an alias of YAML or a repeated key, or is not YAML in UTF-8.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let refused = |rule: &'static str| Err(Problem::new(name, None, "", rule));
        if bytes.len() > Self::MAX_BYTES {
            return refused("a file may have at most 8 MiB; split it");
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return refused("this is not text in UTF-8; save the file in this encoding");
        };
        let Value::Map(entries) = yaml::parse(name, text)? else {
            return refused("the file is a mapping of names to entries; name the file providers.yaml of your copy");
        };
        if entries.len() > MAX_ENTRIES {
            return refused("the file has more than 5,000 entries; split it");
        }
        let small = entries.iter().filter(|(_, entry)| yaml::size(entry) <= MAX_ENTRY);
        let by_name: BTreeMap<&str, &Value> = small.map(|(name, entry)| (name.as_str(), entry)).collect();
        let mut ids = BTreeSet::new();
        let mut kinds: Vec<Kind<'_>> = entries.iter().map(|(name, entry)| Kind::new(name, entry, &by_name)).collect();
        for kind in &mut kinds {
            if !ids.insert(kind.id.clone()) {
                kind.converted.refused.push("another entry has the same name, apart from its spelling".to_owned());
            }
        }
        kinds.iter_mut().for_each(Kind::check);
        Ok(Self { entries: finished(&kinds) })
    }
}

struct Kind<'e> {
    name: &'e str,
    id: String,
    alias: Option<&'e str>,
    converted: Converted,
}

impl<'e> Kind<'e> {
    fn new(name: &'e str, entry: &'e Value, entries: &BTreeMap<&str, &Value>) -> Self {
        let id = id(name);
        let converted = match alias::merged(entries, name) {
            Ok(merged) if yaml::size(&merged) > MAX_ENTRY => {
                Converted { refused: vec![alias::TOO_LARGE.to_owned()], ..Converted::default() }
            }
            Ok(merged) => entry::convert(&id, merged),
            Err(why) => Converted { refused: vec![why.to_owned()], ..Converted::default() },
        };
        Self { name, id, alias: alias::target(entry), converted }
    }

    /// Checks the document by itself. A field that decides a host freely becomes one for a whole address.
    fn check(&mut self) {
        let document = &mut self.converted.document;
        for _ in 0..MAX_HOSTS {
            if !self.converted.refused.is_empty() {
                return;
            }
            let reasons = problems(document);
            let changed = freely_chosen(document, &reasons).filter(|field| hosts::ask_for_address(document, field));
            match changed {
                Some(field) => self.converted.lost.push(format!("field {field}: it asks for a whole address")),
                None => return self.converted.refused.extend(reasons),
            }
        }
        self.converted.refused.push("the entry leaves more than 8 hosts to a person".to_owned());
    }
}

/// Returns what is wrong with a document.
fn problems(document: &[(String, Value)]) -> Vec<String> {
    match KindSet::new().read_one("entry.toml", None, text::toml(document).as_bytes()) {
        Err(problems) => problems.iter().map(reason).collect(),
        Ok(kind) => match kind.definition().rendering() {
            Err(failure) => vec![format!("its requests cannot be rendered: {failure}")],
            Ok(_) => Vec::new(),
        },
    }
}

/// Returns a problem without the place, which is not in the file that was read.
fn reason(problem: &Problem) -> String {
    let Problem { field, sentence, .. } = problem;
    if field.as_str().is_empty() { sentence.to_string() } else { format!("{field}: {sentence}") }
}

/// Returns the field that decides a host, if a problem says so.
fn freely_chosen(document: &[(String, Value)], reasons: &[String]) -> Option<String> {
    let fields = document.iter().find(|(name, _)| name == "fields").map(|(_, fields)| fields.items())?;
    let mut names = fields.iter().filter_map(|field| field["name"].as_str());
    let name = names.find(|name| {
        let sentence = format!(": `{name}` decides which host");
        reasons.iter().any(|reason| reason.contains(&sentence))
    })?;
    Some(name.to_owned())
}

/// Returns the entries with their texts. An alias whose base was converted extends the file of that entry.
fn finished(kinds: &[Kind<'_>]) -> Vec<NangoEntry> {
    let whole: BTreeMap<&str, &Kind<'_>> =
        kinds.iter().filter(|kind| kind.converted.refused.is_empty()).map(|kind| (kind.name, kind)).collect();
    let entry = |kind: &Kind<'_>| {
        let Converted { document, lost, removal, refused } = &kind.converted;
        let outcome = if refused.is_empty() {
            let base = kind.alias.and_then(|alias| whole.get(alias));
            let own = base.and_then(|base| alias::extending(document, &base.id, &base.converted.document));
            let text = text::toml(own.as_deref().unwrap_or(document));
            NangoOutcome::Converted { text, lost: unique(lost), removal: removal.clone() }
        } else {
            NangoOutcome::Refused { reasons: unique(refused) }
        };
        NangoEntry { name: kind.name.to_owned(), id: kind.id.clone(), outcome }
    };
    kinds.iter().map(entry).collect()
}

/// Returns the texts without repetitions, in their order.
fn unique(texts: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.iter().filter(|text| seen.insert(text.as_str())).cloned().collect()
}

/// Returns the name of a kind for an entry: its words, with a prefix if it does not begin with a letter.
fn id(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let plain: String = name.chars().map(plain).take(64).collect();
    let id = plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    if id.starts_with(|c: char| c.is_ascii_lowercase()) {
        return id;
    }
    let mut id = format!("kind-{id}");
    id.truncate(64);
    id.trim_end_matches('-').to_owned()
}
