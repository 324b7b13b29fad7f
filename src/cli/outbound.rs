//! Settings of what other servers are told of runs.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::outbound::Targets;
use crate::outbound::target::{Settings, Target, is_passing_for_events, is_passing_for_otlp, url};
use crate::outbound::{event, trace};

/// Settings of what other servers are told of runs.
#[derive(Debug, Default, Args)]
pub struct OutboundArgs {
    /// URL to which an event in the format of `CloudEvents` is sent when a run starts, when it ends, and when its rollbacks are missing.
    #[arg(long, env = "EVENTS_URL", hide_env_values = true, value_name = "URL")]
    pub events_url: Option<String>,
    /// File with the token of these requests.
    #[arg(long, env = "EVENTS_TOKEN_FILE", value_name = "FILE")]
    pub events_token_file: Option<PathBuf>,
    /// File with the certificates that the server of the events is checked by, in PEM format. By default, those of the system.
    #[arg(long, env = "EVENTS_CA_FILE", value_name = "FILE")]
    pub events_ca_file: Option<PathBuf>,
    /// URL of a receiver of OTLP over HTTP, such as `http://collector:4318`. After the end of a run, its trace is sent to
    /// `v1/traces` below it.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", hide_env_values = true, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Headers of these requests, as KEY=VALUE separated by commas. `%2C` in a value stands for a comma.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_HEADERS", hide_env_values = true, value_name = "HEADERS")]
    pub otlp_headers: Option<String>,
    /// File with the certificates that the receiver of OTLP is checked by, in PEM format. By default, those of the system.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_CERTIFICATE", value_name = "FILE")]
    pub otlp_ca_file: Option<PathBuf>,
    /// Part of the operator's passes that have a span, from 0 to 1.
    #[arg(long, env = "OTLP_PASSES", default_value_t = 0.0, value_parser = part, value_name = "PART")]
    pub otlp_passes: f64,
}

fn part(text: &str) -> Result<f64, String> {
    let part = text.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part));
    part.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

/// A value that manifests may leave empty.
fn given<T: AsRef<std::ffi::OsStr>>(value: Option<&T>) -> Option<&T> {
    value.filter(|value| !value.as_ref().is_empty())
}

impl OutboundArgs {
    /// Returns where to send what. Fails if a setting is wrong.
    pub fn targets(&self) -> anyhow::Result<Targets> {
        let events = given(self.events_url.as_ref()).map(|text| self.events(text)).transpose()?;
        let endpoint = given(self.otlp_endpoint.as_ref());
        let traces = endpoint.map(|text| self.otlp(text)).transpose()?;
        let with_passes = endpoint.filter(|_| self.otlp_passes > 0.0);
        let passes = with_passes.map(|text| self.otlp(text)).transpose()?;
        Ok(Targets { events, traces, passes: passes.map(|target| (target, self.otlp_passes)) })
    }

    fn events(&self, text: &str) -> anyhow::Result<Target> {
        let url = url(text).map_err(anyhow::Error::msg).context("--events-url cannot be used")?;
        Ok(Target::new(Settings {
            url,
            token_file: given(self.events_token_file.as_ref()).cloned(),
            ca_file: given(self.events_ca_file.as_ref()).cloned(),
            headers: HeaderMap::new(),
            content_type: event::CONTENT_TYPE,
            is_passing: is_passing_for_events,
        }))
    }

    fn otlp(&self, text: &str) -> anyhow::Result<Target> {
        let whole = format!("{}{}", text.trim_end_matches('/'), trace::PATH);
        let url = url(&whole).map_err(anyhow::Error::msg).context("--otlp-endpoint cannot be used")?;
        anyhow::ensure!(!text.contains(['?', '#']), "--otlp-endpoint has a query, which is not supported");
        let headers = headers(self.otlp_headers.as_deref().unwrap_or_default());
        Ok(Target::new(Settings {
            url,
            token_file: None,
            ca_file: given(self.otlp_ca_file.as_ref()).cloned(),
            headers: headers.map_err(anyhow::Error::msg).context("--otlp-headers cannot be used")?,
            content_type: trace::CONTENT_TYPE,
            is_passing: is_passing_for_otlp,
        }))
    }
}

/// Reads headers as W3C Baggage writes pairs. An error quotes nothing, since that may be a secret.
fn headers(text: &str) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (index, pair) in text.split(',').map(str::trim).enumerate().filter(|(_, pair)| !pair.is_empty()) {
        let number = index + 1;
        let wrong = || format!("has an entry that is not KEY=VALUE: number {number}");
        let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
        // The text of a key that is none may be a part of a value.
        let name: HeaderName = key
            .trim()
            .parse()
            .map_err(|_| format!("has an entry whose key is no header: number {number}"))?;
        // Of a form, only the escapes have their meaning here.
        let escaped = value.trim().replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
        let value =
            form_urlencoded::parse(escaped.as_bytes()).next().map(|(value, _)| value).unwrap_or_default();
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| format!("has a value of {name} that no header can have"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", &[])]
    #[case("authorization=Basic%20abc%3D, x-scope = a+b%2Cc", &[("authorization", "Basic abc="), ("x-scope", "a+b,c")])]
    #[case("api-key=a=b&c", &[("api-key", "a=b&c")])]
    fn headers_are_pairs(#[case] text: &str, #[case] expected: &[(&str, &str)]) {
        let found = headers(text).unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case("secret")]
    #[case("a b=secret")]
    #[case("a=secret%0A")]
    #[case("Authorization: Bearer secret==")]
    fn other_headers_are_refused_without_their_values(#[case] text: &str) {
        let problem = headers(text).unwrap_err();
        assert!(!problem.contains("secret"), "{problem}");
    }

    #[rstest]
    #[case(OutboundArgs::default(), false, false)]
    #[case(OutboundArgs { events_url: Some(String::new()), otlp_endpoint: Some(String::new()), ..OutboundArgs::default() }, false, false)]
    #[case(OutboundArgs { events_url: Some("http://a/x".to_owned()), ..OutboundArgs::default() }, true, false)]
    #[case(OutboundArgs { otlp_endpoint: Some("http://a:4318/".to_owned()), ..OutboundArgs::default() }, false, true)]
    fn an_empty_setting_is_none(#[case] args: OutboundArgs, #[case] events: bool, #[case] traces: bool) {
        let targets = args.targets().unwrap();
        assert_eq!((targets.events.is_some(), targets.traces.is_some()), (events, traces));
        assert!(targets.passes.is_none());
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let args = OutboundArgs { events_url: Some("a".to_owned()), ..OutboundArgs::default() };
        let error = args.targets().map(|_| ()).unwrap_err();
        assert!(format!("{error:#}").starts_with("--events-url cannot be used: "), "{error:#}");
        assert!(part("1.5").is_err() && part("x").is_err() && part("NaN").is_err() && part("0.1").is_ok());
    }
}
