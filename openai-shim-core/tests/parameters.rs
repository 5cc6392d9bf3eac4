//! Parameters of requests, for every client dialect and every upstream dialect: sent, or reported by the client's name.

use openai_shim_core::Profile;
use openai_shim_core::canonical::Severity;
use openai_shim_core::convert::{Conversion, ConversionInput, convert};
use openai_shim_core::dialect::{DIALECTS, Dialect};
use openai_shim_core::exchange::{ClientRequest, LossPolicy, Settings};
use openai_shim_core::{Context, Diagnostics, Error, Exchange, Step, dialect, profile};
use serde_json::{Value, json};

type Side = Dialect;

/// A parameter of a client: its place, its value, and what stands in the body of an upstream that has it.
type Param = (&'static str, &'static str, &'static str);

const CHAT: &[Param] = &[
    ("max_completion_tokens", "4244", "4244"),
    ("temperature", "0.4242", "0.4242"),
    ("top_p", "0.4243", "0.4243"),
    ("top_k", "4245", "4245"),
    ("min_p", "0.4246", "0.4246"),
    ("repetition_penalty", "1.4247", "1.4247"),
    ("frequency_penalty", "0.4248", "0.4248"),
    ("presence_penalty", "0.4249", "0.4249"),
    ("seed", "4250", "4250"),
    ("n", "3", ":3"),
    ("stop", "[\"zq-stop\"]", "zq-stop"),
    ("logprobs", "true", "ogprobs"),
    ("logit_bias", "{\"4251\":-7}", "4251"),
    ("user", "\"zq-user\"", "zq-user"),
    ("metadata", "{\"zq-key\":\"1\"}", "zq-key"),
    ("store", "true", "\"store\":true"),
    ("service_tier", "\"flex\"", "\"flex\""),
    ("verbosity", "\"low\"", "\"verbosity\":\"low\""),
    ("moderation", "{\"zq\":1}", "zq"),
    ("safety_identifier", "\"zq-safe\"", "zq-safe"),
    ("prompt_cache_key", "\"zq-cache\"", "zq-cache"),
    ("prediction", "{\"type\":\"content\",\"content\":\"zq\"}", "zq"),
    ("modalities", "[\"text\",\"audio\"]", "audio"),
    ("web_search_options", "{\"search_context_size\":\"low\"}", "search_context_size"),
    ("zq_unknown", "1", "zq_unknown"),
];

const COMPLETIONS: &[Param] = &[
    ("max_tokens", "4244", "4244"),
    ("temperature", "0.4242", "0.4242"),
    ("top_p", "0.4243", "0.4243"),
    ("top_k", "4245", "4245"),
    ("min_p", "0.4246", "0.4246"),
    ("repetition_penalty", "1.4247", "1.4247"),
    ("frequency_penalty", "0.4248", "0.4248"),
    ("presence_penalty", "0.4249", "0.4249"),
    ("seed", "4250", "4250"),
    ("n", "3", ":3"),
    ("stop", "[\"zq-stop\"]", "zq-stop"),
    ("logprobs", "3", "ogprobs"),
    ("logit_bias", "{\"4251\":-7}", "4251"),
    ("user", "\"zq-user\"", "zq-user"),
    ("best_of", "4", "best_of"),
    ("suffix", "\"zq-end\"", "zq-end"),
    ("zq_unknown", "1", "zq_unknown"),
];

const RESPONSES: &[Param] = &[
    ("max_output_tokens", "4244", "4244"),
    ("temperature", "0.4242", "0.4242"),
    ("top_p", "0.4243", "0.4243"),
    ("top_logprobs", "7", "\"top_logprobs\":7"),
    ("include", "[\"message.output_text.logprobs\"]", "ogprobs"),
    ("include", "[\"file_search_call.results\"]", "file_search_call.results"),
    ("user", "\"zq-user\"", "zq-user"),
    ("metadata", "{\"zq-key\":\"1\"}", "zq-key"),
    ("store", "true", "\"store\":true"),
    ("service_tier", "\"flex\"", "\"flex\""),
    ("text.verbosity", "\"low\"", "\"verbosity\":\"low\""),
    ("truncation", "\"auto\"", "truncation"),
    ("max_tool_calls", "4252", "4252"),
    ("background", "true", "background"),
    ("safety_identifier", "\"zq-safe\"", "zq-safe"),
    ("prompt_cache_key", "\"zq-cache\"", "zq-cache"),
    ("client_metadata", "{\"zq\":\"1\"}", "zq"),
    ("zq_unknown", "1", "zq_unknown"),
];

const ANTHROPIC: &[Param] = &[
    ("max_tokens", "4244", "4244"),
    ("temperature", "0.4242", "0.4242"),
    ("top_p", "0.4243", "0.4243"),
    ("top_k", "4245", "4245"),
    ("stop_sequences", "[\"zq-stop\"]", "zq-stop"),
    ("metadata.user_id", "\"zq-user\"", "zq-user"),
    ("metadata.zq", "1", "zq"),
    ("service_tier", "\"standard_only\"", "service_tier"),
    ("container", "\"zq-box\"", "zq-box"),
    ("inference_geo", "\"zq\"", "zq"),
    ("mcp_servers", "[{\"type\":\"url\",\"url\":\"https://zq\",\"name\":\"zq\"}]", "zq"),
    ("zq_unknown", "1", "zq_unknown"),
];

const OLLAMA: &[Param] = &[
    ("options.num_predict", "4244", "4244"),
    ("options.temperature", "0.4242", "0.4242"),
    ("options.top_p", "0.4243", "0.4243"),
    ("options.top_k", "4245", "4245"),
    ("options.min_p", "0.4246", "0.4246"),
    ("options.repeat_penalty", "1.4247", "1.4247"),
    ("options.frequency_penalty", "0.4248", "0.4248"),
    ("options.presence_penalty", "0.4249", "0.4249"),
    ("options.seed", "4250", "4250"),
    ("options.stop", "[\"zq-stop\"]", "zq-stop"),
    ("options.num_ctx", "4253", "4253"),
    ("options.num_predict", "-2", "-2"),
    ("options.mirostat", "2", "mirostat"),
    ("keep_alive", "\"42m\"", "42m"),
    ("truncate", "false", "truncate"),
    ("shift", "false", "shift"),
    ("logprobs", "true", "ogprobs"),
    ("top_logprobs", "4", "top_logprobs"),
    ("zq_unknown", "1", "zq_unknown"),
];

const GEMINI: &[Param] = &[
    ("generationConfig.maxOutputTokens", "4244", "4244"),
    ("generationConfig.temperature", "0.4242", "0.4242"),
    ("generationConfig.topP", "0.4243", "0.4243"),
    ("generationConfig.topK", "4245", "4245"),
    ("generationConfig.frequencyPenalty", "0.4248", "0.4248"),
    ("generationConfig.presencePenalty", "0.4249", "0.4249"),
    ("generationConfig.seed", "4250", "4250"),
    ("generationConfig.candidateCount", "3", ":3"),
    ("generationConfig.stopSequences", "[\"zq-stop\"]", "zq-stop"),
    ("generationConfig.responseLogprobs", "true", "ogprobs"),
    ("generationConfig.responseModalities", "[\"TEXT\",\"IMAGE\"]", "IMAGE"),
    ("generationConfig.speechConfig", "{\"zq\":1}", "zq"),
    ("generationConfig.mediaResolution", "\"MEDIA_RESOLUTION_LOW\"", "MEDIA_RESOLUTION_LOW"),
    ("safetySettings", "[{\"category\":\"zq\",\"threshold\":\"zq\"}]", "zq"),
    ("labels", "{\"zq\":\"1\"}", "zq"),
    ("zqUnknown", "1", "zqUnknown"),
];

fn params(client: Side) -> &'static [Param] {
    match client.name() {
        "openai-chat" => CHAT,
        "openai-completions" => COMPLETIONS,
        "openai-responses" => RESPONSES,
        "anthropic-messages" => ANTHROPIC,
        "gemini" => GEMINI,
        _ => OLLAMA,
    }
}

/// Parameters that change nothing of the answer.
const HARMLESS: [&str; 2] = ["prompt_cache_key", "client_metadata"];

/// Diagnostics of parameters that the shim sees to itself.
const DONE_HERE: [&str; 2] = ["choices-one-by-one", "stop-applied"];

fn side(name: &str) -> Side {
    dialect(name).unwrap()
}

/// A request of a client that says nothing but "hi".
fn plain(client: Side) -> Value {
    match client.name() {
        "openai-completions" => json!({"model": "m", "prompt": "hi"}),
        "openai-responses" => json!({"model": "m", "input": "hi"}),
        "ollama-generate" => json!({"model": "m", "prompt": "hi", "stream": false}),
        "ollama-chat" => {
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": false})
        }
        "gemini" => json!({"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
        "anthropic-messages" => {
            json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
        _ => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
    }
}

fn with(mut body: Value, path: &str, value: &str) -> Value {
    let mut place = &mut body;
    for key in path.split('.') {
        place = place.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({}));
    }
    *place = serde_json::from_str(value).unwrap();
    body
}

fn vendor(upstream: Side) -> Profile {
    let mut row = Profile::native(upstream).unwrap_or_else(|| profile("compatible").unwrap());
    upstream.name().clone_into(&mut row.dialect);
    row
}

fn request(client: Side, upstream: Side, row: Profile, body: &[u8]) -> Conversion {
    convert(&ConversionInput::request(client, body).to(upstream).profile(row))
}

/// Converts a request and returns what is sent.
fn sent(client: &str, upstream: &str, row: Profile, body: &Value) -> (Value, Diagnostics) {
    let conversion = request(side(client), side(upstream), row, body.to_string().as_bytes());
    assert!(conversion.ok, "{conversion}");
    (serde_json::from_slice(&conversion.body).unwrap(), conversion.diagnostics)
}

fn names(diagnostics: &Diagnostics, least: Severity, name: &str) -> bool {
    diagnostics.iter().any(|d| d.severity() >= least && (d.path.contains(name) || d.detail.contains(name)))
}

/// Starts an exchange in strict mode.
fn strict(client: Side, row: Profile, body: &Value) -> Result<Exchange, Error> {
    let mut settings = Settings::default();
    settings.loss_policy = LossPolicy::Strict;
    let request = ClientRequest::read(client, "", body.to_string().into())?;
    Exchange::start(request, row, settings, Context::fixed())
}

#[test]
fn every_parameter_is_sent_or_its_loss_is_a_warning_with_its_name() {
    for client in DIALECTS {
        for upstream in DIALECTS {
            for (path, value, token) in params(*client) {
                let body = with(plain(*client), path, value);
                let conversion = request(*client, *upstream, vendor(*upstream), body.to_string().as_bytes());
                let pair = format!("{path} from {} to {}: {conversion}", client.name(), upstream.name());
                assert!(conversion.ok, "{pair}");
                let is_sent = String::from_utf8_lossy(&conversion.body).contains(token);
                let is_done_here =
                    conversion.diagnostics.iter().any(|d| DONE_HERE.contains(&d.code.as_str()));
                let least = if HARMLESS.contains(path) { Severity::Info } else { Severity::Warning };
                let is_reported = names(&conversion.diagnostics, least, path);
                assert!(is_sent || is_done_here || is_reported, "{pair}");
                if is_sent || is_done_here {
                    continue;
                }
                // In strict mode nothing is sent after a loss, and the error names it.
                let refused = strict(*client, vendor(*upstream), &body);
                match (least, refused) {
                    (Severity::Info, started) => assert!(started.is_ok(), "{pair}"),
                    (_, Err(Error::Unsupported(error))) => {
                        assert!(error.message.contains(path), "{pair}: {}", error.message);
                    }
                    (_, refused) => panic!("{pair}: {refused:?}"),
                }
            }
        }
    }
}

#[test]
fn acceptable_parameters_pass_byte_for_byte() {
    for client in DIALECTS {
        for (path, value, _) in params(*client) {
            // This API takes one choice.
            if *path == "n" || path.ends_with("candidateCount") {
                continue;
            }
            let body = with(plain(*client), path, value).to_string();
            let conversion = request(*client, *client, vendor(*client), body.as_bytes());
            assert_eq!(String::from_utf8_lossy(&conversion.body), body, "{path}: {conversion}");
        }
    }
}

#[test]
fn values_that_say_nothing_are_not_reported() {
    let chat = json!({
        "model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 99,
        "n": 1, "frequency_penalty": 0, "presence_penalty": 0.0, "logprobs": false, "logit_bias": {},
        "user": null, "metadata": {}, "store": false, "stop": [], "service_tier": "auto", "verbosity": "medium",
        "modalities": ["text"], "tools": null, "seed": null, "top_logprobs": null, "zq": null,
    });
    let responses = json!({"model": "m", "input": "hi", "max_output_tokens": 99, "store": false,
        "truncation": "disabled", "background": false, "top_logprobs": 0, "include": [], "metadata": {},
        "text": {"format": {"type": "text"}, "verbosity": "medium"}});
    let ollama = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": false,
        "truncate": true, "shift": true, "logprobs": false, "options": {"num_predict": -1}});
    let gemini = json!({"model": "m", "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {"responseModalities": ["TEXT"], "responseLogprobs": false, "candidateCount": 1}});
    for (client, body) in
        [("openai-chat", chat), ("openai-responses", responses), ("ollama-chat", ollama), ("gemini", gemini)]
    {
        for upstream in DIALECTS {
            let (_, diagnostics) = sent(client, upstream.name(), vendor(*upstream), &body);
            let losses: Vec<_> = diagnostics
                .iter()
                .filter(|d| d.severity() > Severity::Info)
                .map(ToString::to_string)
                .collect();
            assert_eq!(losses, Vec::<String>::new(), "{client} to {}", upstream.name());
        }
    }
}

/// A profile and a model, a parameter and its value as chat sends them, and the value that the upstream gets.
const MODELS: &[(&str, &str, &str, &str, Option<&str>)] = &[
    ("anthropic", "claude-opus-4-8", "temperature", "0.7", None),
    ("anthropic", "claude-opus-5-5", "top_p", "0.7", None),
    ("anthropic", "claude-fable-5-1", "top_k", "5", None),
    ("anthropic", "claude-opus-4-8", "temperature", "1", Some("1.0")),
    ("anthropic", "claude-opus-4-5", "temperature", "0.7", Some("0.7")),
    ("anthropic", "claude-opus-4-5", "temperature", "1.7", Some("1.0")),
    ("anthropic", "claude-opus-4-5", "temperature", "-1", Some("0.0")),
    ("anthropic-openai", "claude-sonnet-5", "temperature", "0.7", None),
    ("bedrock-openai", "us.anthropic.claude-opus-4-7", "top_p", "0.7", None),
    ("openrouter", "anthropic/claude-opus-4.8", "temperature", "0.7", Some("0.7")),
    ("openai", "gpt-4o", "temperature", "0.7", Some("0.7")),
    ("openai", "gpt-4o", "temperature", "3", Some("2.0")),
    ("openai", "gpt-5.1", "temperature", "0.7", Some("0.7")),
    ("openai", "gpt-5.5", "temperature", "0.7", None),
    ("openai", "gpt-6-astra", "temperature", "0.7", None),
    ("openai", "gpt-6-astra", "presence_penalty", "0.5", None),
    ("openai", "gpt-5.2-chat-latest", "top_p", "0.5", None),
    ("github-models", "openai/gpt-6-sol", "top_p", "0.5", None),
    ("azure", "gpt-4o", "top_k", "5", None),
    ("openai", "gpt-4o", "min_p", "0.5", None),
    ("openai-responses", "gpt-5.6", "temperature", "0.5", None),
    ("groq", "llama", "frequency_penalty", "0.5", None),
    ("xai", "grok-4.3", "presence_penalty", "0.5", None),
    ("moonshot", "kimi-k3", "temperature", "0.5", None),
    ("tgi", "any", "top_p", "1", None),
];

#[test]
fn what_a_model_is_known_to_refuse_is_left_out() {
    for (name, model, param, value, expected) in MODELS {
        let row = profile(name).unwrap();
        let upstream = row.dialect.clone();
        let body = with(plain(side("openai-chat")), param, value);
        let body = with(body, "model", &format!("{model:?}"));
        let (sent, diagnostics) = sent("openai-chat", &upstream, row, &body);
        let found = sent.get(*param).map(ToString::to_string);
        let number = |text: &str| text.parse::<f64>().unwrap();
        assert_eq!(found.as_deref().map(number), expected.map(number), "{name} {model}: {sent}");
        // A value that means the same as none is no loss.
        let least = if *value == "1" { Severity::Info } else { Severity::Warning };
        assert!(found.is_some() || names(&diagnostics, least, param), "{name} {model}: {diagnostics:?}");
    }
}

#[test]
fn a_refused_parameter_is_left_out_for_a_client_of_the_same_dialect() {
    let body = json!({"model": "claude-opus-4-8", "max_tokens": 9, "temperature": 0.5, "top_k": 4,
        "messages": [{"role": "user", "content": "hi"}]});
    let (sent, diagnostics) =
        sent("anthropic-messages", "anthropic-messages", profile("anthropic").unwrap(), &body);
    assert!(sent.get("temperature").is_none() && sent.get("top_k").is_none(), "{sent}");
    assert!(names(&diagnostics, Severity::Warning, "temperature"));
    assert!(names(&diagnostics, Severity::Warning, "top_k"));
}

#[test]
fn thinking_claude_takes_the_upper_end_of_top_p_only() {
    for (thinking, top_p, expected) in [
        (json!({"type": "enabled", "budget_tokens": 1024}), 0.5, 0.95),
        (json!({"type": "enabled", "budget_tokens": 1024}), 0.97, 0.97),
        (json!({"type": "disabled"}), 0.5, 0.5),
    ] {
        let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 4096, "thinking": thinking, "top_p": top_p,
            "messages": [{"role": "user", "content": "hi"}]});
        let row = profile("anthropic").unwrap();
        let (sent, diagnostics) = sent("anthropic-messages", "anthropic-messages", row, &body);
        assert_eq!(sent["top_p"], expected, "{sent}");
        let is_reported = names(&diagnostics, Severity::Warning, "top_p");
        assert_eq!(is_reported, sent["top_p"] != top_p, "{diagnostics:?}");
    }
}

#[test]
fn an_empty_list_of_calls_is_left_out_for_a_client_of_the_same_dialect() {
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello", "tool_calls": []}, {"role": "user", "content": "go on"}]});
    let (sent, diagnostics) = sent("openai-chat", "openai-chat", profile("openai").unwrap(), &body);
    assert_eq!(sent["messages"][1], json!({"role": "assistant", "content": "hello"}));
    assert!(names(&diagnostics, Severity::Info, "tool_calls"), "{diagnostics:?}");
    assert!(diagnostics.iter().all(|d| d.severity() == Severity::Info), "{diagnostics:?}");
}

#[test]
fn claude_takes_one_of_two_samplings() {
    for (temperature, top_p, unchanged) in
        [(0.5, 0.9, json!([0.5, null])), (1.0, 0.9, json!([null, 0.9])), (0.5, 1.0, json!([0.5, null]))]
    {
        let body = json!({"model": "claude-sonnet-4-5", "temperature": temperature, "top_p": top_p,
            "messages": [{"role": "user", "content": "hi"}]});
        let row = profile("anthropic").unwrap();
        let (sent, diagnostics) = sent("openai-chat", "anthropic-messages", row, &body);
        assert_eq!(json!([sent["temperature"], sent["top_p"]]), unchanged, "{sent}");
        let is_lost = names(&diagnostics, Severity::Warning, "t");
        assert_eq!(is_lost, temperature < 1.0 && top_p < 1.0, "{diagnostics:?}");
    }
}

/// The request of a client of Anthropic's API with these headers, to this profile.
fn with_version(version: &str, row: Profile) -> Value {
    let body = json!({"model": "claude-opus-4-5", "max_tokens": 9, "temperature": 1,
        "messages": [{"role": "user", "content": "hi"}]});
    let mut headers = http::HeaderMap::new();
    headers.insert("anthropic-version", version.parse().unwrap());
    let client = side("anthropic-messages");
    let request = ClientRequest::read(client, "", body.to_string().into()).unwrap().with_headers(headers);
    let mut exchange = Exchange::start(request, row, Settings::default(), Context::fixed()).unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    serde_json::from_slice(request.body()).unwrap()
}

#[test]
fn the_version_that_is_forwarded_decides_which_parameters_there_are() {
    let row = profile("anthropic").unwrap();
    assert_eq!(with_version("2023-06-01", row.clone())["temperature"], 1);
    assert!(with_version("2026-10-21", row.clone()).get("temperature").is_none());
    // A profile that does not forward the header speaks the older version.
    let mut other = row;
    other.forward_headers.clear();
    assert_eq!(with_version("2026-10-21", other)["temperature"], 1);
}

#[test]
fn a_limit_is_moved_into_the_range_of_api_and_model() {
    for (client, path) in [
        ("openai-chat", "max_tokens"),
        ("anthropic-messages", "max_tokens"),
        ("gemini", "generationConfig.maxOutputTokens"),
    ] {
        let body = with(plain(side(client)), path, "1");
        let row = profile("openai-responses").unwrap();
        let (sent, diagnostics) = sent(client, "openai-responses", row, &body);
        assert_eq!(sent["max_output_tokens"], 16);
        assert!(names(&diagnostics, Severity::Warning, path), "{client}: {diagnostics:?}");
    }
    let body = json!({"model": "m", "input": "hi", "max_output_tokens": 5});
    let (own, _) = sent("openai-responses", "openai-responses", profile("openai-responses").unwrap(), &body);
    assert_eq!(own["max_output_tokens"], 16);
    let body = json!({"model": "claude-opus-4-5", "max_tokens": 100_000, "messages": [{"role": "user", "content": "x"}]});
    let (claude, _) = sent("openai-chat", "anthropic-messages", profile("anthropic").unwrap(), &body);
    assert_eq!(claude["max_tokens"], 64_000);
    let body = json!({"model": "m", "max_tokens": 0, "messages": [{"role": "user", "content": "x"}]});
    let (chat, _) = sent("anthropic-messages", "openai-chat", profile("openai").unwrap(), &body);
    assert_eq!(chat["max_tokens"], 1);
}

/// What is sent for a client without a limit.
fn limit_by_default(row: Profile, model: &str, default: Option<u64>) -> Value {
    let mut settings = Settings::default();
    settings.default_max_tokens = default;
    let body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    let request = ClientRequest::read(side("openai-chat"), "", body.to_string().into()).unwrap();
    let mut exchange = Exchange::start(request, row, settings, Context::fixed()).unwrap();
    let Step::Send { request, .. } = exchange.next() else { panic!("nothing is sent") };
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    sent.get("max_tokens").or(sent.get("max_completion_tokens")).cloned().unwrap_or_default()
}

#[test]
fn a_limit_that_the_client_left_out_is_sent_where_it_is_required_or_configured() {
    for (name, model, default, expected) in [
        ("compatible", "m", None, json!(null)),
        ("compatible", "m", Some(7), json!(7)),
        ("openai", "gpt-5", Some(7), json!(7)),
        ("lemonfox", "m", None, json!(4096)),
        ("lemonfox", "m", Some(7), json!(7)),
        ("anthropic", "m", None, json!(4096)),
        ("anthropic", "claude-opus-4-8", None, json!(128_000)),
        ("anthropic", "claude-haiku-4-5", None, json!(64_000)),
        ("anthropic", "claude-haiku-4-5", Some(7), json!(7)),
    ] {
        assert_eq!(limit_by_default(profile(name).unwrap(), model, default), expected, "{name} {model}");
    }
}

#[test]
fn profiles_set_and_force_parameters() {
    let rules = json!({
        "set": {"service_tier": "flex", "temperature": 0.25, "provider": {"order": ["a"]}},
        "force": {"store": false, "extra.deep.er": 4},
    });
    for client in DIALECTS {
        let mut row = profile("compatible").unwrap();
        row.params = serde_json::from_value(rules.clone()).unwrap();
        let path = client.params().path("temperature").unwrap();
        let body = with(plain(*client), path, "0.5");
        let (sent, diagnostics) = sent(client.name(), "openai-chat", row, &body);
        let expected = json!(["flex", 0.5, {"order": ["a"]}, false, {"deep": {"er": 4}}]);
        let found = json!([
            sent["service_tier"],
            sent["temperature"],
            sent["provider"],
            sent["store"],
            sent["extra"]
        ]);
        assert_eq!(found, expected, "{}", client.name());
        assert!(!names(&diagnostics, Severity::Warning, "store"), "{diagnostics:?}");
    }
    let mut row = profile("gemini").unwrap();
    row.params = serde_json::from_value(json!({"force": {"generationConfig.topK": 7}})).unwrap();
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "model": "m",
        "generation_config": {"top_k": 1, "temperature": 0.5}});
    let (sent, _) = sent("gemini", "gemini", row, &body);
    assert_eq!(sent["generation_config"], json!({"top_k": 7, "temperature": 0.5}));
}

#[test]
fn functions_beside_reasoning_are_offered_without_it_where_the_model_refuses_both() {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]);
    let body = json!({"model": "gpt-5.6", "reasoning_effort": "high", "tools": tools,
        "messages": [{"role": "user", "content": "hi"}]});
    let (chat, diagnostics) = sent("openai-chat", "openai-chat", profile("openai").unwrap(), &body);
    assert_eq!(chat["reasoning_effort"], "none");
    assert!(names(&diagnostics, Severity::Warning, "reasoning_effort"));
    let (responses, _) = sent("openai-chat", "openai-responses", profile("openai-responses").unwrap(), &body);
    assert_eq!(responses["reasoning"]["effort"], "high");
    assert!(responses.get("reasoning_effort").is_none());
}

#[test]
fn service_tiers_and_users_have_the_words_of_each_api() {
    let body = json!({"model": "m", "service_tier": "default", "safety_identifier": "who",
        "messages": [{"role": "user", "content": "hi"}]});
    let row = profile("anthropic").unwrap();
    let (claude, _) = sent("openai-chat", "anthropic-messages", row.clone(), &body);
    assert_eq!(
        json!([claude["service_tier"], claude["metadata"]]),
        json!(["standard_only", {"user_id": "who"}])
    );
    let body = json!({"model": "m", "max_tokens": 9, "service_tier": "standard_only",
        "messages": [{"role": "user", "content": "hi"}]});
    let (chat, _) = sent("anthropic-messages", "openai-chat", profile("compatible").unwrap(), &body);
    assert_eq!(chat["service_tier"], "default");
    let body = with(plain(side("openai-chat")), "user", &format!("{:?}", "u".repeat(300)));
    let (claude, diagnostics) = sent("openai-chat", "anthropic-messages", row, &body);
    assert_eq!(claude["metadata"]["user_id"], "u".repeat(256));
    assert!(names(&diagnostics, Severity::Warning, "user"));
}

#[test]
fn fields_of_messages_that_are_lost_are_warnings_apart_from_marks_for_caches() {
    let body = json!({"model": "m", "input": [
        {"role": "user", "content": "a"},
        {"type": "message", "role": "assistant", "phase": "commentary",
         "content": [{"type": "output_text", "text": "Looking."}]},
        {"role": "user", "content": "b"}]});
    for upstream in DIALECTS.iter().filter(|upstream| upstream.name() != "openai-responses") {
        let (_, diagnostics) = sent("openai-responses", upstream.name(), vendor(*upstream), &body);
        assert!(names(&diagnostics, Severity::Warning, "phase"), "{}: {diagnostics:?}", upstream.name());
    }
    let body = json!({"model": "m", "messages": [{"role": "user", "name": "Ann", "content": [
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}]});
    for upstream in DIALECTS.iter().filter(|upstream| upstream.name() != "openai-chat") {
        let (_, diagnostics) = sent("openai-chat", upstream.name(), vendor(*upstream), &body);
        assert!(names(&diagnostics, Severity::Warning, "name"), "{}: {diagnostics:?}", upstream.name());
        assert!(!names(&diagnostics, Severity::Warning, "cache_control"), "{diagnostics:?}");
    }
}

/// A request for log probabilities, with three alternatives to each token, as each API that has them writes it.
fn asking_for_logprobs(name: &str) -> Option<Value> {
    let body = plain(side(name));
    Some(match name {
        "openai-chat" | "ollama-chat" | "ollama-generate" => {
            with(with(body, "logprobs", "true"), "top_logprobs", "3")
        }
        "openai-completions" => with(body, "logprobs", "3"),
        "openai-responses" => {
            with(with(body, "include", "[\"message.output_text.logprobs\"]"), "top_logprobs", "3")
        }
        "gemini" => {
            with(with(body, "generationConfig.responseLogprobs", "true"), "generationConfig.logprobs", "3")
        }
        _ => return None,
    })
}

#[test]
fn a_request_for_log_probabilities_reaches_every_api_that_has_them() {
    let has_all = |sent: &Value, expected: &Value| {
        ["logprobs", "top_logprobs", "generationConfig"].iter().all(|key| sent.get(key) == expected.get(key))
            && expected.get("include").is_none_or(|include| sent.get("include") == Some(include))
    };
    for client in DIALECTS {
        let Some(body) = asking_for_logprobs(client.name()) else { continue };
        for upstream in DIALECTS {
            let (sent, diagnostics) = sent(client.name(), upstream.name(), vendor(*upstream), &body);
            let pair = format!("{} to {}: {sent}\n{diagnostics:?}", client.name(), upstream.name());
            match asking_for_logprobs(upstream.name()) {
                Some(expected) => {
                    assert!(has_all(&sent, &expected), "{pair}");
                    assert!(!names(&diagnostics, Severity::Info, "logprobs"), "{pair}");
                }
                None => assert!(names(&diagnostics, Severity::Warning, "ogprobs"), "{pair}"),
            }
        }
    }
}

#[test]
fn a_model_that_reasons_is_not_asked_for_log_probabilities() {
    for client in ["openai-chat", "openai-responses", "gemini", "ollama-chat"] {
        for (row, model) in [("openai", "gpt-6-astra"), ("openai", "o3"), ("openai-responses", "gpt-5.5")] {
            let body = with(asking_for_logprobs(client).unwrap(), "model", &format!("{model:?}"));
            let row = profile(row).unwrap();
            let upstream = row.dialect.clone();
            let (sent, diagnostics) = sent(client, &upstream, row, &body);
            assert!(!sent.to_string().contains("logprobs"), "{client}: {sent}");
            assert!(names(&diagnostics, Severity::Warning, "logprobs"), "{client}: {diagnostics:?}");
        }
    }
}
