//! [`FurtherTargets`]: the targets that were not tried yet, and the client's request for them.

use super::client_request::{ClientRequest, RequestSource};
use super::target::Target;
use crate::canonical::Context;
use crate::error::Error;
use crate::state::Owner;
use http::{HeaderMap, HeaderName};
use std::collections::VecDeque;

/// The targets that were not tried yet, and the client's request for them.
#[derive(Debug)]
pub(super) struct FurtherTargets {
    pub(super) targets: VecDeque<Target>,
    /// The index of the first one in the list that the exchange was started with.
    index: usize,
    source: RequestSource,
    headers: HeaderMap,
    owner: Option<Owner>,
    pub(super) context: Context,
}

impl FurtherTargets {
    pub(super) fn new(client_request: &ClientRequest, targets: VecDeque<Target>, context: &Context) -> Self {
        Self {
            index: 1,
            source: client_request.source(),
            headers: needed_headers(client_request, &targets),
            owner: client_request.owner.clone(),
            context: context.clone(),
            targets,
        }
    }

    /// The next target, with its index in the list.
    pub(super) fn next(&mut self) -> Option<(usize, Target)> {
        let target = self.targets.pop_front()?;
        let index = self.index;
        self.index += 1;
        Some((index, target))
    }

    /// Passes over the next targets that are known to take no more than so many tokens.
    pub(super) fn pass_over_smaller(&mut self, tokens: u64) {
        let takes_no_more = |target: &Target| target.context_tokens.is_some_and(|other| other <= tokens);
        while self.targets.front().is_some_and(takes_no_more) {
            self.next();
        }
    }

    /// The client's request, read again.
    pub(super) fn client_request(&self) -> Result<ClientRequest, Error> {
        let mut client_request = self.source.read()?;
        client_request.headers.clone_from(&self.headers);
        client_request.owner.clone_from(&self.owner);
        Ok(client_request)
    }
}

/// The client's headers that a target may get, and those whose loss is reported.
fn needed_headers(client_request: &ClientRequest, targets: &VecDeque<Target>) -> HeaderMap {
    let mut needed = HeaderMap::new();
    let all = &client_request.headers;
    let is_sent = |name: &String| all.contains_key(name.as_str());
    for target in targets.iter().filter(|target| target.profile.forward_headers.iter().any(is_sent)) {
        target.profile.pass_headers(all, &mut needed);
    }
    for name in client_request.client.headers().feature_headers {
        if all.contains_key(*name) && !needed.contains_key(*name) {
            needed.extend(
                all.get_all(*name).iter().map(|value| (HeaderName::from_static(name), value.clone())),
            );
        }
    }
    needed
}
