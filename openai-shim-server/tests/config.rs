//! The configuration: what is accepted, and the faults of what is not.

use openai_shim_core::accepts::{Accepts, ContentType, PrefillPolicy, ToolCallIdFormat, ToolChoiceSupport};
use openai_shim_core::canonical::{ReasoningTags, TagPair};
use openai_shim_core::exchange::{FallbackPolicy, LossPolicy};
use openai_shim_core::{Profile, dialect};
use openai_shim_server::Config;
use openai_shim_server::config::{
    Affinity, ConfigError, LogFormat, ModelConfig, Overrides, Secret, Strategy, UpstreamLocation, keys, read,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Writes a configuration file into a new folder.
fn file(text: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "config-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("shim.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn from(text: &str) -> Result<Config, ConfigError> {
    read(&Overrides { config: Some(file(text)), ..Overrides::default() })
}

/// The faults of a configuration, without the folder's name.
fn faults(text: &str) -> Vec<String> {
    let path = file(text);
    let folder = format!("{}/", path.parent().unwrap().display());
    let error = read(&Overrides { config: Some(path), ..Overrides::default() }).expect_err(text);
    error.to_string().replace(&folder, "").lines().map(str::to_owned).collect()
}

fn fault(text: &str) -> String {
    let faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.into_iter().next().unwrap()
}

fn upstream(lines: &str) -> String {
    format!("[[upstream]]\nname = \"u\"\nbase_url = \"http://localhost:1/v1\"\n{lines}\n")
}

#[test]
fn empty_configuration_serves_echo_on_loopback() {
    let config = read(&Overrides::default()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.upstreams.len(), 1);
    assert_eq!(
        (config.upstreams[0].name.as_str(), &config.upstreams[0].target),
        ("echo", &UpstreamLocation::Echo)
    );
    assert!(config.client_keys.is_empty());
}

#[test]
fn example_configuration_is_read_completely() {
    let config = from(
        r#"
        listen = "127.0.0.1:9000"
        client_keys = ["env:CARGO_PKG_NAME", "literal"]
        mode = "strict"
        [[upstream]]
        name = "lemonfox"
        base_url = "https://api.lemonfox.ai//v1/"
        dialect = "openai-chat"
        api_key = "sk-1"
        models = ["mixtral-chat", { id = "gpt-4o", upstream = "mixtral-chat" }]
        [defaults]
        max_tokens = 100
        [retry]
        attempts = 3
        backoff = "250ms"
        max_backoff = "2m"
        [fallback]
        when = "always"
        message = "Sorry."
        [timeouts]
        connect = "1s"
        first_byte = "2s"
        idle = "3s"
        keepalive = "4s"
        [limits]
        request_body = "1MiB"
        response_body = "2 MiB"
        frame = 4096
        bodies = "3MiB"
        concurrent = 7
        [cors]
        origins = ["https://chat.example.com"]
        [log]
        format = "json"
        filter = "debug"
        "#,
    )
    .unwrap();
    assert_eq!(config.listen.port(), 9000);
    let keys: Vec<_> = config.client_keys.iter().map(Secret::expose).collect();
    assert_eq!(keys, ["openai-shim-server", "literal"]);
    assert_eq!(config.mode, LossPolicy::Strict);
    let u = &config.upstreams[0];
    assert_eq!(u.target, UpstreamLocation::Http(String::from("https://api.lemonfox.ai/v1")));
    assert_eq!(u.profile.name, "lemonfox");
    assert_eq!(u.api_keys.first().map(Secret::expose), Some("sk-1"));
    let model = |id: &str, upstream: &str| ModelConfig { id: id.into(), upstream: upstream.into() };
    assert_eq!(u.models, [model("mixtral-chat", "mixtral-chat"), model("gpt-4o", "mixtral-chat")]);
    assert_eq!(config.default_max_tokens, Some(100));
    assert_eq!((config.retry.attempts, config.retry.backoff), (3, Duration::from_millis(250)));
    assert_eq!(config.retry.max_backoff, Duration::from_secs(120));
    assert_eq!(
        (config.fallback.when, config.fallback.message.as_deref()),
        (FallbackPolicy::Always, Some("Sorry."))
    );
    let t = config.timeouts;
    assert_eq!([t.connect, t.first_byte, t.idle, t.keepalive].map(|d| d.as_secs()), [1, 2, 3, 4]);
    let l = config.limits;
    assert_eq!([l.request_body, l.response_body, l.frame, l.concurrent], [1 << 20, 2 << 20, 4096, 7]);
    assert_eq!(l.bodies, 3 << 20);
    assert_eq!(config.cors_origins, ["https://chat.example.com"]);
    assert_eq!((config.log.format, config.log.filter.as_deref()), (LogFormat::Json, Some("debug")));
}

#[test]
fn every_known_key_is_accepted() {
    // A date is valid for no key: a key that is never read would report no fault.
    for key in keys() {
        let value = "1979-05-27";
        let text = match key.rsplit_once('.') {
            None => format!("{key} = {value}\n"),
            Some(("upstream.models", name)) => upstream(&format!("models = [{{ {name} = {value} }}]")),
            Some(("model.targets", name)) => format!("[[model]]\ntargets = [{{ {name} = {value} }}]\n"),
            Some((list @ ("upstream" | "model" | "profile" | "key"), name)) => {
                format!("[[{list}]]\n{name} = {value}\n")
            }
            Some((section, name)) => format!("[{section}]\n{name} = {value}\n"),
        };
        let faults = faults(&text);
        assert!(faults.iter().any(|f| f.contains(&format!(" {key}: "))), "{key} is not read: {faults:#?}");
        assert!(!faults.iter().any(|f| f.contains("no such key")), "{key} is not known: {faults:#?}");
    }
}

#[test]
fn all_faults_are_reported_in_the_order_of_the_file() {
    let text = "lissen = \"x\"\nmode = \"strickt\"\n[retry]\nattempts = 99\nbackoff = 10\n";
    assert_eq!(
        faults(text),
        [
            "shim.toml:1: lissen: there is no such key; write listen instead",
            "shim.toml:2: mode: \"strickt\" is not known; write \"strict\" instead",
            "shim.toml:4: retry.attempts: 99 is out of range; write a whole number from 1 to 10",
            "shim.toml:5: retry.backoff: \"10\" has no unit; write \"10s\" for seconds, or \"10ms\"",
        ]
    );
}

#[test]
fn body_budget_below_the_request_limit_is_rejected() {
    let fault = fault("[limits]\nrequest_body = \"2MiB\"\nbodies = \"1MiB\"");
    assert!(
        fault.contains("limits.bodies: is less than request_body") && fault.contains("\"2MiB\""),
        "{fault}"
    );
    let limits = from("[limits]\nrequest_body = \"1GiB\"").unwrap().limits;
    assert_eq!(limits.bodies, 1 << 30);
}

#[test]
fn fault_of_a_misplaced_key_names_its_section() {
    assert!(fault("max_tokens = 5").contains("write it under [defaults]"));
    assert!(fault("[log]\nclient_keys = []").contains("top of the file"));
    assert!(fault("[upstream]\nname = \"u\"").contains("[[upstream]] with two brackets"));
    assert!(fault("retry = 3").contains("[retry] on a line of its own"));
}

#[test]
fn invalid_toml_is_reported_with_its_line() {
    assert!(fault("mode = \"strict\"\nlisten = \n").starts_with("shim.toml:2: this is not TOML: "));
    let twice = fault("mode = \"strict\"\nmode = \"strict\"\n");
    assert!(twice.starts_with("shim.toml:2: ") && twice.contains("duplicate"), "{twice}");
}

#[test]
fn fault_of_a_missing_file_names_the_file() {
    let config = Some(PathBuf::from("/no/such/shim.toml"));
    let error = read(&Overrides { config, ..Overrides::default() }).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/shim.toml: cannot be read") && error.contains("--config"), "{error}");
}

#[test]
fn upstream_without_unique_name_or_base_url_is_rejected() {
    let missing = faults("mode = \"strict\"\n[[upstream]]\n");
    assert!(missing[0].starts_with("shim.toml:2: upstream.name: is missing; write name = "), "{missing:#?}");
    assert!(missing[1].starts_with("shim.toml:2: upstream.base_url: is missing; write base_url = "));
    assert!(
        fault(&[upstream(""), upstream("")].concat())
            .starts_with("shim.toml:6: upstream.name: two upstreams")
    );
    for wrong in ["", "a/b", "a b"] {
        let text = format!("[[upstream]]\nname = \"{wrong}\"\nbase_url = \"echo\"\n");
        assert!(fault(&text).contains("name/model"), "{wrong:?}");
    }
}

#[test]
fn models_are_names_or_pairs_with_unique_ids() {
    assert!(fault(&upstream("models = [3]")).contains("a model is a text or a pair of names"));
    assert!(fault(&upstream("models = [\"\"]")).contains("is empty"));
    assert!(fault(&upstream("models = [\"m\", { id = \"m\" }]")).contains("\"m\" is there twice"));
    assert!(fault(&upstream("models = [{ upstream = \"m\" }]")).contains("upstream.models.id: is missing"));
    assert!(fault(&upstream("models = \"m\"")).contains("must be a list"));
}

#[test]
fn unknown_profile_or_dialect_is_rejected_with_a_suggestion() {
    assert!(fault(&upstream("profile = \"vlm\"")).contains("write \"vllm\" instead"));
    assert!(fault(&upstream("dialect = \"openai_chat\"")).contains("write \"openai-chat\" instead"));
}

#[test]
fn profile_is_selected_by_host_unless_it_is_named() {
    let profile = |url: &str, more: &str| {
        let config = from(&format!("[[upstream]]\nname = \"u\"\nbase_url = \"{url}\"\n{more}")).unwrap();
        config.upstreams[0].profile.name.clone()
    };
    assert_eq!(profile("https://API.LEMONFOX.ai/v1", ""), "lemonfox");
    assert_eq!(profile("http://192.168.0.7:11434/v1", ""), "ollama");
    assert_eq!(profile("https://llm.example.com/v1", ""), "compatible");
    assert_eq!(profile("https://api.lemonfox.ai/v1", "profile = \"vllm\""), "vllm");
}

/// What an upstream accepts in its own dialect.
fn accepts(profile: &Profile) -> Accepts {
    profile.accepts(dialect(&profile.dialect).unwrap().accepts())
}

#[test]
fn quirks_replace_single_entries_of_the_profile() {
    let config = from(&upstream(
        "profile = \"lemonfox\"\n[upstream.quirks]\nparams.drop = [\"user\"]\nauth = { header = \"api-key\" }\n\
         [upstream.quirks.params.clamp]\ntemperature = [0, 1.5]\n",
    ))
    .unwrap();
    let row = &config.upstreams[0].profile;
    let accepts = accepts(row);
    assert_eq!(accepts.params.drop, ["user"]);
    assert_eq!(accepts.params.clamp["temperature"].map(f64::to_bits), [0.0, 1.5].map(f64::to_bits));
    assert_eq!((row.auth.header.as_str(), row.auth.prefix.as_str()), ("api-key", "Bearer "));
    // Rules that the quirks do not name stay.
    assert!(accepts.params.require_max_tokens && accepts.messages.content == ContentType::String);
}

#[test]
fn quirks_set_and_force_parameters_of_any_kind() {
    let config = from(&upstream(
        "[upstream.quirks]\nparams.set = { service_tier = \"flex\", \"options.num_ctx\" = 16384 }\n\
         params.force.store = false\nparams.force.provider = { order = [\"a\"] }\n\
         [[upstream.quirks.model_overrides]]\nmatch = [\"m*\"]\nparams.set = { temperature = 0.5 }",
    ))
    .unwrap();
    let row = config.upstreams[0].profile.for_model("m1");
    let params = accepts(&row).params;
    assert_eq!(
        serde_json::json!([params.set, params.force]),
        serde_json::json!([
            {"service_tier": "flex", "options.num_ctx": 16384, "temperature": 0.5},
            {"store": false, "provider": {"order": ["a"]}},
        ])
    );
}

#[test]
fn the_limit_of_clients_without_one_is_unset() {
    assert_eq!(from(&upstream("")).unwrap().default_max_tokens, None);
}

#[test]
fn empty_map_in_quirks_clears_and_empty_section_does_not() {
    let config = from(&upstream(
        "profile = \"lemonfox\"\n[upstream.quirks]\nmessages.roles = {}\n[upstream.quirks.params]\n",
    ))
    .unwrap();
    let row = accepts(&config.upstreams[0].profile);
    assert!(row.messages.roles.is_empty() && !row.params.rename.is_empty());
}

#[test]
fn wrong_quirk_is_reported_with_line_and_remedy() {
    let text =
        upstream("[upstream.quirks]\nparams.drp = []\nstream.supported = \"no\"\nhas_model_list.x = 1");
    let faults = faults(&text);
    assert_eq!(
        faults[0],
        "shim.toml:5: upstream.quirks.params.drp: there is no such key; write drop instead"
    );
    assert!(
        faults[1].starts_with("shim.toml:6: upstream.quirks.stream.supported: invalid type"),
        "{faults:#?}"
    );
    assert!(faults[2].contains("has_model_list has nothing below it"), "{faults:#?}");
}

#[test]
fn quirks_switch_rules_of_the_profile_off() {
    let row = |profile: &str, quirks: &str| {
        let config =
            from(&upstream(&format!("profile = \"{profile}\"\n[upstream.quirks]\n{quirks}\n"))).unwrap();
        accepts(&config.upstreams[0].profile)
    };
    let perplexity = row("perplexity", "messages.merge_system = false\ntools.named_choice = \"native\"");
    assert!(!perplexity.messages.merge_system && perplexity.messages.merge_same_role);
    assert_eq!(perplexity.tools.named_choice, ToolChoiceSupport::Native);
    let mistral = row(
        "mistral",
        "messages.prefill = \"keep\"\nmessages.tool_call_ids = \"any\"\nstream.accepts_options = true\nparams.drop = []",
    );
    assert_eq!(mistral.messages.prefill, PrefillPolicy::Keep);
    assert_eq!(mistral.messages.tool_call_ids, ToolCallIdFormat::Any);
    assert!(mistral.stream.accepts_options && mistral.params.drop.is_empty());
    assert!(row("gemini-openai", "reasoning.efforts = []").reasoning.efforts.is_empty());
}

#[test]
fn list_in_quirks_replaces_or_extends_the_profiles_list() {
    let drop = |list: &str| {
        let text = format!("profile = \"ollama\"\n[upstream.quirks]\nparams.drop = {list}\n");
        accepts(&from(&upstream(&text)).unwrap().upstreams[0].profile).params.drop
    };
    assert_eq!(drop("[\"seed\"]"), ["seed"]);
    assert_eq!(drop("[\"...\", \"seed\"]"), ["logit_bias", "user", "seed"]);
}

#[test]
fn word_in_quirks_takes_a_limit_of_the_profile_away() {
    let choices = |quirk: &str| {
        let text = upstream(&format!("profile = \"groq\"\n[upstream.quirks]\n{quirk}\n"));
        accepts(&from(&text).unwrap().upstreams[0].profile).params.max_choices
    };
    assert_eq!(choices(""), Some(1));
    assert_eq!(choices("params.max_choices = \"any\""), None);
}

#[test]
fn model_overrides_of_quirks_win_over_the_profiles() {
    let config = from(&upstream(
        "profile = \"openai\"\n[[upstream.quirks.model_overrides]]\nmatch = [\"o3*\"]\nparams.drop = [\"seed\"]\n\
         params.max_stop_sequences = 4\nreasoning.efforts = []\n",
    ))
    .unwrap();
    let row = accepts(&config.upstreams[0].profile.for_model("o3-mini"));
    assert_eq!((row.params.drop, row.params.max_stop_sequences), (vec![String::from("seed")], Some(4)));
    assert!(row.reasoning.efforts.is_empty());
    assert_eq!(row.params.rename["max_tokens"], "max_completion_tokens");
}

#[test]
fn quirk_that_cannot_work_is_a_fault_of_its_key() {
    for (quirk, key, what) in [
        ("paths.generate = \"/my route\"", "paths.generate", "\"/my route\" is not a path"),
        ("paths.models = \"models\"", "paths.models", "\"/models\""),
        ("auth = { header = \"my key\" }", "auth.header", "not the name of a header"),
        ("forward_headers = [\"...\", \"a b\"]", "forward_headers", "not the name of a header"),
        ("params.clamp = { top_p = [1, 0] }", "params.clamp", "not a range"),
        ("params.clamp = { top_p = [nan, 1] }", "params.clamp", "not a range"),
        ("params.max_choices = 0", "params.max_choices", "at least 1"),
        ("messages.roles = { developer = \"sys\" }", "messages.roles", "\"sys\" is not a role"),
        ("messages.input_modalities = [\"images\"]", "messages.input_modalities", "image, audio, file"),
        ("messages.chat_template = { user = \"User: \" }", "messages.chat_template.user", "{content}"),
        ("dialect = \"openai_chat\"", "dialect", "write \"openai-chat\" instead"),
        ("extra_dialects = [\"responses\"]", "extra_dialects", "there is no dialect"),
        ("inherit = \"vllm\"", "inherit", "lies over another profile already"),
        ("base_url = \"h.example\"", "base_url", "is no URL with http:// or https://"),
        ("params.max_choices = \"all\"", "params.max_choices", "a number, or \"any\""),
        ("model_overrides = [{ params.drop = [] }]", "model_overrides[0].match", "match = [\"*\"]"),
        (
            "model_overrides = [{ match = [\"*\"], params.max_choices = 0 }]",
            "model_overrides[0].params.max_choices",
            "at least 1",
        ),
    ] {
        let fault = fault(&upstream(&format!("profile = \"openai\"\n[upstream.quirks]\n{quirk}\n")));
        assert!(fault.starts_with(&format!("shim.toml:6: upstream.quirks.{key}: ")), "{quirk}: {fault}");
        assert!(fault.contains(what), "{quirk}: {fault}");
    }
}

#[test]
fn public_address_without_keys_is_rejected_unless_anonymous() {
    let open = "listen = \"0.0.0.0:8000\"\n";
    let refusal = fault(open);
    assert!(refusal.starts_with("shim.toml:1: listen: "), "{refusal}");
    assert!(refusal.contains("client_keys = [") && refusal.contains("allow_anonymous = true"), "{refusal}");
    assert!(from(&format!("{open}allow_anonymous = true")).is_ok());
    assert!(from(&format!("{open}client_keys = [\"sixteen-letters!\"]")).is_ok());
    assert!(from("listen = \"[::1]:8000\"").is_ok());

    let argument = Overrides { listen: Some(String::from("0.0.0.0:1")), ..Overrides::default() };
    let refusal = read(&argument).unwrap_err().to_string();
    assert!(refusal.starts_with("--listen: ") && refusal.contains("OPENAI_SHIM_CLIENT_KEYS"), "{refusal}");
}

#[test]
fn address_without_a_port_is_rejected_with_an_example() {
    assert!(fault("listen = \"localhost\"").contains("\"127.0.0.1:8000\""));
    assert!(fault("listen = \":9000\"").contains("\"127.0.0.1:9000\""));
    assert_eq!(from("listen = \"localhost:9000\"").unwrap().listen.to_string(), "127.0.0.1:9000");
}

#[test]
fn secret_file_is_relative_to_the_configuration_file() {
    let path = file("client_keys = [\"file:key\"]");
    std::fs::write(path.with_file_name("key"), "sk-secret\n").unwrap();
    let config = read(&Overrides { config: Some(path), ..Overrides::default() }).unwrap();
    assert_eq!(config.client_keys[0].expose(), "sk-secret");
    assert!(!format!("{config:?}{config}").contains("sk-secret"));
}

#[test]
fn short_store_secret_is_rejected() {
    let long = "0123456789abcdef0123456789abcdef";
    let config = from(&format!("[store]\nsecret = \"{long}\"\n")).unwrap();
    assert_eq!(config.store.secret.as_ref().map(openai_shim_server::config::Secret::expose), Some(long));
    assert!(!config.to_string().contains(long) && config.to_string().contains("under the secret of [store]"));
    let fault_of = |secret: &str| fault(&format!("[store]\nsecret = \"{secret}\"\n"));
    let short = fault_of("guess me");
    assert!(short.contains("8 characters") && short.contains("openssl rand -hex 32"), "{short}");
    assert!(!short.contains("guess me"), "{short}");
    let missing = fault_of("env:OPENAI_SHIM_NO_SUCH_SECRET");
    assert!(missing.contains("OPENAI_SHIM_NO_SUCH_SECRET") && missing.contains("secret"), "{missing}");
    assert!(from("").unwrap().store.secret.is_none());
}

#[test]
fn store_at_a_server_is_read_and_printed_without_its_password() {
    let secret = "secret = \"0123456789abcdef0123456789abcdef\"";
    let config = from(&format!(
        "[store]\nurl = \"rediss://me:hunter2@redis.example.com/2\"\n{secret}\nprefix = \"a:\"\ntimeout = \"20ms\"\n"
    ))
    .unwrap();
    let redis = config.store.redis.as_ref().unwrap();
    assert_eq!((redis.timeout, redis.database, redis.tls), (Duration::from_millis(20), 2, true));
    let shown = config.to_string();
    assert!(shown.contains("rediss://me@redis.example.com:6379/2, which has 20ms"), "{shown}");
    assert!(shown.contains("values are encrypted") && shown.contains("keys begin with \"a:\""), "{shown}");
    assert!(!format!("{config:?}{shown}").contains("hunter2"));
    let plain = from("[store]\nurl = \"redis://127.0.0.1\"\npassword = \"own\"\n").unwrap();
    assert!(plain.to_string().contains("values are not encrypted"), "{plain}");
    assert_eq!(plain.store.redis.unwrap().password.unwrap().expose(), "own");
}

#[test]
fn faults_of_the_store_name_the_line_and_what_to_write() {
    for (text, says) in [
        ("url = \"http://:hunter2@h\"", "store.url: has the scheme \"http\""),
        ("url = \"env:NO_SUCH_STORE_URL\"", "NO_SUCH_STORE_URL is not set"),
        ("timeout = \"20ms\"", "store.timeout: is for a server, and there is none"),
        ("url = \"redis://h\"\ntimeout = \"1m\"", "write at most \"5s\""),
        ("url = \"redis://h\"\nprefix = \"{a}\"", "without braces"),
        ("old_secrets = [\"0123456789abcdef0123456789abcdef\"]", "there is no present one"),
        ("uri = \"redis://h\"", "write url instead"),
    ] {
        let fault = fault(&format!("[store]\n{text}\n"));
        let line = 1 + text.lines().count();
        assert!(fault.contains(says) && fault.contains(&format!(":{line}: ")), "{text}: {fault}");
        assert!(!fault.contains("hunter2"), "{fault}");
    }
}

#[test]
fn missing_secret_is_reported_with_its_line() {
    let missing = fault(&upstream("api_key = \"env:NO_SUCH_KEY_HERE\""));
    assert!(missing.starts_with("shim.toml:4: upstream.api_key: ") && missing.contains("NO_SUCH_KEY_HERE"));
    assert!(fault("client_keys = [\"file:/no/such/key\"]").contains("/no/such/key"));
    assert!(fault("client_keys = [\"\"]").contains("is empty"));
}

#[test]
fn arguments_override_the_file() {
    let config = file(&upstream("api_key = \"sk-file\""));
    let argument = |text: &str| Some(String::from(text));
    let overrides = Overrides {
        config: Some(config),
        listen: argument("127.0.0.1:1"),
        profile: argument("vllm"),
        api_key: argument("sk-argument"),
        client_keys: vec![String::from(" a "), String::new()],
        log: argument("json,debug,hyper=warn"),
        ..Overrides::default()
    };
    let config = read(&overrides).unwrap();
    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.client_keys.iter().map(Secret::expose).collect::<Vec<_>>(), ["a"]);
    assert_eq!(
        (config.log.format, config.log.filter.as_deref()),
        (LogFormat::Json, Some("debug,hyper=warn"))
    );
    let u = &config.upstreams[0];
    assert_eq!((u.name.as_str(), u.profile.name.as_str()), ("u", "vllm"));
    assert_eq!(u.api_keys.first().map(Secret::expose), Some("sk-argument"));

    let replaced =
        read(&Overrides { upstream: argument("https://llm.example.com/v1/"), ..overrides }).unwrap();
    assert_eq!(replaced.upstreams.len(), 1);
    assert_eq!(
        replaced.upstreams[0].target,
        UpstreamLocation::Http(String::from("https://llm.example.com/v1"))
    );
}

#[test]
fn command_line_upstream_is_named_after_its_profile_or_host() {
    let name = |url: &str, profile: Option<&str>| {
        let (upstream, profile) = (Some(url.to_owned()), profile.map(str::to_owned));
        read(&Overrides { upstream, profile, ..Overrides::default() }).unwrap().upstreams[0].name.clone()
    };
    assert_eq!(name("https://api.lemonfox.ai/v1", None), "lemonfox");
    assert_eq!(name("http://10.0.0.7:8080/v1", Some("vllm")), "vllm");
    assert_eq!(name("http://10.0.0.7:8080/v1", None), "10.0.0.7");
    assert_eq!(name("echo", Some("vllm")), "echo");
}

#[test]
fn argument_for_one_upstream_is_rejected_with_several() {
    let two = [upstream(""), upstream("").replace("\"u\"", "\"v\"")].concat();
    let overrides =
        Overrides { config: Some(file(&two)), api_key: Some(String::from("sk-x")), ..Overrides::default() };
    let error = read(&overrides).unwrap_err().to_string();
    assert!(error.starts_with("--api-key: ") && !error.contains("sk-x"), "{error}");
}

#[test]
fn invalid_log_filters_and_origins_are_rejected() {
    assert!(fault("[log]\nfilter = \"debgu\"").contains("write \"debug\" instead"));
    assert!(
        fault("[cors]\norigins = [\"https://Chat.example.com/\"]").contains("\"https://chat.example.com\"")
    );
    assert!(fault("[cors]\norigins = [\"chat\"]").contains("no origin"));
    assert!(from("[cors]\norigins = [\"*\"]").is_ok());
}

/// A `[[key]]` with these lines.
fn named_key(name: &str, key: &str, lines: &str) -> String {
    format!("[[key]]\nname = \"{name}\"\nkey = \"{key}\"\n{lines}\n")
}

#[test]
fn keys_with_names_are_read_with_their_models_and_limits() {
    let limits = "models = [\"fast\", \"claude-*\"]\nrequests_per_minute = 60\ntokens_per_minute = 200000\nconcurrent = 8";
    let config = from(&format!(
        "client_keys = [\"key-without-limits\"]\nlisten = \"0.0.0.0:8000\"\n{}{}",
        named_key("team-a", "the-key-of-team-a", limits),
        named_key("team-b", "the-key-of-team-b", "")
    ))
    .unwrap();
    let [a, b] = config.named_keys.as_slice() else { panic!("{:?}", config.named_keys) };
    assert_eq!((a.name.as_str(), a.key.expose()), ("team-a", "the-key-of-team-a"));
    assert_eq!(a.models, ["fast", "claude-*"]);
    assert_eq!(
        (a.requests_per_minute, a.tokens_per_minute, a.concurrent),
        (Some(60), Some(200_000), Some(8))
    );
    assert_eq!((b.requests_per_minute, b.tokens_per_minute, b.concurrent), (None, None, None));
    let shown = config.to_string();
    assert!(shown.contains("client keys   set (3)\n"), "{shown}");
    assert!(
        shown.contains(
            "team-a      fast, claude-*; 60 requests a minute; 200000 tokens a minute; 8 at once\n"
        ),
        "{shown}"
    );
    assert!(shown.contains("team-b      all models\n") && !shown.contains("the-key-of"), "{shown}");
    // A key with a name is a key: the server may be reached from other machines.
    assert!(
        from(&format!("listen = \"0.0.0.0:8000\"\n{}", named_key("a", "sixteen-or-more-characters", "")))
            .is_ok()
    );
}

#[test]
fn faults_of_keys_name_the_key_and_show_no_secret() {
    let two = |second: &str| named_key("a", "secret-of-the-first", "") + second;
    let cases = [
        (
            two(&named_key("a", "secret-of-the-second", "")),
            "shim.toml:6: key.name: two keys are called \"a\"; write another name",
        ),
        (
            two(&named_key("b", "secret-of-the-first", "")),
            "shim.toml:7: key.key: \"a\" and \"b\" have the same key; write another one, such as `openssl rand -hex 16` prints",
        ),
        (
            format!("client_keys = [\"x\", \"secret-of-the-first\"]\n{}", two("")),
            "shim.toml:4: key.key: \"a\" is also key number 2 of client_keys, which have no limits; take it out there, or write \
             another one here",
        ),
        (
            named_key("a", "secret", "requests_per_minute = 0"),
            "shim.toml:4: key.requests_per_minute: 0 is out of range; write a whole number from 1 to 1000000000",
        ),
        (
            named_key("a", "secret", "concurrent = 0"),
            "shim.toml:4: key.concurrent: 0 is out of range; write a whole number from 1 to 1000000",
        ),
        (
            named_key("a", "secret", "models = []"),
            "shim.toml:4: key.models: is empty, and the key could use no model; write models = [\"fast\", \"claude-*\"], or \
             leave it out for all models",
        ),
        (
            named_key("a", "secret", "models = [\"claude-5\", \"x\", \"claude-*\"]"),
            "shim.toml:4: key.models: \"claude-5\" has no effect, because \"claude-*\" stands for it as well; take one of them out",
        ),
        (
            named_key("a", "secret", "models = [\"x\", \"X\"]"),
            "shim.toml:4: key.models: \"X\" has no effect, because \"x\" stands for it as well; take one of them out",
        ),
        (
            named_key("team a", "secret", ""),
            "shim.toml:2: key.name: \"team a\" cannot be the name of a key, which logs and metrics show; write at most 64 \
             letters, digits, -, _ and ., such as \"team-a\"",
        ),
        (
            String::from("[[key]]\nname = \"a\""),
            "shim.toml:1: key.key: is missing; write key = \"env:TEAM_A_KEY\", or \"file:PATH\"",
        ),
        (
            String::from("[key]\nname = \"a\""),
            "shim.toml:1: key: there may be several; write [[key]] with two brackets",
        ),
        (
            named_key("a", "secret", "tokens_per_minut = 5"),
            "shim.toml:4: key.tokens_per_minut: there is no such key; write tokens_per_minute instead",
        ),
        (
            String::from("tokens_per_minute = 5"),
            "shim.toml:1: tokens_per_minute: has no place here; write it under [[key]]",
        ),
    ];
    for (text, expected) in cases {
        let fault = fault(&text);
        assert_eq!(fault, expected, "{text}");
        assert!(!fault.contains("secret"), "{fault}");
    }
    let open = format!("listen = \"0.0.0.0:8000\"\n{}", named_key("a", "short", ""));
    let fault = fault(&open);
    assert!(fault.starts_with("shim.toml:4: key.key: \"a\" has fewer than 16 characters"), "{fault}");
    assert!(!fault.contains("short"), "{fault}");
}

#[test]
fn max_backoff_below_backoff_is_rejected() {
    assert!(fault("[retry]\nbackoff = \"5s\"\nmax_backoff = \"1s\"").contains("at least \"5s\""));
    let config = from("[retry]\nbackoff = \"60s\"").unwrap();
    assert_eq!(config.retry.max_backoff, Duration::from_secs(60));
}

fn documentation() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md")).unwrap()
}

#[test]
fn documented_keys_match_the_known_keys() {
    let text = documentation();
    let tables = text.split("\n## ").find(|part| part.starts_with("The file")).unwrap();
    let mut documented: Vec<_> =
        tables.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let real: Vec<_> = keys().collect();
    let mut real: Vec<_> = real.iter().map(String::as_str).collect();
    documented.sort_unstable();
    real.sort_unstable();
    assert_eq!(documented, real);
}

#[test]
fn documented_defaults_match_the_real_ones() {
    let text = documentation();
    let block = text.split("```toml defaults\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut documented = from(block).unwrap();
    // Without a filter the level is `info`.
    assert_eq!(documented.log.filter.take().as_deref(), Some("info"));
    let default = read(&Overrides::default()).unwrap();
    assert_eq!(format!("{documented:#?}"), format!("{default:#?}"));
    let optional = [
        "defaults.max_tokens",
        "fallback.message",
        "key.",
        "model",
        "otel",
        "profile",
        "store.",
        "tls.",
        "upstream",
    ];
    for key in keys().filter(|key| !optional.iter().any(|o| key.starts_with(o))) {
        let name = key.rsplit('.').next().unwrap();
        assert!(
            block.lines().any(|line| line.starts_with(&format!("{name} = "))),
            "{key} is not in the example"
        );
    }
}

#[test]
fn documented_example_of_upstreams_is_read() {
    let text = documentation();
    let block = text.split("```toml\n[[upstream]]").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let text = format!("[[upstream]]{block}").replace("env:LEMONFOX_API_KEY", "sk-1");
    let config = from(&text).unwrap();
    assert_eq!(config.upstreams.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["lemonfox", "home"]);
    let row = accepts(&config.upstreams[1].profile);
    assert!(!row.stream.accepts_options && row.messages.merge_system);
}

#[test]
fn short_client_key_is_rejected_on_a_public_address() {
    let open = "listen = \"0.0.0.0:8000\"\n";
    let refusal = fault(&format!("{open}client_keys = [\"a-key-that-is-long-enough\", \"fifteen-letters\"]"));
    assert!(refusal.contains("client_keys: key number 2") && refusal.contains("openssl rand"), "{refusal}");
    assert!(!refusal.contains("fifteen"), "the fault shows the key: {refusal}");
    assert!(from("client_keys = [\"k\"]").is_ok(), "other machines cannot try keys on loopback");
}

#[test]
fn invalid_host_names_are_rejected() {
    assert_eq!(from("hosts = [\"Shim.Example.com\"]").unwrap().hosts, ["shim.example.com"]);
    for name in ["https://shim.example.com", "shim:8000", "", "shim/x", "*"] {
        let refusal = fault(&format!("hosts = [{name:?}]"));
        assert!(refusal.contains("hosts") && refusal.contains("shim.example.com"), "{refusal}");
    }
}

#[test]
fn profile_of_the_file_inherits_and_is_named_by_upstreams() {
    let config = from(
        r#"
        [[upstream]]
        name = "a"
        base_url = "http://h.example/v1"
        profile = "my-tuned-vllm"
        quirks.params.drop = ["...", "top_k"]
        [[profile]]
        name = "my-vllm"
        inherit = "vllm"
        params.drop = ["...", "seed"]
        responses.reasoning_tags = { open = "<|think|>", close = "<|/think|>" }
        [[profile.model_overrides]]
        match = ["old-*"]
        tools.supported = false
        [[profile]]
        name = "my-tuned-vllm"
        inherit = "my-vllm"
        params.set = { repetition_penalty = 1.1 }
        "#,
    )
    .unwrap();
    let tuned = &config.upstreams[0].profile;
    let vllm = openai_shim_core::profile("vllm").unwrap();
    assert_eq!((tuned.name.as_str(), tuned.dialect.as_str()), ("my-tuned-vllm", vllm.dialect.as_str()));
    assert_eq!(tuned.model_overrides.len(), vllm.model_overrides.len() + 1);
    let dropped = tuned.params.drop.clone().unwrap();
    assert!(dropped.ends_with(&[String::from("seed"), String::from("top_k")]), "{dropped:?}");
    assert_eq!(tuned.for_model("old-1").tools.supported, Some(false));
    assert!(tuned.params.set.is_some() && tuned.extra_dialects == vllm.extra_dialects);
    assert_eq!(
        tuned.responses.reasoning_tags,
        ReasoningTags::Own(Box::new(TagPair::new("<|think|>", "<|/think|>")))
    );
}

#[test]
fn fault_in_a_profile_of_the_file_has_its_line() {
    let text = r#"[[profile]]
name = "vllm"
inherit = "vlm"
[[profile]]
name = "mine"
inherit = "vllm"
params.dorp = ["seed"]
tools.supported = "no"
responses.reasoning_tags = { open = "<|think|>" }
responses.keep_tool_markup = true
[[profile]]
params.drop = ["seed"]
[[profile]]
name = "third"
inherit = "vllm"
responses.reasoning_tags = "leadin"
paths.generate = "no path"
"#;
    let all = faults(text);
    for expected in [
        "shim.toml:2: profile.name: there is a profile \"vllm\" already",
        "shim.toml:3: profile.inherit: there is no profile \"vlm\"; write \"vllm\" instead",
        "shim.toml:7: profile.params.dorp: there is no such key; write drop instead",
        "shim.toml:8: profile.tools.supported: ",
        "shim.toml:9: profile.responses.reasoning_tags: has no closing tag",
        "shim.toml:11: profile.name: is missing",
        "shim.toml:11: profile.inherit: is missing",
        "shim.toml:16: profile.responses.reasoning_tags: unknown variant `leadin`",
        "shim.toml:17: profile.paths.generate: ",
    ] {
        assert!(all.iter().any(|fault| fault.starts_with(expected)), "{expected}: {all:#?}");
    }
    let one = faults("[profile]\nname = \"a\"\n");
    assert!(one[0].contains("[[profile]]"), "{one:?}");
}

#[test]
fn pattern_names_no_model_of_the_upstream() {
    let text = upstream("models = [{ id = \"claude-*\", upstream = \"qwen-*\" }]");
    assert!(fault(&text).contains("upstream.models.upstream: \"qwen-*\" is no name of a model"));
}

/// Two upstreams, and a model.
fn routed(lines: &str) -> String {
    format!(
        "[[upstream]]\nname = \"groq\"\nbase_url = \"http://localhost:1/v1\"\n[[upstream]]\nname = \"open\"\nbase_url = \"http://localhost:2/v1\"\n\
         [[model]]\n{lines}"
    )
}

#[test]
fn model_with_targets_is_read() {
    let config = from(&routed(
        "name = \"fast\"\ntargets = [\"groq/llama\", { model = \"open/meta/llama\", weight = 3, context = 128000 }]\n\
         strategy = \"least-busy\"\naffinity = \"none\"\n[[model]]\nname = \"claude-*\"\ntargets = [\"open/*\"]\n",
    ))
    .unwrap();
    let [fast, claude] = config.models.as_slice() else { panic!("{:?}", config.models) };
    assert_eq!((fast.strategy, fast.affinity), (Strategy::LeastBusy, Affinity::None));
    assert_eq!((claude.strategy, claude.affinity), (Strategy::Ordered, Affinity::Conversation));
    let target = &fast.targets[1];
    assert_eq!((target.upstream.as_str(), target.model.as_str()), ("open", "meta/llama"));
    assert_eq!((target.weight, target.context), (3, Some(128_000)));
    assert_eq!((fast.targets[0].weight, fast.targets[0].context), (1, None));
}

#[test]
fn faults_of_models_name_the_line_and_what_to_write() {
    let of_targets = |targets: &str| fault(&routed(&format!("name = \"m\"\ntargets = {targets}\n")));
    for (fault, expected) in [
        (
            of_targets("[\"grog/m\"]"),
            "shim.toml:9: model.targets: there is no upstream \"grog\"; write \"groq/m\" instead",
        ),
        (
            of_targets("[\"lemonfox/m\"]"),
            "shim.toml:9: model.targets: there is no upstream \"lemonfox\"; write one of \"groq/m\", \"open/m\", or add an [[upstream]] \
             of that name",
        ),
        (
            of_targets("[\"groq\"]"),
            "shim.toml:9: model.targets: \"groq\" names no model of the upstream; write \"groq/MODEL\"",
        ),
        (
            of_targets("[]"),
            "shim.toml:9: model.targets: is empty; write targets = [\"UPSTREAM/MODEL\", { model = \"UPSTREAM/MODEL\", weight = 2 }]",
        ),
        (
            of_targets("[{ model = \"groq/m\", weight = 0 }]"),
            "shim.toml:9: model.targets.weight: 0 is out of range; write a whole number from 1 to 1000",
        ),
        (
            of_targets("[{ model = \"groq/m\", contxt = 8 }]"),
            "shim.toml:9: model.targets.contxt: there is no such key; write context instead",
        ),
        (
            of_targets("[\"groq/m\", \"groq/m\"]"),
            "shim.toml:9: model.targets: the target \"groq/m\" is there twice; write it once, with a weight",
        ),
        (
            fault(&routed("name = \"groq/m\"\ntargets = [\"groq/m\"]\n")),
            "shim.toml:8: model.name: \"groq/m\" always selects the upstream \"groq\"; write another name, such as \"m\"",
        ),
        (
            fault(&routed(
                "name = \"m\"\ntargets = [\"groq/m\"]\n[[model]]\nname = \"m\"\ntargets = [\"open/m\"]\n",
            )),
            "shim.toml:11: model.name: two models are called \"m\"; write each name once",
        ),
        (
            fault(&routed("name = \"m\"\ntargets = [\"groq/m\"]\nstrategy = \"orderd\"\n")),
            "shim.toml:10: model.strategy: \"orderd\" is not known; write \"ordered\" instead",
        ),
        (
            fault(&routed("targets = [\"groq/m\"]\n")),
            "shim.toml:7: model.name: is missing; write name = \"…\" with the name that clients use",
        ),
        (
            fault("strategy = \"ordered\"\n"),
            "shim.toml:1: strategy: has no place here; write it under [[model]]",
        ),
        (
            fault(&upstream("api_key = \"a\"\napi_keys = [\"b\", \"c\"]")),
            "shim.toml:5: upstream.api_keys: api_key is there as well; write all keys into api_keys",
        ),
    ] {
        assert_eq!(fault, expected);
    }
}

#[test]
fn documented_example_of_models_is_read() {
    let text = documentation();
    let block = text.split("### `[[model]]`").nth(1).and_then(|rest| rest.split("```toml\n").nth(1)).unwrap();
    let block = block.split("```").next().unwrap().replace("env:", "");
    let config = from(&block).unwrap();
    assert_eq!(config.models.iter().map(|model| model.targets.len()).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(config.upstreams[0].api_keys.len(), 2);
    let shown = config.to_string();
    let table = "\nmodel     order                      targets\n\
                 fast      ordered                    groq/llama-3.3-70b-versatile\n\
                 \x20                                    openrouter/meta-llama/llama-3.3-70b-instruct  128000 tokens\n\
                 claude-*  weighted, by conversation  openrouter/anthropic/*  weight 1\n\
                 \x20                                    groq/openai/gpt-oss-120b  weight 1\n";
    assert!(shown.contains(table), "{shown}");
}
