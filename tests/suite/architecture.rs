//! The shape of the workspace: who may depend on whom, and which crates are pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Our crates with the crates of ours that each may depend on.
const ALLOWED: [(&str, &str, &[&str]); 11] = [
    ("engine/core", "plimsoll-core", &[]),
    ("engine/frame", "plimsoll-frame", &["core"]),
    ("engine/models", "plimsoll-models", &["core", "frame"]),
    ("engine/allocate", "plimsoll-allocate", &["core", "frame"]),
    ("engine/execute", "plimsoll-execute", &["core", "frame", "allocate"]),
    ("adapters", "plimsoll-adapters", &["core", "frame", "allocate", "execute"]),
    ("strategies", "plimsoll-strategies", &["core", "frame", "models", "allocate"]),
    (
        "backtests",
        "plimsoll-backtests",
        &["core", "frame", "models", "allocate", "execute", "strategies"],
    ),
    // Shows what it is given: it needs the names of things, neither frames nor the chain client.
    ("dashboard", "plimsoll-dashboard", &["core"]),
    // Its tests compare core's arithmetic with the bytecode; the library needs nothing of ours.
    ("tests/localchain", "plimsoll-localchain", &[]),
    // Judges the engine from outside: the journal's reader and the names of states are all that it takes from it.
    ("tests/faults", "plimsoll-faults", &["core", "execute", "localchain"]),
];

/// Crates without await, clock, unseeded randomness, file or network.
const PURE: [&str; 5] =
    ["engine/core", "engine/frame", "engine/models", "engine/allocate", "strategies"];

/// The one way in which pure code may name `rand`: what a seed needs, and no source of entropy.
const SEEDED: &str = "use rand::{Rng, SeedableRng};";

/// What pure code does not say.
const IMPURE: [&str; 19] = [
    "async fn",
    ".await",
    "async_trait",
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::",
    "Utc::now",
    "rand::",
    "from_os_rng",
    "from_entropy",
    "from_rng",
    "thread_rng",
    "File::",
    "println!",
];

fn manifest(folder: &str) -> toml::Table {
    let path = Path::new(ROOT).join(folder).join("Cargo.toml");
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn crates_depend_only_in_the_allowed_direction() {
    for (folder, name, allowed) in ALLOWED {
        let manifest = manifest(folder);
        assert_eq!(manifest["package"]["name"].as_str(), Some(name));
        for dependency in manifest["dependencies"].as_table().unwrap().keys() {
            let Some(ours) = dependency.strip_prefix("plimsoll-") else { continue };
            assert!(allowed.contains(&ours), "{name} may not depend on plimsoll-{ours}");
        }
    }
}

#[test]
fn every_member_of_the_workspace_is_in_the_table() {
    let workspace = manifest(".");
    let members: Vec<&str> = workspace["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap())
        .collect();
    let known: BTreeMap<&str, &str> =
        ALLOWED.iter().map(|(folder, name, _)| (*folder, *name)).collect();
    for member in &members {
        assert!(known.contains_key(member), "{member} is missing from the table of this test");
    }
    assert_eq!(members.len(), known.len());
}

#[test]
fn kill_points_are_in_what_tests_build_and_in_nothing_else() {
    let folders = ALLOWED.iter().map(|(folder, ..)| *folder).chain(["."]);
    for folder in folders {
        let manifest = manifest(folder);
        let execute = manifest["dependencies"].get("plimsoll-execute");
        let features = execute.and_then(|execute| execute.get("features")?.as_array());
        let has_faults =
            features.is_some_and(|all| all.iter().any(|one| one.as_str() == Some("faults")));
        assert!(!has_faults, "{folder} builds kill points into what it releases");
    }
}

#[test]
fn the_core_has_no_frames_and_no_chain_client() {
    let dependencies = manifest("engine/core");
    for dependency in dependencies["dependencies"].as_table().unwrap().keys() {
        let known = ["alloy-primitives", "chrono", "serde", "thiserror"];
        assert!(known.contains(&dependency.as_str()), "engine/core may not depend on {dependency}");
    }
}

#[test]
fn pure_crates_do_nothing_but_compute() {
    for folder in PURE {
        for file in sources(&Path::new(ROOT).join(folder).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                if code.trim() == SEEDED {
                    continue;
                }
                for word in IMPURE {
                    assert!(
                        !code.contains(word),
                        "{}:{}: pure code says `{word}`",
                        file.display(),
                        number + 1
                    );
                }
            }
        }
    }
}
