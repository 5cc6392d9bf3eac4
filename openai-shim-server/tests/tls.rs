//! TLS to an upstream: which certificates are trusted, and the error for others.

mod support;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use support::{TestResponse, completion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// An upstream with a self-signed certificate; returns its base URL and the certificate.
async fn upstream() -> (String, String) {
    openai_shim_server::upstream::http::provide_tls();
    let names = vec![String::from("localhost"), String::from("127.0.0.1")];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(socket).await.ok()?;
                let mut buffer = vec![0; 16384];
                // Each request arrives in one read; a second one on the same connection shows that it was reused.
                for served in ["first", "second"] {
                    stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
                    let body = completion(served);
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
                    stream.flush().await.ok()?;
                }
                Some(())
            });
        }
    });
    (url, cert.pem())
}

/// Starts a shim process whose only roots are in this file; returns two responses.
async fn ask(base: &str, roots: &str) -> [TestResponse; 2] {
    let folder = std::env::temp_dir();
    let file =
        folder.join(format!("shim-roots-{}-{:?}.pem", std::process::id(), std::thread::current().id()));
    std::fs::write(&file, roots).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_openai-shim"))
        .args(["--listen", "127.0.0.1:0", "--upstream", base])
        .env("SSL_CERT_FILE", &file)
        .env("SSL_CERT_DIR", folder.join("nonexistent"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit(' ').next().unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = || {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
        client.post(format!("http://{address}/v1/chat/completions")).body(body).send()
    };
    let answers =
        [TestResponse::read(post().await.unwrap()).await, TestResponse::read(post().await.unwrap()).await];
    let _ = child.kill();
    let _ = child.wait();
    let _ = std::fs::remove_file(file);
    answers
}

#[tokio::test]
async fn certificate_among_the_systems_roots_is_trusted() {
    let (base, certificate) = upstream().await;
    let [first, second] = ask(&base, &certificate).await;
    assert_eq!((first.text().as_str(), second.text().as_str()), ("first", "second"), "{}", first.body);
}

#[tokio::test]
async fn untrusted_certificate_is_an_error_without_the_address() {
    let (base, _) = upstream().await;
    let (_, other) = upstream().await;
    let [answer, _] = ask(&base, &other).await;
    let message = answer.error()["message"].as_str().unwrap().to_owned();
    // An upstream of the command line is named after its host, as in the response header.
    let expected = "The upstream \"127.0.0.1\" could not be reached: its TLS certificate is not trusted. Add the authority \
                that signed it to the system's certificates, or name a file with it in SSL_CERT_FILE.";
    assert_eq!(message, expected);
    assert_eq!(answer.header("x-openai-shim-upstream"), "127.0.0.1");
}
