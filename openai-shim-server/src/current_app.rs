//! The state under which new requests are served. A reload replaces it; running requests keep theirs.

use crate::app_state::AppState;
use std::sync::{Arc, PoisonError, RwLock};

/// The state of the configuration that is in effect.
#[derive(Debug)]
pub(crate) struct CurrentApp(RwLock<Arc<AppState>>);

impl CurrentApp {
    pub(crate) fn new(app: AppState) -> Self {
        Self(RwLock::new(Arc::new(app)))
    }

    /// The state for a new request.
    pub(crate) fn get(&self) -> Arc<AppState> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves new requests under another state.
    pub(crate) fn replace(&self, app: AppState) {
        let app = Arc::new(app);
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let previous = std::mem::replace(&mut *current, app);
        drop(current);
        // Dropping it may close connections, which no request shall wait for.
        drop(previous);
    }
}
