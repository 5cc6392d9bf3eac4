//! Reads `[otel]` and the standard variables (`OTEL_…`), which override it: where traces and metrics are exported to.

use super::secret::{self, Secret};
use super::toml_tree::{ConfigErrors, Section, Source};
use toml::de::DeValue;

/// Where traces and metrics are exported to, over OTLP/HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Otel {
    /// The collector's URL without a trailing slash; `/v1/traces` and `/v1/metrics` are below it.
    pub endpoint: String,
    /// Headers of requests to the collector, such as its key.
    pub headers: Vec<(String, Secret)>,
    /// The name of this service; absent: `OTEL_SERVICE_NAME`, else `openai-shim`.
    pub service_name: Option<String>,
    /// Which part of the traces is recorded that no caller decided on, from 0 to 1.
    pub sample_ratio: f64,
}

/// Exports that are configured; `None`: nothing is exported.
pub(super) fn read(section: &Section<'_>, source: &Source, faults: &ConfigErrors) -> Option<Otel> {
    let endpoint = section.text("endpoint", parse_endpoint).map(|endpoint| endpoint.value);
    let headers = headers(section, source);
    let service_name = section.text("service_name", parse_name).map(|name| name.value);
    let sample_ratio = sample_ratio(section);
    if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let endpoint = overridden("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, parse_endpoint, faults)?;
    let service_name = service_name.filter(|_| variable("OTEL_SERVICE_NAME").is_none());
    let sample_ratio = overridden("OTEL_TRACES_SAMPLER_ARG", sample_ratio, parse_ratio, faults);
    Some(Otel { endpoint, headers, service_name, sample_ratio: sample_ratio.unwrap_or(1.0) })
}

/// A variable that is set and not blank.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The value of a variable, else that of the file.
fn overridden<T>(
    name: &str,
    of_file: Option<T>,
    parse: impl Fn(&str) -> Result<T, String>,
    faults: &ConfigErrors,
) -> Option<T> {
    let Some(value) = variable(name) else { return of_file };
    parse(&value).map_err(|what| faults.outside(name, what)).ok()
}

fn parse_endpoint(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let url =
        url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let is_bare = |url: &url::Url| {
        url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    if url.as_ref().is_some_and(|url| !is_bare(url)) {
        return Err(String::from(
            "has a password or a query; write the address alone, and a key as headers = { authorization = \"env:OTEL_KEY\" }",
        ));
    }
    if url.is_none() {
        return Err(format!(
            "{text:?} is no address of a collector; write its OTLP/HTTP address, such as \"http://127.0.0.1:4318\""
        ));
    }
    if let Some(base) = ["/v1/traces", "/v1/metrics"].iter().find_map(|path| text.strip_suffix(path)) {
        return Err(format!("the path is added for each signal; write \"{base}\""));
    }
    Ok(text.to_owned())
}

fn parse_name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err(String::from("is empty; write a name such as \"openai-shim\", or leave the key out")),
        name => Ok(name.to_owned()),
    }
}

fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio = text.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| {
        format!("{text} is no part of all traces; write a number from 0.0 to 1.0, such as 0.1")
    })
}

fn sample_ratio(section: &Section<'_>) -> Option<f64> {
    let item = section.get("sample_ratio")?;
    let parsed = match item.get_ref() {
        DeValue::Float(number) => parse_ratio(number.as_str()),
        DeValue::Integer(number) => parse_ratio(number.as_str()),
        _ => Err(String::from("must be a number; write sample_ratio = 0.1, without quotes")),
    };
    parsed.map_err(|what| section.fault("sample_ratio", &item.span(), what)).ok()
}

fn headers(section: &Section<'_>, source: &Source) -> Vec<(String, Secret)> {
    const EXAMPLE: &str = "headers = { authorization = \"env:OTEL_KEY\" }";
    let Some(item) = section.get("headers") else { return Vec::new() };
    let DeValue::Table(table) = item.get_ref() else {
        section.fault(
            "headers",
            &item.span(),
            format!("must be a table of names and values; write {EXAMPLE}"),
        );
        return Vec::new();
    };
    let read = table.iter().filter_map(|(name, value)| {
        let name = name.get_ref().to_string();
        let resolved = match (http::HeaderName::from_bytes(name.as_bytes()), value.get_ref()) {
            (Err(_), _) => Err(format!("{name:?} is no name of a header; write {EXAMPLE}")),
            (Ok(_), DeValue::String(reference)) => secret::resolve(reference, source.folder()),
            (Ok(_), _) => Err(format!("the value of {name} must be a text; write {EXAMPLE}")),
        };
        resolved.map_err(|what| section.fault("headers", &value.span(), what)).ok().map(|value| (name, value))
    });
    read.collect()
}
