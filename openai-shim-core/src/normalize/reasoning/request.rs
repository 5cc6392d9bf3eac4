//! The request for reasoning to one that the upstream accepts: its parameter, its modes, its amounts, and what is shown.
//!
//! A request in the upstream's own parameter is changed only where it violates a rule; any other is translated.

use super::amount::{budget_of_effort, effort_of_budget, is_greater, is_known, least_effort, nearest_effort};
use super::signed_calls::lacks_signed_reasoning;
use crate::accepts::{
    ReasoningAmount, ReasoningDefault, ReasoningParam, ReasoningRules, ReasoningVisibility,
};
use crate::canonical::{
    DiagnosticCode, Diagnostics, Reasoning, ReasoningDisplay, ReasoningMode, Request, ToolChoice,
};
use crate::normalize::recipient::Recipient;
use crate::profile::native_reasoning;

/// The limit on the response's length that budgets are a share of, for requests without one.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// Changes what a request asks for to what the recipient accepts. `client_model` is the client's own name of the model.
pub(in crate::normalize) fn normalize(
    request: &mut Request,
    recipient: &Recipient<'_>,
    client_model: &str,
    diagnostics: &mut Diagnostics,
) {
    let rules = &recipient.accepts.reasoning;
    let is_forced = matches!(*request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)));
    let is_refused_beside_tools = is_forced && !rules.with_forced_tools;
    if !request.reasoning.is_requested() {
        return;
    }
    let requested = &*request.reasoning;
    let is_same_dialect = recipient.client.extra_fields_name() == recipient.dialect.extra_fields_name();
    let is_any = rules.param == ReasoningParam::Any && requested.params.has_chat();
    let is_own = is_same_dialect && (is_any || requested.params.contains(rules.param));
    let param = match rules.param {
        ReasoningParam::Any => requested.params.first_of_chat().unwrap_or(ReasoningParam::ReasoningEffort),
        // A profile's parameter is one of chat; its server may also have an API without any.
        param if param.is_of_chat() && recipient.dialect.params().path("reasoning_effort").is_none() => {
            ReasoningParam::Unsupported
        }
        param => param,
    };
    let max_tokens = request.max_tokens.map_or(DEFAULT_MAX_TOKENS, |limit| limit.tokens);
    let client = Client { dialect: recipient.client.name(), model: client_model };
    let field = requested.field_path();
    let feature = rules.larger_budget_feature.as_str();
    let is_larger = !feature.is_empty() && recipient.features.contains(feature);
    let limit = (rules.budget_below_max_tokens && !is_larger).then(|| max_tokens.saturating_sub(1));
    let mut fit = Fit { rules, param, is_own, max_tokens, limit, client, field, diagnostics };
    let mut reasoning = Reasoning { param, ..requested.clone() };
    fit.all(&mut reasoning);
    if is_refused_beside_tools && !reasoning.is_off() && fit.is_on(&reasoning) {
        fit.give_up(&mut reasoning, "not while a tool is demanded");
    }
    if rules.requires_signed_calls && reasoning.budget.is_some() && lacks_signed_reasoning(&request.messages)
    {
        fit.give_up(&mut reasoning, "the thinking before the last tool call did not come back");
    }
    let is_same = is_own
        && (reasoning.mode, &reasoning.effort, reasoning.budget, reasoning.display)
            == (requested.mode, &requested.effort, requested.budget, requested.display);
    if !is_same {
        request.reasoning.set(reasoning);
    }
}

/// The client's side, as far as it decides what a request means.
#[derive(Clone, Copy)]
struct Client<'c> {
    dialect: &'c str,
    model: &'c str,
}

impl Client<'_> {
    /// What the client's own vendor states about the model that the client named.
    fn vendor_rules(self) -> ReasoningRules {
        native_reasoning(self.dialect, self.model).unwrap_or_default()
    }
}

/// What reasoning is fitted to.
struct Fit<'f> {
    rules: &'f ReasoningRules,
    /// The parameter that the upstream gets.
    param: ReasoningParam,
    /// The client sent that parameter.
    is_own: bool,
    max_tokens: u64,
    /// The largest budget beside the limit on the response's length.
    limit: Option<u64>,
    client: Client<'f>,
    /// The client's name of the field.
    field: &'static str,
    diagnostics: &'f mut Diagnostics,
}

impl Fit<'_> {
    fn record(&mut self, code: DiagnosticCode, detail: &str) {
        self.diagnostics.record(code, self.field, detail);
    }

    fn record_change(&mut self, from: &str, to: &str) {
        self.record(DiagnosticCode::ParamClamped, &format!("{from} to {to}"));
    }

    /// Whether a value of `thinking.type` is accepted.
    fn accepts_mode(&self, mode: &str) -> bool {
        self.rules.modes.is_empty() || self.names_mode(mode)
    }

    fn names_mode(&self, mode: &str) -> bool {
        self.rules.modes.iter().any(|accepted| accepted == mode)
    }

    /// Whether an effort can be sent.
    fn takes_effort(&self) -> bool {
        let is_budget_only = self.rules.amount == ReasoningAmount::Budget;
        !self.rules.efforts.is_empty() || (self.param.has_effort() && !is_budget_only)
    }

    /// Whether a request makes the model reason.
    fn is_on(&self, reasoning: &Reasoning) -> bool {
        let by_effort = reasoning.effort.is_some() && !self.rules.effort_of_response;
        match reasoning.mode {
            Some(mode) => mode != ReasoningMode::Off,
            None => reasoning.budget.is_some() || by_effort || self.rules.default == ReasoningDefault::On,
        }
    }

    fn all(&mut self, reasoning: &mut Reasoning) {
        if self.param == ReasoningParam::Unsupported {
            return self.drop_all(reasoning);
        }
        self.effort_of_response(reasoning);
        if !reasoning.is_requested() {
            return;
        }
        if self.is_own && self.rules.param == ReasoningParam::Any {
            return self.any(reasoning);
        }
        if !self.is_own && reasoning.params.has_chat() && self.param.is_of_chat() {
            self.record(DiagnosticCode::ParamRenamed, name_of(self.param));
        }
        if reasoning.mode == Some(ReasoningMode::BetweenTools)
            && !self.names_mode("between_tools")
            && (!self.rules.modes.is_empty() || !self.is_own)
        {
            self.record_change("between_tools", "off");
            reasoning.mode = Some(ReasoningMode::Off);
        }
        let was_off = reasoning.is_off();
        if was_off {
            self.off(reasoning);
        } else {
            self.amount(reasoning);
            self.mode(reasoning);
        }
        self.effort(reasoning);
        self.display(reasoning, was_off);
    }

    /// Fits a request in whatever parameters the client uses, of which an upstream may read any: only the effort.
    fn any(&mut self, reasoning: &mut Reasoning) {
        if !reasoning.is_off() {
            self.effort(reasoning);
        } else if !self.rules.efforts.is_empty() && self.param == ReasoningParam::ReasoningEffort {
            self.off(reasoning);
        }
    }

    /// Drops the request for an upstream that has no parameter for it.
    fn drop_all(&mut self, reasoning: &mut Reasoning) {
        let is_lost = !reasoning.is_off() || self.rules.default != ReasoningDefault::Off;
        if is_lost {
            self.record(DiagnosticCode::ParamDropped, "");
        } else if reasoning.params.has_chat() {
            self.record(DiagnosticCode::ExtraDropped, "it does not reason");
        }
        clear(reasoning);
    }

    /// An effort of the whole response is a request for reasoning only if the model that the client named reasons by default.
    fn effort_of_response(&mut self, reasoning: &mut Reasoning) {
        if reasoning.effort.is_none() || !reasoning.effort_of_response || self.rules.effort_of_response {
            return;
        }
        reasoning.effort_of_response = false;
        let is_request = match reasoning.mode {
            Some(mode) => mode != ReasoningMode::Off,
            None => reasoning.budget.is_some() || self.client.vendor_rules().default != ReasoningDefault::Off,
        };
        if !is_request {
            reasoning.effort = None;
            self.record(DiagnosticCode::ParamDropped, "an effort without reasoning");
        }
    }

    /// Switches reasoning off, or as low as it goes.
    fn off(&mut self, reasoning: &mut Reasoning) {
        let rules = self.rules;
        let is_word = !self.param.has_switch() || self.param == ReasoningParam::Reasoning;
        let has_word = rules.efforts.is_empty() || rules.efforts.iter().any(|effort| effort == "none");
        if self.accepts_mode("disabled") && (!is_word || has_word) {
            reasoning.budget = None;
            let keeps_effort = rules.effort_of_response || (self.is_own && !is_word);
            if !keeps_effort && reasoning.effort.take().is_some() {
                self.record(DiagnosticCode::ExtraDropped, "reasoning is off");
            }
            return;
        }
        let effort = reasoning.effort.take();
        clear(reasoning);
        if self.names_mode("between_tools") {
            (reasoning.mode, reasoning.effort) = (Some(ReasoningMode::BetweenTools), effort);
            self.record_change("off", "between_tools");
        } else if rules.default == ReasoningDefault::Off {
            if self.is_own {
                self.record(DiagnosticCode::ExtraDropped, "it is off unless it is requested");
            }
        } else if let Some(least) = least_effort(&rules.efforts).filter(|_| self.takes_effort()) {
            reasoning.effort = Some(least.to_owned());
            reasoning.mode = self.on_mode();
            self.record_change("off", least);
        } else if let (true, Some(least)) = (self.param.has_budget(), rules.min_budget) {
            (reasoning.mode, reasoning.budget) = (Some(ReasoningMode::On), Some(u64::from(least)));
            self.record_change("off", &least.to_string());
        } else {
            self.record(DiagnosticCode::ParamDropped, "it cannot be switched off");
        }
    }

    /// How an effort is accompanied.
    fn on_mode(&self) -> Option<ReasoningMode> {
        let is_adaptive = self.names_mode("adaptive");
        let on = if is_adaptive { ReasoningMode::Adaptive } else { ReasoningMode::On };
        (self.param.has_switch() && (is_adaptive || !self.param.has_effort())).then_some(on)
    }

    /// Sends an effort as a budget, or a budget as an effort, where only the other one is accepted or usual.
    fn amount(&mut self, reasoning: &mut Reasoning) {
        let rules = self.rules;
        let takes_budget = self.param.has_budget()
            && match rules.amount {
                ReasoningAmount::Any => self.is_own,
                ReasoningAmount::Budget => true,
                ReasoningAmount::Effort => false,
            };
        if let Some(budget) = reasoning.budget.filter(|_| !takes_budget) {
            reasoning.budget = None;
            reasoning.effort.get_or_insert_with(|| effort_of_budget(budget).to_owned());
            self.record(DiagnosticCode::ParamRenamed, "a budget, as an effort");
        }
        let is_budget_usual =
            rules.amount == ReasoningAmount::Any && !self.is_own && !rules.budgets.is_empty();
        let prefers_budget =
            self.param.has_budget() && (is_budget_usual || rules.amount == ReasoningAmount::Budget);
        if let Some(effort) = reasoning.effort.clone().filter(|_| prefers_budget) {
            let is_alone = reasoning.effort_of_response && reasoning.mode.is_none();
            if reasoning.budget.is_none() && !is_alone {
                match budget_of_effort(&effort, rules, self.max_tokens) {
                    Some(budget) => {
                        reasoning.budget = Some(self.within_range(budget));
                        self.record(DiagnosticCode::ParamRenamed, "an effort, as a budget");
                    }
                    None => self.record(DiagnosticCode::FeatureUnsupported, &effort),
                }
                if rules.efforts.is_empty() {
                    reasoning.effort = None;
                }
            } else if rules.efforts.is_empty() {
                reasoning.effort = None;
                self.record(DiagnosticCode::ParamDropped, "the effort");
            }
        }
        if let Some(effort) = reasoning.effort.clone().filter(|_| !self.takes_effort()) {
            // A switch: the least effort is nearer to off.
            reasoning.effort = None;
            if effort == "minimal" && self.accepts_mode("disabled") {
                reasoning.mode = Some(ReasoningMode::Off);
                self.record_change("minimal", "off");
            } else if reasoning.mode.is_none() {
                reasoning.mode = Some(ReasoningMode::On);
            }
        }
        if let Some(budget) = reasoning.budget {
            self.budget(budget, reasoning);
        }
    }

    fn within_range(&self, budget: u64) -> u64 {
        let budget = budget.max(self.rules.min_budget.unwrap_or(0).into());
        budget.min(self.rules.max_budget.unwrap_or(u32::MAX).into())
    }

    /// Moves a budget into the range of the rules, and leaves room for the answer if the limit on the response includes it.
    fn budget(&mut self, budget: u64, reasoning: &mut Reasoning) {
        let accepted = self.within_range(budget).min(self.limit.unwrap_or(u64::MAX));
        if accepted < self.rules.min_budget.unwrap_or(0).into() {
            return self.give_up(reasoning, "max_tokens leaves no room for thinking");
        }
        if accepted != budget {
            self.record_change(&budget.to_string(), &accepted.to_string());
        }
        reasoning.budget = Some(accepted);
    }

    /// Fits the value of `thinking.type`, or what corresponds to it.
    fn mode(&mut self, reasoning: &mut Reasoning) {
        use ReasoningMode::{Adaptive, Off, On};
        let is_amount = reasoning.budget.is_some() || reasoning.effort.is_some();
        let is_effort_alone = self.rules.effort_of_response && reasoning.effort_of_response;
        if reasoning.mode.is_none() && is_amount && !self.is_own && !is_effort_alone {
            let needs_mode = reasoning.budget.is_some() || self.on_mode().is_some();
            reasoning.mode = Some(On).filter(|_| needs_mode && self.param.has_switch());
        }
        // Some upstreams show what a model thinks only if it is asked to think.
        let is_shown = reasoning.display.is_some_and(|display| display != ReasoningDisplay::Omitted);
        if reasoning.mode.is_none() && !is_amount && is_shown && self.names_mode("adaptive") && !self.is_own {
            reasoning.mode = Some(Adaptive);
        }
        match reasoning.mode {
            None | Some(Off) => {}
            Some(_) if !self.param.has_switch() => {
                if !is_amount && self.rules.default != ReasoningDefault::On {
                    self.record(DiagnosticCode::ParamDropped, "reasoning without an effort");
                }
                reasoning.mode = None;
            }
            Some(On) if reasoning.budget.is_none() && self.names_mode("adaptive") => {
                // A client that names this type without a budget is told so by its own upstream.
                if !self.is_own || !self.accepts_mode("enabled") {
                    reasoning.mode = Some(Adaptive);
                }
            }
            Some(Adaptive) if self.rules.modes.is_empty() && self.is_own => {}
            Some(Adaptive) if !self.names_mode("adaptive") => {
                reasoning.mode = Some(On);
                if self.is_own {
                    self.record(DiagnosticCode::ParamRenamed, "adaptive to enabled");
                }
            }
            Some(_) => {}
        }
        self.on_without_amount(reasoning);
    }

    /// Fills in a budget where the upstream requires one, and drops the mode where it is what the upstream does anyway and
    /// no value says so.
    fn on_without_amount(&mut self, reasoning: &mut Reasoning) {
        let rules = self.rules;
        if reasoning.mode != Some(ReasoningMode::On) || reasoning.budget.is_some() {
            return;
        }
        let is_share = rules.amount == ReasoningAmount::Budget && rules.budgets.is_empty();
        if is_share && self.param.has_budget() {
            let half = self.within_range(self.max_tokens / 2);
            self.budget(half, reasoning);
        } else if self.param == ReasoningParam::OwnBudget
            && rules.amount == ReasoningAmount::Any
            && rules.budgets.is_empty()
            && !rules.efforts.is_empty()
            && !self.is_own
        {
            reasoning.mode = None;
        }
    }

    /// Sends the nearest accepted effort.
    fn effort(&mut self, reasoning: &mut Reasoning) {
        let rules = self.rules;
        let Some(requested) = reasoning.effort.clone().filter(|_| self.takes_effort()) else { return };
        // Only servers like OpenAI have words of their own.
        if !self.param.is_of_chat() && !self.is_own && !is_known(&requested) {
            reasoning.effort = None;
            return self.record(DiagnosticCode::FeatureUnsupported, &requested);
        }
        let mut effort = nearest_effort(&requested, &rules.efforts);
        let is_limited = matches!(reasoning.mode, Some(ReasoningMode::Off | ReasoningMode::BetweenTools));
        if is_limited && !rules.max_effort_off.is_empty() && is_greater(effort, &rules.max_effort_off) {
            effort = &rules.max_effort_off;
        }
        if effort != requested {
            let effort = effort.to_owned();
            self.record_change(&requested, &effort);
            reasoning.effort = Some(effort);
        }
    }

    /// Fits what is shown. Reasoning that the client did not ask for is not shown either.
    fn display(&mut self, reasoning: &mut Reasoning, was_off: bool) {
        let requested = reasoning.display;
        if was_off {
            if !(self.is_own && reasoning.is_off()) {
                reasoning.display = None;
            }
            return;
        }
        match self.rules.display {
            ReasoningVisibility::Any => {
                let can_hide = self.param == ReasoningParam::Reasoning;
                let is_hidden = requested == Some(ReasoningDisplay::Omitted);
                if is_hidden && !can_hide && !self.is_own {
                    self.record(DiagnosticCode::ExtraDropped, "reasoning is shown");
                }
                if !(self.is_own || is_hidden && can_hide) {
                    reasoning.display = None;
                }
            }
            ReasoningVisibility::Never if !self.param.is_of_chat() => {}
            ReasoningVisibility::Optional => {}
            ReasoningVisibility::OnRequest => {
                if requested.is_none() && self.is_on(reasoning) && self.is_shown_by_client(reasoning) {
                    reasoning.display = Some(ReasoningDisplay::Auto);
                }
            }
            ReasoningVisibility::Never => {
                reasoning.display = None;
                if requested.is_some_and(|display| display != ReasoningDisplay::Omitted) {
                    self.record(DiagnosticCode::FeatureUnsupported, "reasoning is not shown");
                }
            }
        }
    }

    /// Whether the client shows reasoning: a vendor may show the reasoning of some models only on request.
    fn is_shown_by_client(&self, reasoning: &Reasoning) -> bool {
        reasoning.shown_by_default && self.client.vendor_rules().display != ReasoningVisibility::OnRequest
    }

    /// Switches reasoning off, because the rest of the request excludes it.
    fn give_up(&mut self, reasoning: &mut Reasoning, why: &str) {
        self.record(DiagnosticCode::ParamDropped, why);
        let effort = reasoning.effort.take().filter(|_| self.rules.effort_of_response && self.is_own);
        let is_on_otherwise = self.is_own || self.rules.default == ReasoningDefault::On;
        clear(reasoning);
        reasoning.effort = effort;
        if is_on_otherwise && self.accepts_mode("disabled") {
            reasoning.mode = Some(ReasoningMode::Off);
        }
    }
}

/// Removes every request for reasoning.
fn clear(reasoning: &mut Reasoning) {
    (reasoning.mode, reasoning.effort) = (None, None);
    (reasoning.budget, reasoning.display) = (None, None);
}

fn name_of(param: ReasoningParam) -> &'static str {
    match param {
        ReasoningParam::Reasoning => "reasoning",
        ReasoningParam::Thinking => "thinking",
        ReasoningParam::EnableThinking => "enable_thinking",
        ReasoningParam::ChatTemplateKwargs => "chat_template_kwargs",
        _ => "reasoning_effort",
    }
}
