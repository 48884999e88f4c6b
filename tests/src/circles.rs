//! Circles in the sources of a package: files or folders that need each other, found in their paths.
//!
//! What a file needs is read from its `use` items and from paths that begin with `crate`, `self` or
//! `super`; what a module hands on by `pub use` counts for the file that it comes from. Files that
//! declare modules are left out, since a parent and its children belong together, and so is what is
//! compiled for tests alone. No macro is expanded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

/// A module's path from the root of its package.
type Module = Vec<String>;

/// The files of one package and what they need.
#[derive(Debug)]
pub struct Sources {
    files: BTreeMap<Module, File>,
}

#[derive(Debug)]
struct File {
    /// Below `src/`.
    path: PathBuf,
    tokens: Vec<String>,
    declares: bool,
    /// What it hands on under which name, as it is written.
    hands_on: BTreeMap<String, Module>,
}

impl Sources {
    /// Reads the package whose sources are below `src`.
    ///
    /// # Panics
    /// If a source cannot be read.
    #[must_use]
    pub fn read(src: &Path) -> Self {
        let mut files = BTreeMap::new();
        let root = ["lib.rs", "main.rs"].map(|name| src.join(name));
        for root in root.iter().filter(|root| root.is_file()) {
            read_module(src, root, &Vec::new(), &mut files);
        }
        Self { files }
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// One circle for each group of files that need each other, as `a.rs -> b.rs -> a.rs`.
    #[must_use]
    pub fn circles_of_files(&self) -> Vec<String> {
        let edges = self.needs().into_iter().map(|(from, to)| {
            let name = |module: &Module| self.files[module].path.display().to_string();
            (name(&from), name(&to))
        });
        circles(&edges.collect())
    }

    /// The same for what stands side by side in a folder, where a whole folder is part of it.
    #[must_use]
    pub fn circles_of_folders(&self) -> Vec<String> {
        let mut levels: BTreeMap<&[String], BTreeSet<(String, String)>> = BTreeMap::new();
        let needs = self.needs();
        for (from, to) in &needs {
            let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                let names = |name: &String| {
                    [&from[..shared], std::slice::from_ref(name)]
                        .concat()
                        .join("/")
                };
                let level = levels.entry(&from[..shared]).or_default();
                level.insert((names(a), names(b)));
            }
        }
        let mut found: Vec<String> = levels.values().flat_map(circles).collect();
        let is_folder = |name: &str| {
            let parent: Module = name.split('/').map(str::to_owned).collect();
            let below =
                |module: &Module| module.len() > parent.len() && module.starts_with(&parent);
            self.files.keys().any(below)
        };
        found.retain(|circle| circle.split(" -> ").any(is_folder));
        found
    }

    /// Which file needs which, both named by their modules.
    fn needs(&self) -> BTreeSet<(Module, Module)> {
        let mut needs = BTreeSet::new();
        for (module, file) in self.files.iter().filter(|(_, file)| !file.declares) {
            for path in paths(&file.tokens).into_iter().map(|path| path.0) {
                let Some(to) = self.resolve(module, &path, 0) else {
                    continue;
                };
                if to != *module && !self.files[&to].declares {
                    needs.insert((module.clone(), to));
                }
            }
        }
        needs
    }

    /// The module that has what a path in `from` names; none for what other packages have.
    fn resolve(&self, from: &[String], path: &[String], hops: usize) -> Option<Module> {
        let mut at = from.to_vec();
        let mut names = path.iter().peekable();
        match names.peek()?.as_str() {
            "crate" => at.clear(),
            "self" | "super" => {}
            name => {
                let mut child = at.clone();
                child.push((*name).to_owned());
                let known = self.files.contains_key(&child)
                    || self.files.get(&at)?.hands_on.contains_key(name);
                if !known {
                    return None;
                }
            }
        }
        for name in names {
            match name.as_str() {
                "crate" | "self" => continue,
                "super" => {
                    at.pop();
                    continue;
                }
                _ => {}
            }
            at.push(name.clone());
            if self.files.contains_key(&at) {
                continue;
            }
            at.pop();
            let handed = self.files.get(&at)?.hands_on.get(name);
            let Some(handed) = handed.filter(|_| hops < 8) else {
                break;
            };
            return self.resolve(&at, handed, hops + 1).or(Some(at));
        }
        self.files.contains_key(&at).then_some(at)
    }
}

fn read_module(src: &Path, file: &Path, module: &Module, files: &mut BTreeMap<Module, File>) {
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tokens = without_tests(&tokens(&text));
    let children: Vec<String> = tokens
        .windows(3)
        .filter(|window| window[0] == "mod" && window[2] == ";")
        .map(|window| window[1].clone())
        .collect();
    let stem = file.file_stem().unwrap_or_default();
    let is_root = ["lib", "main", "mod"].iter().any(|name| stem == *name);
    let beside = file.parent().unwrap_or(src);
    let folder = if is_root {
        beside.to_path_buf()
    } else {
        beside.join(stem)
    };
    for child in &children {
        let mut path = module.clone();
        path.push(child.clone());
        let candidates = [
            folder.join(format!("{child}.rs")),
            folder.join(child).join("mod.rs"),
        ];
        if let Some(file) = candidates.iter().find(|candidate| candidate.is_file()) {
            read_module(src, file, &path, files);
        }
    }
    let mut hands_on = BTreeMap::new();
    for (path, name, is_public) in paths(&tokens) {
        if is_public {
            hands_on.insert(name, path);
        }
    }
    let declares = !children.is_empty();
    let path = file.strip_prefix(src).unwrap_or(file).to_path_buf();
    files.insert(
        module.clone(),
        File {
            path,
            tokens,
            declares,
            hands_on,
        },
    );
}

/// Words and signs of a source, without comments and without the contents of literals.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_literal(rest) {
            length
        } else if first == '"' {
            literal(rest)
        } else if first == '\'' {
            character(rest)
        } else if first.is_alphanumeric() || first == '_' {
            let word = |c: char| !c.is_alphanumeric() && c != '_';
            let length = rest.find(word).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    tokens
}

fn literal(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of `r"..."`, `r#"..."#`, `br"..."` and their like.
fn raw_literal(rest: &str) -> Option<usize> {
    let start = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = start.len() - start.trim_start_matches('#').len();
    let body = start[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end)? + end.len();
    Some(rest.len() - body.len() + length)
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let inside = &rest[1..];
    if inside.starts_with('\\') {
        return inside[2..].find('\'').map_or(1, |end| end + 4);
    }
    let c = inside.chars().next().map_or(0, char::len_utf8);
    if inside[c..].starts_with('\'') {
        c + 2
    } else {
        1
    }
}

/// Leaves out each item behind an attribute that speaks of tests.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "#" && tokens.get(at + 1).is_some_and(|next| next == "[") {
            let end = closing(tokens, at + 1);
            let attribute = &tokens[at..=end];
            let is = |word: &str| attribute.iter().any(|token| token == word);
            at = end + 1;
            if is("cfg") && is("test") && !is("not") {
                at = after_item(tokens, at);
            }
            continue;
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

/// The end of the bracket that opens at `open`.
fn closing(tokens: &[String], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "[" | "{" | "(" => depth += 1,
            "]" | "}" | ")" => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len() - 1
}

fn after_item(tokens: &[String], mut at: usize) -> usize {
    while at < tokens.len() {
        match tokens[at].as_str() {
            ";" | "," => return at + 1,
            "{" => return closing(tokens, at) + 1,
            "[" | "(" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// Every path of a source with the name that it gets here, and whether it is handed on.
fn paths(tokens: &[String]) -> Vec<(Module, String, bool)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "use" => {
                let is_public = at > 0 && matches!(tokens[at - 1].as_str(), "pub" | ")");
                let mut tree = Vec::new();
                at = use_tree(tokens, at + 1, &Vec::new(), &mut tree);
                found.extend(tree.into_iter().map(|(path, name)| (path, name, is_public)));
            }
            "crate" | "super" | "self" if tokens.get(at + 1).is_some_and(|next| next == "::") => {
                let mut path = vec![tokens[at].clone()];
                at += 1;
                while tokens.get(at).is_some_and(|token| token == "::") {
                    let Some(name) = tokens.get(at + 1) else {
                        break;
                    };
                    path.push(name.clone());
                    at += 2;
                }
                found.push((path, String::new(), false));
            }
            _ => at += 1,
        }
    }
    found
}

/// Reads one branch of a `use` item; the place behind it.
fn use_tree(
    tokens: &[String],
    mut at: usize,
    before: &Module,
    found: &mut Vec<(Module, String)>,
) -> usize {
    let mut path = before.clone();
    loop {
        match tokens.get(at).map(String::as_str) {
            Some("{") => {
                let end = closing(tokens, at);
                at += 1;
                while at < end {
                    at = use_tree(tokens, at, &path, found);
                }
                return end + 1;
            }
            Some("::") => at += 1,
            Some("as") => {
                let name = tokens.get(at + 1).cloned().unwrap_or_default();
                found.push((path, name));
                return at + 2;
            }
            None | Some(";" | "," | "}") => {
                if path.len() > before.len() {
                    let name = path.last().cloned().unwrap_or_default();
                    found.push((path, name));
                }
                return at + 1;
            }
            Some(name) => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
}

/// The shortest circle through the first name of each group that has one.
fn circles(edges: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(from).or_default().push(to);
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut circles = Vec::new();
    for &start in next.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = circle(&next, start) {
            seen.extend(&circle);
            circles.push(circle.join(" -> "));
        }
    }
    circles
}

fn circle<'a>(next: &BTreeMap<&'a str, Vec<&'a str>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut todo = VecDeque::from([start]);
    while let Some(at) = todo.pop_front() {
        for &to in next.get(at).into_iter().flatten() {
            if to == start {
                let mut circle = vec![start, at];
                let mut back = at;
                while back != start {
                    back = came_from[back];
                    circle.push(back);
                }
                circle.reverse();
                if at == start {
                    circle.pop();
                }
                return Some(circle);
            }
            if !came_from.contains_key(to) {
                came_from.insert(to, at);
                todo.push_back(to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Folder;

    fn package(files: &[(&str, &str)]) -> Sources {
        let folder = Folder::new("circles");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Sources::read(folder.path())
    }

    #[test]
    fn a_circle_is_found_through_what_a_module_hands_on() {
        let sources = package(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
            (
                "a/mod.rs",
                "mod inner;\npub use inner::{Inner, Other as Named};\n",
            ),
            ("a/inner.rs", "use crate::b::B;\n"),
            ("b.rs", "fn b() { crate::a::Named::new(); }\n"),
            (
                "c.rs",
                "use crate::{a::Inner, b};\n#[cfg(test)]\nmod tests { use crate::d::D; }\n",
            ),
        ]);
        let files = sources.circles_of_files();
        assert_eq!(files, ["a/inner.rs -> b.rs -> a/inner.rs"]);
        assert_eq!(sources.circles_of_folders(), ["a -> b -> a"]);
    }

    #[test]
    fn one_way_streets_comments_texts_and_tests_are_no_circle() {
        let sources = package(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a.rs", "use super::b::B;\n"),
            (
                "b.rs",
                "// use crate::a::A;\nconst T: &str = \"crate::a\";\nconst R: &str = r#\"crate::a\"#;\n\
                 const Q: char = '\"';\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
            ),
        ]);
        assert_eq!(sources.len(), 3);
        assert!(sources.circles_of_files().is_empty());
        assert!(sources.circles_of_folders().is_empty());
    }

    #[test]
    fn folders_may_be_in_a_circle_when_no_files_are() {
        let sources = package(&[
            ("lib.rs", "mod a;\nmod b;\n"),
            ("a/mod.rs", "mod one;\nmod two;\n"),
            ("a/one.rs", "use crate::b::one::X;\n"),
            ("a/two.rs", ""),
            ("b/mod.rs", "mod one;\nmod two;\n"),
            ("b/one.rs", ""),
            ("b/two.rs", "use crate::a::two::Y;\n"),
        ]);
        assert!(sources.circles_of_files().is_empty());
        assert_eq!(sources.circles_of_folders(), ["a -> b -> a"]);
    }
}
