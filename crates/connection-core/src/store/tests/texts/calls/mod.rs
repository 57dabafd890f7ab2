//! One call of each method of the store that runs a text.

use connection_contract::{Identity, Kind};
use uuid::Uuid;

use super::{NOTED, Text};
use crate::{
    Tags,
    ids::{ConnectionId, SessionId},
    kinds::Terms,
    store::{
        Busy, ExchangeKey, ExchangeScope, ListFilter, Lock, OldRows, ProviderGrantRow, Reader, Recovery, RefreshLease,
        ReportedWindow, SEALED, Sealed, SealedRow, SetupLease, Store, Tx, Unchanged, WebhookLease,
        rows::{
            AccountRow, BootTime, CredentialRow, CredentialState, EventRow, ExchangeRow, KeysetRow, KvValue, ListedRow,
            LivenessRow, PlanRow, RestoredUse, RowClaim, Sent, SetupRow, SetupState, TestRow, WebhookRow,
        },
        tests::{Database, credential},
    },
};

macro_rules! call {
    ($on:ident: $($method:ident($($argument:expr),* $(,)?);)*) => {
        $(drop($on.$method($($argument),*).await);)*
    };
}

mod approvals;
mod extensions;
mod moves;
mod outbox;
mod tokens;
mod uses;

/// Returns the texts of the store's engine.
pub(in super::super) async fn collect(store: &Store) -> Vec<Text> {
    let mut tx = Tx::new(store.reader().await.unwrap());
    NOTED.set(Some(std::collections::BTreeSet::new()));
    read(&mut tx).await;
    extensions::read(&mut tx).await;
    write_connections(&mut tx).await;
    write_setups(&mut tx).await;
    extensions::write(&mut tx).await;
    write_webhooks(&mut tx).await;
    write_exchanges(&mut tx).await;
    usage(&mut tx).await;
    tokens::access_tokens(&mut tx).await;
    tokens::agents(&mut tx).await;
    tokens::freezes(&mut tx).await;
    approvals::approvals(&mut tx).await;
    uses::uses(&mut tx).await;
    outbox::outbox(&mut tx).await;
    moves::moves(&mut tx).await;
    sealed(&mut tx).await;
    old_rows(&mut tx).await;
    NOTED.take().unwrap().into_iter().collect()
}

async fn old_rows(tx: &mut Tx) {
    call!(tx:
        expired_setups(1, 9);
        end_failed_messages(Uuid::nil(), 9);
    );
    for rows in OldRows::ALL {
        call!(tx: end_old_rows(rows, 1, 9););
    }
}

fn nobody() -> ConnectionId {
    ConnectionId::from(Uuid::nil())
}

async fn read(tx: &mut Reader) {
    let hash = [1; 32];
    let session = SessionId::from(Uuid::nil());
    call!(tx:
        clock();
        part();
        is_standby();
        lacks_right();
        refuse_after_promotion();
        attempts(nobody());
        restored(nobody());
        count_accounts(None, None);
        count_accounts(None, Some("github"));
        count_accounts(Some("local"), None);
        count_accounts(Some("local"), Some("github"));
        count_by_liveness();
        count_waiting(1, ",github,", ",github,");
        applied_migrations();
        accounts_of_kind("github", None, 9);
        connected_of(&[Kind::from_static("github")]);
        all_kind_terms(1);
        kind_terms(&[1; 32]);
        agreed_terms("local", "github", None, 9);
        account(nobody());
        account_by_label("local", "github", "a");
        account_of("local", "github", &Identity::new("a", "b").email(), None);
        account_of_profile("local", "github", None);
        account_of_profile("local", "github", Some("a"));
        default_accounts("local");
        first_two_accounts("local", "github");
        kinds_of("local", &[nobody()]);
        listed(nobody());
        renamed(nobody(), "a");
        beside(&Database::new().account("a"));
        account_ids("local", "github");
        listed_of("local", &[nobody()]);
        kinds_and_labels("local", 9);
        classes("local");
        counts_of("local", &[vec!["github  live 0"]]);
        members("local", "github  live 0", "", Uuid::nil(), 9);
        ending("local", 1);
        current_credential(nobody());
        previous_credential(nobody());
        every_previous_mark("local");
        previous_generation(nobody());
        liveness(nobody());
        provider_words(nobody());
        usage(nobody(), "ada", 1);
        recent_usage("local", 1);
        recent_usage_of(nobody(), "local", 1);
        due_refreshes(1, ",github,", &Busy::default(), 9);
        due_checks(1, ",github,", &Busy::default(), 9);
        checks_after(1, 9);
        is_use_refused(nobody());
        lacking_scopes("local", "issues", nobody());
        all_lacking_scopes("local");
        due_refused_uses(",github,", ",vault,", &Busy::default(), 9);
        is_paused(nobody(), 1);
        waiting_refreshes("https://api.acme.example", Uuid::nil(), 1, 9);
        waiting_probes("https://api.acme.example", Uuid::nil(), 1, 9);
        refused_applications(None, Uuid::nil(), 1, 9);
        refused_probes(None, Uuid::nil(), 1, 9);
        asked_origins(nobody());
        has_several_owners();
        ended_credentials(1, ",github,", 9);
        ending_credentials(1, ",github,", 9);
        ending_authorizations(1, ",github,", 9);
        next_due(1);
        lost_setups(1, 9);
        refresh_lease(nobody());
        events_of_owner("local", Uuid::nil(), 9);
        newest_events_of_owner("local", Uuid::max(), 9);
        events_of(nobody(), "local", 0, 9);
        event_ids(Some("local"), Uuid::nil(), 9);
        event_ids(None, Uuid::nil(), 9);
        last_event(Some("local"));
        last_event(None);
        standing(nobody());
        standings(Uuid::nil(), 9);
        in_use(nobody());
        event(Uuid::nil());
        row_events("local", 0, 9);
        owners_of_marked_rows();
        keyset();
        keys_revision();
        kv("local", "a", "b");
        setup(session);
        setup_and_effects(session);
        list_setups("local", 1, Uuid::nil(), 9);
        shown_setups("local");
        count_setups("local", 1);
        waiting_setups(1);
        open_setups_of(nobody());
        effects(session);
        inputs(session);
        endpoint(&hash);
        has_callbacks(1);
        webhook_address(nobody());
        find_webhook_address(&hash);
        webhook_turn("local", None, None);
        waiting_webhooks(nobody(), 0, 9);
        has_webhook(nobody(), &hash);
        exchange(ExchangeKey::from_bytes(hash));
        exchange_look(ExchangeKey::from_bytes(hash), 0, "boot");
        open_exchanges("node", 9);
        named_processes();
    );
    let owner = Some("local".to_owned());
    let kind = Some("github".to_owned());
    let label = Some("a".to_owned());
    for (owner, kind, label) in
        [(&None, &None, &None), (&owner, &None, &None), (&owner, &kind, &None), (&owner, &kind, &label)]
    {
        let wanted = ListFilter {
            owner: owner.clone(),
            kind: kind.clone(),
            label: label.clone(),
            limit: 50,
            ..ListFilter::default()
        };
        let tagged = ListFilter { tag: Some(("plan".into(), "pro".into())), ..wanted.clone() };
        call!(tx:
            list(&wanted);
            list(&ListFilter { profile: Some(String::new()), ..wanted.clone() });
            list(&tagged);
            list(&ListFilter { profile: Some(String::new()), ..tagged.clone() });
        );
    }
}

async fn write_connections(tx: &mut Tx) {
    let account: AccountRow = Database::new().account("a");
    let credential: CredentialRow = credential(nobody(), 1, CredentialState::Current);
    let liveness = LivenessRow {
        connection_id: nobody(),
        liveness: "live".into(),
        reason: None,
        generation: 1,
        checked_at: None,
        next_check_at: None,
        paused_until: None,
        failures: 0,
        probe_origin: None,
        probe_from: None,
    };
    let row = ListedRow {
        account: account.clone(),
        liveness: None,
        reason: None,
        checked_at: None,
        next_check_at: None,
        paused_until: None,
        refused_at: None,
        refused_by: None,
        failures: None,
        granted_scopes: None,
        valid_until: None,
        authorized_until: None,
        refresh_reason: None,
        tags: None,
        usable_at: 1,
    };
    let unchanged = Unchanged {
        row: &row,
        secret_names: "[]",
        reason: None,
        began: 1,
        now: 2,
        failures: 1,
        next_check_at: None,
        paused_until: None,
        probe_origin: None,
        probe_from: None,
    };
    let recovery = Recovery { origin: "https://api.acme.example", after: Uuid::nil(), last: Uuid::max(), now: 1 };
    let event = EventRow {
        id: Uuid::nil(),
        owner: "local".into(),
        connection_id: nobody(),
        at: 1,
        kind: "connected".into(),
        body: "{}".into(),
        says: RowClaim::Made,
    };
    call!(tx:
        lock(Lock::Connection(nobody()));
        finish_upgrade(1);
        insert_account(&account);
        draw_generation(nobody());
        promote_generation(nobody(), 1, 2, 3);
        set_account_label(nobody(), "a", 1);
        set_tags(nobody(), &Tags::new([("a", "b")]).unwrap(), 1);
        attention(nobody());
        set_attention(nobody(), 1, true);
        set_account_default(nobody(), true, 1);
        set_account_identity_label(nobody(), "a", 1);
        set_account_identity(nobody(), "a", "b", 1);
        set_account_facts(nobody(), "a", "b", "{}", None, 1);
        put_kind_terms(&Terms { digest: vec![1; 32], text: "a".into() });
        set_account_terms(nobody(), None, 1);
        delete_account(nobody());
        insert_credential(&credential);
        set_credential_facts(nobody(), 1, None, None);
        set_secret_names(nobody(), 1, "[]");
        delete_credential_and_previous(nobody(), 1);
        replace_credential(&account, &credential, 1, &[1]);
        rotate_previous(1, &credential, &[1]);
        check_by(nobody(), 1);
        upsert_liveness(&liveness);
        confirm_liveness(&unchanged);
        set_liveness_words(nobody(), 1, &credential.sealed);
        set_refresh_words(nobody(), 1, &credential.sealed);
        claim_check(nobody(), 1, 2);
        note_refused_use(nobody(), 1, Some("a.example answered 401 Unauthorized"));
        put_lacking_scopes("local", "issues", nobody(), "[]");
        delete_lacking_scopes(nobody());
        claim_refused_use(nobody(), false);
        settle_refused_use(nobody(), 1);
        announce(nobody(), 1, 2);
        forget_announcement(nobody(), 1, 2);
        take_lease(&RefreshLease { id: nobody(), generation: 1 }, "a");
        extend_lease(&RefreshLease { id: nobody(), generation: 1 }, "a");
        lease_holder(&RefreshLease { id: nobody(), generation: 1 });
        release_refresh(nobody(), "a", 1, None);
        set_refresh_origin(nobody(), "https://a.example");
        refresh_after_answer(nobody(), 1);
        hasten_refreshes(recovery, &[nobody()]);
        hasten_probes(recovery);
        refresh_now(nobody(), 1);
        hasten_refresh(nobody(), 1);
        doubt_credential(nobody(), "{}", 1);
        set_plan(nobody(), 1, &PlanRow::default());
        mark_restored(nobody(), RestoredUse::Unknown, "{}");
        append_event(&event, &|_| [0; 32]);
        append_row_event("local", &[0; 32], 1, &|_| [0; 32]);
    );
}

async fn write_setups(tx: &mut Tx) {
    let session = SessionId::from(Uuid::nil());
    let hash = [1; 32];
    let sealed = Sealed::from_row(vec![1; 97]);
    let setup = SetupRow {
        id: session,
        owner: "local".into(),
        kind: "github".into(),
        connection_id: nobody(),
        state: SetupState::Waiting,
        step_seq: 0,
        sealed_header: None,
        sealed_step: None,
        expires_at: 1,
        created_at: 1,
    };
    let keyset =
        KeysetRow { store_id: Uuid::nil(), revision: 1, keys_revision: 1, slot_a: Some(sealed.clone()), slot_b: None };
    call!(tx:
        insert_setup(&setup);
        set_setup(session, SetupState::Waiting, 0, None, None, 1);
        show_step(session, 0, Some(1), &sealed, 1);
        replace_setup_header(session, &sealed);
        take_lease(&SetupLease { id: session, seq: 0 }, "a");
        extend_lease(&SetupLease { id: session, seq: 0 }, "a");
        release_lease(&SetupLease { id: session, seq: 0 }, "a");
        lease_holder(&SetupLease { id: session, seq: 0 });
        end_wait(session, 1, 1);
        release_setups("a");
        end_setup(session, SetupState::Done, 1, None, 1);
        insert_effect(session, 1, &sealed);
        has_effect(session, 1);
        delete_effect(session, 1);
        insert_input(session, Uuid::nil(), &sealed);
        delete_input(session, Uuid::nil());
        insert_endpoint(&hash, "local", session, 1);
        extend_endpoints(session, 1);
        use_endpoint(&hash, 1);
        insert_keyset(&keyset);
        update_keyset(&keyset);
        put_kv("local", "a", "b", &KvValue::Public("c".into()));
        delete_kv("local", "a", "b");
        delete_kv_of("local", "a");
        kv_namespaces("local");
    );
}

async fn write_webhooks(tx: &mut Tx) {
    let id = Uuid::nil();
    let hash = [1; 32];
    let sealed = Sealed::from_row(vec![1; 97]);
    let webhook = WebhookRow { id, connection_id: nobody(), digest: hash, received_at: 1, sealed: sealed.clone() };
    let test = TestRow { at: 1, url: "https://example.com".into(), generation: None, failure: None };
    let lease = WebhookLease { id, seconds: 9 };
    call!(tx:
        insert_webhook_address(nobody(), &hash, &sealed);
        set_webhook_address(nobody(), 1, None);
        set_webhook_test(nobody(), 1, &test);
        forget_webhook_test(nobody());
        insert_webhook(&webhook, 1);
        take_lease(&lease, "a");
        lease_holder(&lease);
        acknowledge_webhook(id, nobody(), 1);
        set_webhook_aside(id, nobody());
        forget_webhook(nobody(), &hash, 1);
    );
}

async fn write_exchanges(tx: &mut Tx) {
    let key = ExchangeKey::from_bytes([1; 32]);
    let answer = Sealed::from_row(vec![1; 97]);
    let sent = Sent::first(None, "a".into(), 1);
    let seen = BootTime { boot_id: "boot".into(), seconds: 1 };
    let exchange = ExchangeRow { key, scope: ExchangeScope::Connection(nobody()), sent: sent.clone(), sealed: None };
    call!(tx:
        insert_exchange(&exchange);
        resend_exchange(key, &sent, &sent);
        conclude_exchange(key, &sent, 0, &seen);
        renew_exchange_sign(key, &sent);
        reopen_exchange(key, 0, "process", &seen);
        set_answer_aside(key, &seen);
        forget_ended_answers(nobody());
        note_first_look(key, 0, &seen);
        answer_exchange(key, &answer);
        delete_intent(key, &sent);
        insert_answer(key, ExchangeScope::Connection(nobody()), &answer);
        settle_exchanges(&[key]);
        forget_unanswered(key);
        delete_connection_exchanges(nobody());
    );
}

async fn usage(tx: &mut Tx) {
    let window = ReportedWindow { metric: "a".into(), ends_at: 1, body: "{}".into() };
    call!(tx:
        set_usage(nobody(), 1, "a", "ada", 0.5);
        usage_snapshot(nobody(), "ada");
        set_usage_snapshot(nobody(), "ada", 1, "{}");
        provider_grant(nobody());
        is_grant_shared(nobody(), &ProviderGrantRow { application: vec![1; 32], account: vec![1; 32] });
        connections_with_grant(nobody(), &ProviderGrantRow { application: vec![1; 32], account: vec![1; 32] });
        kinds_beside("local", nobody());
        kinds_without_grant("local", nobody());
        set_provider_grant(nobody(), &ProviderGrantRow { application: vec![1; 32], account: vec![1; 32] });
        delete_provider_grant(nobody());
        usage_windows(nobody(), "ada", 1);
        set_usage_window(nobody(), "ada", 1, &window);
        move_usage(nobody(), "ada", "lovelace");
        drop_usage_window(nobody(), "a");
        limit_usage_windows(nobody(), 1);
    );
}

/// Each column of the table of sealed columns has its own texts.
async fn sealed(tx: &mut Tx) {
    let fresh = Sealed::from_row(vec![1; 97]);
    for column in SEALED {
        let row = SealedRow { cell: column.start(), sealed: fresh.clone() };
        call!(tx: sealed_counts(column); sealed_page(column, &[1; 8], &row.cell, 9); swap_sealed(column, &row, &fresh););
    }
}
