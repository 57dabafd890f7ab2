//! A small named-field codec for credentials with several parts.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{CredentialError, Secret};

/// Named fields in order; names may repeat. `encode` and `decode` are inverse.
///
/// Format 1: `0x01`, then per field: name length, name, value length, value; lengths are `u32`, big endian.
/// A later format gets another first byte, and a plugin reads every one that it ever wrote.
#[derive(Debug, Default)]
pub struct Record(Vec<(String, Secret)>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.0.push((name.to_string(), value.into()));
        self
    }
    /// The first field of that name.
    pub fn find(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
    /// The field, or an error that names it.
    ///
    /// # Errors
    /// When there is none.
    pub fn secret(&self, name: &str) -> Result<&Secret, CredentialError> {
        self.find(name).ok_or(CredentialError::MissingField(name.to_string().into()))
    }
    /// Moves the field out, or an error that names it.
    ///
    /// # Errors
    /// When there is none.
    pub fn take(&mut self, name: &str) -> Result<Secret, CredentialError> {
        let at = self.0.iter().position(|(n, _)| n == name);
        at.map(|at| self.0.remove(at).1).ok_or(CredentialError::MissingField(name.to_string().into()))
    }
    /// The field as text.
    ///
    /// # Errors
    /// When there is none, or it is not UTF-8.
    pub fn text(&self, name: &str) -> Result<&str, CredentialError> {
        self.secret(name)?.expose_str().ok_or(CredentialError::Malformed)
    }
    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }
    /// As bytes.
    pub fn encode(&self) -> Secret {
        let size = 1 + self.0.iter().map(|(n, v)| 8 + n.len() + v.expose().len()).sum::<usize>();
        let mut out = Vec::with_capacity(size);
        out.push(1);
        for (name, value) in &self.0 {
            out.extend_from_slice(&length(name.len()));
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&length(value.expose().len()));
            out.extend_from_slice(value.expose());
        }
        Secret::new(out)
    }
    /// From bytes.
    ///
    /// # Errors
    /// `Malformed` for anything that `encode` cannot have made.
    pub fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let bad = CredentialError::Malformed;
        let Some((1, mut rest)) = bytes.split_first() else { return Err(bad) };
        let mut record = Self::new();
        while !rest.is_empty() {
            let (name, tail) = part(rest).ok_or(CredentialError::Malformed)?;
            let (value, tail) = part(tail).ok_or(CredentialError::Malformed)?;
            let name = core::str::from_utf8(name).map_err(|_| CredentialError::Malformed)?;
            record.0.push((name.to_string(), Secret::new(value)));
            rest = tail;
        }
        Ok(record)
    }
}

/// Nothing in memory that a plugin handles comes near 4 GiB; should it, the record does not decode, and nothing is cut.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, tail) = bytes.split_first_chunk::<4>()?;
    tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
