//! The shapes of the remaining commands.

use connection_contract::{FileStat, FileType, Timestamp, encode};
use serde::Serialize;

/// The shape of `kinds forget-client`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForgottenBody {
    pub(crate) kind: String,
    pub(crate) forgotten: bool,
    pub(crate) configured_in: Option<String>,
}

/// The shape of `kinds accept`.
#[derive(Debug, Serialize)]
pub(crate) struct AcceptedBody {
    pub(crate) kind: String,
    pub(crate) connections: u64,
    pub(crate) changes: Vec<KindChangeBody>,
}

/// A change of the terms of a kind.
#[derive(Debug, Serialize)]
pub(crate) struct KindChangeBody {
    pub(crate) connections: u64,
    pub(crate) removed: Vec<String>,
    pub(crate) added: Vec<String>,
}

/// A line of `import`.
#[derive(Debug, Serialize)]
pub(crate) struct ImportedBody {
    pub(crate) line: u64,
    pub(crate) id: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) liveness: Option<&'static str>,
    pub(crate) error: Option<super::ErrorContent>,
}

/// The shape of `send`.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerBody {
    pub(crate) status: u16,
    pub(crate) headers: Vec<HeaderBody>,
    pub(crate) encoding: &'static str,
    pub(crate) body: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct HeaderBody {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// An element of `files ls`.
#[derive(Debug, Serialize)]
pub(crate) struct FileBody {
    name: String,
    r#type: &'static str,
    size: u64,
    modified: Option<String>,
}

impl FileBody {
    pub(crate) fn type_word(file_type: FileType) -> &'static str {
        match file_type {
            FileType::Directory => "directory",
            FileType::File => "file",
            _ => "other",
        }
    }
}

impl From<&FileStat> for FileBody {
    fn from(stat: &FileStat) -> Self {
        Self {
            name: stat.name.clone(),
            r#type: Self::type_word(stat.file_type),
            size: stat.size,
            modified: stat.modified.map(Timestamp::to_rfc3339),
        }
    }
}

/// The shape of `files cat`.
#[derive(Debug, Serialize)]
pub(crate) struct FileContentBody {
    pub(crate) size: usize,
    pub(crate) encoding: &'static str,
    pub(crate) body: String,
}

/// Returns the encoding and the text of bytes: unchanged if they are UTF-8, and base64 otherwise.
pub(crate) fn body_text(bytes: Vec<u8>) -> (&'static str, String) {
    match String::from_utf8(bytes) {
        Ok(text) => ("utf8", text),
        Err(error) => ("base64", encode::base64(error.as_bytes())),
    }
}

/// A line of `serve`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServingBody {
    pub(crate) state: &'static str,
    pub(crate) listen: String,
    pub(crate) public_url: String,
    /// The address of the page with a code, with `--print-page`.
    pub(crate) page: Option<String>,
}

/// The shape of `doctor`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoctorBody {
    pub(crate) ok: bool,
    pub(crate) checks: Vec<CheckBody>,
    /// The redirect addresses, with `--callback`.
    pub(crate) redirect_uris: Option<Vec<RedirectUriBody>>,
}

/// The redirect address to register at the provider of a kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RedirectUriBody {
    pub(crate) kind: String,
    pub(crate) redirect_uri: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckBody {
    pub(crate) check: &'static str,
    pub(crate) ok: bool,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
}
