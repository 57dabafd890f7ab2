//! Answers of providers, and files below granted directories.

use connection_api as api;
use connection_contract::{FileStat, FileType, Timestamp};
use connection_core::Response;

/// Converts an answer, of which the body was read apart.
pub fn answer(response: &Response, body: Vec<u8>) -> api::Answer {
    let header = |(name, value): &(String, String)| api::Header { name: name.clone(), value: value.clone() };
    let (encoding, body) = api::Encoding::encode(body);
    api::Answer {
        status: response.status(),
        headers: response.headers().iter().map(header).collect(),
        encoding,
        body,
        missing_scopes: response.missing_scopes().to_vec(),
        askable_scopes: response.askable_scopes().to_vec(),
    }
}

/// Converts a file or a directory.
pub fn file(stat: &FileStat) -> api::File {
    api::File {
        name: stat.name.clone(),
        r#type: file_type(stat.file_type),
        size: stat.size,
        modified: stat.modified.map(Timestamp::to_rfc3339),
    }
}

/// Converts the type of a file.
pub fn file_type(file_type: FileType) -> api::FileType {
    match file_type {
        FileType::Directory => api::FileType::Directory,
        FileType::File => api::FileType::File,
        _ => api::FileType::Other,
    }
}

/// Creates the shape of the bytes of a file.
pub fn file_content(bytes: Vec<u8>) -> api::FileContent {
    let size = bytes.len();
    let (encoding, body) = api::Encoding::encode(bytes);
    api::FileContent { size, encoding, body }
}
