//! A profile's rules to those among them that cannot work: paths that are no paths, unknown roles, empty ranges.

use super::auth::Auth;
use super::base_url::normal_base_url;
use super::definition::Profile;
use super::error::{InvalidRule, instead};
use super::paths::EndpointPaths;
use crate::accepts::{
    Accepts, AcceptsLayer, AuxiliaryApi, MEDIA_SOURCES, MODALITIES, MediaRules, MessageRules, ParamRules,
    aspect_ratio,
};
use crate::canonical::{ReasoningTags, Role};
use crate::dialect::{DIALECTS, feature_of};
use http::{HeaderName, Uri};

impl Profile {
    /// Returns the rules with values that cannot work.
    ///
    /// ```
    /// let mut profile = openai_shim_core::profile("compatible")?;
    /// profile.paths.generate = String::from("/my route");
    /// assert_eq!(profile.invalid_rules()[0].key, "paths.generate");
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    pub fn invalid_rules(&self) -> Vec<InvalidRule> {
        self.invalid_rules_from(0)
    }

    /// The same; overrides are counted from this one. What is wrong for the models of earlier ones has the key of the rule
    /// itself, because a layer over the profile has made it wrong.
    pub(super) fn invalid_rules_from(&self, first_override: usize) -> Vec<InvalidRule> {
        let mut found = Vec::new();
        check_base_url(&self.base_url, &mut found);
        check_auth(&self.auth, &mut found);
        check_paths(&self.paths, &mut found);
        check_forwarded(&self.paths, &mut found);
        for name in self.forward_headers.iter().filter(|name| HeaderName::try_from(name.as_str()).is_err()) {
            report(&mut found, "forward_headers", format!("{name:?} is not the name of a header"));
        }
        check_dialect("dialect", &self.dialect, &mut found);
        found.extend(self.invalid_rules_for_models());
        for (i, rules) in self.model_overrides.iter().enumerate() {
            let prefix = match i.checked_sub(first_override) {
                Some(i) => format!("model_overrides[{i}]."),
                None => String::new(),
            };
            if rules.matches.is_empty() {
                let problem =
                    "is empty, so that it applies to no model; write match = [\"*\"] for all models";
                report(&mut found, &format!("{prefix}match"), problem);
            }
            let mut model_profile = self.clone();
            rules.apply(&mut model_profile);
            let invalid = model_profile.invalid_rules_for_models();
            // What is wrong without the override is reported above.
            let invalid = invalid.into_iter().filter(|rule| !found.contains(rule)).collect::<Vec<_>>();
            found.extend(invalid.into_iter().map(|rule| InvalidRule {
                key: format!("{prefix}{}", rule.key),
                problem: match prefix.as_str() {
                    "" => format!("{} (for the models {})", rule.problem, rules.matches.join(", ")),
                    _ => rule.problem,
                },
            }));
        }
        found
    }

    /// The invalid ones among the rules that an override can set.
    fn invalid_rules_for_models(&self) -> Vec<InvalidRule> {
        let mut found = Vec::new();
        for name in &self.extra_dialects {
            // One that this build lacks is never spoken: a feature changes nothing for the others.
            if feature_of(name).is_none() {
                check_dialect("extra_dialects", name, &mut found);
            }
        }
        let accepts = self.accepts(&AcceptsLayer::default());
        check_params(&accepts.params, &mut found);
        check_messages(&accepts.messages, &mut found);
        check_media(&accepts.media, &mut found);
        check_auxiliary(&accepts, &mut found);
        if matches!(&self.responses.reasoning_tags, ReasoningTags::Own(tags) if tags.close.is_empty()) {
            let problem = "has no closing tag; write { open = \"<|think|>\", close = \"<|/think|>\" }";
            report(&mut found, "responses.reasoning_tags", problem);
        }
        if accepts.stream.required && !accepts.stream.supported {
            let problem = "contradicts stream.supported = false; write one of the two";
            report(&mut found, "stream.required", problem);
        }
        found
    }
}

fn report(found: &mut Vec<InvalidRule>, key: &str, problem: impl Into<String>) {
    found.push(InvalidRule { key: key.to_owned(), problem: problem.into() });
}

/// A profile has a dialect of this build.
fn check_dialect(key: &str, name: &str, found: &mut Vec<InvalidRule>) {
    let known: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name()).collect();
    if known.contains(&name) {
        return;
    }
    let remedy = match feature_of(name) {
        Some(feature) => format!("turn on the feature `{feature}` of openai-shim-core"),
        None => instead(name, &known),
    };
    report(found, key, format!("there is no dialect {name:?}; {remedy}"));
}

fn check_base_url(url: &str, found: &mut Vec<InvalidRule>) {
    if !url.is_empty()
        && let Err(problem) = normal_base_url(url)
    {
        report(found, "base_url", problem);
    }
}

fn check_auth(auth: &Auth, found: &mut Vec<InvalidRule>) {
    if let Err(error) = auth.header_for("key") {
        found.extend_from_slice(error.rules());
    }
}

fn check_paths(paths: &EndpointPaths, found: &mut Vec<InvalidRule>) {
    for (key, path) in [("paths.generate", &paths.generate), ("paths.models", &paths.models)] {
        // An empty path of responses is the dialect's own.
        if path.is_empty() && key == "paths.generate" {
            continue;
        }
        if !path.starts_with('/') || path.replace("{model}", "m").parse::<Uri>().is_err() {
            let example = if key == "paths.models" { "/models" } else { "/chat/completions" };
            report(found, key, format!("{path:?} is not a path; write one such as {example:?}"));
        }
    }
}

fn check_forwarded(paths: &EndpointPaths, found: &mut Vec<InvalidRule>) {
    let template = &paths.auxiliary;
    let example = template.replace("{model}", "m").replace("{path}", "/embeddings");
    let is_path = template.contains("{path}") && example.starts_with('/') && example.parse::<Uri>().is_ok();
    if !template.is_empty() && !is_path {
        let text = format!(
            "{template:?} is not a path with {{path}} in it; write one such as \"/deployments/{{model}}{{path}}\""
        );
        report(found, "paths.auxiliary", text);
    }
    for path in paths.forward.iter().filter(|path| !path.starts_with('/') || path.parse::<Uri>().is_err()) {
        report(found, "paths.forward", format!("{path:?} is not a path; write one such as \"/files\""));
    }
}

/// Reports rules of other sections, which share their struct, and ratios that are none.
fn check_auxiliary(accepts: &Accepts, found: &mut Vec<InvalidRule>) {
    let path = &accepts.rerank.path;
    if !path.is_empty() && (!path.starts_with('/') || path.parse::<Uri>().is_err()) {
        report(found, "rerank.path", format!("{path:?} is not a path; write one such as \"/rerank\""));
    }
    for api in AuxiliaryApi::ALL {
        for name in accepts.auxiliary(api).changed() {
            if !api.own_rules().contains(&name) {
                let problem = format!("has no meaning there; the section has {}", api.own_rules().join(", "));
                report(found, &format!("{}.{name}", api.section()), problem);
            }
        }
    }
    for ratio in accepts.images.aspect_ratios.iter().filter(|ratio| aspect_ratio(ratio).is_none()) {
        report(
            found,
            "images.aspect_ratios",
            format!("{ratio:?} is not a ratio; write one such as \"16:9\""),
        );
    }
}

fn check_params(rules: &ParamRules, found: &mut Vec<InvalidRule>) {
    for (key, ranges) in
        [("params.clamp", &rules.clamp), ("params.clamp_while_reasoning", &rules.clamp_while_reasoning)]
    {
        for (name, [low, high]) in ranges {
            if low.is_nan() || high.is_nan() || low > high {
                let problem =
                    format!("[{low}, {high}] is not a range of {name}; write the lower number first");
                report(found, key, problem);
            }
        }
    }
    if let Some((from, _)) = rules.rename.iter().find(|(_, to)| to.is_empty()) {
        report(found, "params.rename", format!("{from} has an empty name; write another name, or drop it"));
    }
    if rules.max_choices == Some(0) {
        report(found, "params.max_choices", "0 is no number of choices; write at least 1");
    }
}

fn check_messages(rules: &MessageRules, found: &mut Vec<InvalidRule>) {
    let unknown = |role: &&String| Role::parse(role).is_none();
    for role in rules.roles.iter().flat_map(|(from, to)| [from, to]).filter(unknown) {
        let problem =
            format!("{role:?} is not a role; write one of system, developer, user, assistant and tool");
        report(found, "messages.roles", problem);
    }
    for name in rules.input_modalities.iter().flatten().filter(|name| !MODALITIES.contains(&name.as_str())) {
        let problem = format!("{name:?} is not a type of content; write some of {}", MODALITIES.join(", "));
        report(found, "messages.input_modalities", problem);
    }
    for text in rules.chat_template.texts_without_content() {
        let key = format!("messages.chat_template.{text}");
        report(
            found,
            &key,
            "lacks {content}, so that messages would be lost; write {content} where they belong",
        );
    }
}

fn check_media(rules: &MediaRules, found: &mut Vec<InvalidRule>) {
    for (key, list, known) in [
        ("media.in_user", &rules.in_user, MODALITIES),
        ("media.in_tool_results", &rules.in_tool_results, MODALITIES),
        ("media.in_assistant", &rules.in_assistant, MODALITIES),
        ("media.in_system", &rules.in_system, MODALITIES),
        ("media.named", &rules.named, MODALITIES),
        ("media.image_sources", &rules.image_sources, MEDIA_SOURCES),
        ("media.audio_sources", &rules.audio_sources, MEDIA_SOURCES),
        ("media.file_sources", &rules.file_sources, MEDIA_SOURCES),
    ] {
        for name in list.iter().filter(|name| !known.contains(&name.as_str())) {
            report(found, key, format!("{name:?} is unknown; write some of {}", known.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::ChatTemplate;
    use crate::profile::{ModelOverride, profiles};

    fn keys(profile: &Profile) -> Vec<String> {
        profile.invalid_rules().into_iter().map(|rule| rule.key).collect()
    }

    #[test]
    fn built_in_profiles_are_valid() {
        for profile in profiles() {
            assert_eq!(profile.invalid_rules(), [], "{}", profile.name);
        }
    }

    /// A key, and a change that gives it an invalid value.
    type Change = (&'static str, fn(&mut Profile));

    #[test]
    fn rules_of_other_auxiliary_sections_and_wrong_ratios_are_reported() {
        let changes: [Change; 5] = [
            ("embeddings.predict", |p| p.embeddings.predict = Some(true)),
            ("speech.max_items", |p| p.speech.max_items = Some(Some(2))),
            ("transcription.voices", |p| {
                p.transcription.voices = Some([(String::new(), String::new())].into());
            }),
            ("images.input_type", |p| p.images.input_type = Some(String::from("task"))),
            ("images.aspect_ratios", |p| p.images.aspect_ratios = Some(vec![String::from("wide")].into())),
        ];
        for (key, change) in changes {
            let mut profile = Profile::default();
            change(&mut profile);
            let found: Vec<_> = profile.invalid_rules().into_iter().map(|rule| rule.key).collect();
            assert_eq!(found, [key]);
        }
    }

    #[test]
    fn every_invalid_value_is_reported_with_its_key() {
        let changes: [Change; 18] = [
            ("auth.header", |p| p.auth.header = String::from("my key")),
            ("auth.prefix", |p| p.auth.prefix = String::from("a\nb")),
            ("forward_headers", |p| p.forward_headers.push(String::from("é"))),
            ("paths.generate", |p| p.paths.generate = String::from("/my route")),
            ("paths.generate", |p| p.paths.generate = String::from("chat")),
            ("paths.models", |p| p.paths.models.clear()),
            ("paths.auxiliary", |p| p.paths.auxiliary = String::from("/deployments/{model}")),
            ("rerank.path", |p| p.rerank.path = Some(String::from("rerank"))),
            ("rerank.input_type", |p| p.rerank.input_type = Some(String::from("task"))),
            ("embeddings.path", |p| p.embeddings.path = Some(String::from("/embed"))),
            ("embeddings.format", |p| p.embeddings.format = Some(crate::accepts::RerankFormat::Tei)),
            ("params.clamp", |p| p.params.clamp = Some([(String::from("n"), [1.0, 0.0])].into())),
            ("params.max_choices", |p| p.params.max_choices = Some(Some(0))),
            ("messages.roles", |p| {
                p.messages.roles = Some([(String::from("system"), String::from("usr"))].into());
            }),
            ("messages.input_modalities", |p| {
                p.messages.input_modalities = Some(Some(vec![String::from("images")]));
            }),
            ("media.in_user", |p| p.media.in_user = Some(vec![String::from("images")])),
            ("media.file_sources", |p| p.media.file_sources = Some(vec![String::from("http")])),
            ("messages.chat_template.user", |p| {
                let mut template = ChatTemplate::default();
                template.user = Some(String::from("User:"));
                p.messages.chat_template = Some(template);
            }),
        ];
        for (key, change) in changes {
            let mut profile = Profile::default();
            change(&mut profile);
            assert_eq!(keys(&profile), [key]);
        }
    }

    #[test]
    fn an_invalid_rule_of_an_override_has_its_own_key() {
        let mut profile = Profile::default();
        let mut rules = ModelOverride::default();
        rules.params.max_choices = Some(Some(0));
        profile.model_overrides = vec![rules];
        assert_eq!(keys(&profile), ["model_overrides[0].match", "model_overrides[0].params.max_choices"]);
    }
}
