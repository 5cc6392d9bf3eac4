//! TLS between clients and the server: `tls = { cert, key }`, read again like everything else.
#![cfg(unix)]

mod support;

use openai_shim_server::config::{Overrides, read};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::live::{Folder, reloads, run, until_reloaded, upstream_at, with_listen};
use support::process::Process;
use support::{Script, ScriptedUpstream, Step, TestResponse, completion, stop, text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const TLS: &str = "tls = { cert = \"cert.pem\", key = \"key.pem\" }\n";

/// A self-signed certificate and its key, as PEM.
fn pair() -> [String; 2] {
    let names = vec![String::from("localhost"), String::from("127.0.0.1")];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    [cert.pem(), signing_key.serialize_pem()]
}

/// A folder with a pair and a configuration that names it.
fn folder([cert, key]: &[String; 2], config: &str) -> Folder {
    let folder = Folder::new();
    folder.write("cert.pem", cert);
    folder.write("key.pem", key);
    folder.write("shim.toml", &with_listen(&format!("{TLS}{config}")));
    folder
}

/// Starts the program; its client trusts this certificate only.
fn start(folder: &Folder, certificate: &str) -> Process {
    let mut process = run(&folder.0.join("shim.toml"));
    process.url = process.url.replace("http://", "https://");
    process.client = trusting(certificate);
    process
}

/// A client that trusts this certificate only.
fn trusting(certificate: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
}

fn address(process: &Process) -> &str {
    process.url.trim_start_matches("https://")
}

/// A connection of a client that offers these protocols.
async fn connect(process: &Process, certificate: &str, protocols: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let socket = TcpStream::connect(address(process)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

#[tokio::test]
async fn answers_and_streams_come_over_tls_and_the_greeting_says_so() {
    let whole = Script::json(&completion("whole"));
    let stream = Script::stream().events(&[&text("one "), &text("two"), &stop(), "[DONE]"]).end();
    let upstream = ScriptedUpstream::start(vec![whole, stream]).await;
    let pair = pair();
    let folder = folder(&pair, &upstream_at("up", &upstream.url, ""));
    let process = start(&folder, &pair[0]);
    assert_eq!(TestResponse::read(process.post(CHAT).await).await.text(), "whole");
    let stream = TestResponse::read(process.post(STREAM).await).await;
    assert!(stream.text() == "one two" && stream.is_done(), "{}", stream.body);
    let page = process.client.get(format!("{}/", process.url)).header("accept", "text/html");
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("https://127.0.0.1:"), "{page}");

    let mut child = Command::new(env!("CARGO_BIN_EXE_openai-shim"))
        .arg("--config")
        .arg(folder.0.join("shim.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let greeting: Vec<_> =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).take(3).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(greeting.iter().any(|line| line.contains("Base URL:   https://127.0.0.1:")), "{greeting:?}");
}

#[tokio::test]
async fn client_that_offers_http2_gets_http1() {
    let pair = pair();
    let folder = folder(&pair, &upstream_at("up", "echo", ""));
    let process = start(&folder, &pair[0]);
    let mut connection = connect(&process, &pair[0], &["h2", "http/1.1"]).await;
    assert_eq!(connection.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn new_certificate_is_for_new_connections_and_a_running_stream_goes_on() {
    let slow = Script::stream()
        .events(&[&text("old ")])
        .wait(700)
        .events(&[&text("answer"), &stop(), "[DONE]"])
        .end();
    let upstream = ScriptedUpstream::start(vec![slow, Script::json(&completion("x"))]).await;
    let (old, new) = (pair(), pair());
    let folder = folder(&old, &upstream_at("up", &upstream.url, ""));
    let mut process = start(&folder, &old[0]);
    let mut stream = process.post(STREAM).await;
    assert!(stream.chunk().await.unwrap().is_some());
    let before = reloads(&process).await;
    folder.write("cert.pem", &new[0]);
    folder.write("key.pem", &new[1]);
    process.signal("HUP");
    until_reloaded(&process, before).await;
    let url = format!("{}/healthz", process.url);
    let old_only = trusting(&old[0]);
    assert!(old_only.get(&url).send().await.is_err(), "the old certificate is no longer shown");
    process.client = trusting(&new[0]);
    assert_eq!(TestResponse::read(process.post(CHAT).await).await.text(), "x");
    let rest = TestResponse::read(stream).await;
    assert!(rest.text().ends_with("answer") && rest.is_done(), "{}", rest.body);
}

#[tokio::test]
async fn pair_that_does_not_match_keeps_the_old_one_until_it_does() {
    let (old, new) = (pair(), pair());
    let folder = folder(&old, &format!("watch = true\n{}", upstream_at("up", "echo", "")));
    let mut process = start(&folder, &old[0]);
    let before = reloads(&process).await;
    folder.write("cert.pem", &new[0]);
    until_reloaded(&process, before).await;
    let log = process.until_logged("tls.key: this key does not belong").await;
    assert!(log.contains("remains in effect"), "{log}");
    let url = format!("{}/healthz", process.url);
    assert_eq!(trusting(&old[0]).get(&url).send().await.unwrap().status(), 200);
    let before = reloads(&process).await;
    folder.write("key.pem", &new[1]);
    until_reloaded(&process, before).await;
    assert_eq!(trusting(&new[0]).get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn plain_http_on_the_port_gets_an_answer_that_names_the_remedy() {
    let pair = pair();
    let folder = folder(&pair, &upstream_at("up", "echo", ""));
    let mut process = start(&folder, &pair[0]);
    let url = process.url.replace("https://", "http://");
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let sent = plain.post(format!("{url}/v1/chat/completions")).body(CHAT).send().await.unwrap();
    let answer = TestResponse::read(sent).await;
    assert_eq!((answer.status, answer.error()["code"].as_str()), (400, Some("tls_required")));
    assert!(answer.error()["message"].as_str().unwrap().contains("https://"), "{}", answer.body);
    process.until_logged("its base URL must begin with https://").await;
    assert!(process.fetch("/healthz").await.contains("ok"));
}

#[tokio::test]
async fn silent_and_senseless_connections_delay_no_other_and_end() {
    const SILENT: usize = 600;
    let pair = pair();
    let folder = folder(&pair, &upstream_at("up", "echo", ""));
    let mut process = start(&folder, &pair[0]);
    let mut held = Vec::new();
    for _ in 0..SILENT {
        held.push(TcpStream::connect(address(&process)).await.unwrap());
    }
    // Beside so many, a connection has only a second to begin.
    let begun = Instant::now();
    let mut late = TcpStream::connect(address(&process)).await.unwrap();
    assert_eq!(TestResponse::read(process.post(CHAT).await).await.status, 200);
    let ended = tokio::time::timeout(Duration::from_secs(8), late.read(&mut [0])).await;
    assert!(ended.is_ok_and(|read| matches!(read, Ok(0) | Err(_))), "{:?}", begun.elapsed());
    // One that is no TLS at all ends at once.
    let mut senseless = TcpStream::connect(address(&process)).await.unwrap();
    senseless.write_all(&[0; 64]).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), senseless.read_to_end(&mut answer)).await.unwrap();
    // They do not delay the end of the server either.
    process.terminate();
    assert!(process.until_ended(Duration::from_secs(5)).await.success());
    drop(held);
}

#[tokio::test]
async fn client_that_takes_nothing_over_tls_is_cut_off() {
    let event = text(&"x".repeat(60_000));
    let events: Vec<&str> = std::iter::repeat_n(event.as_str(), 400).collect();
    let endless = Script::stream().events(&events).then(Step::Stall);
    let upstream = ScriptedUpstream::start(vec![endless]).await;
    let pair = pair();
    let config = format!("{}[timeouts]\nwrite = \"300ms\"\n", upstream_at("up", &upstream.url, ""));
    let folder = folder(&pair, &config);
    let mut process = start(&folder, &pair[0]);
    let mut connection = connect(&process, &pair[0], &["http/1.1"]).await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        STREAM.len()
    );
    connection.write_all(format!("{head}{STREAM}").as_bytes()).await.unwrap();
    process.until_logged("a client that took nothing was cut off (timeouts.write)").await;
    upstream.until_disconnected().await;
}

#[test]
fn fault_of_a_pair_names_the_key_and_what_to_write() {
    let (good, other) = (pair(), pair());
    let encrypted = good[1].replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (cert, key, expected) in [
        (
            &good[0],
            &other[1],
            "shim.toml:2: tls.key: this key does not belong to the first certificate of tls.cert",
        ),
        (
            &good[0],
            &encrypted,
            "is encrypted, and a server has no password for it; decrypt it with `openssl pkey",
        ),
        (&good[1], &good[1], "shim.toml:2: tls.cert: FOLDER/cert.pem holds no certificate"),
        (&good[0], &good[0], "shim.toml:2: tls.key: FOLDER/key.pem holds no private key"),
        (
            &String::from("-----BEGIN CERTIFICATE-----\nx"),
            &good[1],
            "tls.cert: FOLDER/cert.pem is no PEM file",
        ),
    ] {
        let folder = folder(&[cert.clone(), key.clone()], "");
        let overrides = Overrides { config: Some(folder.0.join("shim.toml")), ..Overrides::default() };
        let fault = read(&overrides).unwrap_err().to_string();
        let fault = fault.replace(&folder.0.display().to_string(), "FOLDER");
        assert!(fault.contains(expected), "{fault}");
        std::fs::remove_file(folder.0.join("key.pem")).unwrap();
        let fault = read(&overrides).unwrap_err().to_string();
        assert!(fault.contains("key.pem cannot be read"), "{fault}");
    }
    let folder = folder(&good, "");
    folder.write("shim.toml", "tls = { cert = \"cert.pem\" }\n");
    let overrides = Overrides { config: Some(folder.0.join("shim.toml")), ..Overrides::default() };
    let fault = read(&overrides).unwrap_err().to_string();
    assert!(fault.contains("tls.key: is missing; write key = \"privkey.pem\""), "{fault}");
}
