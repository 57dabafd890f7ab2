//! What the row of a session holds sealed: its header, the wait that suspended it, and how it ended.

use connection_contract::{Record, Secret, SetupFailure, Timestamp, encode};

use super::StepNo;

/// What a session was begun with.
pub(crate) struct Header {
    /// From which its random bytes and `state`s are derived.
    pub(crate) seed: Secret,
    /// The label that was asked for.
    pub(crate) label: Option<String>,
    /// Whether an account that is connected already may be connected once more.
    pub(crate) again: bool,
}

impl Header {
    pub(crate) fn encode(&self) -> Secret {
        let record = Record::new().with("seed", self.seed.duplicate()).with("again", self.again.to_string());
        let record = match &self.label {
            Some(label) => record.with("label", label.as_str()),
            None => record,
        };
        record.encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record = Record::decode(bytes).ok()?;
        let label = record.text("label").ok().map(str::to_owned);
        let again = record.text("again").ok()?.parse().ok()?;
        Some(Self { seed: record.take("seed").ok()?, label, again })
    }
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
        if let Some(fields) = &self.fields {
            record = fields.iter().fold(record.with("asks", ""), |r, name| r.with("field", name.as_str()));
        }
        record.encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let record = Record::decode(bytes).ok()?;
        let text = |name| record.text(name).ok();
        let names = || record.fields().filter(|(tag, _)| *tag == "field").filter_map(|(_, name)| name.expose_str());
        Some(Self {
            no: text("no")?.parse().ok()?,
            seq: text("seq").map(str::parse).transpose().ok()?,
            what: text("what")?.to_owned(),
            fields: record.find("asks").map(|_| names().map(str::to_owned).collect()),
            state: match text("state") {
                Some(hex) => Some(encode::from_hex(hex)?.try_into().ok()?),
                None => None,
            },
            until: text("until").map(str::parse).transpose().ok()?.map(Timestamp::from_seconds),
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
