//! The tables whose rows have marks.

use std::marker::PhantomData;

use connection_contract::BoxFuture;

use super::{
    RowError,
    mark::{Covered as _, Layout, Marked, check},
};
use crate::{
    keys::Sealer,
    store::{
        Reader, StoreError,
        rows::{
            AccessTokenRow, AgentGrantRow, AgentRow, ApprovalRow, ChoiceRow, ExtensionRow, ExtensionStateRow,
            FreezeRow, GrantRow, PreferenceRow, PreviousMark, ProfileRow, SlotRow, StoredMark, WideningRow,
        },
    },
};

/// A table whose rows have marks.
pub(crate) trait MarkedTable: Send + Sync {
    fn name(&self) -> &'static str;

    fn remedy(&self) -> &'static str;

    /// Returns an error for each row of an owner that is refused.
    fn refused<'a>(
        &'a self,
        reader: &'a mut Reader,
        sealer: &'a Sealer,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<RowError>, StoreError>>;
}

struct Table<T>(PhantomData<fn() -> T>);

impl<T: Marked> MarkedTable for Table<T> {
    fn name(&self) -> &'static str {
        T::TABLE
    }

    fn remedy(&self) -> &'static str {
        T::REMEDY
    }

    fn refused<'a>(
        &'a self,
        reader: &'a mut Reader,
        sealer: &'a Sealer,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<RowError>, StoreError>> {
        Box::pin(async move {
            let mut found = Vec::new();
            let mut last = None;
            loop {
                let rows = T::read(reader, owner, last.as_ref()).await?;
                found.extend(rows.iter().filter_map(|row| check(sealer, row).err()));
                last = rows.into_iter().last();
                if last.is_none() {
                    return Ok(found);
                }
            }
        })
    }
}

/// Lists tables, and implements [`Marked`] for their rows. A released layout is never changed: a further `layout N from G`
/// adds columns, which may be `NULL`, and is known to programs from the schema generation `G` on.
macro_rules! marked {
    ($(#[$docs:meta])* $list:ident: $($row:ident as $this:ident in $table:literal {
        owner: $owner:expr,
        what: $what:expr,
        key: [$($key:expr),*],
        layout $layout:literal: [$($column:expr),*],
        $(layout $later:literal from $since:literal: [$($added:expr),*],)*
        $(all: $all:path,)?
        $(pages: $pages:path,)?
        remedy: $remedy:literal,
    })+) => {
        $(#[$docs])*
        pub(crate) static $list: &[&dyn MarkedTable] = &[$(&Table::<$row>(PhantomData)),+];

        $(
            #[allow(unused_variables, reason = "the list of what is frozen has neither an owner nor a key")]
            impl Marked for $row {
            const TABLE: &'static str = $table;
            const LAYOUTS: &'static [Layout] = &[
                Layout { number: $layout, since: 1, adds: [$(stringify!($column)),*].len() },
                $(Layout { number: $later, since: $since, adds: [$(stringify!($added)),*].len() },)*
            ];
            const REMEDY: &'static str = $remedy;

            fn owner(&self) -> &str {
                let $this = self;
                $owner
            }

            fn what(&self) -> String {
                let $this = self;
                $what
            }

            fn key(&self) -> Vec<Vec<u8>> {
                let $this = self;
                vec![$($key.covered()),*]
            }

            fn columns(&self) -> Vec<Vec<u8>> {
                let $this = self;
                vec![$($column.covered(),)* $($($added.covered(),)*)*]
            }

            fn stored(&self) -> &StoredMark {
                &self.marked
            }

            fn read<'a>(
                reader: &'a mut Reader,
                owner: &'a str,
                after: Option<&'a Self>,
            ) -> BoxFuture<'a, Result<Vec<Self>, StoreError>> {
                $(if after.is_none() {
                    return Box::pin($all(reader, owner));
                }
                Box::pin(async { Ok(Vec::new()) }))?
                $(Box::pin($pages(reader, owner, after)))?
            }
        })+
    };
}

marked! {
    /// All tables whose rows have marks.
    TABLES:

    // The time of the last use is not covered.
    AccessTokenRow as row in "connection_access_token" {
        owner: &row.owner,
        what: format!("the access token '{}' ({})", row.name, row.id),
        key: [row.id],
        layout 1: [row.purpose, row.token_hash, row.name, row.role, row.extension, row.link, row.setup_id,
            row.created_at, row.expires_at, row.idle, row.revoked_at, row.agent_id, row.audience, row.client],
        pages: Reader::every_access_token,
        remedy: "revoke the token, then make another one",
    }

    AgentRow as row in "connection_agent" {
        owner: &row.owner,
        what: format!("the agent '{}' ({})", row.name, row.id),
        key: [row.id],
        layout 1: [row.name, row.made_at, row.removed_at, row.client],
        all: Reader::every_agent,
        remedy: "remove the agent, then create it again with new grants and tokens",
    }

    AgentGrantRow as row in "connection_agent_grant" {
        owner: &row.owner,
        what: format!("the grant of connection {} to the agent {}", row.connection_id, row.agent_id),
        key: [row.agent_id, row.connection_id],
        layout 1: [row.rules, row.created_at, row.expires_at, row.revoked_at],
        all: Reader::every_agent_grant,
        remedy: "revoke the grant, then grant it again if you mean it",
    }

    ApprovalRow as row in "connection_approval" {
        owner: &row.owner,
        what: format!("the approval {}", row.id),
        key: [row.id],
        layout 1: [row.agent_id, row.connection_id, row.kind, row.state, row.same, row.facts, row.created_at,
            row.ends_at, row.changed_at, row.fetched_at],
        pages: Reader::every_approval,
        remedy: "let the agent ask again, and look at the request before you approve it",
    }

    PreviousMark as row in "connection_credential" {
        owner: &row.owner,
        what: format!("the previous credential of connection {}", row.connection_id),
        key: [row.connection_id],
        layout 1: [row.generation, row.account_id, row.config],
        all: Reader::every_previous_mark,
        remedy: "authorize the connection again",
    }

    ExtensionRow as row in "connection_extension" {
        owner: &row.owner,
        what: format!("the declaration of '{}'", row.name),
        key: [row.name],
        layout 1: [row.provider, row.source, row.fingerprint],
        all: Reader::every_extension,
        remedy: "remove the extension, then add it again from a file that you trust",
    }

    ChoiceRow as row in "connection_extension_choice" {
        owner: &row.owner,
        what: format!("the connection that was chosen for '{}'", row.extension),
        key: [row.extension],
        layout 1: [row.connection_id],
        all: Reader::choices,
        remedy: "choose the connection of the extension again",
    }

    GrantRow as row in "connection_extension_grant" {
        owner: &row.owner,
        what: format!("the grant of connection {} to '{}'", row.connection_id, row.extension),
        key: [row.extension, row.connection_id],
        layout 1: [row.names, row.created_at, row.revoked_at, row.rules],
        all: Reader::grants,
        remedy: "revoke the grant, then grant it again if you mean it",
    }

    // Settings become variables of programs. An empty command is the extension itself.
    PreferenceRow as row in "connection_extension_preference" {
        owner: &row.owner,
        what: match row.command.as_str() {
            "" => format!("the preferences of '{}'", row.extension),
            command => format!("the preferences of the command '{command}' of '{}'", row.extension),
        },
        key: [row.extension, row.command],
        layout 1: [row.body],
        all: Reader::every_preference,
        remedy: "set the preferences of the extension again",
    }

    ExtensionStateRow as row in "connection_extension_state" {
        owner: &row.owner,
        what: format!("the state of the extension '{}'", row.name),
        key: [row.name],
        layout 1: [row.fingerprint, row.provider, row.public],
        all: Reader::every_extension_state,
        remedy: "remove the extension, then add it again from a file that you trust",
    }

    // The row belongs to no owner, and its row events are those of a name that no owner has.
    FreezeRow as row in "connection_freeze" {
        owner: "",
        what: "the list of what is frozen".to_owned(),
        key: [],
        layout 1: [row.frozen, row.notes],
        all: Reader::every_freeze,
        remedy: "look at what should be frozen, then thaw all with `connections thaw --all`",
    }

    // The directory decides which identity a tool runs with.
    ProfileRow as row in "connection_profile" {
        owner: &row.owner,
        what: format!("the profile '{}' of kind '{}' ({})", row.label, row.kind, row.id),
        key: [row.kind, row.id],
        layout 1: [row.label, row.directory, row.is_default, row.is_implicit],
        all: Reader::every_profile,
        remedy: "set the label and the directory of the profile again, or remove it",
    }

    SlotRow as row in "connection_profile_slot" {
        owner: &row.owner,
        what: format!("the profile of the slot '{}' of kind '{}'", row.slot, row.kind),
        key: [row.kind, row.slot],
        layout 1: [row.profile_id],
        all: Reader::every_profile_slot,
        remedy: "set the profile of the slot again, or clear the slot",
    }

    // The number of requests that were sent is not covered.
    WideningRow as row in "connection_widening" {
        owner: &row.owner,
        what: format!("what widens the grant of connection {} to {}", row.connection_id, row.agent_id.grantee()),
        key: [row.agent_id, row.connection_id, row.matched],
        layout 1: [row.revision, row.facts, row.created_at, row.ends_at, row.requests],
        all: Reader::widenings,
        remedy: "grant the connection to the agent again, which ends what widens the grant",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::{
        super::{
            RowFault,
            mark::{name, newest_mark as mark},
        },
        *,
    };
    use crate::store::OWNERS;

    #[test]
    fn each_table_with_a_mark_is_listed_and_each_listed_one_exists() {
        let listed: BTreeSet<_> = TABLES.iter().map(|table| table.name().to_owned()).collect();
        assert_eq!(listed.len(), TABLES.len());
        for engine in ["sqlite", "postgres"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
            let files = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
            let text = files.collect::<String>();
            let tables = text.split("CREATE TABLE ").skip(1).map(|table| table.split("\n)").next().unwrap());
            let marked = tables.filter(|table| table.contains("\n    mark "));
            let names = marked.map(|table| table.split(' ').next().unwrap().to_owned());
            // An entry of the record of use is never changed, so its mark has no revision.
            let names: BTreeSet<_> = names.filter(|name| name != "connection_use").collect();
            assert_eq!(names, listed, "{engine}");
        }
    }

    /// The audit asks for the owners first, so an owner that only a missing table names would not be looked at.
    #[test]
    fn the_owners_of_all_tables_are_looked_at() {
        let words: BTreeSet<_> = OWNERS.split_whitespace().collect();
        // The owner of a credential is that of its account, and what is frozen belongs to no owner.
        let others = ["connection_credential", "connection_freeze"];
        for table in TABLES.iter().map(|table| table.name()).filter(|name| !others.contains(name)) {
            assert!(words.contains(table), "{table}");
        }
        assert!(words.contains("connection_account"));
    }

    struct Before {
        column: String,
        marked: StoredMark,
    }

    struct After {
        column: String,
        other: Option<i64>,
        marked: StoredMark,
    }

    async fn nothing<T>(_: &mut Reader, _: &str) -> Result<Vec<T>, StoreError> {
        Ok(Vec::new())
    }

    marked! {
        OF_TESTS:

        Before as row in "connection_test" {
            owner: "ada",
            what: row.column.clone(),
            key: [],
            layout 1: [row.column],
            all: nothing,
            remedy: "",
        }

        After as row in "connection_test" {
            owner: "ada",
            what: row.column.clone(),
            key: [],
            layout 1: [row.column],
            layout 2 from 1: [row.other],
            all: nothing,
            remedy: "",
        }
    }

    #[test]
    fn a_mark_of_another_layout_is_told_from_an_edited_row() {
        let sealer = Sealer::for_tests();
        let column = || "a".to_owned();
        let stored = |mark: Vec<u8>| StoredMark { mark: Some(mark), newest: Some(7) };
        let before = Before { column: column(), marked: StoredMark::default() };
        let after = After { column: column(), other: Some(1), marked: StoredMark::default() };
        assert_eq!(name(&sealer, &before), name(&sealer, &after), "the control: it is the same row");
        let (old, new) = (mark(&sealer, &before, 7), mark(&sealer, &after, 7));
        let fault = |row: After| check(&sealer, &row).err().map(|error| error.fault);
        let with = |mark: Vec<u8>| fault(After { column: column(), other: Some(1), marked: stored(mark) });
        assert_eq!(with(new.clone()), None, "the control");
        // The program of the former layout does not know the later one.
        let error = check(&sealer, &Before { column: column(), marked: stored(new.clone()) }).unwrap_err();
        assert_eq!(error.fault, RowFault::OtherVersion);
        assert_eq!(error.code(), "row_version");
        assert!(error.to_string().contains("was written by another version of this program"), "{error}");
        assert!(error.remedy().starts_with("update this program"), "{}", error.remedy());
        // The later program knows the former layout, whose rows do not have the column that it does not cover.
        assert_eq!(fault(After { column: column(), other: None, marked: stored(old.clone()) }), None);
        assert_eq!(with(old.clone()), Some(RowFault::Edited));
        // Another program can change the number of the layout, and cannot make a mark of it.
        for number in [0, 1, 3] {
            let mut edited = new.clone();
            edited[40] = number;
            assert_eq!(with(edited), Some(RowFault::Edited), "{number}");
        }
        // The mark of another row, of another revision and a part of a mark are no marks of this row.
        let of_other = mark(&sealer, &FreezeRow::default(), 7);
        for edited in [of_other, mark(&sealer, &after, 8), new[..72].to_vec(), vec![0]] {
            assert_ne!(with(edited), None);
        }
        assert_eq!(with(Vec::new()), Some(RowFault::Unmarked));
        let edited = After { column: column(), other: Some(2), marked: stored(new) };
        assert_eq!(fault(edited), Some(RowFault::Edited));
        assert_eq!(OF_TESTS.len(), 2);
    }
}
