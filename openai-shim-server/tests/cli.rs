//! The command line: output, exit codes, variables, `convert`, `profiles`, `check`.

use openai_shim_server::config::{Overrides, read};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The program, without the environment's variables of its own.
fn shim(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openai-shim"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OPENAI_SHIM_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    shim(args).output().unwrap()
}

fn fed(args: &[&str], input: &[u8]) -> Output {
    let mut child =
        shim(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    output
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn file(name: &str, text: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "cli-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A running server, stopped when it is dropped.
struct Server {
    child: Child,
    /// The output until it was ready.
    welcome: String,
    address: String,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut welcome = String::new();
        while !welcome.contains("-d '") {
            welcome += &lines.next().expect("the server ended").unwrap();
            welcome += "\n";
        }
        let address = welcome.split("http://").nth(1).unwrap().split("/v1").next().unwrap().to_owned();
        Self { child, welcome, address }
    }

    fn ask(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn check_without_arguments_shows_echo_on_port_8000() {
    let output = run(&["check"]);
    assert!(output.status.success());
    assert!(out(&output).contains("127.0.0.1:8000") && out(&output).contains("echo"), "{}", out(&output));
}

#[test]
fn printed_example_request_works() {
    for args in [&["--listen", "127.0.0.1:0"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let server = Server::start(shim(args));
        let body = server.welcome.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
        let answer = server.ask(&format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("\"content\":\"hello \"") && answer.contains("data: [DONE]"), "{answer}");
    }
}

#[test]
fn occupied_port_is_an_error_with_a_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&address) && err(&output).contains("--listen"), "{}", err(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn wrong_configuration_exits_with_2_and_names_file_and_line() {
    let path = file("shim.toml", "mode = \"strict\"\n[retry]\nattemps = 2\n");
    for args in [&["check", "--config", &path][..], &["serve", "--config", &path], &["--config", &path]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let line = format!("{path}:3: retry.attemps: there is no such key; write attempts instead\n");
        assert_eq!(err(&output), line, "{args:?}");
    }
    assert_eq!(run(&["check", "--config", "/no/such/file"]).status.code(), Some(2));
    assert_eq!(run(&["--no-such-option"]).status.code(), Some(2));
}

#[test]
fn check_shows_the_configuration_without_secrets() {
    let path = file(
        "shim.toml",
        "client_keys = [\"sk-client\"]\n[[upstream]]\nname = \"home\"\nbase_url = \"http://localhost:1/v1\"\n\
         api_key = \"env:HOME_KEY\"\nmodels = [\"m\", { id = \"a\", upstream = \"b\" }]\n",
    );
    let output = shim(&["check", "--config", &path]).env("HOME_KEY", "sk-home").output().unwrap();
    let text = out(&output);
    assert!(output.status.success(), "{}", err(&output));
    assert!(text.contains("http://localhost:1/v1") && text.contains("m, a (there b)"), "{text}");
    assert!(text.contains("client keys   set") && text.contains("api key     set"), "{text}");
    assert!(!text.contains("sk-"), "{text}");
}

#[test]
fn help_and_errors_show_no_secret() {
    let set = |args: &[&str]| shim(args).env("OPENAI_SHIM_API_KEY", "sk-secret").output().unwrap();
    let help = set(&["--help"]);
    let fault = set(&["check", "--profile", "nonsense"]);
    assert_eq!((help.status.code(), fault.status.code()), (Some(0), Some(2)));
    for output in [help, fault] {
        assert!(!format!("{}{}", out(&output), err(&output)).contains("sk-secret"));
    }
}

#[test]
fn arguments_override_environment_variables() {
    let check = |args: &[&str]| {
        let mut command = shim(args);
        command
            .env("OPENAI_SHIM_UPSTREAM", "https://llm.example.com/v1")
            .env("OPENAI_SHIM_LISTEN", "127.0.0.1:7");
        command.env("OPENAI_SHIM_CLIENT_KEYS", "a,b").env("OPENAI_SHIM_LOG", "json,debug");
        command.env("OPENAI_SHIM_PROFILE", "");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        out(&output).to_owned()
    };
    let of_variables = check(&["check"]);
    for part in ["127.0.0.1:7\n", "https://llm.example.com/v1", "set (2)", "json, debug", "compatible"] {
        assert!(of_variables.contains(part), "{part:?} is missing in {of_variables}");
    }
    let of_arguments = check(&["check", "--listen", "127.0.0.1:9", "--upstream", "echo"]);
    assert!(
        of_arguments.contains("127.0.0.1:9\n") && !of_arguments.contains("example.com"),
        "{of_arguments}"
    );
}

#[test]
fn subcommands_work_with_environment_variables_set() {
    let output = shim(&["profiles"]).env("OPENAI_SHIM_LISTEN", "127.0.0.1:7").output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
}

#[test]
fn client_key_from_the_environment_is_required() {
    let mut command = shim(&["--listen", "127.0.0.1:0"]);
    command.env("OPENAI_SHIM_CLIENT_KEYS", "env:KEY_OF_A_CLIENT").env("KEY_OF_A_CLIENT", "sk-1");
    let server = Server::start(command);
    let ask = |key: &str| {
        server.ask(&format!("GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{key}\r\n"))
    };
    assert!(ask("").starts_with("HTTP/1.1 401 "));
    assert!(ask("authorization: Bearer sk-1\r\n").starts_with("HTTP/1.1 200 "));
    assert!(server.welcome.contains("authorization: Bearer KEY") && !server.welcome.contains("sk-1"));
}

#[test]
fn documented_options_and_variables_match_the_help_text() {
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md")).unwrap();
    let table = docs.split("\n## ").find(|part| part.starts_with("Command line")).unwrap();
    let help = run(&["--help"]);
    for prefix in ["OPENAI_SHIM_", "--"] {
        assert_eq!(names_with_prefix(table, prefix), names_with_prefix(out(&help), prefix));
    }
}

/// The different names with this prefix, except `--help`, `--version` and the subcommands' options.
fn names_with_prefix(text: &str, prefix: &str) -> Vec<String> {
    let others = ["--help", "--version", "--from", "--to", "--kind", "--batch", "--"];
    let mut names: Vec<String> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .filter(|name| name.starts_with(prefix) && !others.contains(name) && !name.starts_with("---"))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn profiles_are_listed_with_their_hosts() {
    let output = run(&["profiles"]);
    for row in openai_shim_core::profile::profiles() {
        let line = out(&output).lines().find(|line| line.split(' ').next() == Some(&row.name)).unwrap();
        assert!(
            line.contains(&row.description) && row.hosts.iter().all(|host| line.contains(host)),
            "{line}"
        );
    }
    let unknown = run(&["profiles", "vlm"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(err(&unknown).contains("vllm"));
}

#[test]
fn printed_profile_parses_as_toml_and_works_as_quirks() {
    for row in openai_shim_core::profile::profiles() {
        let output = run(&["profiles", &row.name]);
        let printed: openai_shim_core::Profile = toml::from_str(out(&output)).unwrap();
        assert_eq!(&printed, row);
        // As quirks of an unknown server, the entries produce this profile.
        let start = "[[upstream]]\nname = \"u\"\nbase_url = \"https://h.example.com\"\n";
        let path = file("shim.toml", &format!("{start}[upstream.quirks]\n{}", out(&output)));
        let config = read(&Overrides { config: Some(path.into()), ..Overrides::default() }).unwrap();
        assert_eq!(&*config.upstreams[0].profile, row);
    }
}

#[test]
fn printed_profile_has_only_entries_that_differ_from_the_defaults() {
    let printed = |name: &str| out(&run(&["profiles", name])).to_owned();
    let keys = |name: &str| -> Vec<String> {
        let printed = printed(name);
        let entries = printed.lines().filter(|line| !line.starts_with(['#', ' ', ']']));
        entries.map(|line| line.split(" = ").next().unwrap().to_owned()).collect()
    };
    let first = ["name", "description", "sources", "hosts", "base_url", "dialect"];
    assert_eq!(keys("vercel-gateway"), [&first[..], &["messages.roles"]].concat());
    assert_eq!(
        keys("lemonfox"),
        [&first[..], &["messages.content", "messages.roles", "params.rename", "params.require_max_tokens"]]
            .concat()
    );
    assert!(keys("openai").contains(&"messages.roles".to_owned()), "{}", printed("openai"));
    assert!(printed("deepseek").contains(
        "  { match = [\"deepseek-reasoner\"], tools.named_choice = \"auto\", tools.required_choice = \"auto\" },\n"
    ));
}

const CHAT: [&str; 5] = ["convert", "--from", "openai-chat", "--to", "openai-chat"];

fn convert(more: &[&str], input: &[u8]) -> Output {
    let output = fed(&[&CHAT[..], more].concat(), input);
    assert!(output.status.success(), "{}", err(&output));
    output
}

fn batch(kind: &str, lines: &str) -> Vec<Value> {
    let output = convert(&["--kind", kind, "--batch"], lines.as_bytes());
    assert!(err(&output).is_empty(), "{}", err(&output));
    out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn converted_payload_goes_to_stdout_and_diagnostics_to_stderr() {
    let output = convert(&["--kind", "response"], br#"{"choices":[{"message":{"content":"hi"}}]}"#);
    let body: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert!(
        err(&output).lines().any(|line| line.starts_with("finish-reason-derived [info]")),
        "{}",
        err(&output)
    );
}

#[test]
fn well_formed_payload_is_converted_byte_for_byte() {
    let request = "{ \"model\":\"m\",\n \"big\": 123456789012345678901234567890.10,\n \
                   \"messages\":[{\"role\":\"user\",\"content\":\"\\u00e4\"}] }";
    let output = convert(&["--kind", "request"], request.as_bytes());
    assert_eq!(out(&output), request);
    assert_eq!(err(&output), "");
}

#[test]
fn batch_keeps_the_order_and_continues_after_invalid_lines() {
    let good = r#"{"id":1,"body":{"model":"m","messages":[{"role":"user","content":"hi"}]}}"#;
    let lines = format!(
        "{good}\nnonsense\n\n{{\"id\":\"x\"}}\n{{\"id\":3,\"body\":{{}}}}\n{}",
        good.replace(":1,", ":4,")
    );
    let results = batch("request", &lines);
    let ids: Vec<_> = results.iter().map(|r| r["id"].clone()).collect();
    assert_eq!(ids, [json!(1), Value::Null, json!("x"), json!(3), json!(4)]);
    let oks: Vec<_> = results.iter().map(|r| r["ok"].as_bool().unwrap()).collect();
    assert_eq!(oks, [true, false, false, false, true]);
    for at in [1, 2] {
        assert_eq!(results[at]["diagnostics"][0]["code"], "line-invalid");
        assert_eq!(results[at]["body"], Value::Null);
    }
    assert!(results[3]["body"]["error"]["message"].is_string());
}

#[test]
fn batch_keeps_numbers_and_key_order() {
    let body = r#"{"z":1.0,"model":"m","big":123456789012345678901234567890,"e":1E5,"messages":[{"role":"user","content":"\u00e4"}],"a":null}"#;
    let output =
        convert(&["--kind", "request", "--batch"], format!("{{\"id\":1e0,\"body\":{body}}}").as_bytes());
    assert_eq!(
        out(&output),
        format!("{{\"id\":1e0,\"ok\":true,\"body\":{body},\"outcome\":null,\"diagnostics\":[]}}\n")
    );
}

#[test]
fn batch_takes_strings_as_text_and_returns_streams_as_strings() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let results = batch("stream", &json!({"id": 1, "body": stream}).to_string());
    let text = results[0]["body"].as_str().unwrap();
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains("\"content\":\"hi\""), "{text}");
    assert_eq!(results[0]["outcome"], "complete");

    let pretty = "{\n \"model\": \"m\",\r\n \"messages\": [{\"role\": \"user\", \"content\": \"a\\nb\"}]\n}";
    let results = batch("request", &json!({"id": 1, "body": pretty}).to_string());
    assert_eq!(results.len(), 1, "a line break in a body broke the line");
    assert_eq!(results[0]["body"], serde_json::from_str::<Value>(pretty).unwrap());
}

#[test]
fn empty_stream_is_converted_to_an_error() {
    let results = batch("stream", &json!({"id": 1, "body": "data: [DONE]\n\n"}).to_string());
    assert_eq!((&results[0]["ok"], &results[0]["outcome"]), (&json!(false), &json!("empty")), "{results:?}");
    assert!(results[0]["body"]["error"]["message"].is_string(), "{results:?}");
}

#[test]
fn batch_writes_each_result_before_the_next_line_is_read() {
    let args = [&CHAT[..], &["--kind", "request", "--batch"]].concat();
    let mut child = shim(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut lines) =
        (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    for id in 0..3 {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        writeln!(stdin, "{}", json!({"id": id, "body": body})).unwrap();
        let answer: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["id"], id);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn converted_error_keeps_its_status_and_need_not_be_json() {
    let lines = [
        json!({"id": 1, "status": 429, "body": {"error": {"message": "slow down"}}}).to_string(),
        json!({"id": 2, "status": 503, "body": "<html>upstream down</html>"}).to_string(),
    ];
    let results = batch("error", &lines.join("\n"));
    assert_eq!(results[0]["body"]["error"]["message"], "slow down");
    assert!(results[1]["body"]["error"]["message"].is_string());
    assert!(results.iter().all(|r| r["outcome"] == "errored"), "{results:?}");
}

#[test]
fn request_determines_the_form_of_the_converted_response() {
    let request = json!({"model": "mine", "messages": [{"role": "user", "content": "hi"}]});
    let answer = json!({"choices": [{"message": {"content": "hi"}}]});
    let results = batch("response", &json!({"id": 1, "body": answer, "request": request}).to_string());
    assert_eq!(results[0]["body"]["model"], "mine");

    let path = file("request.json", &request.to_string());
    let output = convert(&["--kind", "response", "--request", &path], answer.to_string().as_bytes());
    assert_eq!(serde_json::from_str::<Value>(out(&output)).unwrap()["model"], "mine");
}

#[test]
fn wrong_convert_arguments_exit_with_2() {
    for (args, name) in [
        (["--from", "openai", "--to", "openai-chat", "--kind", "request", "--profile", "vllm"], "--from"),
        (["--from", "openai-chat", "--to", "x", "--kind", "request", "--profile", "vllm"], "--to"),
        (
            ["--from", "openai-chat", "--to", "openai-chat", "--kind", "request", "--profile", "x"],
            "--profile",
        ),
        (
            ["--from", "openai-chat", "--to", "openai-chat", "--kind", "nothing", "--profile", "vllm"],
            "--kind",
        ),
        (
            ["--from", "openai-chat", "--to", "openai-chat", "--kind", "request", "--request", "/no/such"],
            "/no/such",
        ),
    ] {
        let output = run(&[&["convert"][..], &args].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(err(&output).contains(name) && output.stdout.is_empty(), "{}", err(&output));
    }
}

#[test]
fn closed_pipe_is_not_a_failure() {
    let line = r#"{"id":1,"body":{"model":"m","messages":[{"role":"user","content":"hi"}]}}"#;
    let input = format!("{line}\n").repeat(20_000);
    let args = [&CHAT[..], &["--kind", "request", "--batch"]].concat();
    let mut child =
        shim(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The reader may also stop within a line.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && err(&output).is_empty(), "{}", err(&output));
}

#[test]
fn completions_and_manual_name_every_subcommand() {
    let help = run(&["--help"]);
    let commands = out(&help).split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<_> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"check") && commands.len() > 6, "{commands:?}");
    let manual = run(&["man"]);
    assert!(out(&manual).starts_with(".ie"), "{}", out(&manual));
    let bash = run(&["completions", "bash"]);
    for command in commands {
        assert!(out(&bash).contains(command), "{command}");
        assert!(command == "help" || out(&manual).contains(&format!("openai-shim {command}")), "{command}");
    }
}

#[test]
fn check_ready_asks_the_configured_server() {
    let server = Server::start(shim(&["--listen", "127.0.0.1:0"]));
    let check = run(&["check", "--ready", &format!("http://{}", server.address)]);
    assert!(check.status.success() && out(&check).contains("ready"), "{}", err(&check));
    let check = shim(&["check", "--ready"]).env("OPENAI_SHIM_LISTEN", &server.address).output().unwrap();
    assert!(check.status.success(), "{}", err(&check));
    let address = server.address.clone();
    drop(server);
    let check = run(&["check", "--ready", &format!("http://{address}")]);
    assert_eq!(check.status.code(), Some(1));
    assert!(err(&check).contains(&address) && err(&check).contains("refused"), "{}", err(&check));
    let wrong = run(&["check", "--ready", "localhost"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err(&wrong).contains("--ready http://127.0.0.1:8000"), "{}", err(&wrong));
}

#[test]
fn check_ready_asks_a_server_whose_configuration_file_is_broken_meanwhile() {
    let server = Server::start(shim(&["--listen", "127.0.0.1:0"]));
    let broken = file("shim.toml", "listen = 7");
    let check = run(&["check", "--ready", "--config", &broken, "--listen", &server.address]);
    assert!(check.status.success(), "{}", err(&check));
    let check = run(&["check", "--ready", "--config", &broken]);
    assert_eq!(check.status.code(), Some(2));
}
