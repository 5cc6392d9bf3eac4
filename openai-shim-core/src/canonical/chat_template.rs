//! Messages to one prompt, for models whose API takes no messages.

use super::{Block, Message, Role};
use crate::overlay::Rule;
use serde::{Deserialize, Serialize};

/// How messages are written as one prompt: a built-in template, or texts that contain `{content}`.
///
/// An absent text is the built-in template's. If there is no text for system messages, a system message is put before the
/// user's next message; if there is none for tool results, they are written as user messages. The template excludes what the
/// server itself puts before every prompt.
///
/// ```
/// use openai_shim_core::canonical::{BuiltInTemplate, ChatTemplate, Message, Role};
/// let mut template = ChatTemplate::default();
/// template.name = BuiltInTemplate::Chatml;
/// let prompt = template.render(&[Message::text(Role::User, "hi")]);
/// assert_eq!(prompt, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ChatTemplate {
    /// The built-in template.
    pub name: BuiltInTemplate,
    /// A system message.
    pub system: Option<String>,
    /// A user message.
    pub user: Option<String>,
    /// An assistant message.
    pub assistant: Option<String>,
    /// A tool result.
    pub tool: Option<String>,
    /// The text that begins the response; absent: what precedes `{content}` in an assistant message.
    pub generation_prompt: Option<String>,
    /// The texts that end the response.
    pub stop_sequences: Option<Vec<String>>,
}

// The texts of a template belong together: a layer replaces it as a whole.
impl Rule for ChatTemplate {}

/// A built-in template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BuiltInTemplate {
    /// None: a single message is the prompt itself, and a conversation is written as `plain` does.
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

/// The texts of a built-in template; an empty text is none.
struct Texts {
    system: &'static str,
    user: &'static str,
    assistant: &'static str,
    tool: &'static str,
    stop_sequences: &'static [&'static str],
}

const BUILT_IN: &[(BuiltInTemplate, Texts)] = &[
    (
        BuiltInTemplate::Plain,
        Texts {
            system: "{content}\n\n",
            user: "User: {content}\n",
            assistant: "Assistant: {content}\n",
            tool: "",
            stop_sequences: &["\nUser:"],
        },
    ),
    (
        BuiltInTemplate::Chatml,
        Texts {
            system: "<|im_start|>system\n{content}<|im_end|>\n",
            user: "<|im_start|>user\n{content}<|im_end|>\n",
            assistant: "<|im_start|>assistant\n{content}<|im_end|>\n",
            tool: "<|im_start|>tool\n{content}<|im_end|>\n",
            stop_sequences: &["<|im_end|>"],
        },
    ),
    (
        BuiltInTemplate::Llama3,
        Texts {
            system: "<|start_header_id|>system<|end_header_id|>\n\n{content}<|eot_id|>",
            user: "<|start_header_id|>user<|end_header_id|>\n\n{content}<|eot_id|>",
            assistant: "<|start_header_id|>assistant<|end_header_id|>\n\n{content}<|eot_id|>",
            tool: "<|start_header_id|>ipython<|end_header_id|>\n\n{content}<|eot_id|>",
            stop_sequences: &["<|eot_id|>"],
        },
    ),
    (
        BuiltInTemplate::Mistral,
        Texts {
            system: "",
            user: "[INST] {content} [/INST]",
            assistant: " {content}</s>",
            tool: "",
            stop_sequences: &["</s>"],
        },
    ),
];

/// What stands for a message's text.
const CONTENT: &str = "{content}";

impl ChatTemplate {
    /// Whether a template is named, or a text is given.
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// The names of the texts of messages that leave the message out: they are not empty, and lack `{content}`.
    pub(crate) fn texts_without_content(&self) -> impl Iterator<Item = &'static str> {
        let texts = [
            ("system", &self.system),
            ("user", &self.user),
            ("assistant", &self.assistant),
            ("tool", &self.tool),
        ];
        let lacks_content = |text: &String| !text.is_empty() && !text.contains(CONTENT);
        texts
            .into_iter()
            .filter(move |(_, text)| text.as_ref().is_some_and(lacks_content))
            .map(|(name, _)| name)
    }

    fn built_in(&self) -> Option<&'static Texts> {
        let name = if self.name == BuiltInTemplate::None { BuiltInTemplate::Plain } else { self.name };
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, texts)| texts)
    }

    /// The texts that end the response.
    pub fn stop_sequences(&self) -> Vec<String> {
        let built_in = || self.built_in().map(|t| t.stop_sequences.iter().map(|s| (*s).to_owned()).collect());
        self.stop_sequences.clone().or_else(built_in).unwrap_or_default()
    }

    /// Writes the messages as one prompt, up to where the response begins. An assistant message at the end stays open: the
    /// model continues it.
    pub fn render(&self, messages: &[Message]) -> String {
        let built_in = |of: fn(&Texts) -> &'static str| self.built_in().map_or("", of);
        let system = self.system.as_deref().unwrap_or_else(|| built_in(|t| t.system));
        let user = self.user.as_deref().unwrap_or_else(|| built_in(|t| t.user));
        let assistant = self.assistant.as_deref().unwrap_or_else(|| built_in(|t| t.assistant));
        let tool = self.tool.as_deref().unwrap_or_else(|| built_in(|t| t.tool));
        let (before_content, after_content) = assistant.split_once(CONTENT).unwrap_or((assistant, ""));
        let (mut out, mut pending_system) = (String::new(), String::new());
        for (i, message) in messages.iter().enumerate() {
            // Parts of the model's own text continue one another.
            let separator = if message.role == Role::Assistant { "" } else { "\n\n" };
            let content = text_of(&message.blocks, separator);
            match message.role {
                Role::System | Role::Developer if system.is_empty() => {
                    pending_system.push_str(&content);
                    pending_system.push_str("\n\n");
                }
                Role::System | Role::Developer => write_message(system, &content, &mut out),
                // It only calls tools.
                Role::Assistant if content.is_empty() => {}
                Role::Assistant => {
                    out.push_str(before_content);
                    out.push_str(&content);
                    if i + 1 == messages.len() {
                        return out;
                    }
                    out.push_str(after_content);
                }
                Role::Tool if !tool.is_empty() => write_message(tool, &content, &mut out),
                Role::User | Role::Tool => {
                    let content = std::mem::take(&mut pending_system) + &content;
                    write_message(user, &content, &mut out);
                }
            }
        }
        if !pending_system.is_empty() {
            write_message(user, pending_system.trim_end_matches('\n'), &mut out);
        }
        // The model itself writes the space.
        let default_prompt = before_content.trim_end_matches(' ');
        out.push_str(self.generation_prompt.as_deref().unwrap_or(default_prompt));
        out
    }
}

/// Writes a template's text with the content in place of the first `{content}`; one inside the content stays.
fn write_message(template: &str, content: &str, out: &mut String) {
    let (before, after) = template.split_once(CONTENT).unwrap_or((template, ""));
    out.push_str(before);
    out.push_str(content);
    out.push_str(after);
}

/// The text of a message, including that of tool results, with `separator` between its parts.
fn text_of(blocks: &[Block], separator: &str) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Text { text, .. } | Block::Refusal(text) => Block::append_text(text, separator, &mut out),
            Block::ToolResult { blocks, .. } => {
                Block::append_text(&Block::join_texts(blocks, "\n\n"), "\n\n", &mut out);
            }
            _ => {}
        }
    }
    out
}
