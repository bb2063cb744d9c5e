//! Prometheus' own tools on the metrics of a busy engine.

use crate::support::{Running, start, within};
use crate::world::{MORPHO, publish};
use plimsoll_dashboard::Settings;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Finds a program of Prometheus, or says why the test cannot run.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|it| it.is_file());
    if found.is_none() {
        let required = std::env::var("PLIMSOLL_REQUIRE_PROMETHEUS").is_ok_and(|it| it == "1");
        assert!(!required, "{name} is not on the PATH: install Debian's package prometheus");
        eprintln!("skipped: {name} is not on the PATH; Debian's package prometheus has it");
    }
    found
}

#[tokio::test]
async fn promtool_finds_nothing_to_complain_about() {
    let Some(promtool) = program("promtool") else { return };
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    // The second time its own requests are in it too.
    running.get("/metrics").await;
    let answer = running.get("/metrics").await;
    assert_eq!(answer.kind, "text/plain; version=0.0.4");
    let complaints = lint(&promtool, &answer.text);
    assert_eq!(complaints, (true, String::new()));
    let broken = answer.text.replace("plimsoll_blocks_total", "plimsoll_blocksMilliseconds");
    assert!(!lint(&promtool, &broken).0, "it does complain about a bad name");
    running.stopped().await;
}

fn lint(promtool: &PathBuf, text: &str) -> (bool, String) {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn every_metric_has_the_prefix_and_the_documentation_names_it() {
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    running.get("/metrics").await;
    let text = running.get("/metrics").await.text;
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|rest| rest.split(' ').next().unwrap())
        .collect();
    assert!(names.len() > 35, "{names:?}");
    let document = include_str!("../../../docs/service.md");
    for name in names {
        let Some(short) = name.strip_prefix("plimsoll_") else { panic!("{name} lacks the prefix") };
        assert!(document.contains(&format!("`{short}")), "docs/service.md does not name {short}");
    }
    running.stopped().await;
}

/// A Prometheus that ends with the test.
struct Prometheus {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Prometheus {
    fn start(program: &PathBuf, target: &str) -> Prometheus {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
             scrape_configs:\n- job_name: plimsoll\n  static_configs: [{{targets: ['{target}']}}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=error")
            .spawn()
            .unwrap();
        Prometheus { child, port, _folder: folder }
    }

    /// The value of a query, once there is one.
    async fn value(&self, running: &Running, query: &str) -> String {
        let url = format!("http://127.0.0.1:{}/api/v1/query", self.port);
        within(async {
            loop {
                let url = reqwest::Url::parse_with_params(&url, [("query", query)]).unwrap();
                let answer = running.client.get(url).send().await;
                if let Ok(answer) = answer
                    && let Ok(body) = answer.json::<serde_json::Value>().await
                    && let Some(value) = body["data"]["result"][0]["value"][1].as_str()
                {
                    return value.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await
    }
}

#[tokio::test]
async fn a_real_prometheus_scrapes_it() {
    let Some(program) = program("prometheus") else { return };
    let running = start(Settings::default()).await;
    publish(&running.publisher);
    let prometheus = Prometheus::start(&program, &running.address);
    let value = async |query: &str| prometheus.value(&running, query).await;
    assert_eq!(value("up{job=\"plimsoll\"} == 1").await, "1");
    assert_eq!(value("plimsoll_vault_nav_assets{bound=\"low\"}").await, "100000");
    assert_eq!(
        value(&format!("plimsoll_market_utilization_ratio{{market=\"{MORPHO}\"}}")).await,
        "0.87"
    );
    assert_eq!(value("plimsoll_head_to_decision_seconds_count").await, "1");
    assert_eq!(value("plimsoll_ready").await, "1");
    drop(prometheus);
    running.stopped().await;
}
