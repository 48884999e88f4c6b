//! Libraries made by `cc` in milliseconds: a `.meterbox` section, a constructor, whatever the linker is
//! told. They are no whole plugins; they are what a host must refuse.

use std::path::Path;
use std::process::Command;

/// A library to be built.
#[derive(Debug, Clone)]
pub struct Craft {
    name: String,
    api: String,
    panic: String,
    code: String,
    arguments: Vec<String>,
}

impl Craft {
    /// A library whose metadata says `name` and the border that this host has.
    #[must_use]
    pub fn new(name: &str, api: &str) -> Self {
        Self {
            name: name.to_owned(),
            api: api.to_owned(),
            panic: "unwind".to_owned(),
            code: String::new(),
            arguments: Vec::new(),
        }
    }

    /// What the metadata says about panics.
    #[must_use]
    pub fn panic(mut self, panic: &str) -> Self {
        panic.clone_into(&mut self.panic);
        self
    }

    /// Further C code.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        self.code.push_str(code);
        self
    }

    /// Code that runs as soon as the library is opened.
    #[must_use]
    pub fn constructor(self, body: &str) -> Self {
        self.code(&format!(
            "__attribute__((constructor)) static void constructor(void) {{ {body} }}\n"
        ))
    }

    /// A further argument of `cc`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Builds it in `folder` and gives its bytes.
    ///
    /// # Panics
    /// If `cc` is missing or refuses the code.
    #[must_use]
    pub fn build(&self, folder: &Path) -> Vec<u8> {
        let Self {
            name, api, panic, ..
        } = self;
        let metadata = format!(
            r#"{{\"name\":\"{name}\",\"version\":\"1.0.0\",\"api\":\"{api}\",\"panic\":\"{panic}\"}}"#
        );
        let source = folder.join(format!("{name}.c"));
        let library = folder.join(format!("{name}.built"));
        let code = format!(
            "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
             __attribute__((section(\".meterbox\"), used)) static const char metadata[] = \"{metadata}\";\n{}",
            self.code
        );
        std::fs::write(&source, code).expect("the folder is writable");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .args(&self.arguments)
            .output()
            .expect("cc starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        std::fs::read(library).expect("cc wrote it")
    }
}

/// The example plugin in C: a whole plugin of a few kilobytes, called [`EXAMPLE`].
///
/// # Panics
/// If `cc` is missing or refuses it.
#[must_use]
pub fn example(folder: &Path) -> Vec<u8> {
    let root = &crate::built().root;
    let library = folder.join("example.built");
    let output = Command::new("cc")
        .args(["-std=c99", "-O1", "-s", "-shared", "-fPIC", "-I"])
        .arg(root.join("plugin-api/c"))
        .arg("-o")
        .arg(&library)
        .arg(root.join("plugin-api/c/example/hello.c"))
        .arg("-lpthread")
        .output()
        .expect("cc starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    std::fs::read(library).expect("cc wrote it")
}

/// The name of [`example`].
pub const EXAMPLE: &str = "hello_c";

/// The border that this host has, as the metadata of a library built with it says.
///
/// # Panics
/// If the library has no metadata.
#[must_use]
pub fn api_of(library: &[u8]) -> String {
    let key = b"\"api\":\"";
    let at = library.windows(key.len()).position(|window| window == key);
    let from = at.expect("the library has metadata") + key.len();
    let text = library[from..].split(|byte| *byte == b'"').next();
    String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
}
