//! The provider's own words about a reason: sealed beside the reason, and opened for the person whose connection it is.

use connection_contract::{ProviderText, Reason};

use super::Ground;
use crate::{
    ConnectionInfo, Error,
    store::{Sealed, SealedCell},
};

impl Ground {
    /// Seals the provider's own words about a reason, if it has some, for this cell.
    ///
    /// Words that cannot be sealed are left out, because the reason is stored all the same.
    pub(crate) async fn seal_words(&self, cell: &SealedCell, reason: Option<&Reason>) -> Option<Sealed> {
        let words = reason?.provider_text.as_ref()?;
        match self.seal(cell, words.as_str().as_bytes()).await {
            Ok(sealed) => Some(sealed),
            Err(error) => {
                tracing::warn!(what = %cell, code = error.code(), "the provider's own words cannot be stored");
                None
            }
        }
    }

    /// Returns the information of a connection with the provider's own words about its reason. It is for the person whose
    /// connection it is, and for nobody else. Words that cannot be opened are left out, because the reason is shown all the
    /// same.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub(crate) async fn with_words(&self, mut info: ConnectionInfo) -> Result<ConnectionInfo, Error> {
        let Some(reason) = &mut info.reason else { return Ok(info) };
        let row = self.reader().await?.provider_words(info.id).await?;
        if let Some((column, generation, sealed)) = row.and_then(|row| row.about(reason)) {
            let cell = column.at(info.id.as_uuid(), generation, &info.owner, info.kind.as_str());
            match self.open(&cell, &sealed).await {
                Ok(words) => reason.provider_text = words.expose_str().and_then(ProviderText::new),
                Err(error) => tracing::warn!(%error, "the provider's own words cannot be opened"),
            }
        }
        Ok(info)
    }
}
