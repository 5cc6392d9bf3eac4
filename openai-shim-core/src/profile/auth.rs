//! How an upstream gets its key.

use super::error::ProfileError;
use crate::overlay::rules;
use http::{HeaderName, HeaderValue};

rules! {
    /// How the key is sent.
    #[derive(Eq)]
    pub struct Auth,
    ///
    /// ```
    /// use openai_shim_core::profile::{AuthLayer, ProfileLayer};
    /// let auth = AuthLayer::default().with_header("x-acme-key").with_prefix("");
    /// let profile = ProfileLayer::inherit("vllm").with_auth(auth).build()?;
    /// assert_eq!(profile.auth.header_for("secret")?.0, "x-acme-key");
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    AuthLayer {
        /// The header's name.
        pub header: String as with_header(into) = String::from("authorization"),
        /// What precedes the key, with its space (`"Bearer "`).
        pub prefix: String as with_prefix(into) = String::from("Bearer "),
    }
}

impl Auth {
    /// The header that carries a key. Its value is marked as sensitive.
    ///
    /// # Errors
    /// The header has no valid name, or the prefix or the key has characters that no header may have.
    pub fn header_for(&self, key: &str) -> Result<(HeaderName, HeaderValue), ProfileError> {
        let name = HeaderName::try_from(self.header.as_str()).map_err(|_| {
            let problem =
                format!("{:?} is not the name of a header; write one such as \"x-api-key\"", self.header);
            ProfileError::new("auth.header", problem)
        })?;
        HeaderValue::try_from(self.prefix.as_str()).map_err(|_| {
            let problem = "has characters that no header may have; write one such as \"Bearer \"";
            ProfileError::new("auth.prefix", problem)
        })?;
        let mut value = HeaderValue::try_from(format!("{}{key}", self.prefix)).map_err(|_| {
            ProfileError::new("auth", "the key has characters that no header may have; write it without them")
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}
