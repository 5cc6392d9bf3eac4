//! Prints a configuration for `openai-shim check`: settings in, lines for people out, without secrets.

use super::display_routes::write_routes;
use super::settings::{ClientKey, Config, LogFormat, ModelConfig, UpstreamConfig, UpstreamLocation};
use super::units::{show_duration, show_size};
use openai_shim_core::canonical::ReasoningStyle;
use openai_shim_core::exchange::{FallbackPolicy, LossPolicy};
use std::fmt;

impl fmt::Display for Config {
    /// Several lines; of secrets only whether they are set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            LossPolicy::Lenient => "lenient: what an upstream cannot take is left out and reported",
            LossPolicy::Strict => "strict: what an upstream cannot take is refused",
        };
        writeln!(f, "listen        {}", self.listen)?;
        if let Some(tls) = &self.tls {
            writeln!(f, "tls           {}", tls.cert.display())?;
        }
        if !self.hosts.is_empty() {
            writeln!(f, "hosts         {}", self.hosts.join(", "))?;
        }
        writeln!(f, "client keys   {}", describe_client_keys(self))?;
        for key in &self.named_keys {
            writeln!(f, "  {key}")?;
        }
        writeln!(f, "mode          {mode}")?;
        let learn = if self.learn { "what upstreams refuse is not sent again" } else { "off" };
        writeln!(f, "learn         {learn}")?;
        let debug = if self.debug { "x-openai-shim-debug: 1 adds the report" } else { "off" };
        writeln!(f, "debug         {debug}")?;
        let reload = if self.watch { "on SIGHUP, and when a file changes" } else { "on SIGHUP" };
        writeln!(f, "reload        {reload}")?;
        let reasoning = match self.reasoning {
            ReasoningStyle::Tags => "between <think> and </think>, in the text",
            _ => "in reasoning_content",
        };
        writeln!(f, "reasoning     {reasoning}")?;
        for upstream in &self.upstreams {
            write!(f, "\n{upstream}")?;
        }
        write_routes(f, &self.models)?;
        if let Some(max_tokens) = self.default_max_tokens {
            writeln!(f, "\nmax_tokens    {max_tokens} where the client sent none")?;
        }
        let (first, longest) = (show_duration(self.retry.backoff), show_duration(self.retry.max_backoff));
        match self.retry.attempts {
            1 => writeln!(f, "retry         never")?,
            n => writeln!(f, "retry         {n} attempts, {first} apart at first, {longest} at most")?,
        }
        let fallback = match self.fallback.when {
            FallbackPolicy::Never => "never",
            FallbackPolicy::Empty => "when every attempt came back empty",
            FallbackPolicy::Always => "also instead of errors",
        };
        let custom_message =
            if self.fallback.message.is_some() { ", with a message of your own" } else { "" };
        writeln!(f, "fallback      {fallback}{custom_message}")?;
        let t = &self.timeouts;
        let [connect, first, idle, keepalive, whole, write] =
            [t.connect, t.first_byte, t.idle, t.keepalive, t.whole, t.write].map(show_duration);
        writeln!(
            f,
            "timeouts      connect {connect}, first byte {first}, idle {idle}, keep-alive after {keepalive}"
        )?;
        let total = t.total.map_or_else(|| String::from("off"), show_duration);
        writeln!(
            f,
            "              whole answer {whole}, a client that takes nothing {write}, in all {total}"
        )?;
        let l = &self.limits;
        let [request, form, response, frame, bodies] =
            [l.request_body, l.form_prefix, l.response_body, l.frame, l.bodies].map(show_size);
        writeln!(
            f,
            "limits        request {request}, held of a form {form}, answer {response}, event {frame}, all bodies {bodies}, {} requests at once",
            l.concurrent
        )?;
        let tags =
            if self.store.secret.is_some() { "under the secret of [store]" } else { "until it is restarted" };
        match &self.store.redis {
            None => writeln!(f, "state         in memory; clients are told apart {tags}")?,
            Some(redis) => {
                let timeout = show_duration(redis.timeout);
                let values = if self.store.secret.is_some() { "encrypted" } else { "not encrypted" };
                writeln!(
                    f,
                    "state         at {redis}, which has {timeout} for an answer; values are {values}"
                )?;
                let prefix = match redis.prefix.as_str() {
                    "" => String::new(),
                    prefix => format!("keys begin with {prefix:?}; "),
                };
                writeln!(f, "              {prefix}clients are told apart {tags}")?;
            }
        }
        let origins =
            if self.cors_origins.is_empty() { String::from("off") } else { self.cors_origins.join(", ") };
        writeln!(f, "cors          {origins}")?;
        let format = match self.log.format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        writeln!(f, "log           {format}, {}", self.log.filter.as_deref().unwrap_or("info"))?;
        match &self.otel {
            Some(otel) => writeln!(f, "otel          {}, {} of all traces", otel.endpoint, otel.sample_ratio),
            None => Ok(()),
        }
    }
}

fn describe_client_keys(config: &Config) -> String {
    match config.keys_of_clients().count() {
        0 if config.listen.ip().is_loopback() => String::from("none: programs on this machine need no key"),
        0 => String::from("none: everyone who can reach it may use it (allow_anonymous)"),
        n => format!("set ({n})"),
    }
}

impl fmt::Display for ClientKey {
    /// One line: name, models, limits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models = if self.models.is_empty() { String::from("all models") } else { self.models.join(", ") };
        write!(f, "{:<12}{models}", self.name)?;
        let limits = [
            (self.requests_per_minute, "requests a minute"),
            (self.tokens_per_minute, "tokens a minute"),
            (self.concurrent, "at once"),
        ];
        for (limit, what) in limits {
            if let Some(limit) = limit {
                write!(f, "; {limit} {what}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for UpstreamConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "upstream      {}", self.name)?;
        writeln!(f, "  base url    {}", self.target)?;
        writeln!(f, "  dialect     {}", self.profile.dialect)?;
        writeln!(f, "  profile     {}", self.profile.name)?;
        match self.api_keys.len() {
            0 => writeln!(f, "  api key     none")?,
            1 => writeln!(f, "  api key     set")?,
            n => writeln!(f, "  api keys    {n}")?,
        }
        let models: Vec<String> = self.models.iter().map(ToString::to_string).collect();
        let models =
            if models.is_empty() { String::from("asked from the upstream") } else { models.join(", ") };
        writeln!(f, "  models      {models}")
    }
}

impl fmt::Display for UpstreamLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(base) => f.write_str(base),
            Self::Echo => f.write_str("echo (inside this program)"),
            Self::Replay(folder) => write!(f, "replay:{}", folder.display()),
        }
    }
}

impl fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if self.id != self.upstream {
            write!(f, " (there {})", self.upstream)?;
        }
        Ok(())
    }
}
