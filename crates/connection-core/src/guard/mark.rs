//! A row with a mark: how it is checked, written and deleted.

use connection_contract::BoxFuture;

use super::{RowError, RowFault, event_mac};
use crate::{
    approval_state::ApprovalState,
    ids::{AccessTokenId, AgentId, ApprovalId, ConnectionId, ProfileId},
    keys::Sealer,
    store::{
        Reader, StoreError, Tx,
        rows::{StoredMark, TokenPurpose},
    },
};

/// The number of bytes before the MAC: the name of the row, its revision, the layout, and the digest of the columns.
const HEAD: usize = 32 + 8 + 1 + 32;

/// A layout of the marks of a table: the list of the columns that they cover, of which each layout adds some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The number by which a mark names its layout.
    pub(super) number: u8,
    /// The schema generation of the first program that knows the layout.
    pub(super) since: i64,
    /// The number of columns that the layout adds to those of the former one.
    pub(super) adds: usize,
}

/// A layout that a program knows, with the number of columns that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    number: u8,
    columns: usize,
}

/// A row that decides who gets a secret or what is run. Its mark shows that this program wrote it.
pub(crate) trait Marked: Sized + Send + Sync + 'static {
    const TABLE: &'static str;
    /// The layouts, the oldest first. A mark names its layout.
    const LAYOUTS: &'static [Layout];
    /// The second part of the remedy for a row that is refused.
    const REMEDY: &'static str;

    fn owner(&self) -> &str;

    /// Returns the name by which people know the row.
    fn what(&self) -> String;

    /// Returns the primary key, without the owner.
    fn key(&self) -> Vec<Vec<u8>>;

    /// Returns the columns that the newest layout covers, apart from the primary key, in the order in which the layouts add
    /// them. A column of a later layout than the first is `None` in each row whose mark does not cover it.
    fn columns(&self) -> Vec<Vec<u8>>;

    fn stored(&self) -> &StoredMark;

    /// Reads the rows of an owner after one of them, or the first ones: all that are left, or a number of them. There are
    /// none only after the last one.
    fn read<'a>(
        reader: &'a mut Reader,
        owner: &'a str,
        after: Option<&'a Self>,
    ) -> BoxFuture<'a, Result<Vec<Self>, StoreError>>;
}

/// Checks that a row is as this program last wrote it.
///
/// # Errors
///
/// The row was edited or restored, or its mark has a layout that this version does not know.
pub(crate) fn check<T: Marked>(sealer: &Sealer, row: &T) -> Result<(), RowError> {
    match fault(sealer, row) {
        None => Ok(()),
        Some(fault) => Err(refusal(row, fault)),
    }
}

/// Returns the error for a row that is refused.
pub(crate) fn refusal<T: Marked>(row: &T, fault: RowFault) -> RowError {
    RowError { table: T::TABLE, owner: row.owner().to_owned(), what: row.what().into(), fault }
}

/// Records that a row is written with these columns, and returns its mark. The transaction holds the owner's lock.
pub(crate) async fn written<T: Marked>(tx: &mut Tx, sealer: &Sealer, at: i64, row: &T) -> Result<Vec<u8>, StoreError> {
    let form = written_form::<T>(tx, sealer).await?;
    if !is_covered(row, form) {
        return Err(tx.refused_before_finish(T::TABLE));
    }
    let revision = append(tx, sealer, at, row).await?;
    Ok(mark(sealer, row, revision, form))
}

/// Returns the layout in which marks are written now. A former program may still need to read them, so this is not always
/// the newest one.
async fn written_form<T: Marked>(tx: &mut Tx, sealer: &Sealer) -> Result<Form, StoreError> {
    let known = forms::<T>(sealer.schema());
    let written = match known.len() {
        // The store needs to be asked only where there is a choice.
        0 | 1 => sealer.schema(),
        _ => tx.part().await?.written,
    };
    let form = known.into_iter().rfind(|(since, _)| *since <= written);
    form.map(|(_, form)| form).ok_or_else(|| tx.refused_before_finish(T::TABLE))
}

/// Returns the layouts that a program of this schema generation knows, the oldest first, each with the generation of the
/// first program that knows it.
fn forms<T: Marked>(schema: i64) -> Vec<(i64, Form)> {
    let known = T::LAYOUTS.iter().copied();
    // Each mark of the stand-in for the next version covers a column more.
    #[cfg(feature = "workspace-tests")]
    let known = known.chain(T::LAYOUTS.last().map(|last| Layout {
        number: last.number + 1,
        since: crate::store::Program::NEXT.schema,
        adds: 1,
    }));
    let mut columns = 0;
    let known = known.filter(|layout| layout.since <= schema);
    let form = |layout: Layout| {
        columns += layout.adds;
        (layout.since, Form { number: layout.number, columns })
    };
    known.map(form).collect()
}

/// Returns `true` if each column of the row that this layout does not cover is absent.
fn is_covered<T: Marked>(row: &T, form: Form) -> bool {
    let all: usize = T::LAYOUTS.iter().map(|layout| layout.adds).sum();
    form.columns >= all || row.columns().iter().skip(form.columns).all(Vec::is_empty)
}

/// Records that a row is deleted. The transaction holds the owner's lock.
pub(crate) async fn deleted<T: Marked>(tx: &mut Tx, sealer: &Sealer, at: i64, row: &T) -> Result<(), StoreError> {
    append(tx, sealer, at, row).await.map(drop)
}

async fn append<T: Marked>(tx: &mut Tx, sealer: &Sealer, at: i64, row: &T) -> Result<i64, StoreError> {
    let name = name(sealer, row);
    tx.append_row_event(row.owner(), &name, at, &|bytes| event_mac(sealer, bytes)).await
}

/// Returns the name of a row in its mark and in its row events.
pub(crate) fn name<T: Marked>(sealer: &Sealer, row: &T) -> [u8; 32] {
    let key = row.key();
    let parts = [T::TABLE.as_bytes(), row.owner().as_bytes()].into_iter().chain(key.iter().map(Vec::as_slice));
    sealer.mac_of("connections/row/subject/v1", &parts.collect::<Vec<_>>())
}

fn mark<T: Marked>(sealer: &Sealer, row: &T, revision: i64, form: Form) -> Vec<u8> {
    let mut columns = row.columns();
    // A column of the stand-in is in no row of this program, and therefore absent.
    columns.resize(form.columns, Vec::new());
    let digest = sealer.mac_of("connections/row/columns/v1", &columns.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let head = [&name(sealer, row)[..], &revision.to_be_bytes(), &[form.number], &digest].concat();
    [&head[..], &head_mac(sealer, &head)].concat()
}

/// Returns the end of a mark. It does not depend on the columns themselves, so that a mark is recognized whose layout
/// this version does not know.
fn head_mac(sealer: &Sealer, head: &[u8]) -> [u8; 32] {
    sealer.mac("connections/row/v1", head)
}

fn fault<T: Marked>(sealer: &Sealer, row: &T) -> Option<RowFault> {
    let StoredMark { mark: stored, newest } = row.stored();
    let Some(stored) = stored.as_deref().filter(|mark| !mark.is_empty()) else { return Some(RowFault::Unmarked) };
    let Some(sign) = row.stored().sign() else { return Some(RowFault::Edited) };
    let forms = forms::<T>(sealer.schema());
    let Some((_, form)) = forms.into_iter().find(|(_, form)| stored.get(40) == Some(&form.number)) else {
        let is_ours = |(head, mac): (&[u8], &[u8])| mac == head_mac(sealer, head);
        let is_other = sign.subject == name(sealer, row) && stored.split_at_checked(HEAD).is_some_and(is_ours);
        return Some(if is_other { RowFault::OtherVersion } else { RowFault::Edited });
    };
    // A column that the mark does not cover is absent, so that nobody can add it without the key.
    if stored != mark(sealer, row, sign.revision, form) || !is_covered(row, form) {
        return Some(RowFault::Edited);
    }
    match *newest {
        Some(newest) if newest == sign.revision => None,
        Some(newest) if newest > sign.revision => Some(RowFault::Outdated),
        // The event of the row itself is gone.
        _ => Some(RowFault::Edited),
    }
}

/// A column that a mark covers.
pub(super) trait Covered {
    fn covered(&self) -> Vec<u8>;
}

/// An absent column differs from an empty one.
impl<T: Covered> Covered for Option<T> {
    fn covered(&self) -> Vec<u8> {
        self.as_ref().map_or_else(Vec::new, |column| [vec![1], column.covered()].concat())
    }
}

macro_rules! covered {
    ($($type:ty: |$column:ident| $bytes:expr;)+) => {
        $(impl Covered for $type {
            fn covered(&self) -> Vec<u8> {
                let $column = self;
                $bytes.to_vec()
            }
        })+
    };
}

#[cfg(test)]
pub(super) fn newest_mark<T: Marked>(sealer: &Sealer, row: &T, revision: i64) -> Vec<u8> {
    let newest = forms::<T>(sealer.schema()).pop();
    newest.map(|(_, form)| mark(sealer, row, revision, form)).unwrap_or_default()
}

covered! {
    bool: |is| [u8::from(*is)];
    i64: |number| number.to_be_bytes();
    String: |text| text.as_bytes();
    Vec<u8>: |bytes| bytes;
    AccessTokenId: |id| id.as_bytes();
    AgentId: |id| id.as_bytes();
    ApprovalId: |id| id.as_bytes();
    ConnectionId: |id| id.as_bytes();
    ProfileId: |id| id.as_bytes();
    uuid::Uuid: |id| id.as_bytes();
    ApprovalState: |state| state.as_str().as_bytes();
    TokenPurpose: |purpose| purpose.as_str().as_bytes();
}
