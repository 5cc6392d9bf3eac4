//! No owner's reasoning and signatures reach another owner's request: for every profile, every upstream dialect and every client
//! dialect.

mod common;

use common::conversation::{OPENING, Opening, answer, next, question, secrets};
use common::state::{Setup, TestStore};
use openai_shim_core::accepts::ReasoningHistory;
use openai_shim_core::dialect::DIALECTS;
use openai_shim_core::exchange::{ClientRequest, FallbackPolicy, Retry, Settings, Step};
use openai_shim_core::profile::profiles;
use openai_shim_core::state::{Owner, StateKey, StateKind};
use openai_shim_core::{Dialect, Error, Exchange, Profile, dialect, profile};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every profile, and one for every dialect without a profile.
fn profiles_and_dialects() -> Vec<Profile> {
    let own = DIALECTS.iter().copied().filter_map(Profile::native);
    let mut rows: Vec<Profile> = profiles().iter().cloned().chain(own).collect();
    // The dialects of the registry that have no profile.
    for dialect in DIALECTS {
        if !rows.iter().any(|upstream_profile| upstream_profile.dialect == dialect.name()) {
            let mut upstream_profile = profile("compatible").unwrap();
            dialect.name().clone_into(&mut upstream_profile.dialect);
            rows.push(upstream_profile);
        }
    }
    rows
}

fn setup(store: &Arc<TestStore>, owner: Owner) -> Setup {
    let mut settings = Settings::default();
    settings.retry = Retry::none();
    settings.adapt = false;
    settings.fallback.when = FallbackPolicy::Never;
    let mut setup = Setup::new(settings, Some(store.clone()));
    setup.owner = owner;
    setup
}

/// Sends a client's request, answers it with `upstream_response`, and returns the upstream request.
fn exchange(
    client: Dialect,
    (path, body): &(String, String),
    upstream_profile: &Profile,
    setup: &Setup,
    upstream_response: &str,
) -> Option<String> {
    let incoming = ClientRequest::read(client, path, body.clone().into()).ok()?;
    let mut exchange = setup.start(incoming, upstream_profile.clone()).ok()?;
    let Step::Send { request, .. } = setup.next(&mut exchange) else { return None };
    let mut out = Vec::new();
    exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
    exchange.push(upstream_response.as_bytes(), &mut out).unwrap();
    exchange.finish(&mut out).unwrap();
    assert!(matches!(setup.next(&mut exchange), Step::Done));
    Some(String::from_utf8(request.into_body().to_vec()).unwrap())
}

/// Whether a body contains a secret of `who`.
fn has(sent: &str, who: &str) -> bool {
    use base64::Engine as _;
    let encoded = |text: &String| base64::engine::general_purpose::STANDARD.encode(text);
    secrets(who).iter().any(|secret| sent.contains(secret) || sent.contains(&encoded(secret)))
}

#[test]
fn equal_ids_names_and_arguments_restore_no_other_owners_reasoning() {
    let others = [
        ("another user text", OPENING, Opening { user: "weather!", ..OPENING }),
        ("another system text", OPENING, Opening { system: "You are verbose.", ..OPENING }),
    ];
    let mut restored = BTreeSet::new();
    for upstream_profile in profiles_and_dialects() {
        let upstream = dialect(&upstream_profile.dialect).unwrap();
        let upstream_response = answer(upstream, "alice");
        for client in DIALECTS.iter().copied() {
            for with_call in [true, false] {
                let what = format!("{} behind {}, call {with_call}", upstream_profile.name, client.name());
                let store = Arc::new(TestStore::default());
                let [alice, bob] = ["alice", "bob"].map(|tag| setup(&store, Owner::new(tag)));
                if exchange(client, &question(client, OPENING), &upstream_profile, &alice, &upstream_response)
                    .is_none()
                {
                    continue;
                }
                let again = next(client, OPENING, with_call);
                let Some(sent) = exchange(client, &again, &upstream_profile, &bob, "{}") else { continue };
                assert!(!has(&sent, "alice"), "{what}: another owner\n{sent}");
                let sent = exchange(client, &again, &upstream_profile, &setup(&store, Owner::single()), "{}")
                    .unwrap();
                assert!(!has(&sent, "alice"), "{what}: the single owner\n{sent}");
                // The owner's own request is last: the other requests have removed nothing.
                let sent = exchange(client, &again, &upstream_profile, &alice, "{}").unwrap();
                if has(&sent, "alice") {
                    restored.insert((
                        upstream_profile.name.clone(),
                        upstream_profile.dialect.clone(),
                        client.name(),
                    ));
                }
                // Without client keys there is one owner, and conversations are still separate.
                for (why, first, other) in others {
                    let store = Arc::new(TestStore::default());
                    let one = setup(&store, Owner::single());
                    exchange(client, &question(client, first), &upstream_profile, &one, &upstream_response)
                        .unwrap();
                    let sent =
                        exchange(client, &next(client, other, with_call), &upstream_profile, &one, "{}")
                            .unwrap();
                    assert!(!has(&sent, "alice"), "{what}: {why}\n{sent}");
                }
            }
        }
    }
    // Each profile that requires opaque state receives it, from every client that has turns.
    let turns: Vec<&str> = DIALECTS
        .iter()
        .map(|dialect| dialect.name())
        .filter(|name| restored.iter().any(|(_, _, client)| client == name))
        .collect();
    assert!(turns.len() >= 5, "{turns:?}");
    for upstream_profile in profiles_and_dialects() {
        let signs = dialect(&upstream_profile.dialect).unwrap().signature_format().is_some();
        if signs
            || upstream_profile.messages.signatures_in_ids == Some(true)
            || upstream_profile.messages.reasoning_history == Some(ReasoningHistory::Restore)
        {
            for client in &turns {
                let key = (upstream_profile.name.clone(), upstream_profile.dialect.clone(), *client);
                assert!(restored.contains(&key), "{key:?} does not restore: {restored:?}");
            }
        }
    }
}

/// The line that Claude Code puts before its system text; it differs with each request.
fn billed(nonce: &str) -> String {
    format!("x-anthropic-billing-header: cc_version=2.1; cch={nonce};\nYou are terse.")
}

#[test]
fn volatile_line_is_not_part_of_the_conversation_digest() {
    let client = dialect("anthropic-messages").unwrap();
    for upstream_profile in [
        Profile::native("anthropic-messages".parse().unwrap()).unwrap(),
        profile("deepseek").unwrap(),
        Profile::native("gemini".parse().unwrap()).unwrap(),
    ] {
        let upstream_response = answer(dialect(&upstream_profile.dialect).unwrap(), "alice");
        let (one, two) = (billed("aaaa"), billed("bbbb"));
        let other = two.replace("terse", "verbose");
        let later = format!("You are terse.\nA word: {}", billed("cccc"));
        for (system, comes_back) in [(&two, true), (&other, false), (&later, false)] {
            let one_owner = setup(&Arc::default(), Owner::single());
            let with_system = |system| Opening { system, ..OPENING };
            exchange(
                client,
                &question(client, with_system(&one)),
                &upstream_profile,
                &one_owner,
                &upstream_response,
            )
            .unwrap();
            let sent = exchange(
                client,
                &next(client, with_system(system), true),
                &upstream_profile,
                &one_owner,
                "{}",
            )
            .unwrap();
            assert_eq!(has(&sent, "alice"), comes_back, "{}: {system}\n{sent}", upstream_profile.name);
        }
    }
}

#[test]
fn images_files_and_results_are_part_of_the_conversation_digest() {
    let client = common::chat();
    let upstream_profile = profile("moonshot").or_else(|_| profile("kimi")).unwrap();
    let upstream_response = answer(client, "alice");
    let with = |part: &str, (path, body): (String, String)| {
        let plain = r#""content":"weather?""#;
        assert!(body.contains(plain), "{body}");
        (path, body.replace(plain, &format!(r#""content":[{{"type":"text","text":"weather?"}},{part}]"#)))
    };
    let picture = |data: &str| {
        format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}"#)
    };
    for (other, comes_back) in [("AAAA", true), ("BBBB", false)] {
        let owner = setup(&Arc::default(), Owner::single());
        exchange(
            client,
            &with(&picture("AAAA"), question(client, OPENING)),
            &upstream_profile,
            &owner,
            &upstream_response,
        )
        .unwrap();
        let again = with(&picture(other), next(client, OPENING, true));
        let sent = exchange(client, &again, &upstream_profile, &owner, "{}").unwrap();
        assert_eq!(has(&sent, "alice"), comes_back, "{sent}");
    }
}

fn begin(body: &str, owner: Option<Owner>) -> Exchange {
    let incoming = ClientRequest::read(common::chat(), "", body.to_owned().into()).unwrap();
    let incoming = match owner {
        Some(owner) => incoming.with_owner(owner),
        None => incoming,
    };
    Exchange::start(
        incoming,
        profile("deepseek").unwrap(),
        Settings::default(),
        openai_shim_core::Context::fixed(),
    )
    .unwrap()
}

#[test]
fn request_without_owner_or_history_loads_no_state() {
    let (first, later) = (question(common::chat(), OPENING).1, next(common::chat(), OPENING, true).1);
    let upstream_response = answer(common::chat(), "alice");
    let finish = |exchange: &mut Exchange| {
        exchange.head(http::StatusCode::OK, &http::HeaderMap::new()).unwrap();
        exchange.push(upstream_response.as_bytes(), &mut Vec::new()).unwrap();
        exchange.finish(&mut Vec::new()).unwrap();
        exchange.next()
    };
    let mut nobodys = begin(&later, None);
    assert!(matches!(nobodys.next(), Step::Send { .. }));
    assert!(matches!(finish(&mut nobodys), Step::Done));
    let mut somebodys = begin(&first, Some(Owner::single()));
    assert!(matches!(somebodys.next(), Step::Send { .. }));
    let Step::Store(entries) = finish(&mut somebodys) else { panic!("nothing is kept") };
    assert!(matches!(somebodys.next(), Step::Done));
    // One load has all keys of a request, including those of the same turn.
    let mut again = begin(&later, Some(Owner::single()));
    let Step::Load(keys) = again.next() else { panic!("nothing is wanted") };
    assert!(keys.iter().all(|key| entries.iter().any(|entry| entry.key == *key)), "{keys:?} {entries:?}");
    assert!(keys.iter().all(|key| (key.kind, &key.owner) == (StateKind::Turn, &Owner::single())));
}

#[test]
fn wrongly_answered_step_is_rejected_and_changes_nothing() {
    let later = next(common::chat(), OPENING, true).1;
    let mut exchange = begin(&later, Some(Owner::single()));
    let misuse = |result: Result<(), Error>| match result {
        Err(Error::Misuse(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let Step::Load(keys) = exchange.next() else { panic!() };
    assert!(misuse(exchange.provide(Vec::new())).contains(&format!("{} keys", keys.len())));
    // The step is returned until it is answered.
    assert!(matches!(exchange.next(), Step::Load(again) if again == keys));
    exchange.note_state_error("the store sleeps");
    exchange.provide(vec![None; keys.len()]).unwrap();
    assert!(misuse(exchange.provide(vec![None; keys.len()])).contains("Step::Load"));
    assert!(matches!(exchange.next(), Step::Send { .. }));
    assert!(misuse(exchange.provide(Vec::new())).contains("Step::Load"));
    let diagnostics = exchange.diagnostics();
    let record = diagnostics.iter().find(|d| d.code.as_str() == "state-unavailable").unwrap();
    assert_eq!(record.detail, "the store sleeps");
}

#[test]
fn loss_is_rejected_by_strict_mode_also_after_the_load() {
    let later = next(common::chat(), OPENING, true).1.replacen('{', r#"{"logit_bias":{"1":1},"#, 1);
    let incoming = ClientRequest::read(common::chat(), "", later.into()).unwrap().with_owner(Owner::single());
    let mut upstream_profile = profile("compatible").unwrap();
    upstream_profile.params.drop = Some(vec![String::from("logit_bias")]);
    let mut settings = Settings::default();
    settings.loss_policy = openai_shim_core::exchange::LossPolicy::Strict;
    let context = openai_shim_core::Context::fixed();
    let mut exchange = Exchange::start(incoming, upstream_profile, settings, context).unwrap();
    let Step::Load(keys) = exchange.next() else { panic!() };
    let error = exchange.provide(vec![None; keys.len()]).unwrap_err();
    assert_eq!(error.param(), Some("logit_bias"));
    assert!(matches!(exchange.next(), Step::Done));
}

#[test]
fn store_keys_are_stable_across_releases() {
    let mut exchange = begin(&next(common::chat(), OPENING, true).1, Some(Owner::new("7f")));
    let Step::Load(keys) = exchange.next() else { panic!() };
    let keys: Vec<String> = keys.iter().map(StateKey::to_string).collect();
    let expected = [
        "openai-shim:1:key-7f:turn:ec6a2193c9e5fa4a9c9597820d31a3b6:779a6a8d10678f32faaeffffedd5bc5d",
        "openai-shim:1:key-7f:turn:ec6a2193c9e5fa4a9c9597820d31a3b6:80fd7bcc33c7440c5716857bd657c0da",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn very_long_conversation_loads_a_limited_number_of_keys() {
    let turn = r#"{"role":"assistant","content":"yes"},{"role":"user","content":"and?"}"#;
    let body = format!(r#"{{"model":"m","messages":[{}]}}"#, vec![turn; 20_000].join(","));
    let Step::Load(keys) = begin(&body, Some(Owner::single())).next() else { panic!() };
    assert_eq!(keys.len(), 4096);
}
