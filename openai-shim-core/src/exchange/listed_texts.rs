//! Requests that have texts and no conversation, embeddings and rankings, as a program reads and changes them.

use super::request_kind::RequestKind;
use crate::canonical::{Diagnostics, EmbedRequest, Message, Request, RerankRequest, Role};
use crate::dialect::auxiliary::{AuxiliaryRequest, EmbeddingsApi};
use crate::dialect::rerank::RerankForm;
use crate::dialect::url::split_query;
use crate::error::ClientError;
use crate::json::{decode_string, string_or_json};

/// The form of such a request.
#[derive(Debug, Clone)]
pub(crate) enum TextsForm {
    /// Embeddings. `name` is the path's variable part, which may be the model.
    Embeddings { api: &'static dyn EmbeddingsApi, name: String },
    /// A ranking.
    Ranking(&'static RerankForm),
}

/// A request of either form.
#[derive(Debug)]
pub(crate) enum ReadTexts {
    Embeddings(EmbedRequest),
    Ranking(RerankRequest),
}

impl TextsForm {
    pub(super) fn kind(&self) -> RequestKind {
        match self {
            Self::Embeddings { .. } => RequestKind::Embeddings,
            Self::Ranking(_) => RequestKind::Ranking,
        }
    }

    /// Reads a body.
    pub(crate) fn read(
        &self,
        path: &str,
        body: &[u8],
        diagnostics: &mut Diagnostics,
    ) -> Result<ReadTexts, ClientError> {
        let (path, query) = split_query(path);
        let query = query.trim_start_matches('?');
        match self {
            Self::Embeddings { api, name } => {
                let request = AuxiliaryRequest { name, path, query, body };
                Ok(ReadTexts::Embeddings(api.decode_request(&request, diagnostics)?))
            }
            Self::Ranking(form) => {
                let request = AuxiliaryRequest { name: "", path, query, body };
                Ok(ReadTexts::Ranking(form.decode_request(&request, diagnostics)?))
            }
        }
    }
}

impl ReadTexts {
    /// The same for another model.
    pub(super) fn with_model(mut self, name: String) -> Self {
        match &mut self {
            Self::Embeddings(EmbedRequest { model, .. }) | Self::Ranking(RerankRequest { model, .. }) => {
                *model = name;
            }
        }
        self
    }

    /// The model and the texts in the canonical model: each text is a message of the user.
    pub(super) fn to_request(&self) -> Request {
        let mut request = Request { is_prompt: true, ..Request::default() };
        let texts: Vec<String> = match self {
            Self::Embeddings(embeddings) => {
                request.model.clone_from(&embeddings.model);
                let texts = embeddings.texts().unwrap_or_default();
                texts.into_iter().filter_map(decode_string).map(Into::into).collect()
            }
            Self::Ranking(ranking) => {
                request.model.clone_from(&ranking.model);
                let documents = ranking.documents.iter().flatten();
                std::iter::once(&ranking.query)
                    .chain(documents)
                    .map(|text| string_or_json(text).into_owned())
                    .collect()
            }
        };
        let messages = texts.into_iter().map(|text| Message::text(Role::User, text));
        request.messages.edit().extend(messages);
        request
    }
}
