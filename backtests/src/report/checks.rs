//! What tests ask of every document.

/// A name that would be markup if it were not escaped.
pub(super) const HOSTILE: &str = "<script>alert(1)</script>";

/// The document without style and script, which are ours and may say `NaN`.
pub(super) fn body(html: &str) -> String {
    let (_, body) = html.split_once("<body>").unwrap();
    body.split_once("<script>").unwrap().0.to_owned()
}

/// Checks that nothing is asked for from outside.
pub(super) fn check_requests(html: &str) {
    let html = html.to_lowercase();
    for wanted in ["http://", "https://", "src=", "@import", "url(", "fetch(", "//cdn"] {
        assert!(!html.contains(wanted), "{wanted}");
    }
    assert!(html.contains("default-src &#39;none&#39;") || html.contains("default-src 'none'"));
}

/// Checks that nothing but finite numbers is drawn.
pub(super) fn check_drawings(html: &str) {
    for svg in html.split("<svg").skip(1) {
        let svg = svg.split_once("</svg>").unwrap().0.to_lowercase();
        assert!(!svg.contains("nan") && !svg.contains("inf"), "{svg}");
    }
}

/// Checks that every tag is closed in its place, that no class is malformed, and what `check_ids` and
/// `check_words` check.
pub(super) fn check_tags(html: &str) {
    const VOID: [&str; 2] = ["br", "hr"];
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("a tag ends");
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed out of turn");
        } else if !VOID.contains(&name) {
            open.push(name);
        }
    }
    // The body goes on with the script, which is cut off.
    assert!(open.is_empty(), "left open: {open:?}");
    let found = html.matches("=\" ").count();
    assert_eq!(found, 0, "no class begins with a space, as a toggled one before another does");
    check_ids(html);
    check_words(html);
}

/// Checks that ids are unique.
pub(super) fn check_ids(html: &str) {
    let mut ids: Vec<&str> =
        html.split(" id=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "ids are unique");
}

/// Checks that every drawing has words, every table a caption and every heading cell a scope.
pub(super) fn check_words(html: &str) {
    let count = |part: &str| html.matches(part).count();
    assert_eq!(count("<desc"), count("<svg"), "every drawing has words");
    assert_eq!(count("<caption"), count("<table"), "every table has a caption");
    assert_eq!(count("<th "), count(" scope=\""), "every heading cell has a scope");
    assert_eq!(count("<th>"), 0);
}
