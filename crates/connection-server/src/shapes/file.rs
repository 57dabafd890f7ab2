//! The shapes of files below granted directories.

use connection_contract::{FileStat, FileType, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{body_text, words};

/// A file or a directory.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileBody {
    name: String,
    /// `directory`, `file` or `other`.
    #[schema(value_type = words::FileType)]
    r#type: &'static str,
    size: u64,
    modified: Option<String>,
}

impl FileBody {
    /// Returns the word for a type, such as `directory`.
    pub fn type_word(file_type: FileType) -> &'static str {
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

/// The content of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FileContent)]
#[non_exhaustive]
pub struct FileContentBody {
    /// The number of bytes.
    pub size: usize,
    /// The encoding of `body`: `utf8` or `base64`.
    #[schema(value_type = words::Encoding)]
    pub encoding: &'static str,
    /// The content.
    pub body: String,
}

impl FileContentBody {
    /// Creates the shape of the bytes of a file.
    pub fn new(bytes: Vec<u8>) -> Self {
        let size = bytes.len();
        let (encoding, body) = body_text(bytes);
        Self { size, encoding, body }
    }
}
