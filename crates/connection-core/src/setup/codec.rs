//! The sealed contents of a session's row: its header, the wait that suspended it, and its failure.

use connection_contract::{ProviderText, Reason, Record, Secret, SetupFailure, Timestamp, encode, host};

use super::{ForExtension, StepNo, answerer::Answerer};
use crate::{ConnectionId, Tags, profile_rows::UsedProfile};

/// The values with which a session was begun.
pub(crate) struct Header {
    /// The seed from which the random bytes and the `state`s of the session are derived.
    pub(crate) seed: Secret,
    pub(crate) purpose: Purpose,
    /// The connection that the session makes or authorizes again; `None` in sessions that earlier versions began.
    pub(crate) connection: Option<ConnectionId>,
    /// Hash of the proof of the browser that the session is bound to. Callbacks are accepted from that browser only.
    pub(crate) browser: Option<[u8; 32]>,
    /// `true` if the browser is led through an address of the host. Until a browser has come there, `browser` is
    /// `None` and no callback is accepted.
    pub(crate) led: bool,
    /// `true` if an account to which a person signed in with a browser is shown before it is stored.
    pub(crate) confirm: bool,
    /// The profile that the connection belongs to, with the directory that the plugin may read.
    pub(crate) profile: Option<UsedProfile>,
    /// The digest of the terms of the kind when the session was begun.
    pub(crate) kind_terms: Option<Vec<u8>>,
    /// The person who answers the session.
    pub(crate) answerer: Answerer,
}

/// The purpose of a session: a new connection, or a new credential for an existing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The session makes a new connection.
    Connect {
        label: Option<String>,
        /// `true` if an account that is connected already may be connected again.
        again: bool,
        /// `true` if the profile must have no other connection at the end of the setup.
        alone: bool,
        /// The extension for which the person connects the account.
        extension: Option<ForExtension>,
        /// The tags of the new connection.
        tags: Tags,
    },
    /// The session replaces the credential of an existing connection.
    Reauthorize {
        /// `true` if the connection may change to another account.
        another_account: bool,
        /// The extension for which the person authorizes the connection again.
        extension: Option<ForExtension>,
        /// The scopes that are asked for in addition to those that every setup asks for.
        scopes: Vec<String>,
    },
}

impl Header {
    /// Encodes the header. The header of a re-authorization has no `again`, so that a version of the program that does
    /// not know re-authorizations cannot take it for a new connection.
    pub(crate) fn encode(&self) -> Secret {
        let record = Record::new().with("seed", self.seed.duplicate());
        let record = match &self.purpose {
            Purpose::Connect { label, again, alone, extension, tags } => {
                let mut record = with_extension(record.with("again", again.to_string()), extension.as_ref());
                if *alone {
                    record = record.with("alone", "");
                }
                let record = label.iter().fold(record, |record, label| record.with("label", label.as_str()));
                tags.iter().fold(record, |record, (name, value)| record.with("tag", format!("{name}={value}")))
            }
            Purpose::Reauthorize { another_account, extension, scopes } => {
                let record = with_extension(record.with("another", another_account.to_string()), extension.as_ref());
                scopes.iter().fold(record, |record, scope| record.with("scope", scope.as_str()))
            }
        };
        let record = self.browser.iter().fold(record, |record, hash| record.with("browser", encode::hex(hash)));
        let marks = [("led", self.led), ("confirm", self.confirm)].into_iter().filter(|(_, is_set)| *is_set);
        let record = marks.fold(record, |record, (name, _)| record.with(name, ""));
        let record = self.kind_terms.iter().fold(record, |record, terms| record.with("terms", encode::hex(terms)));
        let record = self.connection.iter().fold(record, |record, id| record.with("connection", id.to_string()));
        let record = self.answerer.add_to(record);
        let Some(UsedProfile { id, root }) = &self.profile else { return record.encode() };
        let record = record.with("profile", id.to_string());
        root.iter().fold(record, |record, root| record.with("directory", root.as_str())).encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record = Record::decode(bytes).ok()?;
        let purpose = match record.text("another") {
            Ok(another) => {
                let another_account = another.parse().ok()?;
                let scopes = texts(&record, "scope");
                Purpose::Reauthorize { another_account, extension: to_extension(&record)?, scopes }
            }
            Err(_) => Purpose::Connect {
                label: record.text("label").ok().map(str::to_owned),
                again: record.text("again").ok()?.parse().ok()?,
                alone: record.find("alone").is_some(),
                extension: to_extension(&record)?,
                tags: to_tags(&record)?,
            },
        };
        let browser = match record.text("browser") {
            Ok(hex) => Some(encode::from_hex(hex)?.try_into().ok()?),
            Err(_) => None,
        };
        let profile = match record.text("profile") {
            Ok(id) => Some(UsedProfile {
                id: id.parse().ok()?,
                root: record.text("directory").ok().map(host::granted_directory),
            }),
            Err(_) => None,
        };
        let kind_terms = match record.text("terms") {
            Ok(hex) => Some(encode::from_hex(hex)?),
            Err(_) => None,
        };
        let led = record.find("led").is_some();
        let confirm = record.find("confirm").is_some();
        let connection = record.text("connection").ok().map(str::parse).transpose().ok()?;
        let answerer = Answerer::of(&record)?;
        let seed = record.take("seed").ok()?;
        Some(Self { seed, purpose, connection, browser, led, confirm, profile, kind_terms, answerer })
    }
}

fn with_extension(record: Record, extension: Option<&ForExtension>) -> Record {
    let Some(ForExtension { name, print, names, added }) = extension else { return record };
    let record = record.with("extension", name.as_str()).with("needs", encode::hex(print));
    let record = record.with("added", added.to_string());
    names.iter().fold(record, |record, name| record.with("secret", name.as_str()))
}

/// Returns the extension of a header, if it has one. The outer `None` means that its fields are incomplete or invalid.
fn to_extension(record: &Record) -> Option<Option<ForExtension>> {
    let Ok(name) = record.text("extension") else { return Some(None) };
    Some(Some(ForExtension {
        name: name.to_owned(),
        print: encode::from_hex(record.text("needs").ok()?)?.try_into().ok()?,
        names: texts(record, "secret"),
        added: record.text("added").ok()?.parse().ok()?,
    }))
}

/// Returns the tags of a header; `None` for tags that `encode` cannot have written.
fn to_tags(record: &Record) -> Option<Tags> {
    let tags = texts(record, "tag");
    Tags::new(tags.iter().map(|tag| tag.split_once('=')).collect::<Option<Vec<_>>>()?).ok()
}

/// Returns the values of all fields with this name.
fn texts(record: &Record, name: &str) -> Vec<String> {
    let values = record.fields().filter(|(tag, _)| *tag == name).filter_map(|(_, value)| value.expose_str());
    values.map(str::to_owned).collect()
}

/// The wait that suspended a session. Inputs from any process are checked against it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// The number of the step that waits.
    pub(crate) no: StepNo,
    /// The number of the effect that ends the wait. Without one, only a new run ends it.
    pub(crate) seq: Option<i64>,
    /// The fingerprint of the request that waits.
    pub(crate) what: String,
    /// The names of the fields, if the wait can be answered.
    pub(crate) fields: Option<Vec<String>>,
    /// The hash of the `state` that a callback must bring.
    pub(crate) state: Option<[u8; 32]>,
    /// The deadline at which the wait ends by itself.
    pub(crate) until: Option<Timestamp>,
    /// The reason why the session waits to be resumed, if it does.
    pub(crate) paused: Option<Paused>,
    /// The id and label of the account that is shown, and is stored only after it was confirmed.
    pub(crate) account: Option<(String, String)>,
}

/// The reason why a session rests, such as a network failure.
#[derive(Clone, Debug)]
pub(crate) struct Paused {
    /// The number of the effect that failed. Resuming the session deletes it, so that the provider is asked again.
    pub(crate) failed: Option<i64>,
    /// The reason that is shown to the person.
    pub(crate) reason: Reason,
}

impl Waiting {
    pub(crate) fn encode(&self) -> Secret {
        let mut record = Record::new().with("no", self.no.to_string()).with("what", &*self.what);
        if let Some(seq) = self.seq {
            record = record.with("seq", seq.to_string());
        }
        if let Some(state) = self.state {
            record = record.with("state", encode::hex(&state));
        }
        if let Some(until) = self.until {
            record = record.with("until", until.seconds().to_string());
        }
        if let Some(Paused { failed, reason }) = &self.paused {
            record = record.with("code", &*reason.code).with("message", reason.message.as_str());
            record = reason.remedy.iter().fold(record, |record, remedy| record.with("remedy", remedy.as_str()));
            record = with_words(record, reason.provider_text.as_ref());
            record = failed.iter().fold(record, |record, failed| record.with("failed", failed.to_string()));
        }
        if let Some((id, label)) = &self.account {
            record = record.with("account", id.as_str()).with("label", label.as_str());
        }
        if let Some(fields) = &self.fields {
            record = fields.iter().fold(record.with("asks", ""), |r, name| r.with("field", name.as_str()));
        }
        record.encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::decode(bytes).ok()?;
        let text = |name| record.text(name).ok();
        Some(Self {
            no: text("no")?.parse().ok()?,
            seq: text("seq").map(str::parse).transpose().ok()?,
            what: text("what")?.to_owned(),
            fields: record.find("asks").map(|_| texts(&record, "field")),
            state: match text("state") {
                Some(hex) => Some(encode::from_hex(hex)?.try_into().ok()?),
                None => None,
            },
            until: text("until").map(str::parse).transpose().ok()?.map(Timestamp::from_seconds),
            paused: match (text("code"), text("message")) {
                (Some(code), Some(message)) => {
                    let mut reason = Reason::new(code.to_owned(), message.to_owned());
                    reason.remedy = text("remedy").map(|remedy| remedy.to_owned().into());
                    reason.provider_text = words(&record);
                    Some(Paused { failed: text("failed").map(str::parse).transpose().ok()?, reason })
                }
                _ => None,
            },
            account: text("account").zip(text("label")).map(|(id, label)| (id.to_owned(), label.to_owned())),
        })
    }
}

/// Encodes a failure, for a process that resumes a session that ended in another process.
pub(crate) fn failure(failure: &SetupFailure) -> Secret {
    let record = Record::new().with("code", &*failure.code).with("message", failure.message.as_str());
    let record = failure.remedy.iter().fold(record, |record, remedy| record.with("remedy", remedy.as_str()));
    with_words(record, failure.provider_text.as_ref()).encode()
}

/// Adds the provider's own words, which a sealed cell alone may hold.
fn with_words(record: Record, words: Option<&ProviderText>) -> Record {
    words.iter().fold(record, |record, words| record.with("words", words.as_str()))
}

fn words(record: &Record) -> Option<ProviderText> {
    record.text("words").ok().and_then(ProviderText::new)
}

pub(crate) fn to_failure(bytes: &[u8]) -> Option<SetupFailure> {
    let record = Record::decode(bytes).ok()?;
    let text = |name| record.text(name).ok().map(str::to_owned);
    let failure = SetupFailure::new(text("code")?, text("message")?).provider_text(words(&record));
    Some(match text("remedy") {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    })
}

/// Encodes a callback that is kept until a wait takes it.
pub(super) fn encode_delivery(hash: [u8; 32], parameters: &[(String, Secret)]) -> Secret {
    let record = Record::new().with("state", encode::hex(&hash));
    parameters.iter().fold(record, |r, (name, value)| r.with("p", name.as_str()).with("v", value.duplicate())).encode()
}

/// Returns the parameters of a kept callback, if this wait is for that callback.
pub(super) fn parameters_for(waiting: &Waiting, bytes: &[u8]) -> Option<Vec<(String, Secret)>> {
    let record = Record::decode(bytes).ok()?;
    let state = encode::hex(&waiting.state?);
    if record.text("state").ok()? != state {
        return None;
    }
    let fields: Vec<_> = record.fields().skip(1).collect();
    let pair = |pair: &[(&str, &Secret)]| match pair {
        [("p", name), ("v", value)] => Some((name.expose_str()?.to_owned(), value.duplicate())),
        _ => None,
    };
    Some(fields.chunks(2).filter_map(pair).collect())
}
