//! The calls for extensions, their grants and preferences, and for profiles.

use uuid::Uuid;

use super::nobody;
use crate::{
    ids::{ProfileId, SessionId},
    store::{
        Reader, Tx,
        rows::{ExtensionRow, ExtensionStateRow, GrantRow, Marked, PreferenceRow, ProfileRow, TicketRow},
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
        extension_states("local");
        extension_mark("local", "issues");
        extension_marks_of("local", ",issues,");
        extension_marks("local");
        connected_own_kinds("local");
        extension("local", "a");
        extensions("local");
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
        profile_kinds("local");
        profile_directories();
        profiles("local", "github");
        profile("local", "github", profile);
        profile_slot("local", "github", "a");
        profile_slots("local", "github");
        profile_connections("local", "github", profile);
    );
}

pub(super) async fn write(tx: &mut Tx) {
    let id = Uuid::nil();
    let marked = Marked::default();
    let (profile, mark): (ProfileId, &[u8]) = (ProfileId::from(id), &[1]);
    let extension = ExtensionRow {
        name: "a".into(),
        provider: "b".into(),
        source: "{}".into(),
        fingerprint: vec![1; 32],
        added_at: 1,
        marked: marked.clone(),
    };
    let grant = GrantRow {
        extension: "a".into(),
        connection_id: nobody(),
        names: "[]".into(),
        rules: None,
        created_at: 1,
        revoked_at: None,
        marked: marked.clone(),
    };
    let preference = PreferenceRow {
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
        label: "a".into(),
        directory: "/a".into(),
        is_default: false,
        is_implicit: false,
        created_at: 1,
        marked,
    };
    call!(tx:
        put_extension("local", &extension, mark);
        put_extension_state("local", "a", &ExtensionStateRow::default(), mark);
        delete_extension("local", "a");
        put_choice("local", "a", nobody(), mark);
        delete_choice("local", "a");
        count_public_change("local", "a");
        put_grant("local", &grant, mark);
        put_preferences("local", &preference, mark);
        insert_ticket(&ticket);
        set_ticket_session(id, SessionId::from(id));
        delete_ticket(id);
        insert_profile("local", "github", &row, mark);
        update_profile(&row, 1, None);
        delete_profile(profile);
        put_profile_slot("local", "github", "a", profile, 1, mark);
        delete_profile_slot("local", "github", "a");
    );
}
