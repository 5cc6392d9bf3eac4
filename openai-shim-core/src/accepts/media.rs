//! Which images, audio and files a side accepts, in which places and in which form.

use crate::overlay::rules;

/// The kinds of media.
pub const MODALITIES: [&str; 3] = ["image", "audio", "file"];

/// How media may be given: inside the payload, by an address, or by the id of a file that was uploaded before.
pub const MEDIA_SOURCES: [&str; 3] = ["base64", "url", "file_id"];

fn all(names: [&str; 3]) -> Vec<String> {
    names.map(String::from).to_vec()
}

rules! {
    /// Which images, audio and files (`image`, `audio`, `file`) an upstream accepts, in which places and in which form.
    #[derive(Eq)]
    pub struct MediaRules,
    ///
    /// ```
    /// use openai_shim_core::accepts::MediaLayer;
    /// let media = MediaLayer::default().with_in_user(["image"]).with_image_types(["image/png", "image/jpeg"]);
    /// assert_eq!(media.in_user.unwrap(), ["image"]);
    /// ```
    MediaLayer {
        /// What is accepted in messages of the user. What is accepted nowhere is left out, with a warning.
        pub in_user: Vec<String> as with_in_user(list) = all(MODALITIES),
        /// What is accepted in tool results. The rest is moved into a user message behind all results of the turn.
        pub in_tool_results: Vec<String> as with_in_tool_results(list) = all(MODALITIES),
        /// What is moved out of tool results stands in the message of the last of them, and not in one of its own.
        pub beside_results: bool as with_beside_results,
        /// What is accepted in messages of the assistant. The rest is moved into the user's next message.
        pub in_assistant: Vec<String> as with_in_assistant(list) = all(MODALITIES),
        /// What is accepted in system messages. The rest is moved into the user's next message.
        pub in_system: Vec<String> as with_in_system(list) = all(MODALITIES),
        /// Media types of images that are accepted (`image/png`); empty: all. Others are left out, with a warning.
        pub image_types: Vec<String> as with_image_types(list),
        /// Media types of files that are accepted (`application/pdf`, `text/*`); empty: all. Another file of text is sent as
        /// `text/plain` where that is accepted; others are left out, with a warning.
        pub file_types: Vec<String> as with_file_types(list),
        /// Media types of audio that are accepted (`audio/wav`); empty: all. Others are left out, with a warning.
        pub audio_types: Vec<String> as with_audio_types(list),
        /// How images may be given (`base64`, `url`, `file_id`). Others are left out, with a warning.
        pub image_sources: Vec<String> as with_image_sources(list) = all(MEDIA_SOURCES),
        /// How audio may be given.
        pub audio_sources: Vec<String> as with_audio_sources(list) = all(MEDIA_SOURCES),
        /// How files may be given.
        pub file_sources: Vec<String> as with_file_sources(list) = all(MEDIA_SOURCES),
        /// The beginning of the ids of this vendor's files. Of clients of other vendors' dialects other ids are left out, with
        /// a warning.
        pub file_id_prefix: String as with_file_id_prefix(into),
        /// Schemes of URLs that are fetched; empty: all. Media at other addresses are left out, with a warning.
        pub url_schemes: Vec<String> as with_url_schemes(list),
        /// Words for the resolution of an image (`detail`) that are accepted; absent: all. `original` becomes `high`, others
        /// are dropped.
        pub image_details: Option<Vec<String>> as with_image_details(list),
        /// Base64 is sent without its media type, which then may be unknown.
        pub untyped: bool as with_untyped,
        /// What is sent with its name or title. The names of other media are dropped, with a warning.
        pub named: Vec<String> as with_named(list) = all(MODALITIES),
    }
}
