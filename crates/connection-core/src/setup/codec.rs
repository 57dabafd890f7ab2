//! What the row of a session holds sealed: its header, the wait that suspended it, and how it ended.

use connection_contract::{Reason, Record, Secret, SetupFailure, Timestamp, encode, host};

use super::StepNo;
use crate::{extension::ForExtension, profiles::Granted};

/// What a session was begun with.
pub(crate) struct Header {
    /// From which its random bytes and `state`s are derived.
    pub(crate) seed: Secret,
    pub(crate) purpose: Purpose,
    /// The hash of what the browser shows in which it was begun; its callbacks come from that one.
    pub(crate) browser: Option<[u8; 32]>,
    /// Whether the browser is led through an address of the host's own. Until a browser has come there, `browser` is
    /// `None` and no callback is taken.
    pub(crate) led: bool,
    /// Whether an account that somebody signed in to with a browser is shown before it is stored.
    pub(crate) confirm: bool,
    /// The isolated identity that it is for.
    pub(crate) profile: Option<Granted>,
}

/// What a session is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new connection.
    Connect {
        /// The label that was asked for.
        label: Option<String>,
        /// Whether an account that is connected already may be connected once more.
        again: bool,
        /// Whether its profile may have no other connection by then.
        alone: bool,
        /// For whom a person connects it.
        extension: Option<ForExtension>,
    },
    /// Another credential of a connection that is there.
    Reauthorize {
        /// Whether it may be of another account.
        another_account: bool,
        /// For whom a person authorizes it.
        extension: Option<ForExtension>,
    },
}

impl Header {
    /// A program that knows of no re-authorization finds no `again` in the header of one, and leaves it alone.
    pub(crate) fn encode(&self) -> Secret {
        let record = Record::new().with("seed", self.seed.duplicate());
        let record = match &self.purpose {
            Purpose::Connect { label, again, alone, extension } => {
                let mut record = with_extension(record.with("again", again.to_string()), extension.as_ref());
                if *alone {
                    record = record.with("alone", "");
                }
                label.iter().fold(record, |record, label| record.with("label", label.as_str()))
            }
            Purpose::Reauthorize { another_account, extension } => {
                with_extension(record.with("another", another_account.to_string()), extension.as_ref())
            }
        };
        let record = self.browser.iter().fold(record, |record, hash| record.with("browser", encode::hex(hash)));
        let marks = [("led", self.led), ("confirm", self.confirm)].into_iter().filter(|(_, is_set)| *is_set);
        let record = marks.fold(record, |record, (name, _)| record.with(name, ""));
        let Some(Granted { id, root }) = &self.profile else { return record.encode() };
        let record = record.with("profile", id.to_string());
        root.iter().fold(record, |record, root| record.with("directory", root.as_str())).encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record = Record::decode(bytes).ok()?;
        let purpose = match record.text("another") {
            Ok(another) => {
                let another_account = another.parse().ok()?;
                Purpose::Reauthorize { another_account, extension: to_extension(&record)? }
            }
            Err(_) => Purpose::Connect {
                label: record.text("label").ok().map(str::to_owned),
                again: record.text("again").ok()?.parse().ok()?,
                alone: record.find("alone").is_some(),
                extension: to_extension(&record)?,
            },
        };
        let browser = match record.text("browser") {
            Ok(hex) => Some(encode::from_hex(hex)?.try_into().ok()?),
            Err(_) => None,
        };
        let profile = match record.text("profile") {
            Ok(id) => Some(Granted { id: id.parse().ok()?, root: record.text("directory").ok().map(host::root) }),
            Err(_) => None,
        };
        let (led, confirm) = (record.find("led").is_some(), record.find("confirm").is_some());
        Some(Self { seed: record.take("seed").ok()?, purpose, browser, led, confirm, profile })
    }
}

fn with_extension(record: Record, extension: Option<&ForExtension>) -> Record {
    let Some(ForExtension { name, print, names, added }) = extension else { return record };
    let record = record.with("extension", name.as_str()).with("needs", encode::hex(print));
    let record = record.with("added", added.to_string());
    names.iter().fold(record, |record, name| record.with("secret", name.as_str()))
}

/// `None` for what nobody wrote.
fn to_extension(record: &Record) -> Option<Option<ForExtension>> {
    let Ok(name) = record.text("extension") else { return Some(None) };
    Some(Some(ForExtension {
        name: name.to_owned(),
        print: encode::from_hex(record.text("needs").ok()?)?.try_into().ok()?,
        names: texts(record, "secret"),
        added: record.text("added").ok()?.parse().ok()?,
    }))
}

/// All fields of that name.
fn texts(record: &Record, name: &str) -> Vec<String> {
    let values = record.fields().filter(|(tag, _)| *tag == name).filter_map(|(_, value)| value.expose_str());
    values.map(str::to_owned).collect()
}

/// The wait that suspended a session: what an input from any process is checked against.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// The step's number.
    pub(crate) no: StepNo,
    /// The number of the effect that ends it; without one nothing but a new run does.
    pub(crate) seq: Option<i64>,
    /// The wait's fingerprint.
    pub(crate) what: String,
    /// The names of the fields, when it can be answered.
    pub(crate) fields: Option<Vec<String>>,
    /// The hash of the `state` that a callback must bring.
    pub(crate) state: Option<[u8; 32]>,
    /// When it ends by itself.
    pub(crate) until: Option<Timestamp>,
    /// Why it waits for somebody to resume it.
    pub(crate) paused: Option<Paused>,
    /// The account that it shows and does not store before it is confirmed: its id and its label.
    pub(crate) account: Option<(String, String)>,
}

/// A bad network.
#[derive(Clone, Debug)]
pub(crate) struct Paused {
    /// The number of the effect that failed; resuming forgets it, so that it is asked again.
    pub(crate) failed: Option<i64>,
    /// What is shown of it.
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
                    Some(Paused { failed: text("failed").map(str::parse).transpose().ok()?, reason })
                }
                _ => None,
            },
            account: text("account").zip(text("label")).map(|(id, label)| (id.to_owned(), label.to_owned())),
        })
    }
}

/// A failure, for whoever resumes a session that ended in another process.
pub(crate) fn failure(failure: &SetupFailure) -> Secret {
    let record = Record::new().with("code", &*failure.code).with("message", failure.message.as_str());
    let record = match &failure.remedy {
        Some(remedy) => record.with("remedy", remedy.as_str()),
        None => record,
    };
    record.encode()
}

pub(crate) fn to_failure(bytes: &[u8]) -> Option<SetupFailure> {
    let record = Record::decode(bytes).ok()?;
    let text = |name| record.text(name).ok().map(str::to_owned);
    let failure = SetupFailure::new(text("code")?, text("message")?);
    Some(match text("remedy") {
        Some(remedy) => failure.remedy(remedy),
        None => failure,
    })
}
