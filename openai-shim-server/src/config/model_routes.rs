//! Reads the `[[model]]` sections: models that several upstreams serve, in which order they are tried.

use super::choice::choice;
use super::suggest;
use super::toml_tree::Section;
use toml::Spanned;
use toml::de::DeValue;

/// A model that is served by one of several targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRoute {
    /// The name that clients use; with `*` for any characters a pattern of names.
    pub name: String,
    /// The targets, in the order of the file; at least one.
    pub targets: Vec<RouteTarget>,
    /// How the order is chosen in which they are tried.
    pub strategy: Strategy,
    /// Whether the requests of a conversation go to the same target.
    pub affinity: Affinity,
}

/// A model of an upstream, as one of the targets of a [`ModelRoute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTarget {
    /// The upstream's name.
    pub upstream: String,
    /// The upstream's name for the model; `*` in it stands for the client's name.
    pub model: String,
    /// Its share of the requests, in relation to the other targets.
    pub weight: u32,
    /// The most tokens of its context, if that is known.
    pub context: Option<u64>,
}

/// How the order is chosen in which targets are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// That of the file.
    #[default]
    Ordered,
    /// By chance, in proportion to their weights.
    Weighted,
    /// The one with the fewest open requests for its weight first.
    LeastBusy,
}

/// Whether the requests of a conversation go to the same target, whose prompt cache has its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Affinity {
    /// They do.
    #[default]
    Conversation,
    /// Each request is placed on its own.
    None,
}

const STRATEGIES: [(&str, Strategy); 3] =
    [("ordered", Strategy::Ordered), ("weighted", Strategy::Weighted), ("least-busy", Strategy::LeastBusy)];
const AFFINITIES: [(&str, Affinity); 2] =
    [("conversation", Affinity::Conversation), ("none", Affinity::None)];
/// How targets are written, for faults.
const TARGETS_EXAMPLE: &str = "[\"UPSTREAM/MODEL\", { model = \"UPSTREAM/MODEL\", weight = 2 }]";
/// The largest weight.
const MAX_WEIGHT: u64 = 1000;
/// The largest context.
const MAX_CONTEXT_TOKENS: u64 = 100_000_000;

impl Strategy {
    /// As in the file.
    pub fn as_str(self) -> &'static str {
        STRATEGIES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

impl Affinity {
    /// As in the file.
    pub fn as_str(self) -> &'static str {
        AFFINITIES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

/// The models of the file. `upstreams`: the names of all upstreams.
pub(crate) fn from_file(top: &Section<'_>, upstreams: &[&str]) -> Vec<ModelRoute> {
    let mut routes: Vec<ModelRoute> = Vec::new();
    for section in top.sections("model") {
        if section.get("name").is_none() {
            section.missing("name", "\"…\" with the name that clients use");
        }
        let name = section.text("name", |name| parse_name(name, upstreams));
        let targets = targets(&section, upstreams);
        let strategy = section.text("strategy", |strategy| choice(strategy, &STRATEGIES));
        let affinity = section.text("affinity", |affinity| choice(affinity, &AFFINITIES));
        let Some(name) = name else { continue };
        if routes.iter().any(|route| route.name == name.value) {
            let what = format!("two models are called {:?}; write each name once", name.value);
            section.fault("name", &name.span, what);
        }
        routes.push(ModelRoute {
            name: name.value,
            targets,
            strategy: strategy.map_or_else(Strategy::default, |strategy| strategy.value),
            affinity: affinity.map_or_else(Affinity::default, |affinity| affinity.value),
        });
    }
    routes
}

fn parse_name(name: &str, upstreams: &[&str]) -> Result<String, String> {
    if name.trim().is_empty() {
        return Err(String::from("is empty; write the name that clients use"));
    }
    match name.split_once('/') {
        Some((upstream, model)) if upstreams.contains(&upstream) => Err(format!(
            "{name:?} always selects the upstream {upstream:?}; write another name, such as {model:?}"
        )),
        _ => Ok(name.to_owned()),
    }
}

fn targets(section: &Section<'_>, upstreams: &[&str]) -> Vec<RouteTarget> {
    let items = section.list("targets", TARGETS_EXAMPLE);
    match section.get("targets") {
        None => section.missing("targets", TARGETS_EXAMPLE),
        Some(list) if list.get_ref().as_array().is_some_and(|items| items.is_empty()) => {
            section.fault("targets", &list.span(), format!("is empty; write targets = {TARGETS_EXAMPLE}"));
        }
        Some(_) => {}
    }
    let mut targets: Vec<RouteTarget> = Vec::new();
    for item in items {
        let Some(target) = target(section, item, upstreams) else { continue };
        let is_same = |other: &&RouteTarget| other.upstream == target.upstream && other.model == target.model;
        if targets.iter().any(|other| is_same(&other)) {
            let what = format!(
                "the target \"{}/{}\" is there twice; write it once, with a weight",
                target.upstream, target.model
            );
            section.fault("targets", &item.span(), what);
        }
        targets.push(target);
    }
    targets
}

fn target<'a>(
    section: &Section<'a>,
    item: &'a Spanned<DeValue<'a>>,
    upstreams: &[&str],
) -> Option<RouteTarget> {
    if let DeValue::String(text) = item.get_ref() {
        let parsed = parse_target(text, upstreams);
        return parsed.map_err(|what| section.fault("targets", &item.span(), what)).ok();
    }
    let Some(target) = section.inline("model.targets", item) else {
        let what = format!("a target is a text or a table; write targets = {TARGETS_EXAMPLE}");
        section.fault("targets", &item.span(), what);
        return None;
    };
    if target.get("model").is_none() {
        target.missing("model", "\"UPSTREAM/MODEL\"");
    }
    let weight = target.number("weight", 1..=MAX_WEIGHT).and_then(|weight| u32::try_from(weight.value).ok());
    let context = target.number("context", 1..=MAX_CONTEXT_TOKENS).map(|context| context.value);
    let parsed = target.text("model", |text| parse_target(text, upstreams))?.value;
    Some(RouteTarget { weight: weight.unwrap_or(1), context, ..parsed })
}

/// Parses `upstream/model`. The model may have further slashes.
fn parse_target(text: &str, upstreams: &[&str]) -> Result<RouteTarget, String> {
    let text = text.trim();
    let (upstream, model) = text.split_once('/').unwrap_or((text, ""));
    if !upstreams.contains(&upstream) {
        let model = if model.is_empty() { "MODEL" } else { model };
        let remedy = match suggest::nearest(upstream, upstreams.iter().copied()) {
            Some(nearest) => format!("write \"{nearest}/{model}\" instead"),
            None => {
                let all: Vec<String> = upstreams.iter().map(|name| format!("\"{name}/{model}\"")).collect();
                format!("write one of {}, or add an [[upstream]] of that name", all.join(", "))
            }
        };
        return Err(format!("there is no upstream {upstream:?}; {remedy}"));
    }
    if model.is_empty() {
        return Err(format!("{text:?} names no model of the upstream; write \"{upstream}/MODEL\""));
    }
    Ok(RouteTarget { upstream: upstream.to_owned(), model: model.to_owned(), weight: 1, context: None })
}
