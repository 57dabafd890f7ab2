//! Checks of a row of `list --json`: that it is whole, and which of two states it shows. The tests below apply them to
//! half-made rows.

use serde_json::{Value, json};

use crate::json_shapes::{may_be_absent, members_of};

/// The account that the provider reports. The row shows it while the connection is live.
const ACCOUNT: &str = "583231";
const LOGIN: &str = "octocat";

/// Returns an error that names the first fault in a row of `list --json`.
pub(super) fn whole(row: &Value) -> Result<(), String> {
    shape(row, "connection")?;
    shape(&row["account"], "account")?;
    let text = |value: &Value, name: &str| match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("no {name}: {row}")),
    };
    for name in ["id", "kind", "provider", "owner", "label", "checkedAt"] {
        text(&row[name], name)?;
    }
    if row["account"] != json!({ "id": ACCOUNT, "label": LOGIN }) {
        return Err(format!("not the account that the provider told: {row}"));
    }
    if row["config"] != json!({ "apiBaseUrl": "https://api.github.com" }) || !row["isDefault"].is_boolean() {
        return Err(format!("not its configuration: {row}"));
    }
    if row["scopes"] != json!(["repo", "read:user"]) || row["validUntil"] != "2099-01-31T00:00:00Z" {
        return Err(format!("not what its token may do: {row}"));
    }
    if row["authorizedUntil"] != Value::Null || row["renews"] != json!(false) {
        return Err(format!("a token that renews itself: {row}"));
    }
    match text(&row["liveness"], "liveness")?.as_str() {
        "live" if row["reason"].is_null() => Ok(()),
        "failing" | "offline" => {
            shape(&row["reason"], "reason")?;
            text(&row["reason"]["code"], "reason.code")?;
            text(&row["reason"]["message"], "reason.message").map(drop)
        }
        _ => Err(format!("a liveness without its reason, or the other way round: {row}")),
    }
}

/// Returns `true` if a killed verification left this row in the state `after`, and `false` if it left the row
/// unchanged. Any other state is an error.
pub(super) fn verified(row: &Value, before: &Value, after: &Value) -> Result<bool, String> {
    whole(row)?;
    if row == before {
        return Ok(false);
    }
    // Times in the form of RFC 3339 in UTC sort as text.
    let later = row["checkedAt"].as_str() >= before["checkedAt"].as_str();
    if later && untimed(row) == untimed(after) {
        return Ok(true);
    }
    Err(format!("neither before nor after:\n{row}\nbefore:\n{before}\nafter:\n{after}"))
}

/// Returns the row of an answer without the words of the provider, which a list does not have.
pub(super) fn stored(row: &Value) -> Value {
    let mut row = row.clone();
    if let Some(reason) = row["reason"].as_object_mut() {
        reason.remove("providerText");
    }
    row
}

/// Returns the row without the time of the last check.
pub(super) fn untimed(row: &Value) -> Value {
    let mut row = row.clone();
    row["checkedAt"] = Value::Null;
    row
}

/// Returns an error that names the first missing member, or if there are further members.
pub(super) fn shape(value: &Value, name: &str) -> Result<(), String> {
    let members = members_of(name).ok_or("no such shape")?;
    let object = value.as_object().ok_or_else(|| format!("no {name}: {value}"))?;
    let is_missing = |member: &&String| !object.contains_key(*member) && !may_be_absent(name, member);
    match members.iter().find(is_missing) {
        Some(member) => Err(format!("{name} without {member}: {value}")),
        None if object.keys().all(|member| members.contains(member)) => Ok(()),
        None => Err(format!("{name} with more than its members: {value}")),
    }
}

/// Returns a row as the program prints it.
fn row() -> Value {
    json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "kind": "github", "provider": "github", "owner": "local",
        "label": "work", "account": { "id": ACCOUNT, "label": LOGIN }, "liveness": "live", "reason": null,
        "checkedAt": "2026-01-01T00:00:00Z", "pausedUntil": null, "tags": {},
        "validUntil": "2099-01-31T00:00:00Z", "authorizedUntil": null, "renews": false,
        "scopes": ["repo", "read:user"],
        "config": { "apiBaseUrl": "https://api.github.com" }, "isDefault": false, "expiring": false, "frozen": false, "profile": null,
    })
}

fn failing(mut row: Value) -> Value {
    row["liveness"] = "failing".into();
    row["reason"] = json!({ "code": "unauthorized", "message": "GitHub does not accept this token", "remedy": null });
    row
}

/// The control for the kills: the checks find a half-made row.
#[test]
fn a_half_made_row_is_caught() {
    assert_eq!(whole(&row()), Ok(()));
    assert_eq!(whole(&failing(row())), Ok(()));
    let halves: [(&str, Value); 12] = [
        ("/id", "".into()),
        ("/kind", Value::Null),
        ("/account", Value::Null),
        ("/account/id", "".into()),
        ("/account/label", "somebody".into()),
        ("/liveness", Value::Null),
        ("/liveness", "unknown".into()),
        ("/liveness", "failing".into()),
        ("/checkedAt", Value::Null),
        ("/scopes", Value::Null),
        ("/validUntil", Value::Null),
        ("/config", json!({})),
    ];
    for (place, half) in halves {
        let mut row = row();
        *row.pointer_mut(place).expect("a member") = half.clone();
        assert!(whole(&row).is_err(), "{place} {half}");
    }
    let mut row = row();
    row.as_object_mut().expect("an object").remove("liveness");
    assert!(whole(&row).is_err(), "a member less");
}

/// The control for the killed verifications.
#[test]
fn a_row_between_two_is_caught() {
    let before = row();
    let mut after = failing(row());
    after["checkedAt"] = "2026-01-01T00:00:09Z".into();
    assert_eq!(verified(&before, &before, &after), Ok(false));
    assert_eq!(verified(&after, &before, &after), Ok(true));
    let mut timed = before.clone();
    timed["checkedAt"] = after["checkedAt"].clone();
    let mut earlier = after.clone();
    earlier["checkedAt"] = "2025-01-01T00:00:00Z".into();
    let mut renamed = after.clone();
    renamed["label"] = "home".into();
    for between in [timed, earlier, renamed] {
        assert!(verified(&between, &before, &after).is_err(), "{between}");
    }
}
