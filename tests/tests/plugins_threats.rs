//! Hostile libraries and hostile names: what the linker would do with them, or a path, never happens.

use meterbox_tests::faults::craft::{Craft, api_of};
use meterbox_tests::{Folder, Host, built, eventually, http};
use std::collections::BTreeSet;

/// A library that asks the linker for something, and a word of the refusal.
struct Crafted {
    name: &'static str,
    arguments: &'static [&'static str],
    words: &'static str,
}

const fn crafted(
    name: &'static str,
    arguments: &'static [&'static str],
    words: &'static str,
) -> Crafted {
    Crafted {
        name,
        arguments,
        words,
    }
}

/// `-lodd` is a library called `libodd.so` that nobody allows, `odd/libc.so.6` one with a path.
const CRAFTED: &[Crafted] = &[
    crafted(
        "rpath",
        &["-Wl,--disable-new-dtags,-rpath,/tmp"],
        "search path",
    ),
    crafted(
        "runpath",
        &["-Wl,--enable-new-dtags,-rpath,/tmp"],
        "search path",
    ),
    crafted("origin", &["-Wl,-rpath,$ORIGIN"], "search path"),
    crafted("empty_path", &["-Wl,-rpath,."], "search path"),
    crafted("needed", &["-Wl,--no-as-needed", "-lodd"], "libodd.so"),
    crafted(
        "needed_path",
        &["-Wl,--no-as-needed", "odd/libpath.so"],
        "odd/libc.so.6",
    ),
    crafted("auxiliary", &["-Wl,-f,libodd.so"], "libodd.so"),
    crafted("filter", &["-Wl,-F,libodd.so"], "libodd.so"),
    crafted("depaudit", &["-Wl,--depaudit,libodd.so"], "libodd.so"),
    crafted("audit", &["-Wl,--audit,libodd.so"], "libodd.so"),
    crafted(
        "writable",
        &["-nostdlib", "-Wl,--omagic"],
        "writable and executable",
    ),
    crafted("stack", &["-Wl,-z,execstack"], "executable stack"),
];

#[test]
fn threat_t12_what_a_library_asks_the_linker_for_is_refused() {
    let workshop = Folder::new("workshop");
    let folder = workshop.path();
    let api = api_of(&std::fs::read(built().plugin("drift")).expect("drift is built"));
    std::fs::create_dir(folder.join("odd")).expect("the folder is ours");
    for (file, soname) in [
        ("libodd.so", "libodd.so"),
        ("odd/libpath.so", "odd/libc.so.6"),
    ] {
        let bytes = Craft::new("odd", &api)
            .argument(&format!("-Wl,-soname,{soname}"))
            .build(folder);
        workshop.write(file, bytes);
    }
    let mut builder = Host::builder().plugin("prometheus");
    for Crafted {
        name, arguments, ..
    } in CRAFTED
    {
        let craft = Craft::new(name, &api)
            .constructor("_exit(77);")
            .argument(&format!("-L{}", folder.display()));
        let craft = arguments.iter().fold(craft, |craft, argument| {
            let beside = format!("{}/odd/", folder.display());
            craft.argument(&argument.replacen(
                "odd/",
                &beside,
                usize::from(argument.starts_with("odd/")),
            ))
        });
        builder = builder.file(&format!("{name}.so"), craft.build(folder));
    }
    let host = builder.start();
    let list = http::get(host.management(), "/plugins").json();
    for Crafted { name, words, .. } in CRAFTED {
        let end = format!("/{name}.so");
        let plugins = list.as_array().into_iter().flatten();
        let plugin = plugins
            .into_iter()
            .find(|plugin| {
                plugin["path"]
                    .as_str()
                    .is_some_and(|path| path.ends_with(&end))
            })
            .unwrap_or_else(|| panic!("{name} is not listed: {list}"));
        assert_eq!(plugin["state"], "rejected", "{plugin}");
        let reason = plugin["last_error"].as_str().unwrap_or_default();
        assert!(reason.contains(words), "{name}: {reason}");
    }
    let log = host.output();
    assert!(
        !log.contains("code 77"),
        "the constructor of a refused library ran: {log}"
    );
}

#[test]
fn threat_t12_a_plugins_process_inherits_no_variable_of_the_linker() {
    let host = Host::builder()
        .plugin("drift")
        .environment("LD_LIBRARY_PATH", "/nonexistent")
        .environment("LD_DEBUG_OUTPUT", "/nonexistent")
        .environment("SECRET_OF_THE_HOST", "canary")
        .start();
    let plugin = http::get(host.management(), "/plugins/drift").json();
    let pid = plugin["pid"]
        .as_u64()
        .unwrap_or_else(|| panic!("in a process: {plugin}"));
    let variables = match std::fs::read(format!("/proc/{pid}/environ")) {
        Ok(variables) => String::from_utf8_lossy(&variables).into_owned(),
        // A process that is not dumpable shows its environment to root alone.
        Err(error) => {
            eprintln!("not looked at: {error}");
            return;
        }
    };
    for name in ["LD_", "SECRET_OF_THE_HOST", "canary"] {
        assert!(!variables.contains(name), "{name} in {variables:?}");
    }
}

/// Names that lead out of a folder, into another file, or nowhere; as they stand in a URL.
fn hostile_names() -> BTreeSet<String> {
    const PLAIN: &[&str] = &[
        "..",
        "../outside",
        "../outside.mar",
        "../../etc/passwd",
        "/etc/passwd",
        "//etc/passwd",
        "..\\outside.mar",
        "x/../../outside.mar",
        "./../outside.mar",
        "%00",
        "x%00.mar",
        "x%0a",
        "x%0d%0aSet-Cookie:a",
        "..;/outside.mar",
        "x;y",
        "~",
        "~root",
        "-rf",
        ".hidden",
        "...",
        ".",
        "con:aux",
        "x y",
        "x\"y",
        "x'y",
        "<script>",
        "${HOME}",
        "$(id)",
        "`id`",
        "x|y",
        "x*",
        "?",
        "%ff%fe",
        "%c0%ae%c0%ae%2foutside.mar",
        "%e0%80%ae%2foutside.mar",
        "\u{202e}ram",
        "proc/self/environ",
        "../plugins/drift.so",
        "file:../outside.mar",
        "x#y",
        "x%",
        "%2",
        "%zz",
        "x@y",
    ];
    let percent =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let mut names = BTreeSet::new();
    for plain in PLAIN {
        let once: String = plain
            .bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b'%' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect();
        names.insert(percent(plain));
        names.insert(percent(&once));
        names.insert(once.replace('%', "%25"));
        names.insert(once.replace('.', "%2E"));
        names.insert(format!("{once}%2f"));
        names.insert(once);
    }
    names.insert("a".repeat(129));
    names.insert("a".repeat(4000));
    names
}

#[test]
fn threat_t08_names_never_become_paths_outside() {
    let outside = Folder::new("outside");
    let store = outside.path().join("store");
    std::fs::create_dir(&store).expect("the folder is ours");
    let archive = std::fs::read(built().models.join("noop.mar")).expect("noop is packed");
    // Would be taken if a name led there.
    outside.write("outside.mar", &archive);
    outside.write("outside", &archive);
    outside.write("store/inside.mar", &archive);
    let host = Host::builder()
        .plugin("drift")
        .line(format!("model_store={}", store.display()))
        .start();
    let before = http::get(host.management(), "/plugins").json();
    let names = hostile_names();
    assert!(names.len() >= 200, "{} names", names.len());
    for name in &names {
        for (method, path) in [
            ("GET", format!("/plugins/{name}")),
            ("POST", format!("/plugins/{name}/reload")),
            ("POST", format!("/plugins/{name}/disable")),
            ("GET", format!("/models/{name}")),
            ("DELETE", format!("/models/{name}")),
            ("POST", format!("/models?url={name}")),
            ("POST", format!("/models?url=inside.mar&model_name={name}")),
        ] {
            // An empty or cut segment is another page.
            if method == "GET"
                && matches!(
                    name.as_str(),
                    "." | ".." | "%2E" | "%2E%2E" | "%2e" | "%2e%2e"
                )
            {
                continue;
            }
            let answer = http::request(host.management(), method, &path, &[], &[]);
            let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            let refused = (400..500).contains(&answer.status);
            assert!(
                refused,
                "{method} {path}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(
                !answer.text().contains("root:"),
                "{method} {path}: {}",
                answer.text()
            );
            assert_eq!(answer.header("set-cookie"), None, "{method} {path}");
        }
    }
    let models = http::get(host.management(), "/models").json();
    assert_eq!(models["models"], serde_json::json!([]), "{models}");
    let after = http::get(host.management(), "/plugins").json();
    assert_eq!(before[0]["state"], after[0]["state"]);
    // The archive is good: it is the names that were refused.
    let answer = http::post(host.management(), "/models?url=inside.mar", b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("the host is well", || {
        let answer = http::request(host.management(), "GET", "/-/ready", &[], &[])?;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    });
}
