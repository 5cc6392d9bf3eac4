//! Diagnostics: codes, their severity and meaning, and a bounded list that counts repetitions.

use crate::error::word;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much a diagnostic matters.
///
/// ```
/// use openai_shim_core::canonical::Severity;
/// assert!(Severity::Info < Severity::Warning && Severity::Warning < Severity::Error);
/// assert_eq!(Severity::Warning.as_str(), "warning");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The form was repaired; the meaning did not change.
    Info,
    /// Something was filled in, dropped or downgraded.
    Warning,
    /// A part of the response is missing or wrong.
    Error,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Error];

    /// `info`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

word!(Severity: "severity");

macro_rules! codes {
    ($($variant:ident $name:literal $severity:ident $meaning:literal;)*) => {
        /// What was changed or found. The names are stable; `docs/diagnostics.md` is generated from this table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DiagnosticCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl DiagnosticCode {
            /// Every code, in the table's order.
            pub const ALL: &'static [DiagnosticCode] = &[$(DiagnosticCode::$variant),*];

            /// The stable, kebab-case name.
            pub fn as_str(self) -> &'static str {
                match self { $(DiagnosticCode::$variant => $name,)* }
            }

            /// How much a diagnostic with this code matters.
            pub fn severity(self) -> Severity {
                match self { $(DiagnosticCode::$variant => Severity::$severity,)* }
            }

            /// The meaning in one sentence, for the documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(DiagnosticCode::$variant => $meaning,)* }
            }
        }
    };
}

codes! {
    ParamDropped "param-dropped" Warning "A request parameter that the upstream does not accept was left out.";
    ParamRenamed "param-renamed" Info "A request parameter was sent under the upstream's own name for it.";
    ParamClamped "param-clamped" Warning "A request parameter was moved into the range that the upstream accepts.";
    ParamIgnored "param-ignored" Warning "The upstream took a request parameter, and its answer does not follow it.";
    ParamDefaulted "param-defaulted" Info "A parameter that the client left out was set from the configured defaults.";
    ParamForced "param-forced" Info "A parameter was set from the configuration, whatever the client sent.";
    DefaultDropped "default-dropped" Info "A parameter that the upstream does not accept was left out: its value is the default anyway.";
    ParamInvalid "param-invalid" Warning "A member of the request has a wrong type: an upstream of the same dialect gets it as it came, any other does not get it.";
    LoneSurrogate "lone-surrogate" Info "Half of a surrogate pair, or NUL, is no text: halves that belong together were put together, the others replaced by U+FFFD.";
    HeaderDropped "header-dropped" Info "A header with a client's option has no meaning for the upstream and was not passed on.";
    PromptToMessages "prompt-to-messages" Info "`prompt` on a chat request became user messages.";
    PromptRendered "prompt-rendered" Info "The conversation was written as one prompt, because the upstream takes no messages.";
    RoleDemoted "role-demoted" Info "A message role that the upstream does not know was sent as another one.";
    ContentFlattened "content-flattened" Info "A list of text parts was sent as one string.";
    ContentRewritten "content-rewritten" Info "A message's content was put into the shape that the upstream accepts.";
    MessagesMerged "messages-merged" Info "Messages were merged because the upstream wants alternating roles or a single system message.";
    ToolChoiceDowngraded "tool-choice-downgraded" Warning "A forced choice among tools was asked for in words, because the upstream cannot be forced.";
    FormatDowngraded "format-downgraded" Warning "A form of answer that the upstream cannot be held to was asked for in words.";
    StopApplied "stop-applied" Info "Stop sequences that the upstream does not take are applied by the shim.";
    ChoicesOneByOne "choices-one-by-one" Info "The upstream gives one answer at a time: it was asked for each one.";
    PropertyNameMapped "property-name-mapped" Info "A parameter's name that the upstream does not accept was sent in another form; calls have the client's name.";
    ToolNameMapped "tool-name-mapped" Info "A tool's name that the upstream does not accept was sent in another form; the answer has the client's name.";
    ToolRepeated "tool-repeated" Info "A tool that the client offers twice was offered once.";
    ToolIdRemapped "tool-id-remapped" Info "Ids of tool calls in the history were put into the form that the upstream accepts.";
    ToolResultMoved "tool-result-moved" Info "The result of a tool call was put behind the call, with the call's id.";
    ToolResultOrphaned "tool-result-orphaned" Warning "The result of a tool call that the history does not have was sent as a user's message.";
    ToolResultMissing "tool-result-missing" Warning "A tool call of the history has no result: one that states so was put in its place.";
    ReasoningDropped "reasoning-dropped" Info "Reasoning in the history was left out, because the upstream refuses it.";
    ReasoningRestored "reasoning-restored" Info "Reasoning that the client did not send back was put back into the history.";
    StateUnavailable "state-unavailable" Warning "What is kept between requests could not be read or written: the request went on without it.";
    ToolWithheld "tool-withheld" Info "A tool that the client declares but does not offer yet (no search has found it, or the conversation took it back) was left out.";
    NativeAsText "native-as-text" Info "What only the client's API has a form for (a result of a server's tool, a reference to a tool, a compaction) was sent as text.";
    MessageDropped "message-dropped" Info "A message that says nothing was left out.";
    BridgeAdded "bridge-added" Info "A short assistant message was put between a tool's result and the user's next message.";
    PrefillRewritten "prefill-rewritten" Warning "An assistant message at the end was sent in another way.";
    SchemaReduced "schema-reduced" Warning "Keywords that the upstream refuses were taken out of a JSON schema.";
    SchemaRewritten "schema-rewritten" Info "A JSON schema was put into the form that the upstream accepts; it means the same.";
    ModelAliased "model-aliased" Info "The model's public name was replaced by the upstream's, and put back in the answer.";
    StreamSimulated "stream-simulated" Info "The client asked for a stream and the upstream answered whole: the answer was cut into a stream.";
    StreamFolded "stream-folded" Info "The client asked for a whole answer and the upstream streamed: the stream was folded.";
    FramingRepaired "framing-repaired" Info "An event stream was not framed as its API frames it, or an answer had another form: an object around it, or an object instead of a list.";
    FrameCorrupt "frame-corrupt" Error "A frame of the stream could not be read and is missing from the answer.";
    JsonRepaired "json-repaired" Info "The upstream's JSON had control characters in its strings: they were escaped.";
    NotANumber "not-a-number" Warning "The upstream's JSON had NaN or Infinity, which JSON does not have: it was read as null.";
    EncodingInvalid "encoding-invalid" Warning "The upstream's text had bytes that are no UTF-8: they were replaced by U+FFFD.";
    FrameForeign "frame-foreign" Info "A frame with nothing in it for the client was left out.";
    ContentTypeWrong "content-type-wrong" Info "The upstream's content type did not fit its body.";
    BodyPadded "body-padded" Info "White space around the JSON body was removed.";
    DoneMissing "done-missing" Info "The stream ended without `[DONE]`; it was added.";
    DataAfterDone "data-after-done" Info "Data after the end of the stream was left out.";
    IdSynthesized "id-synthesized" Info "A missing or empty id was filled in.";
    IdPinned "id-pinned" Info "An id, model or time that changed within one stream was held at its first value.";
    ObjectFilled "object-filled" Info "A missing or wrong `object` was put right.";
    CreatedFilled "created-filled" Info "A missing or unusable `created` was filled in.";
    ModelFilled "model-filled" Info "A missing model name was filled in from the request.";
    FieldDropped "field-dropped" Warning "A member of the answer with a value that OpenAI's types forbid was left out.";
    FieldFilled "field-filled" Info "A member of the answer that OpenAI's types require was filled in.";
    NullDropped "null-dropped" Info "A member that must not be null or empty was left out.";
    CompletionReshaped "completion-reshaped" Info "A text completion that came in the shape of another API was put into its own.";
    RoleFilled "role-filled" Info "The assistant role was added to the message or the first delta.";
    RoleRepeated "role-repeated" Info "A role repeated in a later delta was left out.";
    MessageAsDelta "message-as-delta" Info "A whole message came where a delta was due (or the other way round).";
    ContentJoined "content-joined" Info "Content that came as parts or as an object was turned into text.";
    ChoicesMerged "choices-merged" Info "Text and tool calls of one answer came as two answers; they were put together.";
    ContentAfterFinish "content-after-finish" Warning "Content came after the finish reason; it was put before it.";
    DeltasCumulative "deltas-cumulative" Info "Deltas that repeat all text so far were cut to what is new.";
    ReasoningRenamed "reasoning-renamed" Info "Reasoning text was moved into the field that the other side reads.";
    ReasoningDuplicate "reasoning-duplicate" Info "The same reasoning in several members was kept once.";
    SignatureCarried "signature-carried" Info "The signature of a tool call was put into the call's id, so that it comes back with it.";
    SignatureRemoved "signature-removed" Warning "The signature of reasoning or of a tool call was removed, because the program that embeds the library changed the text that it is for.";
    SignatureSkipped "signature-skipped" Info "A tool call whose signature is not known was marked as such, because the upstream refuses unsigned ones.";
    ReasoningSplit "reasoning-split" Info "Thinking that stood in the text was moved into the reasoning.";
    ReasoningTagUnopened "reasoning-tag-unopened" Warning "A closing tag of reasoning that no tag had opened was left out of the text.";
    ReasoningTagMissing "reasoning-tag-missing" Warning "Reasoning that the prompt had begun had no closing tag: its text is the answer.";
    ReasoningAlone "reasoning-alone" Warning "The answer is reasoning alone: a person who is not shown reasoning sees nothing.";
    ReasoningTagged "reasoning-tagged" Info "Reasoning was put between tags in front of the text, as configured.";
    ToolCallRecovered "tool-call-recovered" Warning "A tool call that stood in the text as markup was turned into a real one.";
    TextHeld "text-held" Info "Text waited for the next event because it might have been markup; nothing of it changed.";
    FenceStripped "fence-stripped" Info "A Markdown fence around the JSON that was asked for was taken off.";
    JsonInvalid "json-invalid" Warning "The client asked for JSON and the model's answer is not what was asked for; it was passed on as it is.";
    ToolIndexSynthesized "tool-index-synthesized" Info "A missing, repeated or sparse tool call index was put right.";
    ToolIdSynthesized "tool-id-synthesized" Info "A missing or empty tool call id was filled in.";
    ToolIdRepeated "tool-id-repeated" Info "A tool call came with the id of an earlier one, and got one of its own.";
    ToolTypeFilled "tool-type-filled" Info "A missing tool call type was filled in.";
    ToolFieldRepeated "tool-field-repeated" Info "An id, type or name repeated in a later tool call fragment was left out.";
    ToolNameLate "tool-name-late" Info "A tool call's name came after its first fragment; what came before it waited.";
    ToolNameMissing "tool-name-missing" Warning "The model called a tool without naming it; the call was passed on as it is.";
    ToolArgumentsShaped "tool-arguments-shaped" Info "Tool call arguments that came as an object, or not at all, were turned into JSON text.";
    ToolArgumentsInvalid "tool-arguments-invalid" Warning "The model's tool call arguments are not JSON; they were passed on as they are.";
    FunctionCallUpgraded "function-call-upgraded" Info "A legacy `function_call` was turned into a tool call.";
    FinishReasonDerived "finish-reason-derived" Info "A missing, empty or contradictory finish reason was derived from the answer.";
    FinishReasonMapped "finish-reason-mapped" Info "A finish reason outside OpenAI's set was mapped into it.";
    FinishReasonRepeated "finish-reason-repeated" Info "A second finish reason was left out.";
    FinishReasonFailed "finish-reason-failed" Error "The upstream ended its answer with a reason that means interrupted or failed.";
    FinishReasonUnknown "finish-reason-unknown" Warning "The finish reason is not known: the answer does not count as complete.";
    ToolCallsMissing "tool-calls-missing" Warning "The finish reason promises tool calls, and none came.";
    UsageMoved "usage-moved" Info "Usage was moved to its own chunk at the end of the stream.";
    UsageNotRequested "usage-unasked" Info "Usage that the client did not ask for was left out.";
    UsageMissing "usage-missing" Warning "The upstream sent no usage where the client is promised one: counters are zero.";
    TokensEstimated "tokens-estimated" Warning "The upstream does not count tokens: the number is an estimate.";
    UsageShaped "usage-shaped" Info "Usage counters that were null, partial or elsewhere were put into OpenAI's shape.";
    RankingRepaired "ranking-repaired" Info "A ranking was put into its form: the order, the number, indexes, scores or documents.";
    RankingIncomplete "ranking-incomplete" Warning "The upstream ranked fewer documents than requested.";
    ScoresUnbounded "scores-unbounded" Warning "The client's API promises scores from 0 to 1, and the model's own scores came.";
    StatusPromoted "status-promoted" Warning "An error came with the wrong status and was given its true one.";
    ErrorReshaped "error-reshaped" Info "An error came in another envelope and was put into the client's.";
    SecretRedacted "secret-redacted" Warning "A key, a file's path or an internal address in an upstream's error was covered.";
    ErrorInStream "error-in-stream" Error "The upstream reported an error in the middle of the stream.";
    StreamTruncated "stream-truncated" Error "The stream ended before the answer was complete.";
    Learned "learned" Warning "The upstream refused the request for a reason that could be repaired: it was changed and sent again.";
    Retried "retried" Warning "The upstream was asked again.";
    FailedOver "failed-over" Warning "Another upstream failed before and could be replaced: this one was asked instead.";
    FallbackUsed "fallback-used" Warning "The answer was synthesized because the upstream had none.";
    FeatureUnsupported "feature-unsupported" Warning "The other dialect has no way to say this; it was left out.";
    ExtraDropped "extra-dropped" Info "A member that the other dialect does not have was left out.";
}

word!(DiagnosticCode: "code of diagnostics");

/// A record of one change or finding.
///
/// ```
/// use openai_shim_core::canonical::{DiagnosticCode, Diagnostics, Severity};
/// let mut diagnostics = Diagnostics::default();
/// diagnostics.record(DiagnosticCode::ParamDropped, "logit_bias", "");
/// let diagnostic = diagnostics.iter().next().unwrap();
/// assert_eq!((diagnostic.code.as_str(), diagnostic.severity()), ("param-dropped", Severity::Warning));
/// assert_eq!(diagnostic.to_string(), "param-dropped [warning] logit_bias");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The code.
    pub code: DiagnosticCode,
    /// The path of the field in the payload (`choices[0].delta.role`); empty for the payload as a whole.
    pub path: String,
    /// The details in a few words; may be empty. It never contains message content or secrets.
    pub detail: String,
    /// How often it occurred in a stream.
    pub count: u32,
}

impl Diagnostic {
    /// How much the diagnostic matters.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.code, self.severity().as_str())?;
        if !self.path.is_empty() {
            write!(f, " {}", self.path)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if self.count > 1 {
            write!(f, " (x{})", self.count)?;
        }
        Ok(())
    }
}

/// Diagnostics in the order of their first occurrence; a repetition increments the count.
///
/// The list is bounded: after 256 different diagnostics, others are counted in [`omitted`](Self::omitted).
///
/// ```
/// use openai_shim_core::canonical::{DiagnosticCode, Severity};
/// use openai_shim_core::convert::ConversionInput;
/// use openai_shim_core::dialect;
/// let answer = br#"{"choices":[{"message":{"content":"hi"}}]}"#;
/// let conversion = ConversionInput::response(dialect("openai-chat")?, answer).convert();
/// let diagnostics = conversion.diagnostics;
/// assert!(diagnostics.has(DiagnosticCode::FinishReasonDerived));
/// for diagnostic in &diagnostics {
///     println!("{diagnostic}");
/// }
/// assert!(diagnostics.iter().all(|diagnostic| diagnostic.severity() < Severity::Error));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    omitted: u32,
}

/// The maximum number of different diagnostics.
const MAX_DIAGNOSTICS: usize = 256;

/// The maximum number of characters of a path or a detail: both may quote what an upstream sent.
const MAX_CHARACTERS: usize = 120;

fn shorten(text: &str) -> &str {
    if text.len() <= MAX_CHARACTERS {
        return text;
    }
    text.char_indices().nth(MAX_CHARACTERS).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

impl Diagnostics {
    /// Records a diagnostic, or increments the count of an equal one.
    pub fn record(&mut self, code: DiagnosticCode, path: &str, detail: &str) {
        let (path, detail) = (shorten(path), shorten(detail));
        if let Some(known) =
            self.list.iter_mut().find(|d| d.code == code && d.path == path && d.detail == detail)
        {
            known.count = known.count.saturating_add(1);
        } else if self.list.len() < MAX_DIAGNOSTICS {
            self.list.push(Diagnostic { code, path: path.to_owned(), detail: detail.to_owned(), count: 1 });
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// The counts of the diagnostics, in list order.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u32> {
        self.list.iter().map(|d| d.count)
    }

    /// Adds to the counts of diagnostics: pairs of a position in the list and a number of repetitions.
    pub(crate) fn increment(&mut self, repetitions: &[(usize, u32)]) {
        for (position, times) in repetitions {
            if let Some(diagnostic) = self.list.get_mut(*position) {
                diagnostic.count = diagnostic.count.saturating_add(*times);
            }
        }
    }

    /// Adds the diagnostics of another list.
    pub fn extend(&mut self, other: &Self) {
        for d in &other.list {
            for _ in 0..d.count.min(1) {
                self.record(d.code, &d.path, &d.detail);
            }
            if d.count > 1
                && let Some(known) = self.list.iter_mut().find(|k| k.code == d.code && k.path == d.path)
            {
                known.count = known.count.saturating_add(d.count - 1);
            }
        }
        self.omitted = self.omitted.saturating_add(other.omitted);
    }

    /// Removes the diagnostics with a code. Returns whether there was one.
    pub(crate) fn discard(&mut self, code: DiagnosticCode) -> bool {
        let before = self.list.len();
        self.list.retain(|known| known.code != code);
        self.list.len() < before
    }

    /// Iterates over the diagnostics in the order of their first occurrence.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// The number of different diagnostics.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are no diagnostics.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many diagnostics are not in the list because it is full.
    pub fn omitted(&self) -> u32 {
        self.omitted
    }

    /// Whether a diagnostic with this code is in the list.
    pub fn has(&self, code: DiagnosticCode) -> bool {
        self.list.iter().any(|d| d.code == code)
    }

    /// The different codes with the number of occurrences, in the order of their first occurrence.
    pub fn codes(&self) -> Vec<(DiagnosticCode, u32)> {
        let mut out: Vec<(DiagnosticCode, u32)> = Vec::new();
        for d in &self.list {
            match out.iter_mut().find(|(code, _)| *code == d.code) {
                Some((_, count)) => *count = count.saturating_add(d.count),
                None => out.push((d.code, d.count)),
            }
        }
        out
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}
