//! The words of model lists, and the parts of names, that say what a model is for or what it can do.

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelKind {
    /// It writes text: chats and completions.
    Chat,
    /// It embeds texts.
    Embedding,
    /// It ranks documents.
    Reranker,
    /// It transcribes or synthesizes speech.
    Speech,
    /// It draws.
    Image,
    /// It judges, films or translates: anything else that is no chat.
    Other,
}

/// What a word in a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Kind(ModelKind),
    Tools,
    Vision,
    Thinking,
    Insert,
}

/// The terms of lists, in small letters without the signs between them.
const WORDS: [(Topic, &[&str]); 10] = [
    (
        Topic::Kind(ModelKind::Chat),
        &[
            "completion",
            "completions",
            "chat",
            "chatcompletion",
            "chatcompletions",
            "completionchat",
            "responses",
            "messages",
            "llm",
            "vlm",
            "language",
            "languagemodel",
            "textgeneration",
            "textchat",
            "imagechat",
            "visualquestionanswering",
            "texttotext",
            "imagetexttotext",
            "generate",
            "generatecontent",
            "streamgeneratecontent",
            "supportschat",
            "code",
        ],
    ),
    (
        Topic::Kind(ModelKind::Embedding),
        &[
            "embedding",
            "embeddings",
            "embed",
            "embedcontent",
            "batchembedcontents",
            "textembedding",
            "textembeddings",
            "embeddingmodel",
            "embedimage",
            "featureextraction",
            "sentencesimilarity",
            "imageembed",
            "audioembed",
            "imageembedding",
            "supportsembeddings",
        ],
    ),
    (
        Topic::Kind(ModelKind::Reranker),
        &["rerank", "reranker", "reranking", "ranking", "textranking", "textrerank", "jinarerank", "score"],
    ),
    (
        Topic::Kind(ModelKind::Speech),
        &[
            "audio",
            "speech",
            "tts",
            "stt",
            "asr",
            "texttospeech",
            "speechtotext",
            "transcription",
            "transcriptions",
            "transcribe",
            "audiotranscription",
            "audiotranscriptions",
            "audiotranslations",
            "audiospeech",
            "automaticspeechrecognition",
            "timestampedtranscription",
            "voice",
        ],
    ),
    (
        Topic::Kind(ModelKind::Image),
        &[
            "imagegeneration",
            "imagegenerations",
            "texttoimage",
            "imagetoimage",
            "imagesgenerations",
            "imagesedits",
            "diffusion",
            "fluminabasemodel",
        ],
    ),
    (
        Topic::Kind(ModelKind::Other),
        &[
            "moderation",
            "moderations",
            "video",
            "texttovideo",
            "imagetovideo",
            "openaivideo",
            "predict",
            "predictlongrunning",
            "bidigeneratecontent",
            "generateanswer",
            "classify",
            "ocr",
        ],
    ),
    (
        Topic::Tools,
        &[
            "tools",
            "tooluse",
            "toolchoice",
            "toolcalls",
            "toolcall",
            "toolcalling",
            "functioncalling",
            "functioncall",
            "trainedfortooluse",
            "supportstools",
            "supportsfunctioncalling",
            "supportstooluse",
            "supportstoolcalling",
        ],
    ),
    (
        Topic::Vision,
        &[
            "vision",
            "image",
            "imageinput",
            "multimodal",
            "supportsvision",
            "supportsimageinput",
            "supportsimages",
            "imageunderstanding",
        ],
    ),
    (
        Topic::Thinking,
        &[
            "thinking",
            "reasoning",
            "includereasoning",
            "reasoningeffort",
            "maxthinkingbudget",
            "adaptivethinking",
            "supportsreasoning",
            "supportsthinking",
        ],
    ),
    (Topic::Insert, &["insert", "fim", "completionfim", "infill", "fillinthemiddle", "supportsfim"]),
];

pub(super) fn topic(word: &str) -> Option<Topic> {
    // `/v1/chat/completions` (LiteLLM), `llm/v1/embeddings` (Databricks)
    let word = word.rsplit_once("v1/").map_or(word, |(_, route)| route);
    let word: String =
        word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WORDS.iter().find(|(_, terms)| terms.contains(&word.as_str())).map(|(topic, _)| *topic)
}

/// Parts of the names of models that are no chats, for lists without any other sign; the first one counts. A hyphen stands for
/// any sign between words, and for the beginning and the end.
const NAME_PARTS: [(&str, ModelKind); 32] = [
    ("-rerank", ModelKind::Reranker),
    ("-embed", ModelKind::Embedding),
    ("-voyage-", ModelKind::Embedding),
    ("-jina-clip-", ModelKind::Embedding),
    ("-colbert-", ModelKind::Embedding),
    ("-sentence-transformers-", ModelKind::Embedding),
    ("-paraphrase-", ModelKind::Embedding),
    ("-bge-", ModelKind::Embedding),
    ("-e5-", ModelKind::Embedding),
    ("-gte-", ModelKind::Embedding),
    ("-minilm-", ModelKind::Embedding),
    ("-mpnet-", ModelKind::Embedding),
    ("-whisper-", ModelKind::Speech),
    ("-transcribe-", ModelKind::Speech),
    ("-tts-", ModelKind::Speech),
    ("-kokoro-", ModelKind::Speech),
    ("-orpheus-", ModelKind::Speech),
    ("-parakeet-", ModelKind::Speech),
    ("-sensevoice", ModelKind::Speech),
    ("-cosyvoice", ModelKind::Speech),
    ("-dall-e-", ModelKind::Image),
    ("-gpt-image-", ModelKind::Image),
    ("-imagen-", ModelKind::Image),
    ("-flux-", ModelKind::Image),
    ("-stable-diffusion-", ModelKind::Image),
    ("-sdxl-", ModelKind::Image),
    ("-moderation-", ModelKind::Other),
    ("-ocr-", ModelKind::Other),
    ("-sora-", ModelKind::Other),
    ("-veo-", ModelKind::Other),
    ("-gpt-realtime-", ModelKind::Other),
    ("-realtime-preview-", ModelKind::Other),
];

pub(super) fn kind_of_name(id: &str) -> Option<ModelKind> {
    let id = id.to_ascii_lowercase();
    let parts: Vec<_> = id.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()).collect();
    let name = format!("-{}-", parts.join("-"));
    NAME_PARTS.iter().find(|(part, _)| name.contains(part)).map(|(_, kind)| *kind)
}
