//! How a conversation begins: a client's request to a digest that all requests of one conversation share.

use super::client_request::ClientRequest;
use crate::accepts::REQUEST_NONCE;
use crate::canonical::Role;
use crate::canonical::digest::Digest;
use memchr::memmem;

impl ClientRequest {
    /// A digest of how the conversation begins: of the text of its instructions, and of the user's first message. All requests of a
    /// conversation have the same one, on every machine and in every release, so that they can go where its beginning is cached.
    ///
    /// ```
    /// use openai_shim_core::exchange::ClientRequest;
    /// let start = |body: &'static str| {
    ///     let read = ClientRequest::read("openai-chat".parse()?, "", body.into())?;
    ///     Ok::<_, Box<dyn std::error::Error>>(read.conversation_start())
    /// };
    /// let first = start(r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#)?;
    /// let second = start(r#"{"model":"m","messages":[{"role":"user","content":"hi"},
    ///     {"role":"assistant","content":"hello"},{"role":"user","content":"more"}]}"#)?;
    /// assert_eq!(first, second);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conversation_start(&self) -> u64 {
        let mut digest = Digest::new();
        for message in &self.request.messages {
            let is_instruction = matches!(message.role, Role::System | Role::Developer);
            if !is_instruction && message.role != Role::User {
                continue;
            }
            for text in message.blocks.iter().filter_map(|block| block.as_text()) {
                // Claude Code begins its instructions with a line that differs with each request.
                if memmem::find(text.as_bytes(), REQUEST_NONCE.as_bytes()).is_none() {
                    digest.add_field(text.as_bytes());
                    continue;
                }
                for line in text.lines().filter(|line| !line.trim_start().starts_with(REQUEST_NONCE)) {
                    digest.add_field(line.as_bytes());
                }
            }
            if !is_instruction {
                break;
            }
        }
        let digest = digest.value();
        u64::try_from(digest & u128::from(u64::MAX)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::dialect;

    fn start(body: &str) -> u64 {
        let anthropic = dialect("anthropic-messages").unwrap();
        ClientRequest::read(anthropic, "", body.to_owned().into()).unwrap().conversation_start()
    }

    #[test]
    fn another_beginning_is_another_conversation_and_a_nonce_is_none() {
        let body = |nonce: &str, system: &str, user: &str| {
            format!(
                r#"{{"model":"m","max_tokens":9,"system":[{{"type":"text","text":"{REQUEST_NONCE} {nonce}"}},
                   {{"type":"text","text":"{system}"}}],"messages":[{{"role":"user","content":"{user}"}}]}}"#
            )
        };
        let first = start(&body("1", "Be brief.", "hi"));
        assert_eq!(first, start(&body("2", "Be brief.", "hi")));
        assert_ne!(first, start(&body("1", "Be polite.", "hi")));
        assert_ne!(first, start(&body("1", "Be brief.", "hello")));
    }
}
