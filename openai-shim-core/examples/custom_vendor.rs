//! A vendor that no profile knows: its profile in code, over a built-in one. What it accepts is data, so there is nothing to translate.
//!
//! `cargo run --example custom_vendor` sends a request through the profile, and checks what the vendor gets.

mod support;

use openai_shim_core::{Context, Exchange, Profile, Step, UpstreamError, profile};
use std::collections::BTreeMap;

/// Acme's API: nearly OpenAI's.
fn acme() -> Result<Profile, Box<dyn std::error::Error>> {
    let mut acme = profile("compatible")?;
    acme.name = String::from("acme");
    // The key goes into a header of its own.
    acme.auth.header = String::from("x-acme-key");
    acme.auth.prefix = String::new();
    acme.paths.generate = String::from("/models/{model}/generate");
    acme.paths.query_params = BTreeMap::from([(String::from("version"), String::from("2"))]);
    acme.params.rename = Some(BTreeMap::from([(String::from("temperature"), String::from("heat"))]));
    acme.params.clamp = Some(BTreeMap::from([(String::from("top_p"), [0.0, 0.9])]));
    acme.params.drop = Some(vec![String::from("seed")]);
    // Its roles: no `developer`, and one system message.
    acme.messages.roles = Some(BTreeMap::from([(String::from("developer"), String::from("system"))]));
    acme.messages.merge_system = Some(true);
    Ok(acme)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let acme = acme()?;
    let upstream = support::Careless::start();
    let body = br#"{"model":"m-1","temperature":0.5,"top_p":0.95,"seed":4,"messages":[
        {"role":"developer","content":"Be brief."},{"role":"system","content":"Be kind."},{"role":"user","content":"hi"}]}"#;
    let mut exchange = Exchange::new("openai-chat".parse()?, acme.clone(), Context::fixed(), body)?;
    let Step::Send { mut request, .. } = exchange.next() else { return Err("nothing to send".into()) };
    println!("{} {}\n{}", request.method(), request.uri(), String::from_utf8_lossy(request.body()));
    assert_eq!(request.uri(), "/models/m-1/generate?version=2");
    let sent = String::from_utf8_lossy(request.body()).into_owned();
    assert!(sent.contains(r#""heat":0.5"#) && sent.contains(r#""top_p":0.9"#) && !sent.contains("seed"));
    assert!(sent.contains(r#"{"role":"system","content":"Be brief.\n\nBe kind."}"#), "{sent}");

    *request.uri_mut() = format!("{}{}", upstream.base_url, request.uri()).parse()?;
    let key = format!("{}a-key", acme.auth.prefix).parse()?;
    request.headers_mut().insert(http::HeaderName::try_from(&acme.auth.header)?, key);
    let mut out = Vec::new();
    match ureq::run(request.map(|body| body.to_vec())) {
        Ok(mut response) => {
            exchange.head(response.status(), response.headers())?;
            exchange.push(&response.body_mut().read_to_vec()?, &mut out)?;
            exchange.finish(&mut out)?;
        }
        Err(error) => exchange.fail(UpstreamError::transport(error.to_string()), &mut out)?,
    }
    println!("{}", String::from_utf8_lossy(&out));
    for diagnostic in &exchange.report().diagnostics {
        println!("- {diagnostic}");
    }
    assert!(upstream.last_request().contains("x-acme-key: a-key"));
    assert_eq!(exchange.report().outcome.as_str(), "complete");
    Ok(())
}
