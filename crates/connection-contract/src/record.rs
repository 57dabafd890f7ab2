//! A codec for credentials that consist of several named fields.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use crate::{CredentialError, Secret};

/// Named fields in order. Names may repeat. `encode` and `decode` are inverse.
///
/// Format 1 is `0x01`, followed for each field by the length of the name, the name, the length of the value and the
/// value. Lengths are `u32` in big-endian order. A later format begins with another byte, and a plugin must read every
/// format that it ever wrote.
#[derive(Debug, Default)]
pub struct Record(Vec<(String, Secret)>);

impl Record {
    /// Creates a record without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field after the others.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.0.push((name.to_string(), value.into()));
        self
    }

    /// Returns the first field with this name.
    pub fn find(&self, name: &str) -> Option<&Secret> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Returns the first field with this name.
    ///
    /// # Errors
    ///
    /// [`CredentialError::MissingField`] if there is no such field.
    pub fn secret(&self, name: &str) -> Result<&Secret, CredentialError> {
        self.find(name).ok_or(CredentialError::MissingField(name.to_string().into()))
    }

    /// Removes and returns the first field with this name.
    ///
    /// # Errors
    ///
    /// [`CredentialError::MissingField`] if there is no such field.
    pub fn take(&mut self, name: &str) -> Result<Secret, CredentialError> {
        let at = self.0.iter().position(|(n, _)| n == name);
        at.map(|at| self.0.remove(at).1).ok_or(CredentialError::MissingField(name.to_string().into()))
    }

    /// Returns the first field with this name as text.
    ///
    /// # Errors
    ///
    /// [`CredentialError::MissingField`] if there is no such field, [`CredentialError::Malformed`] if it is not UTF-8.
    pub fn text(&self, name: &str) -> Result<&str, CredentialError> {
        self.secret(name)?.expose_str().ok_or(CredentialError::Malformed)
    }

    /// Returns an iterator over all fields, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v))
    }

    /// Encodes the record as secret bytes.
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

    /// Decodes a record.
    ///
    /// # Errors
    ///
    /// [`CredentialError::Malformed`] for bytes that `encode` cannot have written.
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

/// Encodes a length. No value that a plugin handles approaches 4 GiB. If one did, the record would not decode; nothing
/// is truncated silently.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, tail) = bytes.split_first_chunk::<4>()?;
    tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
