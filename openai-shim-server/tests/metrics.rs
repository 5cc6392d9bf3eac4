//! The page `/metrics`, and what its documentation says of it.

mod support;

use support::{Script, ScriptedUpstream, TestServer, completion};

/// Names, labels and types are a contract: dashboards and alerts name them.
#[tokio::test]
async fn every_metric_is_documented_with_its_labels_and_type() {
    // A retry, a refusal that is learned from, and answers with usage: no family is empty.
    let refusal = r#"{"error":{"message":"Unsupported parameter: 'temperature' is not supported with this model.","type":"invalid_request_error","param":"temperature","code":"unsupported_parameter"}}"#;
    let upstream = ScriptedUpstream::start(vec![
        Script::response(500, "text/plain", ""),
        Script::json(&completion("hi")),
        Script::response(400, "application/json", refusal),
        Script::json(&completion("hi")),
    ])
    .await;
    // A store has its metrics also while it cannot be reached.
    let keys = "[[key]]\nname = \"team-a\"\nkey = \"key-of-team-a\"\nconcurrent = 9\n";
    let more = format!("{keys}[store]\nurl = \"redis://127.0.0.1:1\"\n");
    let mut shim = TestServer::in_front_of(&upstream, &more).await;
    let headers = [("authorization".parse().unwrap(), "Bearer key-of-team-a".parse().unwrap())];
    let client = reqwest::Client::builder().no_proxy().default_headers(headers.into_iter().collect());
    shim.client = client.build().unwrap();
    shim.chat(false).await;
    let warm = r#"{"model":"m","temperature":0.5,"messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(shim.post("/v1/chat/completions", warm).await.status(), 200);

    let metrics = shim.fetch("/metrics").await.body;
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md")).unwrap();
    let families: Vec<_> = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(families.len() >= 11, "{metrics}");
    for (name, kind) in families.iter().filter_map(|family| family.split_once(' ')) {
        let sample = metrics.lines().find(|line| line.starts_with(name)).unwrap();
        let labels = sample.split_once('{').map_or("", |(_, labels)| labels.split_once('}').unwrap().0);
        let names = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0));
        let names: Vec<_> = names.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect();
        let names = if names.is_empty() { String::new() } else { names.join(", ") + " " };
        let row = format!("| `{name}` | {names}| {kind}");
        assert!(docs.lines().any(|line| line.starts_with(&row)), "docs/operations.md has no row {row}");
    }
}
