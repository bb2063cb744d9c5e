use super::*;

fn identity() -> Identity {
    let every = Every::Blocks(NonZeroU64::MIN);
    let (from, size) = (10, NonZeroU64::new(8).unwrap());
    Identity::new((1, B256::ZERO), (from, size, every), (Vec::new(), None))
}

/// Writes the files of a part, and notes it.
fn finish(manifest: &mut Manifest, place: usize, part: (u64, u64)) {
    let files = names(part).map(|name| manifest.store(&name, name.as_bytes()).unwrap());
    manifest.finish(place, chunk(part, files.to_vec())).unwrap();
}

fn chunk((from, to): (u64, u64), files: Vec<Written>) -> Chunk {
    let hash = |number: u64| B256::with_last_byte(u8::try_from(number).unwrap());
    let (parent, last) = (hash(from - 1), hash(to));
    let gaps = Vec::new();
    let logs = Logs::default();
    Chunk { from, to, parent, last, last_time: 0, snapshots: 1, rows: 2, logs, gaps, files }
}

fn filled(folder: &Path, to: u64) -> Manifest {
    let mut manifest = Manifest::open(folder, &identity(), to).unwrap();
    let parts = identity().parts(to);
    for (place, part) in parts.into_iter().enumerate().skip(manifest.chunks.len()) {
        finish(&mut manifest, place, part);
    }
    manifest
}

fn bytes(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let each = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    each.map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

fn said(opened: Result<Manifest, IngestError>) -> String {
    opened.unwrap_err().to_string()
}

#[test]
fn parts_cover_the_range_without_a_gap_and_the_last_is_shorter() {
    assert_eq!(identity().parts(29), [(10, 17), (18, 25), (26, 29)]);
    assert_eq!(identity().parts(10), [(10, 10)]);
    assert!(identity().parts(9).is_empty());
}

#[test]
fn half_a_line_and_files_without_one_are_swept_up_and_the_bytes_are_the_same() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(whole.path(), 29));
    drop(filled(broken.path(), 17));
    let mut text = fs::read(broken.path().join(NAME)).unwrap();
    text.extend_from_slice(b"{\"hash\":\"00\",\"ent");
    fs::write(broken.path().join(NAME), text).unwrap();
    for name in names((18, 25)).iter().take(2) {
        fs::write(broken.path().join(name), "half").unwrap();
    }
    fs::write(broken.path().join(format!("{}.new", names((18, 25))[2])), "half").unwrap();
    fs::write(broken.path().join("ingest.jsonl.new"), "half").unwrap();
    let manifest = Manifest::open(broken.path(), &identity(), 29).unwrap();
    assert_eq!(manifest.chunks.len(), 1);
    drop(manifest);
    drop(filled(broken.path(), 29));
    assert_eq!(bytes(whole.path()), bytes(broken.path()));
}

#[test]
fn a_longer_range_takes_up_what_is_there_and_a_shorter_one_is_refused() {
    let (whole, grown) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(filled(whole.path(), 40));
    drop(filled(grown.path(), 29));
    let manifest = Manifest::open(grown.path(), &identity(), 40).unwrap();
    assert_eq!(manifest.chunks.len(), 2, "the last part was shorter than it is now");
    drop(manifest);
    drop(filled(grown.path(), 40));
    assert_eq!(bytes(whole.path()), bytes(grown.path()));
    let refused = said(Manifest::open(grown.path(), &identity(), 20));
    assert!(refused.contains("--to-block 40") && refused.contains("another folder"), "{refused}");
}

#[test]
fn two_at_once_other_settings_and_strangers_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = filled(folder.path(), 17);
    let refused = said(Manifest::open(folder.path(), &identity(), 17));
    assert!(refused.contains("another ingest writes there"), "{refused}");
    drop(manifest);
    let other = Identity { chain: 5, ..identity() };
    let refused = said(Manifest::open(folder.path(), &other, 17));
    assert!(refused.contains("was begun with chain 1, and is now asked for 5"), "{refused}");
    let other = Identity { every: Every::Seconds(NonZeroU64::MIN), ..identity() };
    let refused = said(Manifest::open(folder.path(), &other, 17));
    assert!(refused.contains("--every"), "{refused}");
    fs::write(folder.path().join("observed_reserves_blocks_2025-01-01.parquet"), "").unwrap();
    let refused = said(Manifest::open(folder.path(), &identity(), 17));
    assert!(refused.contains("is no file of this ingest"), "{refused}");
}

#[test]
fn a_file_that_was_changed_is_found_and_one_that_is_missing_has_to_come_out_the_same() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 29));
    let name = &names((18, 25))[0];
    fs::write(folder.path().join(name), "changed").unwrap();
    let refused = said(Manifest::open(folder.path(), &identity(), 29));
    assert!(refused.contains(name.as_str()) && refused.contains("remove it"), "{refused}");
    fs::remove_file(folder.path().join(name)).unwrap();
    let mut manifest = Manifest::open(folder.path(), &identity(), 29).unwrap();
    assert_eq!(manifest.missing, BTreeSet::from([1]));
    let other = manifest.finish(1, Chunk { rows: 3, ..chunk((18, 25), Vec::new()) });
    assert!(other.unwrap_err().to_string().contains("are not what they were"));
    finish(&mut manifest, 1, (18, 25));
    assert!(manifest.missing.is_empty());
    assert_eq!(manifest.chunks.len(), 3);
}

#[test]
fn a_line_that_was_changed_is_found() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path(), 29));
    let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
    let changed = text.replacen("\"rows\":2", "\"rows\":9", 1);
    assert_ne!(text, changed);
    fs::write(folder.path().join(NAME), changed).unwrap();
    let refused = said(Manifest::open(folder.path(), &identity(), 29));
    assert!(refused.contains("line 2: its hash"), "{refused}");
}
