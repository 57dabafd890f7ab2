//! The calls for extensions, their grants and preferences, and for profiles.

use uuid::Uuid;

use super::nobody;
use crate::{
    ids::{ProfileId, SessionId},
    store::{
        Reader, Tx,
        rows::{
            ChoiceRow, ExtensionRow, ExtensionStateRow, GrantRow, PreferenceRow, ProfileRow, SlotRow, StoredMark,
            TicketRow,
        },
    },
};

pub(super) async fn read(tx: &mut Reader) {
    let profile = ProfileId::from(Uuid::nil());
    call!(tx:
        near("local", "a", "b", &["github"]);
        near("local", "a", "b", &["github", "gmail"]);
        candidates("local", "github", "a", None, 9);
        all_candidates("local", None, 9);
        account_revisions("local", nobody());
        every_extension_state("local");
        extension_mark("local", "issues");
        extension_marks_of("local", ",issues,");
        extension_marks("local");
        connected_own_kinds("local");
        extension("local", "a");
        extensions("local", "a", 9);
        granted_extensions("local", "a", 9);
        open_grants_within("local", "a", "b");
        provider_extensions("local");
        extension_state("local", "a");
        grant("local", "a", nobody());
        choice("local", "a");
        choices("local");
        grants("local");
        grants_of("local", &[nobody()]);
        open_grants("local", "a");
        grantees("local", nobody());
        ticket("local", "a", Uuid::nil(), 1);
        preferences("local", "a", "");
        public_preferences("local", "a", "b");
        preferences_of("local", "a");
        every_preference("local");
        all_preferences("local");
        every_profile("local");
        every_profile_slot("local");
        profile_directories();
        profiles("local", "github");
        profiles_after("local", "github", Uuid::nil(), 9);
        profile("local", "github", profile);
        profile_slot("local", "github", "a");
        profile_slots("local", "github");
        profile_connections("local", "github", profile);
    );
}

pub(super) async fn write(tx: &mut Tx) {
    let id = Uuid::nil();
    let marked = StoredMark::default();
    let (profile, mark): (ProfileId, &[u8]) = (ProfileId::from(id), &[1]);
    let owner = || "local".to_owned();
    let extension = ExtensionRow {
        owner: owner(),
        name: "a".into(),
        provider: "b".into(),
        source: "{}".into(),
        fingerprint: vec![1; 32],
        added_at: 1,
        marked: marked.clone(),
    };
    let grant = GrantRow {
        owner: owner(),
        extension: "a".into(),
        connection_id: nobody(),
        names: "[]".into(),
        rules: None,
        created_at: 1,
        revoked_at: None,
        marked: marked.clone(),
    };
    let preference = PreferenceRow {
        owner: owner(),
        extension: "a".into(),
        command: String::new(),
        body: "{}".into(),
        revision: 1,
        public_revision: 0,
        marked: marked.clone(),
    };
    let ticket = TicketRow {
        id,
        owner: "local".into(),
        extension: "a".into(),
        command: String::new(),
        session_id: None,
        created_at: 1,
    };
    let row = ProfileRow {
        id: profile,
        owner: owner(),
        kind: "github".into(),
        label: "a".into(),
        directory: "/a".into(),
        is_default: false,
        is_implicit: false,
        created_at: 1,
        marked: marked.clone(),
    };
    let slot = SlotRow {
        owner: owner(),
        kind: "github".into(),
        slot: "a".into(),
        profile_id: profile,
        marked: marked.clone(),
    };
    let choice = ChoiceRow { owner: owner(), extension: "a".into(), connection_id: nobody(), marked };
    call!(tx:
        put_extension(&extension, mark);
        put_extension_state(&ExtensionStateRow::default(), mark);
        delete_extension("local", "a");
        put_choice(&choice, mark);
        delete_choice(&choice);
        count_public_change("local", "a");
        put_grant(&grant, mark);
        put_preferences(&preference, mark);
        insert_ticket(&ticket);
        set_ticket_session(id, SessionId::from(id));
        delete_ticket(id);
        insert_profile(&row, mark);
        update_profile(&row, 1, None);
        delete_profile(profile);
        put_profile_slot(&slot, 1, mark);
        delete_profile_slot(&slot);
    );
}
