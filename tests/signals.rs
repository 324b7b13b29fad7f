//! Gates and stop conditions with a real Prometheus and a real Alertmanager. Needs both, openssl and curl: see `hack/test.sh
//! signals`.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by a panic")]

#[path = "signals/servers.rs"]
#[allow(dead_code, reason = "another test program uses the rest")]
mod servers;
#[path = "signals/shop.rs"]
mod shop;

use std::time::{Duration, Instant};

use chaostoolkit_api::Spec;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_operator::process::metrics::Metrics;
use chaostoolkit_operator::signals::asked;
use chaostoolkit_operator::signals::reading::{Reading, SignalError};
use chaostoolkit_operator::signals::signal::{Question, Signal};
use chaostoolkit_operator::signals::sources::Sources;
use chaostoolkit_operator::signals::watch::{Step, Watch};
use serde_json::{Value, json};
use servers::Servers;
use shop::Shop;

/// The limit for anything that should happen within a few seconds. A busy machine may need this long.
const LIMIT: Duration = Duration::from_secs(60);

/// The time between two readings. A reading is remembered for a second.
const PAUSE: Duration = Duration::from_millis(500);

/// A shop, what watches it, and the operator's sources.
struct World {
    shop: Shop,
    servers: Servers,
    sources: Sources,
    metrics: Metrics,
}

impl World {
    /// Starts everything, and waits until Prometheus has looked at the shop.
    async fn start() -> Self {
        let shop = Shop::open().await;
        let servers = Servers::start(shop.address);
        let metrics = Metrics::default();
        let sources = Sources::open(Some(servers.sources()), metrics.clone());
        let world = Self { shop, servers, sources, metrics };
        let holds = |read: &Result<Reading, SignalError>| read.as_ref().is_ok_and(|reading| reading.holds);
        world.until(query("shop_success_ratio", ">= 0.99"), holds).await.unwrap();
        world.until(alerts_with(&["severity=\"critical\""]), holds).await.unwrap();
        world
    }

    /// Reads a signal as an experiment in the namespace `shop` asks for it.
    async fn read(&self, signal: Value) -> Result<Reading, SignalError> {
        self.sources.read(&question(&signal), "shop").await
    }

    /// Reads a signal until it is as wanted.
    async fn until(
        &self,
        signal: Value,
        is_wanted: impl Fn(&Result<Reading, SignalError>) -> bool,
    ) -> Result<Reading, SignalError> {
        let started = Instant::now();
        loop {
            let read = self.read(signal.clone()).await;
            if is_wanted(&read) {
                return read;
            }
            assert!(started.elapsed() < LIMIT, "{signal}: {read:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Returns the question of a gate with this signal.
fn question(signal: &Value) -> Question {
    let mut gate = json!({"name": "a"});
    gate.as_object_mut().unwrap().extend(signal.as_object().unwrap().clone());
    let spec = Spec::parse(Some(&json!({"gates": [gate]}))).unwrap().spec;
    match asked::gates(&spec, "run").unwrap().remove(0).signal {
        Signal::Source(question) => question,
        other => panic!("{other:?}"),
    }
}

fn query(query: &str, expect: &str) -> Value {
    query_of("prom", query, expect)
}

fn query_of(source: &str, query: &str, expect: &str) -> Value {
    json!({"prometheus": {"source": source, "query": query, "expect": expect}})
}

fn alerts_with(matchers: &[&str]) -> Value {
    json!({"alertmanager": {"source": "alerts", "matchers": matchers}})
}

#[tokio::test]
#[ignore = "needs Prometheus and Alertmanager"]
async fn a_query_is_answered_by_what_prometheus_knows() {
    let world = World::start().await;
    for (text, expect, holds, value) in [
        ("shop_success_ratio", ">= 0.99", true, "0.995"),
        ("shop_success_ratio{job=\"shop\"}", "< 0.05", false, "0.995"),
        ("sum(shop_shard_up)", "== 2", true, "2"),
        ("scalar(sum(shop_shard_up))", "!= 2", false, "2"),
        ("1 / 0", "> 0", true, "+Inf"),
        ("shop_shard_up == 0", "empty", true, "no series"),
        ("shop_shard_up{shard=\"a\"}", "empty", false, "1 series: {"),
        ("shop_shard_up", "not empty", true, "2 series, the first one is {__name__=\"shop_shard_up\""),
    ] {
        let reading = world.read(query(text, expect)).await.unwrap();
        assert_eq!(reading.holds, holds, "{text} {expect}: {reading:?}");
        assert!(reading.value.starts_with(value), "{text}: {reading:?}");
    }
    for (text, reason, words) in [
        ("shop_shard_up", Reason::SignalAmbiguous, "2 series: aggregate"),
        ("shop_shard_down", Reason::SignalNoData, "no series"),
        ("sum(shop_maintenance) / 0", Reason::SignalNoData, "NaN"),
        ("shop_success_ratio[1m]", Reason::SignalInvalid, "a range"),
        ("\"text\"", Reason::SignalInvalid, "a text"),
        (
            "sum(shop_shard_up",
            Reason::SignalInvalid,
            "the source refuses the query: invalid parameter \"query\": ",
        ),
    ] {
        let error = world.read(query(text, "> 0")).await.unwrap_err();
        assert_eq!(error.reason, reason, "{text}: {error}");
        assert!(error.message.contains(words), "{text}: {error}");
    }
    world.shop.set("shop_success_ratio", 0.5);
    let changed = |read: &Result<Reading, SignalError>| read.as_ref().is_ok_and(|reading| !reading.holds);
    let reading = world.until(query("shop_success_ratio", ">= 0.99"), changed).await.unwrap();
    assert_eq!(reading.value, "0.5");
}

#[tokio::test]
#[ignore = "needs Prometheus and Alertmanager"]
async fn a_source_that_is_configured_wrongly_says_what_is_wrong() {
    let world = World::start().await;
    for (source, reason, words) in [
        ("untrusted", Reason::SourceUnreachable, "its certificate is not accepted"),
        ("without-tls", Reason::SignalInvalid, "400 Bad Request"),
        ("without-path", Reason::SourceFailed, "404 Not Found"),
    ] {
        let error = world.read(query_of(source, "up", "> 0")).await.unwrap_err();
        assert_eq!(error.reason, reason, "{source}: {error}");
        assert!(error.message.contains(words), "{source}: {error}");
    }
    let elsewhere = world.sources.read(&question(&query("up", "> 0")), "other").await.unwrap_err();
    assert_eq!(elsewhere.reason, Reason::SourceNotAllowed);
    let text = world.metrics.text();
    assert!(text.contains("source_up{source=\"prom\"} 1"), "{text}");
    assert!(text.contains("source_up{source=\"untrusted\"} 0"), "{text}");
}

#[tokio::test]
#[ignore = "needs Prometheus and Alertmanager"]
async fn a_page_is_read_by_its_status_and_by_its_json() {
    let world = World::start().await;
    let page =
        |path: &str, expect: Value| json!({"http": {"source": "page", "path": path, "expect": expect}});
    for (path, expect, holds, value) in [
        ("/-/ready", json!(200), true, "200 OK"),
        ("/-/ready", json!("5xx"), false, "200 OK"),
        ("/nothing", json!("404"), true, "404 Not Found"),
        (
            "/api/v1/query?query=sum(shop_shard_up)",
            json!("/status == \"success\""),
            true,
            "/status is \"success\"",
        ),
        (
            "/api/v1/query?query=sum(shop_shard_up)",
            json!("/data/result/0/value/1 == \"2\""),
            true,
            "/data/result/0/value/1 is \"2\"",
        ),
        ("/api/v1/query?query=(", json!("/status == \"success\""), false, "/status is \"error\""),
        // The page of Prometheus itself answers with a redirect.
        ("/", json!("3xx"), true, "302 Found"),
    ] {
        let reading = world.read(page(path, expect.clone())).await.unwrap();
        assert_eq!((reading.holds, reading.value.as_str()), (holds, value), "{path} {expect}");
    }
    let error = world.read(page("/-/ready", json!("/status == 1"))).await.unwrap_err();
    assert_eq!(error.reason, Reason::SignalInvalid);
}

#[tokio::test]
#[ignore = "needs Prometheus and Alertmanager"]
async fn an_alert_counts_unless_it_is_inhibited_or_silenced() {
    let world = World::start().await;
    let critical = || alerts_with(&["severity=~\"critical|page\"", "team=\"shop\""]);
    let fires = |read: &Result<Reading, SignalError>| read.as_ref().is_ok_and(|reading| !reading.holds);
    let is_calm = |read: &Result<Reading, SignalError>| read.as_ref().is_ok_and(|reading| reading.holds);

    world.shop.set("shop_success_ratio", 0.5);
    let reading = world.until(critical(), fires).await.unwrap();
    assert_eq!(reading.value, "1 active alert: ShopFails");
    assert!(world.read(alerts_with(&["severity=\"critical\"", "team!=\"shop\""])).await.unwrap().holds);

    world.shop.set("shop_maintenance", 1.0);
    world.until(critical(), is_calm).await.unwrap();
    let reading = world.read(alerts_with(&["team=\"shop\""])).await.unwrap();
    assert_eq!(reading.value, "1 active alert: Maintenance");
    world.shop.set("shop_maintenance", 0.0);
    world.until(critical(), fires).await.unwrap();

    world.servers.silence("ShopFails");
    world.until(critical(), is_calm).await.unwrap();

    let error = world.read(alerts_with(&["severity=~\"(\""])).await.unwrap_err();
    assert_eq!(error.reason, Reason::SignalInvalid);
    assert!(error.message.starts_with("the source refuses the matchers: "), "{error}");
}

#[tokio::test]
#[ignore = "needs Prometheus and Alertmanager"]
async fn a_stop_condition_is_met_once_its_query_fails_in_a_row() {
    let world = World::start().await;
    let spec = json!({"stopConditions": [{"name": "slo", "prometheus": {"source": "prom", "query": "shop_success_ratio", "expect": ">= 0.9"},
        "intervalSeconds": 5, "failureThreshold": 2}]});
    let spec = Spec::parse(Some(&spec)).unwrap().spec;
    let condition = asked::stop_conditions(&spec, "run").unwrap().remove(0);
    let Signal::Source(question) = &condition.signal else { panic!("{condition:?}") };
    let mut watch = Watch::default();
    let mut step = async || {
        tokio::time::sleep(condition.interval).await;
        watch.advance(&condition, &world.sources.read(question, "shop").await)
    };
    assert_eq!(step().await, Step::Continue);
    world.shop.set("shop_success_ratio", 0.42);
    // Within its interval, Prometheus has seen it.
    assert_eq!(step().await, Step::Continue);
    let message = "stop condition slo is met: expected >= 0.9; read: 0.42 (2 times in a row)".to_owned();
    assert_eq!(step().await, Step::Stop { message });
}

#[tokio::test]
#[ignore = "needs Prometheus and Alertmanager"]
async fn a_prometheus_that_hangs_or_ends_holds_up_nobody_else() {
    let mut world = World::start().await;
    let ratio = || query("shop_success_ratio", ">= 0.99");
    world.servers.prometheus.signal("STOP");
    let started = Instant::now();
    let hung = |read: &Result<Reading, SignalError>| {
        read.as_ref().is_err_and(|error| error.reason == Reason::SourceTimeout)
    };
    let hangs = world.until(ratio(), hung);
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let asked = Instant::now();
            assert!(world.read(alerts_with(&["severity=\"critical\""])).await.is_ok());
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let (hung, slowest) = tokio::join!(hangs, others);
    assert_eq!(hung.unwrap_err().message, "the source did not answer within 2 seconds");
    assert!(slowest < Duration::from_secs(1) && started.elapsed() < Duration::from_secs(20), "{slowest:?}");
    assert!(world.metrics.text().contains("source_up{source=\"prom\"} 0"));

    world.servers.prometheus.signal("CONT");
    world.until(ratio(), |read| read.as_ref().is_ok_and(|reading| reading.holds)).await.unwrap();
    assert!(world.metrics.text().contains("source_up{source=\"prom\"} 1"));

    world.servers.prometheus.end();
    let gone = |read: &Result<Reading, SignalError>| read.is_err();
    let error = world.until(ratio(), gone).await.unwrap_err();
    assert_eq!(error.reason, Reason::SourceUnreachable);
    assert!(error.message.starts_with("the source cannot be reached: "), "{error}");
}
