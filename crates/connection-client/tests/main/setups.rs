//! Setups, step by step.

use connection_client::{BeginSetup, Client, SetupState};
use connection_core::Role;
use connection_faults::user_agent::UserAgent;
use tokio::task::spawn_blocking;

use crate::host::{Host, KEY, until};

#[tokio::test]
async fn malformed_answers_are_named_and_the_account_is_authorized_again_in_place() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    let setup = client.begin_setup(&BeginSetup::kind("acme").label("work")).await.unwrap();
    let setup = until(&client, setup, |state| matches!(state, SetupState::Prompt { .. })).await;
    let step = setup.step.unwrap();
    let incomplete = [("apiKey".to_owned(), KEY.into())];
    let refused = client.answer_setup(&setup.id, step, &incomplete).await.unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!((&*problem.code, &*problem.problems[0].field), ("answers_invalid", "name"));
    assert!(!format!("{refused:?}").contains(KEY));
    let twice = [("name".to_owned(), "a".into()), ("name".to_owned(), "b".into())];
    assert_eq!(client.answer_setup(&setup.id, step, &twice).await.unwrap_err().code(), "answers_invalid");
    assert_eq!(client.answer_setup(&setup.id, step + 9, &[]).await.unwrap_err().code(), "setup_wrong_step");
    client.cancel_setup(&setup.id).await.unwrap();
    assert_eq!(client.setup(&setup.id).await.unwrap().state, SetupState::Cancelled);

    let id = host.connected(&client, "octocat").await;
    let setup = client.begin_setup(&BeginSetup::reauthorize(id.clone())).await.unwrap();
    assert_eq!(setup.reauthorizes.as_ref(), Some(&id));
    let setup = until(&client, setup, |state| matches!(state, SetupState::Prompt { .. })).await;
    let answers = [("name".to_owned(), "octocat".into()), ("apiKey".to_owned(), "another".into())];
    let setup = client.answer_setup(&setup.id, setup.step.unwrap(), &answers).await.unwrap();
    let done = until(&client, setup, |state| matches!(state, SetupState::Done { .. })).await;
    let SetupState::Done { connection, .. } = done.state else { unreachable!("it is done") };
    assert_eq!(connection, Some(id));
}

#[tokio::test]
async fn a_browser_signs_in_and_its_account_is_confirmed() {
    let host = Host::new().await;
    let client = host.client(Role::Manage).await;
    let setup = client.begin_setup(&BeginSetup::kind("login")).await.unwrap();
    let setup = until(&client, setup, |state| matches!(state, SetupState::Redirect { .. })).await;
    let SetupState::Redirect { open, .. } = &setup.state else { unreachable!("it is a redirect") };
    assert!(!format!("{setup:?}").contains(open.as_str()), "the address continues the setup");
    let open = open.as_str().to_owned();
    let origin = host.origin.clone();
    spawn_blocking(move || {
        let mut browser = UserAgent::new();
        let provider = browser.follow(&open).unwrap();
        let state = provider.split("state=").nth(1).unwrap();
        browser.get(&format!("{origin}/callback/login?code=the-code&state={state}")).unwrap();
    })
    .await
    .unwrap();
    let setup = until(&client, setup, |state| matches!(state, SetupState::Confirm { .. })).await;
    let SetupState::Confirm { account, .. } = &setup.state else { unreachable!("it asks") };
    assert_eq!(account.label, "ada");
    let setup = client.confirm_setup(&setup.id, setup.step.unwrap()).await.unwrap();
    until(&client, setup, |state| matches!(state, SetupState::Done { .. })).await;
}

#[tokio::test]
async fn what_a_token_does_not_allow_is_refused_with_a_remedy() {
    let host = Host::new().await;
    let refused = host.client(Role::Use).await.begin_setup(&BeginSetup::kind("acme")).await.unwrap_err();
    assert_eq!((refused.code(), refused.problem().unwrap().status), ("not_allowed", 403));
    assert_eq!(refused.remedy(), Some("use a token with the role 'manage'"));
    let nobody = Client::new(host.origin.clone(), "cn_nobody".into()).unwrap();
    let refused = nobody.begin_setup(&BeginSetup::kind("acme")).await.unwrap_err();
    assert_eq!((refused.code(), refused.is_temporary()), ("unauthenticated", false));
}
