//! Codes that a page exchanges for a token, once.

use std::{sync::Arc, time::Duration};

use connection_contract::BoxFuture;
use secrecy::SecretString;

use super::{AccessTokens, IssuedToken, NewAccessToken, limit, link, record, row_marks, seconds};
use crate::{
    AccessTokenFault, Error,
    ground::Ground,
    guard,
    store::{
        Lock,
        rows::{AccessTokenRow, TokenPurpose},
    },
};

/// The time for which a code is good.
const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The time after which a page's token ends if nobody uses it.
const IDLE: Duration = Duration::from_hours(30 * 24);

impl<'a> AccessTokens<'a> {
    /// Makes a code that [`exchange_code`](Self::exchange_code) accepts once within 60 seconds, and returns its text.
    /// The page's token gets the name, the role and the owner in `token`; its lifetime is not used.
    ///
    /// # Errors
    ///
    /// The errors of [`create`](Self::create).
    pub fn create_code(self, token: NewAccessToken) -> BoxFuture<'a, Result<SecretString, Error>> {
        Box::pin(async move {
            let token = token.lifetime(CODE_LIFETIME);
            self.insert(token, TokenPurpose::Code, None).await.map(|(_, text)| text)
        })
    }

    /// Makes a page's token for a code. The token ends when it was not used for 30 days.
    ///
    /// The code of a setup link is none of these codes, so that nobody can give it to a page in place of the page's own:
    /// it is refused, and stays as it is. [`exchange_link`](Self::exchange_link) accepts it.
    ///
    /// If a code is exchanged several times at once, in any processes, one exchange succeeds. An owner has at most
    /// [`MAX_PAGES`](Self::MAX_PAGES) live tokens of pages; a further one replaces the one that was used least
    /// recently.
    ///
    /// # Errors
    ///
    /// [`Error::AccessToken`] for a code that is unknown, was used or has expired, and the store's errors.
    pub fn exchange_code(self, code: &'a SecretString) -> BoxFuture<'a, Result<IssuedToken, Error>> {
        self.exchange_once(code, |row| row.link.is_none() && row.agent_id.is_none())
    }

    /// Makes the token of a visitor for the code of a setup link. The token ends after 30 minutes.
    ///
    /// # Errors
    ///
    /// [`Error::AccessToken`] for a code that is unknown, is not that of a link, was used or has expired, and the store's
    /// errors.
    pub fn exchange_link(self, code: &'a SecretString) -> BoxFuture<'a, Result<IssuedToken, Error>> {
        self.exchange_once(code, |row| row.link.is_some())
    }

    fn exchange_once(
        self,
        code: &'a SecretString,
        is_wanted: fn(&AccessTokenRow) -> bool,
    ) -> BoxFuture<'a, Result<IssuedToken, Error>> {
        Box::pin(async move {
            let unknown = || Error::AccessToken(AccessTokenFault::CodeUnknown);
            let hash = self.hash(code).ok_or_else(unknown)?;
            let found = self.ground.reader().await?.access_token_by_hash(&hash).await?;
            let code = found.filter(|row| row.purpose == TokenPurpose::Code && is_wanted(row)).ok_or_else(unknown)?;
            let (page_hash, text) = self.fresh();
            let now = self.ground.clock.now().seconds();
            let is_link = code.link.is_some();
            let page = AccessTokenRow {
                id: self.ground.ids.next().into(),
                purpose: TokenPurpose::Page,
                token_hash: page_hash.to_vec(),
                created_at: now,
                expires_at: is_link.then(|| now.saturating_add(seconds(link::LIFETIME))),
                idle: (!is_link).then(|| seconds(IDLE)),
                ..code.clone()
            };
            exchange(self.ground, code, page.clone()).await?;
            let token = super::AccessToken::of(&page).ok_or_else(unknown)?;
            Ok(IssuedToken { token, text })
        })
    }
}

/// Uses the code up and inserts the page's token, in one transaction.
async fn exchange(ground: &Arc<Ground>, code: AccessTokenRow, page: AccessTokenRow) -> Result<(), Error> {
    let sealer = ground.sealer.clone();
    let job = ground.store.write(move |tx| {
        Box::pin(async move {
            let refused = |fault| Ok(Err(Error::AccessToken(fault)));
            let now = page.created_at;
            tx.lock(Lock::Owner(&code.owner)).await?;
            let Some(code) = tx.access_token(code.id).await? else { return refused(AccessTokenFault::CodeUnknown) };
            if let Err(error) = guard::check(&sealer, &code) {
                return Ok(Err(error.into()));
            }
            if code.revoked_at.is_some() {
                return refused(AccessTokenFault::CodeUsed);
            }
            if !record::is_live(&code, now) || link::is_of_removed(tx, &code).await? {
                return refused(AccessTokenFault::CodeExpired);
            }
            row_marks::revoke(tx, &sealer, code, now).await?;
            if page.link.is_none() {
                limit::make_room_for_page(tx, &sealer, &page.owner, now).await?;
            }
            row_marks::insert(tx, &sealer, &page).await?;
            Ok(Ok(()))
        })
    });
    job.await?
}
