//! A profile from what a person writes: layers over a built-in row, checked.

use super::adapt::Adaptation;
use super::definition::{Profile, ProfileLayer};
use super::error::ProfileError;
use super::lookup::profile;
use crate::overlay::Overlay;

impl ProfileLayer {
    /// A layer over the built-in profile of that name, which sets nothing yet.
    ///
    /// ```
    /// use openai_shim_core::profile::ProfileLayer;
    /// let lab = ProfileLayer::inherit("vllm").with_name("lab").with_base_url("http://10.0.0.7:8000/v1").build()?;
    /// assert_eq!(lab.dialect, "openai-chat");
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    pub fn inherit(name: impl Into<String>) -> Self {
        Self { inherit: Some(name.into()), ..Self::default() }
    }

    /// The profile that the layer describes, over the built-in profile that it inherits from. Without one it lies over
    /// `Profile::default()`, which changes nothing in a request.
    ///
    /// # Errors
    /// There is no such built-in profile, or rules cannot work.
    pub fn build(&self) -> Result<Profile, ProfileError> {
        let Some(name) = &self.inherit else { return Profile::default().overlay(self) };
        let mut below = profile(name).map_err(|error| error.at("inherit"))?;
        // Only the built-in profile is found by its hosts.
        below.hosts.clear();
        below.overlay(&Self { inherit: None, ..self.clone() })
    }
}

impl TryFrom<ProfileLayer> for Profile {
    type Error = ProfileError;

    fn try_from(layer: ProfileLayer) -> Result<Self, ProfileError> {
        layer.build()
    }
}

impl Profile {
    /// The profile with the rules that the layer sets.
    ///
    /// ```
    /// use openai_shim_core::accepts::ParamLayer;
    /// use openai_shim_core::profile::ProfileLayer;
    /// let vllm = openai_shim_core::profile("vllm")?;
    /// let layer = ProfileLayer::default().with_params(ParamLayer::default().with_drop(["...", "seed"]));
    /// assert!(vllm.overlay(&layer)?.params.drop.is_some());
    /// # Ok::<(), openai_shim_core::profile::ProfileError>(())
    /// ```
    ///
    /// # Errors
    /// Rules cannot work: the error has their keys. Overrides are counted from the layer's first.
    pub fn overlay(&self, layer: &ProfileLayer) -> Result<Self, ProfileError> {
        if layer.inherit.is_some() {
            let problem =
                "this layer lies over another profile already; leave inherit out, or build it by itself";
            return Err(ProfileError::new("inherit", problem));
        }
        let mut profile = self.clone();
        Overlay::overlay(&mut profile, layer);
        ProfileError::check(profile.invalid_rules_from(self.model_overrides.len()))?;
        Ok(profile)
    }

    /// The profile with adaptations, such as those of a [`Report`](crate::Report) that was stored.
    ///
    /// ```
    /// use openai_shim_core::profile::Adaptation;
    /// let stored = r#"[{"drop_param":"seed"},"merge_system"]"#;
    /// let adaptations: Vec<Adaptation> = serde_json::from_str(stored)?;
    /// let profile = openai_shim_core::profile("vllm")?.with_adaptations(&adaptations)?;
    /// assert_eq!(profile.messages.merge_system, Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Rules cannot work, which only happens to adaptations that no upstream caused.
    pub fn with_adaptations(&self, adaptations: &[Adaptation]) -> Result<Self, ProfileError> {
        let mut profile = self.clone();
        for adaptation in adaptations {
            adaptation.apply(&mut profile);
        }
        ProfileError::check(profile.invalid_rules())?;
        Ok(profile)
    }
}
