//! A vendor that no profile knows: its profile over a built-in one, in code or in TOML. What it accepts is data, so nothing is translated
//! by hand.
//!
//! `cargo run --example custom_vendor` sends a request through the profile, and checks what the vendor gets.

mod support;

use openai_shim_core::accepts::{MessageLayer, ParamLayer};
use openai_shim_core::profile::{AuthLayer, PathsLayer, ProfileError, ProfileLayer};
use openai_shim_core::{Context, Exchange, Profile, Step};

/// Acme's API: nearly OpenAI's.
fn acme() -> Result<Profile, ProfileError> {
    ProfileLayer::inherit("compatible")
        .with_name("acme")
        // The key goes into a header of its own.
        .with_auth(AuthLayer::default().with_header("x-acme-key").with_prefix(""))
        .with_paths(
            PathsLayer::default().with_generate("/models/{model}/generate").with_query_param("version", "2"),
        )
        .with_params(
            ParamLayer::default()
                .with_rename("temperature", "heat")
                .with_clamp("top_p", 0.0, 0.9)
                .with_drop(["...", "seed"]),
        )
        // It has no role `developer`, and takes one system message.
        .with_messages(MessageLayer::default().with_role("developer", "system").with_merge_system(true))
        .build()
}

/// The same in a file: checked while it is read.
const ACME: &str = r#"
    inherit = "compatible"
    name = "acme"
    auth = { header = "x-acme-key", prefix = "" }
    paths = { generate = "/models/{model}/generate", query_params = { version = "2" } }
    params = { rename = { temperature = "heat" }, clamp = { top_p = [0.0, 0.9] }, drop = ["...", "seed"] }
    messages = { roles = { developer = "system" }, merge_system = true }
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let acme = acme()?;
    assert_eq!(acme, toml::from_str::<Profile>(ACME)?);

    let upstream = support::Careless::start();
    let body = br#"{"model":"m-1","temperature":0.5,"top_p":0.95,"seed":4,"messages":[
        {"role":"developer","content":"Be brief."},{"role":"system","content":"Be kind."},{"role":"user","content":"hi"}]}"#;
    let mut exchange = Exchange::new("openai-chat".parse()?, acme.clone(), Context::fixed(), body)?;
    let Step::Send { request, .. } = exchange.next() else { return Err("nothing to send".into()) };
    // The blocking client of the recipe `blocking`, without its loop.
    let request = acme.address(request, &upstream.base_url, Some("a-key"))?;
    let mut response = ureq::run(request.map(|body| body.to_vec()))?;
    let mut out = Vec::new();
    exchange.head(response.status(), response.headers())?;
    exchange.push(&response.body_mut().read_to_vec()?, &mut out)?;
    exchange.finish(&mut out)?;

    let sent = upstream.last_request();
    println!("{sent}\n\n{}", String::from_utf8_lossy(&out));
    for diagnostic in &exchange.report().diagnostics {
        println!("- {diagnostic}");
    }
    assert!(
        sent.starts_with("POST /v1/models/m-1/generate?version=2 ") && sent.contains("x-acme-key: a-key")
    );
    assert!(sent.contains(r#""heat":0.5"#) && sent.contains(r#""top_p":0.9,"#) && !sent.contains("seed"));
    assert!(sent.contains(r#"{"role":"system","content":"Be brief.\n\nBe kind."}"#));
    assert_eq!(exchange.report().outcome.as_str(), "complete");
    Ok(())
}
