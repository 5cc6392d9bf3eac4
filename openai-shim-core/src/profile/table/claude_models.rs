//! What Claude models accept, whichever service has them.
//!
//! <https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting>,
//! <https://platform.claude.com/docs/en/build-with-claude/effort>

use super::helpers::{for_models, layer, list};
use crate::accepts::{
    MessageLayer, ReasoningAmount, ReasoningDefault, ReasoningLayer, ReasoningVisibility, SystemPosition,
    UnsignedReasoning,
};
use crate::profile::definition::ModelOverride;

/// What the models accept in Anthropic's own dialect.
pub(super) fn in_own_dialect() -> Vec<ModelOverride> {
    let mut all = vec![ModelOverride {
        // Claude signs all of its thinking, and refuses any that is not its own.
        messages: layer!(MessageLayer { unsigned_reasoning: UnsignedReasoning::Drop }),
        ..for_models(&["*claude*"])
    }];
    // Other models by this API are another vendor's: <https://github.com/vllm-project/vllm/issues/36829>.
    all.push(ModelOverride {
        messages: layer!(MessageLayer { drop_system_lines: Vec::new() }),
        ..for_models(&["*claude*", "*opus*", "*sonnet*", "*haiku*", "*fable*", "*mythos*"])
    });
    // Only newer models read system messages behind the first message:
    // <https://github.com/anthropics/skills> (`skills/claude-api/shared/model-migration.md`).
    all.push(ModelOverride {
        messages: layer!(MessageLayer { system_position: SystemPosition::Front }),
        ..for_models(&[
            "*claude-3*",
            "*claude-opus-4",
            "*claude-opus-4-0*",
            "*claude-opus-4-1*",
            "*claude-opus-4.1*",
            "*claude-opus-4-2025*",
            "*claude-opus-4-5*",
            "*claude-opus-4.5*",
            "*claude-opus-4-6*",
            "*claude-opus-4.6*",
            "*claude-opus-4-7*",
            "*claude-opus-4.7*",
            "*claude-sonnet-4*",
            "*claude-haiku-4*",
        ])
    });
    all.extend(reasoning());
    all
}

/// How each generation is asked to think; a later entry lies over an earlier one.
fn reasoning() -> Vec<ModelOverride> {
    let thinks = |names: &[&str], reasoning| ModelOverride { reasoning, ..for_models(names) };
    vec![
        thinks(
            &[
                "*claude-3*",
                "*claude-opus-4",
                "*claude-opus-4-0*",
                "*claude-opus-4-1*",
                "*claude-opus-4.1*",
                "*claude-opus-4-5*",
                "*claude-opus-4.5*",
                "*claude-opus-4-2025*",
                "*claude-sonnet-4",
                "*claude-sonnet-4-0*",
                "*claude-sonnet-4-5*",
                "*claude-sonnet-4.5*",
                "*claude-sonnet-4-2025*",
                "*claude-haiku-4*",
            ],
            layer!(ReasoningLayer {
                efforts: Vec::new(),
                amount: ReasoningAmount::Budget,
                modes: list(&["enabled", "disabled"]),
                default: ReasoningDefault::Off,
            }),
        ),
        thinks(
            &["*claude-opus-4-5*", "*claude-opus-4.5*"],
            layer!(ReasoningLayer { efforts: list(&["low", "medium", "high"]) }),
        ),
        thinks(
            &["*claude-opus-4-6*", "*claude-opus-4.6*", "*claude-sonnet-4-6*", "*claude-sonnet-4.6*"],
            layer!(ReasoningLayer {
                efforts: list(&["low", "medium", "high", "max"]),
                modes: list(&["adaptive", "enabled", "disabled"]),
                default: ReasoningDefault::Off,
            }),
        ),
        thinks(
            &["*claude-opus-4-7*", "*claude-opus-4.7*", "*claude-opus-4-8*", "*claude-opus-4.8*"],
            layer!(ReasoningLayer { default: ReasoningDefault::Off, ..adaptive(&["adaptive", "disabled"]) }),
        ),
        thinks(&["*claude-sonnet-5*"], adaptive(&["adaptive", "disabled"])),
        thinks(
            &["*claude-opus-5*", "*claude-haiku-5-5*", "*claude-haiku-5.5*"],
            layer!(ReasoningLayer {
                max_effort_off: String::from("high"),
                ..adaptive(&["adaptive", "disabled"])
            }),
        ),
        thinks(
            &["*claude-sonnet-5-5*", "*claude-sonnet-5.5*"],
            layer!(ReasoningLayer {
                max_effort_off: String::from("high"),
                ..adaptive(&["adaptive", "between_tools"])
            }),
        ),
        thinks(&["*claude-fable-5*", "*claude-mythos-5*"], adaptive(&["adaptive"])),
        thinks(&["*claude-opus-5-5*", "*claude-opus-5.5*"], adaptive(&["adaptive"])),
        thinks(
            &["*claude-mythos-preview*"],
            layer!(ReasoningLayer {
                modes: list(&["adaptive", "enabled"]),
                default: ReasoningDefault::On,
                display: ReasoningVisibility::OnRequest,
            }),
        ),
    ]
}

/// Models that decide themselves how much they think, and show it only on request.
fn adaptive(modes: &[&str]) -> ReasoningLayer {
    layer!(ReasoningLayer {
        efforts: list(&["low", "medium", "high", "xhigh", "max"]),
        amount: ReasoningAmount::Effort,
        modes: list(modes),
        default: ReasoningDefault::On,
        display: ReasoningVisibility::OnRequest,
    })
}
