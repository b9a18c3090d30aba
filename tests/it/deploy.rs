//! What deploys the program fits the program: settings, paths, ports, users, metrics. Whether an
//! engine starts it, these tests cannot say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;

use parking::config::{Config, SETTINGS, Vars};
use parking::jobs;
use serde_json::Value;

use crate::harness::TestApp;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn file(path: &str) -> String {
    read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `NAME=value` lines; with `commented`, those behind `# ` too.
fn env_file(path: &str, commented: bool) -> Vars {
    let text = file(path);
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if commented => rest,
        _ => line,
    });
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let pairs = lines.filter_map(|line| line.split_once('=')).filter(|(name, _)| is_name(name));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The part of the Dockerfile that becomes the image.
fn image() -> String {
    let text = file("Dockerfile");
    text.rsplit("\nFROM ").next().unwrap_or_default().to_owned()
}

fn image_env() -> Vars {
    let image = image();
    let line = image.lines().find_map(|line| line.strip_prefix("ENV ")).unwrap();
    let pairs = line.split(' ').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Where the image listens.
fn port() -> u64 {
    image_env()["LISTEN"].rsplit(':').next().unwrap().parse().unwrap()
}

#[track_caller]
fn only_settings(place: &str, vars: &Vars) {
    for name in vars.keys() {
        // Those of object storage pass through to its library.
        let known = SETTINGS.iter().any(|setting| setting.name == name) || name.starts_with("AWS_");
        assert!(known, "{place}: {name} is no setting");
    }
}

/// What compose makes of a value: `${NAME}`, `${NAME:?why}` and `${NAME:-default}`.
fn interpolated(text: &str, vars: &Vars) -> String {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once('}').unwrap();
        let (name, default) = match expression.split_once(':') {
            Some((name, rule)) => (name, rule.strip_prefix('-').unwrap_or_default()),
            None => (expression, ""),
        };
        out.push_str(vars.get(name).map_or(default, String::as_str));
        out.push_str(rest);
    }
    out
}

fn compose() -> BTreeMap<String, Value> {
    let compose = yaml("compose.yaml");
    compose["services"].as_object().unwrap().clone().into_iter().collect()
}

fn env_of(service: &Value) -> Vars {
    let env = service["environment"].as_object().into_iter().flatten();
    env.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn is_ours(service: &Value) -> bool {
    service["image"].as_str().unwrap().starts_with("parking:")
}

/// What `kustomization.yaml` names, each document by its kind.
fn manifests() -> Vec<(String, Value)> {
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml");
    let files = kustomization["resources"].as_array().unwrap().iter();
    let read = |name: &Value| {
        let text = file(&format!("deploy/kubernetes/{}", name.as_str().unwrap()));
        serde_saphyr::from_multiple::<Value>(&text).unwrap()
    };
    files.flat_map(read).map(|one| (one["kind"].as_str().unwrap().to_owned(), one)).collect()
}

fn of_kind(kind: &str) -> Vec<Value> {
    let all = manifests().into_iter();
    let found: Vec<_> = all.filter(|(is, _)| is == kind).map(|(_, one)| one).collect();
    assert!(!found.is_empty(), "there is no {kind}");
    found
}

fn containers() -> Vec<(Value, Value)> {
    let pods = of_kind("Deployment").into_iter().map(|one| one["spec"]["template"]["spec"].clone());
    pods.map(|pod| (pod["containers"][0].clone(), pod)).collect()
}

fn is_path(path: &str) -> bool {
    parking::http::openapi().paths.paths.contains_key(path)
}

#[test]
fn compose_sets_only_settings_and_the_program_takes_them() {
    let given: Vars = ["SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "METRICS_TOKEN"]
        .map(|name| (name.to_owned(), SECRET.to_owned()))
        .into_iter()
        .chain([("SITE_HOST".to_owned(), "parking.example.org".to_owned())])
        .collect();
    let ours: Vec<_> = compose().into_values().filter(is_ours).collect();
    assert_eq!(ours.len(), 3);
    for service in ours {
        let env = env_of(&service);
        only_settings("compose.yaml", &env);
        let mut vars = image_env();
        vars.extend(env.iter().map(|(name, value)| (name.clone(), interpolated(value, &given))));
        let config = Config::from_vars(&vars).unwrap();
        assert!(config.is_https() && config.secret_key.is_some() && config.mail.server.is_some());
    }
}

#[test]
fn compose_has_no_secret_and_no_default_for_one() {
    let text = file("compose.yaml");
    for name in ["SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "METRICS_TOKEN", "SITE_HOST"]
    {
        assert!(text.contains(&format!("${{{name}:?")), "{name} is not asked for");
        assert!(!text.contains(&format!("${{{name}:-")), "{name} has a default");
    }
}

#[test]
fn every_service_of_compose_is_pinned_and_has_no_more_rights_than_it_needs() {
    for (name, service) in compose() {
        let image = service["image"].as_str().unwrap();
        let tag = image.split_once(':').unwrap().1;
        assert!(is_ours(&service) || tag.contains('.'), "{name}: {image} is not pinned");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        assert_eq!(service["security_opt"][0], "no-new-privileges:true", "{name}");
        assert!(service["privileged"].is_null(), "{name}");
    }
}

#[test]
fn the_load_balancer_of_compose_reaches_every_server_and_is_the_one_that_is_believed() {
    let services = compose();
    let caddy = &services["caddy"];
    let servers = services.iter().filter(|(_, one)| is_ours(one) && one["command"].is_null());
    let upstreams: Vec<_> = servers.clone().map(|(name, _)| format!("{name}:{}", port())).collect();
    assert_eq!(caddy["environment"]["UPSTREAMS"], upstreams.join(" "));
    let address = &caddy["networks"]["front"]["ipv4_address"];
    for (_, server) in servers {
        assert_eq!(&server["environment"]["TRUSTED_PROXIES"], address);
    }
    let caddyfile = file("deploy/caddy/Caddyfile");
    let health =
        caddyfile.lines().find_map(|line| line.trim().strip_prefix("health_uri ")).unwrap();
    assert!(is_path(health), "{health}");
}

#[test]
fn the_image_asks_the_program_after_its_health_and_runs_as_nobody_special() {
    let image = image();
    only_settings("Dockerfile", &image_env());
    assert!(image.contains("\nUSER 65532:65532\n"));
    assert!(image.contains(&format!("\nEXPOSE {}\n", port())));
    let health = image.split("HEALTHCHECK").nth(1).unwrap().split("CMD ").nth(1).unwrap();
    let health: Vec<String> = serde_json::from_str(health.lines().next().unwrap()).unwrap();
    assert_eq!(health, ["/usr/bin/parking", "health", "--live"]);
    assert!(image.contains(&format!("\nVOLUME {}\n", image_env()["DATA_DIR"])));
}

#[test]
fn kubernetes_sets_only_settings_and_the_program_takes_them() {
    let settings = env_file("deploy/kubernetes/settings.env", false);
    let secrets = env_file("deploy/kubernetes/secret.example.env", false);
    assert!(settings.len() > 5 && secrets.len() > 5);
    only_settings("settings.env", &settings);
    only_settings("secret.example.env", &secrets);
    let mut vars: Vars = settings.into_iter().chain(secrets).collect();
    // A forgotten one stops the start: each pod would make its own.
    let forgotten = Config::from_vars(&vars).map(drop).unwrap_err();
    assert!(forgotten.starts_with("SECRET_KEY"), "{forgotten}");
    vars.insert("SECRET_KEY".into(), SECRET.into());
    let config = Config::from_vars(&vars).unwrap();
    assert!(config.is_https() && config.mail.server.is_some());
    assert_eq!(u64::from(config.listen.port()), port());
}

#[test]
fn pods_are_hardened_and_have_what_the_program_writes_to() {
    let settings = env_file("deploy/kubernetes/settings.env", false);
    for (container, pod) in containers() {
        let user = pod["securityContext"]["runAsUser"].as_u64().unwrap();
        assert!(image().contains(&format!("\nUSER {user}:")));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["automountServiceAccountToken"], false);
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"]["drop"][0], "ALL");
        let mounts = container["volumeMounts"].as_array().unwrap();
        let paths: Vec<_> =
            mounts.iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
        assert_eq!(paths, [settings["DATA_DIR"].as_str(), "/tmp"]);
        let pause = container["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap_or(0);
        // `serve` and `worker` end within ten seconds.
        assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= pause + 10);
    }
}

#[test]
fn probes_and_services_of_kubernetes_meet_the_server() {
    let (server, _) = &containers()[0];
    let listens = &server["ports"][0];
    assert_eq!(listens["containerPort"], port());
    for (probe, path) in [
        ("startupProbe", "/health/live"),
        ("livenessProbe", "/health/live"),
        ("readinessProbe", "/health/ready"),
    ] {
        let get = &server[probe]["httpGet"];
        assert_eq!((&get["path"], &get["port"]), (&path.into(), &listens["name"]), "{probe}");
        assert!(is_path(path), "{path}");
    }
    let labels = &of_kind("Deployment")[0]["spec"]["template"]["metadata"]["labels"];
    let service = &of_kind("Service")[0];
    assert_eq!(&service["spec"]["selector"], labels);
    assert_eq!(service["spec"]["ports"][0]["targetPort"], listens["name"]);
    assert_eq!(&of_kind("PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"], labels);
    let backend =
        &of_kind("Ingress")[0]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
    assert_eq!(backend["name"], service["metadata"]["name"]);
    let scaled = &of_kind("HorizontalPodAutoscaler")[0]["spec"]["scaleTargetRef"]["name"];
    assert_eq!(scaled, &of_kind("Deployment")[0]["metadata"]["name"]);
}

#[test]
fn the_units_run_as_the_packages_user_with_its_settings() {
    let settings = env_file("deploy/debian/parking.env", false);
    only_settings("parking.env", &env_file("deploy/debian/parking.env", true));
    let package = file("Cargo.toml");
    for (unit, command) in [("parking", "serve"), ("parking-worker", "worker")] {
        let text = file(&format!("deploy/systemd/{unit}.service"));
        let has = |line: &str| text.lines().any(|one| one == line);
        assert!(has(&format!("ExecStart=/usr/bin/parking {command}")), "{unit}");
        assert!(has("EnvironmentFile=/etc/parking/parking.env") && has("User=parking"), "{unit}");
        assert!(has("StateDirectory=parking"), "{unit}");
        for hardened in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="] {
            assert!(has(hardened), "{unit}: {hardened}");
        }
        assert!(package.contains(&format!("unit-name = \"{unit}\"")));
    }
    assert!(package.contains("\"etc/parking/parking.env\", \"600\""));
    assert_eq!(settings["DATA_DIR"], "/var/lib/parking");
    assert!(file("deploy/systemd/parking.sysusers").starts_with("u parking "));
    Config::from_vars(&settings).map(drop).unwrap();
}

/// The names that stand in a text, as `parking_http_requests_total`.
fn metric_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words.filter(|word| word.starts_with("parking_")).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() {
    let app = TestApp::sqlite().await;
    // What was never counted is not shown: the welcome mail is a job.
    app.admin().await;
    jobs::worker::work_off(&app.app).await.unwrap();
    let counts = app.app.db.read(jobs::store::counts).await.unwrap();
    let exposed = app.app.metrics.render(&app.app, counts);
    let exposed: BTreeSet<_> = exposed.lines().filter(|line| !line.starts_with('#')).collect();
    let exposed: BTreeSet<_> = exposed.iter().flat_map(|line| metric_names(line)).collect();

    let dashboard: Value =
        serde_json::from_str(&file("deploy/monitoring/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown: Vec<_> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    let alerts = yaml("deploy/monitoring/alerts.yml");
    let rules = alerts["groups"][0]["rules"].as_array().unwrap();
    let told = rules.iter().map(|rule| rule["expr"].as_str().unwrap().to_owned());
    let asked = shown.into_iter().chain(told).map(|text| metric_names(&text));
    let asked: BTreeSet<_> = asked.flatten().collect();
    assert!(asked.len() > 5, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&exposed).collect();
    assert!(unknown.is_empty(), "{unknown:?} are none of {exposed:?}");
}

#[test]
fn every_alert_says_what_it_is_and_what_to_do() {
    let alerts = yaml("deploy/monitoring/alerts.yml");
    let manual = file("docs/OPERATIONS.md");
    for rule in alerts["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        assert!(
            rule["annotations"]["summary"].is_string() && rule["labels"]["severity"].is_string()
        );
        assert!(manual.contains(&format!("`{name}`")), "docs/OPERATIONS.md does not know {name}");
    }
}
