//! A conversation as one prompt, for models behind an API that knows no messages.

use super::{Block, Message, Role};
use serde::{Deserialize, Serialize};

/// How a conversation is written as one prompt: one of the built-in ways, or texts with `{content}` in them.
///
/// A text that is absent is that of the built-in way. A system message for which there is no text stands in front of the
/// user's next one; a tool's result is the user's, where there is no text for it. What the server puts in front of every
/// prompt by itself is no part of it.
///
/// ```
/// use openai_shim_core::canonical::{BuiltIn, Message, Role, Template};
/// let mut template = Template::default();
/// template.name = BuiltIn::Chatml;
/// let prompt = template.render(&[Message::text(Role::User, "hi")]);
/// assert_eq!(prompt, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ChatTemplate {
    /// The built-in way.
    pub name: BuiltInTemplate,
    /// A system message.
    pub system: Option<String>,
    /// A message of the user.
    pub user: Option<String>,
    /// An answer of the assistant.
    pub assistant: Option<String>,
    /// A tool's result.
    pub tool: Option<String>,
    /// What asks for the answer; absent: what stands before `{content}` in an answer.
    pub generation: Option<String>,
    /// Where the answer ends.
    pub stop: Option<Vec<String>>,
}

/// A built-in way to write a conversation as one prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BuiltInTemplate {
    /// None is named: a single message is the prompt itself, and a conversation is written as `plain` does.
    #[default]
    None,
    /// `User: …` and `Assistant: …`, for models that were trained on text only.
    Plain,
    /// `<|im_start|>` and `<|im_end|>`: Qwen, and many others.
    Chatml,
    /// Llama 3.
    Llama3,
    /// `[INST]`: Mistral, Mixtral, Llama 2.
    Mistral,
}

/// The texts of one built-in way.
struct Texts {
    system: &'static str,
    user: &'static str,
    assistant: &'static str,
    tool: &'static str,
    stop: &'static [&'static str],
}

/// Every built-in way; an empty text is none.
const TABLE: &[(BuiltInTemplate, Texts)] = &[
    (
        BuiltInTemplate::Plain,
        Texts {
            system: "{content}\n\n",
            user: "User: {content}\n",
            assistant: "Assistant: {content}\n",
            tool: "",
            stop: &["\nUser:"],
        },
    ),
    (
        BuiltInTemplate::Chatml,
        Texts {
            system: "<|im_start|>system\n{content}<|im_end|>\n",
            user: "<|im_start|>user\n{content}<|im_end|>\n",
            assistant: "<|im_start|>assistant\n{content}<|im_end|>\n",
            tool: "<|im_start|>tool\n{content}<|im_end|>\n",
            stop: &["<|im_end|>"],
        },
    ),
    (
        BuiltInTemplate::Llama3,
        Texts {
            system: "<|start_header_id|>system<|end_header_id|>\n\n{content}<|eot_id|>",
            user: "<|start_header_id|>user<|end_header_id|>\n\n{content}<|eot_id|>",
            assistant: "<|start_header_id|>assistant<|end_header_id|>\n\n{content}<|eot_id|>",
            tool: "<|start_header_id|>ipython<|end_header_id|>\n\n{content}<|eot_id|>",
            stop: &["<|eot_id|>"],
        },
    ),
    (
        BuiltInTemplate::Mistral,
        Texts {
            system: "",
            user: "[INST] {content} [/INST]",
            assistant: " {content}</s>",
            tool: "",
            stop: &["</s>"],
        },
    ),
];

const CONTENT: &str = "{content}";

impl ChatTemplate {
    /// Whether a way was named, or a text was given.
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// This one, or the other where nothing is said here.
    pub fn overlay(&self, base: &Self) -> Self {
        if self.is_set() { self.clone() } else { base.clone() }
    }

    fn built_in(&self) -> Option<&'static Texts> {
        let name = if self.name == BuiltInTemplate::None { BuiltInTemplate::Plain } else { self.name };
        TABLE.iter().find(|(known, _)| *known == name).map(|(_, texts)| texts)
    }

    /// Where answers end.
    pub fn stops(&self) -> Vec<String> {
        let built_in = || self.built_in().map(|t| t.stop.iter().map(|s| (*s).to_owned()).collect());
        self.stop.clone().or_else(built_in).unwrap_or_default()
    }

    /// The conversation as one prompt, up to where the answer begins. An answer of the assistant at the end is begun, and
    /// not closed: the model goes on with it.
    pub fn render(&self, messages: &[Message]) -> String {
        let built_in = |of: fn(&Texts) -> &'static str| self.built_in().map_or("", of);
        let system = self.system.as_deref().unwrap_or_else(|| built_in(|t| t.system));
        let user = self.user.as_deref().unwrap_or_else(|| built_in(|t| t.user));
        let assistant = self.assistant.as_deref().unwrap_or_else(|| built_in(|t| t.assistant));
        let tool = self.tool.as_deref().unwrap_or_else(|| built_in(|t| t.tool));
        let (before_answer, after_answer) = assistant.split_once(CONTENT).unwrap_or((assistant, ""));
        let (mut out, mut waiting) = (String::new(), String::new());
        for (i, message) in messages.iter().enumerate() {
            let content = texts(&message.blocks);
            match message.role {
                Role::System | Role::Developer if system.is_empty() => {
                    waiting.push_str(&content);
                    waiting.push_str("\n\n");
                }
                Role::System | Role::Developer => put(system, &content, &mut out),
                // It only called tools.
                Role::Assistant if content.is_empty() => {}
                Role::Assistant => {
                    out.push_str(before_answer);
                    out.push_str(&content);
                    if i + 1 == messages.len() {
                        return out;
                    }
                    out.push_str(after_answer);
                }
                Role::Tool if !tool.is_empty() => put(tool, &content, &mut out),
                Role::User | Role::Tool => {
                    let content = std::mem::take(&mut waiting) + &content;
                    put(user, &content, &mut out);
                }
            }
        }
        if !waiting.is_empty() {
            put(user, waiting.trim_end_matches('\n'), &mut out);
        }
        // A model begins with the space itself.
        let own = before_answer.trim_end_matches(' ');
        out.push_str(self.generation.as_deref().unwrap_or(own));
        out
    }
}

/// Writes a text with the content in its place. What stands in the content is not looked at again.
fn put(text: &str, content: &str, out: &mut String) {
    let (before, after) = text.split_once(CONTENT).unwrap_or((text, ""));
    out.push_str(before);
    out.push_str(content);
    out.push_str(after);
}

/// All text of a message, that of tools' results too.
fn texts(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Text { text, .. } | Block::Refusal(text) => out.push_str(text),
            Block::ToolResult { blocks, .. } => out.push_str(&texts(blocks)),
            _ => {}
        }
    }
    out
}
