//! The journal of a setup: the result of every effect, as bytes that a host seals.
//!
//! Every entry holds the fingerprint of its request, so that a replay detects a different request. It also holds the
//! time at which the effect ended, so that the plugin reads the same time in every replay.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};

use connection_contract::{
    AddressPurpose, Answer, CertificateFault, FileStat, FileType, HttpError, HttpResponse, Origin, Record, Secret,
    ServiceError, Text, Timestamp, host,
};

/// An effect that has ended, with its result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// The address for a callback, or `None` if the host had none.
    Allocated(Option<String>),
    /// A wait ended with answers.
    Answered(Vec<(Text, Answer)>),
    /// A wait ended with a callback.
    Callback(Vec<(String, Secret)>),
    /// An address that the provider named may be used for this purpose, or `None` if it may not.
    Discovered(Option<(AddressPurpose, Origin)>),
    /// A wait ended because its time passed.
    Elapsed,
    /// A directory was listed, or the metadata of one file was read, which is a list of one entry.
    Files(Result<Vec<FileStat>, ServiceError>),
    /// A value of the plugin was read, or a login window ended.
    Value(Result<Option<Secret>, ServiceError>),
    /// A value of the plugin was written or deleted.
    Put(Result<(), ServiceError>),
    /// A request was answered, or failed.
    Http(Result<HttpResponse, HttpError>),
    /// A file was read, or a local tool printed its version.
    Read(Result<Secret, ServiceError>),
}

/// The prefix of the fingerprint of a request that spends something.
const SEND_ONCE: &str = "1 send_once ";

/// One entry of a journal: an effect with the fingerprint of its request and its time.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The versioned fingerprint of the request.
    pub what: String,
    /// The time at which the effect ended.
    pub at: Timestamp,
    /// The result that the plugin gets, in this run and in each replay.
    pub effect: Effect,
}

/// The errors of a request, by their number in an entry. The time of a clock or a status is stored beside the number.
const HTTP_ERRORS: [HttpError; 17] = [
    HttpError::Connect,
    HttpError::Credential,
    HttpError::Denied,
    HttpError::Dns,
    HttpError::Protocol,
    HttpError::Timeout,
    HttpError::Tls,
    HttpError::TooLarge,
    HttpError::Uncertain,
    HttpError::Certificate(CertificateFault::Expired { clock: UNKNOWN }),
    HttpError::Certificate(CertificateFault::NotYetValid { clock: UNKNOWN }),
    HttpError::Certificate(CertificateFault::OtherName),
    HttpError::Certificate(CertificateFault::SelfSigned),
    HttpError::Certificate(CertificateFault::UnknownAuthority),
    HttpError::NotTls,
    HttpError::Closed,
    HttpError::Redirects(0),
];
const UNKNOWN: Timestamp = Timestamp::from_seconds(0);
const PROTOCOL: usize = 4;
const SERVICE_ERRORS: [ServiceError; 4] =
    [ServiceError::Denied, ServiceError::NotFound, ServiceError::TooLarge, ServiceError::Unavailable];
const UNAVAILABLE: usize = 3;

impl Entry {
    /// Creates an entry for an effect that ended at this time.
    pub fn new(what: impl Into<String>, at: Timestamp, effect: Effect) -> Self {
        Self { what: what.into(), at, effect }
    }

    /// Returns `true` if the entry is the answer to a request that spends something.
    pub fn is_spend(&self) -> bool {
        self.what.starts_with(SEND_ONCE)
    }

    /// Returns the entry as bytes. They may hold secrets, such as answers of a person, so a host seals them.
    pub fn encode(&self) -> Secret {
        let head = |tag: &str| {
            Record::new().with("tag", tag).with("what", &*self.what).with("now", self.at.seconds().to_string())
        };
        let record = match &self.effect {
            Effect::Allocated(None) => head("allocated"),
            Effect::Allocated(Some(uri)) => head("allocated").with("uri", uri.as_str()),
            Effect::Answered(answers) => {
                answers.iter().fold(head("answered"), |record, (name, answer)| with_answer(record, name, answer))
            }
            Effect::Callback(parameters) => parameters
                .iter()
                .fold(head("callback"), |r, (name, value)| r.with("p", name.as_str()).with("v", value.duplicate())),
            Effect::Discovered(None) => head("discovered"),
            Effect::Discovered(Some((purpose, origin))) => {
                head("discovered").with("purpose", purpose.as_str()).with("origin", origin.as_str())
            }
            Effect::Elapsed => head("elapsed"),
            Effect::Files(Ok(stats)) => stats.iter().fold(head("files"), with_stat),
            Effect::Files(Err(error)) => head("files").with("error", service_code(*error)),
            Effect::Http(Ok(answer)) => with_response(head("http"), answer),
            Effect::Http(Err(error)) => {
                let (error, detail) = with_detail(*error, 0);
                let code = HTTP_ERRORS.iter().position(|known| *known == error).unwrap_or(PROTOCOL);
                let record = head("http").with("error", code.to_string());
                detail.into_iter().fold(record, |record, detail| record.with("detail", detail.to_string()))
            }
            Effect::Value(Ok(None)) => head("kept"),
            Effect::Value(Ok(Some(value))) => head("kept").with("value", value.duplicate()),
            Effect::Value(Err(error)) => head("kept").with("error", service_code(*error)),
            Effect::Put(Ok(())) => head("put"),
            Effect::Put(Err(error)) => head("put").with("error", service_code(*error)),
            Effect::Read(Ok(content)) => head("read").with("content", content.duplicate()),
            Effect::Read(Err(error)) => head("read").with("error", service_code(*error)),
        };
        record.encode()
    }

    /// Reads an entry, or returns `None` for bytes that [`encode`](Self::encode) cannot have written.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record = Record::decode(bytes).ok()?;
        let text = |name| record.text(name).ok();
        let effect = match text("tag")? {
            "allocated" => Effect::Allocated(text("uri").map(str::to_owned)),
            "answered" => Effect::Answered(
                pairs(&record)
                    .into_iter()
                    .map(|(tag, name, value)| to_answer(&tag, name, value))
                    .collect::<Option<_>>()?,
            ),
            "callback" => Effect::Callback(pairs(&record).into_iter().map(|(_, n, v)| (n, v)).collect()),
            "discovered" => Effect::Discovered(match text("origin") {
                Some(origin) => {
                    let purpose = AddressPurpose::ALL.into_iter().find(|known| Some(known.as_str()) == text("purpose"));
                    Some((purpose?, host::origin(origin)?))
                }
                None => None,
            }),
            "elapsed" => Effect::Elapsed,
            "files" => Effect::Files(match text("error") {
                Some(code) => Err(service_error(code)?),
                None => Ok(pairs(&record)
                    .into_iter()
                    .map(|(tag, name, value)| to_stat(&tag, name, &value))
                    .collect::<Option<_>>()?),
            }),
            "http" => Effect::Http(match text("error") {
                Some(code) => {
                    // Entries of former versions have the time as `clock`.
                    let detail =
                        text("detail").or(text("clock")).and_then(|detail| detail.parse().ok()).unwrap_or_default();
                    let error = *HTTP_ERRORS.get(code.parse::<usize>().ok()?)?;
                    Err(with_detail(error, detail).0)
                }
                None => Ok(to_response(&record)?),
            }),
            "kept" => Effect::Value(match text("error") {
                Some(code) => Err(service_error(code)?),
                None => Ok(record.take("value").ok()),
            }),
            "put" => Effect::Put(match text("error") {
                Some(code) => Err(service_error(code)?),
                None => Ok(()),
            }),
            "read" => match text("error") {
                Some(code) => Effect::Read(Err(service_error(code)?)),
                None => Effect::Read(Ok(record.take("content").ok()?)),
            },
            _ => return None,
        };
        let what = record.text("what").ok()?.to_owned();
        let now = record.text("now").ok()?.parse().ok()?;
        Some(Self { what, at: Timestamp::from_seconds(now), effect })
    }
}

/// Replaces the number in an error: the time of the clock, or the status. Returns the number that was replaced, too.
fn with_detail(error: HttpError, detail: i64) -> (HttpError, Option<i64>) {
    use CertificateFault::{Expired, NotYetValid};
    let clock = Timestamp::from_seconds(detail);
    match error {
        HttpError::Certificate(Expired { clock: was }) => {
            (HttpError::Certificate(Expired { clock }), Some(was.seconds()))
        }
        HttpError::Certificate(NotYetValid { clock: was }) => {
            (HttpError::Certificate(NotYetValid { clock }), Some(was.seconds()))
        }
        HttpError::Redirects(was) => {
            (HttpError::Redirects(u16::try_from(detail).unwrap_or_default()), Some(was.into()))
        }
        error => (error, None),
    }
}

fn with_answer(record: Record, name: &Text, answer: &Answer) -> Record {
    let (tag, value) = match answer {
        Answer::Bool(truth) => ("b", truth.to_string().into()),
        Answer::Directory(root) => ("d", root.as_str().into()),
        Answer::Number(number) => ("n", number.to_string().into()),
        Answer::Secret(secret) => ("s", secret.duplicate()),
        Answer::Text(text) => ("t", text.as_str().into()),
        Answer::Url(url) => ("u", url.to_string().into()),
        // A host records no other forms of answers.
        _ => return record,
    };
    record.with(tag, &**name).with("v", value)
}

fn to_answer(tag: &str, name: String, value: Secret) -> Option<(Text, Answer)> {
    let text = value.expose_str()?;
    let answer = match tag {
        "b" => Answer::Bool(text.parse().ok()?),
        "d" => Answer::Directory(host::granted_directory(text)),
        "n" => Answer::Number(text.parse().ok()?),
        "t" => Answer::Text(text.to_owned()),
        "u" => Answer::Url(host::exact_base_url(text)?),
        _ => Answer::Secret(value),
    };
    Some((name.into(), answer))
}

fn with_stat(record: Record, stat: &FileStat) -> Record {
    let tag = match stat.file_type {
        FileType::Directory => "d",
        FileType::File => "f",
        _ => "o",
    };
    let modified = stat.modified.map(|at| at.seconds().to_string()).unwrap_or_default();
    record.with(tag, &*stat.name).with("v", format!("{} {modified}", stat.size))
}

fn to_stat(tag: &str, name: String, value: &Secret) -> Option<FileStat> {
    let (size, modified) = value.expose_str()?.split_once(' ')?;
    let file_type = match tag {
        "d" => FileType::Directory,
        "f" => FileType::File,
        _ => FileType::Other,
    };
    let modified = modified.parse().ok().map(Timestamp::from_seconds);
    Some(FileStat::new(name, file_type).size(size.parse().ok()?).modified(modified))
}

/// Writes a response into a record. [`to_response`] reads it.
pub fn with_response(record: Record, response: &HttpResponse) -> Record {
    let head = record
        .with("status", response.status().to_string())
        .with("at", response.received_at().seconds().to_string())
        .with("body", response.body().duplicate());
    response.headers().iter().fold(head, |r, (name, value)| r.with("h", name.as_str()).with("v", value.as_str()))
}

/// Reads a response that [`with_response`] has written, or returns `None` for any other record.
pub fn to_response(record: &Record) -> Option<HttpResponse> {
    let text = |name| record.text(name).ok();
    let value = |v: Secret| v.expose_str().unwrap_or_default().to_owned();
    let headers = pairs(record).into_iter().map(|(_, name, v)| (name, value(v))).collect();
    let at = Timestamp::from_seconds(text("at")?.parse().ok()?);
    Some(HttpResponse::new(text("status")?.parse().ok()?, headers, record.find("body")?.duplicate(), at))
}

/// Returns the pairs at the end of a record. A pair is a one-letter tag with the name, followed by `v` with the value.
fn pairs(record: &Record) -> Vec<(String, String, Secret)> {
    let rest: Vec<_> = record.fields().skip_while(|(tag, _)| tag.len() > 1).collect();
    let pair = |pair: &[(&str, &Secret)]| match pair {
        [(tag, name), ("v", value)] => Some(((*tag).to_owned(), name.expose_str()?.to_owned(), value.duplicate())),
        _ => None,
    };
    rest.chunks(2).filter_map(pair).collect()
}

fn service_code(error: ServiceError) -> String {
    SERVICE_ERRORS.iter().position(|e| *e == error).unwrap_or(UNAVAILABLE).to_string()
}

fn service_error(code: &str) -> Option<ServiceError> {
    SERVICE_ERRORS.get(code.parse::<usize>().ok()?).copied()
}
