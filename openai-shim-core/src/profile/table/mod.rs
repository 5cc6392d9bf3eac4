//! The built-in profiles, by kind. Adding an upstream is one literal.
//!
//! A profile contains only what a source states: a rule that drops or changes what the upstream accepts does harm, and what
//! the profile lacks is derived from the upstream's errors. So a literal begins as `compatible`, the profile of every server
//! that no other one matches, and contains only what is known to differ.

mod claude_models;
mod claude_params;
mod gateways;
mod gemini_models;
mod gpt_params;
mod helpers;
mod inference_hosts;
mod model_vendors;
mod native_apis;
mod openai;
mod openai_models;
mod self_hosted;

use super::definition::Profile;
use std::sync::LazyLock;

pub(super) fn built_in() -> &'static [Profile] {
    static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for mut kind in [
            openai::profiles(),
            model_vendors::profiles(),
            inference_hosts::profiles(),
            gateways::profiles(),
            self_hosted::profiles(),
            native_apis::profiles(),
        ] {
            // Each row states which roles it renames, also that it renames none.
            for profile in &mut kind {
                profile.messages.roles.get_or_insert_default();
            }
            // Moved, not copied: they contain hundreds of texts.
            all.reserve_exact(kind.len());
            all.append(&mut kind);
        }
        all
    });
    &PROFILES
}
