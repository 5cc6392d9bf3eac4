//! The command line, as people and scripts meet it.

use openai_shim_server::config::{Overrides, read};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The binary, without the variables of whoever runs the tests.
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
    /// What it printed until it was ready.
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
fn without_arguments_echo_would_be_served_on_port_8000() {
    let output = run(&["check"]);
    assert!(output.status.success());
    assert!(out(&output).contains("127.0.0.1:8000") && out(&output).contains("echo"), "{}", out(&output));
}

#[test]
fn the_printed_url_and_body_work() {
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
fn a_taken_port_is_said_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&address) && err(&output).contains("--listen"), "{}", err(&output));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_wrong_configuration_is_exit_code_2_with_file_and_line() {
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
fn check_shows_what_would_run_and_no_secret() {
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
fn secrets_are_shown_neither_by_help_nor_by_faults() {
    let set = |args: &[&str]| shim(args).env("OPENAI_SHIM_API_KEY", "sk-secret").output().unwrap();
    let help = set(&["--help"]);
    let fault = set(&["check", "--profile", "nonsense"]);
    assert_eq!((help.status.code(), fault.status.code()), (Some(0), Some(2)));
    for output in [help, fault] {
        assert!(!format!("{}{}", out(&output), err(&output)).contains("sk-secret"));
    }
}

#[test]
fn variables_count_and_arguments_win_over_them() {
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
fn variables_do_not_stand_in_the_way_of_subcommands() {
    let output = shim(&["profiles"]).env("OPENAI_SHIM_LISTEN", "127.0.0.1:7").output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
}

#[test]
fn client_keys_are_asked_for() {
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
fn documented_options_and_variables_are_the_real_ones() {
    let docs =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md")).unwrap();
    let table = docs.split("\n## ").find(|part| part.starts_with("Command line")).unwrap();
    let help = run(&["--help"]);
    for prefix in ["OPENAI_SHIM_", "--"] {
        assert_eq!(words(table, prefix), words(out(&help), prefix));
    }
}

/// The different words that begin so; `--help`, `--version` and subcommands' own options apart.
fn words(text: &str, prefix: &str) -> Vec<String> {
    let others = ["--help", "--version", "--from", "--to", "--kind", "--batch", "--"];
    let mut words: Vec<String> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .filter(|word| word.starts_with(prefix) && !others.contains(word) && !word.starts_with("---"))
        .map(str::to_owned)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
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
fn every_printed_profile_is_toml_and_can_be_pasted_as_quirks() {
    for row in openai_shim_core::profile::profiles() {
        let output = run(&["profiles", &row.name]);
        let printed: openai_shim_core::Profile = toml::from_str(out(&output)).unwrap();
        assert_eq!(&printed, row);
        // An unknown server's row is made this one.
        let start = "[[upstream]]\nname = \"u\"\nbase_url = \"https://h.example.com\"\n";
        let path = file("shim.toml", &format!("{start}[upstream.quirks]\n{}", out(&output)));
        let config = read(&Overrides { config: Some(path.into()), ..Overrides::default() }).unwrap();
        assert_eq!(&*config.upstreams[0].profile, row);
    }
}

#[test]
fn a_printed_profile_says_what_differs_and_no_more() {
    let printed = |name: &str| out(&run(&["profiles", name])).to_owned();
    let keys = |name: &str| -> Vec<String> {
        let printed = printed(name);
        let entries = printed.lines().filter(|line| !line.starts_with(['#', ' ', ']']));
        entries.map(|line| line.split(" = ").next().unwrap().to_owned()).collect()
    };
    let first = ["name", "about", "sources", "hosts", "base_url", "dialect"];
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
fn one_payload_gives_the_payload_alone_and_the_diagnostics_beside_it() {
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
fn a_well_formed_payload_comes_out_byte_for_byte() {
    let request = "{ \"model\":\"m\",\n \"big\": 123456789012345678901234567890.10,\n \
                   \"messages\":[{\"role\":\"user\",\"content\":\"\\u00e4\"}] }";
    let output = convert(&["--kind", "request"], request.as_bytes());
    assert_eq!(out(&output), request);
    assert_eq!(err(&output), "");
}

#[test]
fn a_batch_answers_in_order_and_goes_on_after_bad_lines() {
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
fn numbers_and_the_order_of_keys_survive_a_batch() {
    let body = r#"{"z":1.0,"model":"m","big":123456789012345678901234567890,"e":1E5,"messages":[{"role":"user","content":"\u00e4"}],"a":null}"#;
    let output =
        convert(&["--kind", "request", "--batch"], format!("{{\"id\":1e0,\"body\":{body}}}").as_bytes());
    assert_eq!(
        out(&output),
        format!("{{\"id\":1e0,\"ok\":true,\"body\":{body},\"outcome\":null,\"diagnostics\":[]}}\n")
    );
}

#[test]
fn a_string_stands_for_its_text_and_streams_come_out_as_strings() {
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
fn a_stream_with_nothing_in_it_is_an_error_of_its_own() {
    let results = batch("stream", &json!({"id": 1, "body": "data: [DONE]\n\n"}).to_string());
    assert_eq!((&results[0]["ok"], &results[0]["outcome"]), (&json!(false), &json!("empty")), "{results:?}");
    assert!(results[0]["body"]["error"]["message"].is_string(), "{results:?}");
}

#[test]
fn each_line_is_answered_before_the_next_one_is_sent() {
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
fn errors_keep_their_status_and_need_not_be_json() {
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
fn the_request_decides_the_form_of_the_answer() {
    let request = json!({"model": "mine", "messages": [{"role": "user", "content": "hi"}]});
    let answer = json!({"choices": [{"message": {"content": "hi"}}]});
    let results = batch("response", &json!({"id": 1, "body": answer, "request": request}).to_string());
    assert_eq!(results[0]["body"]["model"], "mine");

    let path = file("request.json", &request.to_string());
    let output = convert(&["--kind", "response", "--request", &path], answer.to_string().as_bytes());
    assert_eq!(serde_json::from_str::<Value>(out(&output)).unwrap()["model"], "mine");
}

#[test]
fn what_cannot_be_converted_by_is_exit_code_2() {
    for (args, word) in [
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
        assert!(err(&output).contains(word) && output.stdout.is_empty(), "{}", err(&output));
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let line = r#"{"id":1,"body":{"model":"m","messages":[{"role":"user","content":"hi"}]}}"#;
    let input = format!("{line}\n").repeat(20_000);
    let args = [&CHAT[..], &["--kind", "request", "--batch"]].concat();
    let mut child =
        shim(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // It may stop reading too.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && err(&output).is_empty(), "{}", err(&output));
}
