//! `meterbox plugins new`: a project that builds and passes its tests as it is.

use super::{NewArguments, pretty};
use crate::cli::exit::Failure;
use crate::cli::options::working_folder;
use crate::cli::print;
use crate::tools::scaffold::{self, Made, Name, Sdk};
use serde_json::json;

/// Makes the project and prints where it is and what to run in it.
///
/// # Errors
/// The name is refused, there is no SDK, or the folder cannot be made.
pub(super) fn new(new: &NewArguments) -> Result<(), Failure> {
    let name = Name::parse(&new.name).map_err(Failure::refused)?;
    let program = std::env::current_exe().map_err(Failure::failed)?;
    let sdk = Sdk::find(new.sdk.as_deref(), &program).map_err(Failure::failed)?;
    let parent = match &new.path {
        Some(path) => path.clone(),
        None => working_folder()?,
    };
    let folder = parent.join(name.as_str());
    let made = scaffold::make(new.lang, &name, &folder, &sdk, &program).map_err(Failure::failed)?;
    print(&if new.json {
        let folder = made.folder.display().to_string();
        pretty(&json!({ "folder": folder, "files": made.files, "next": made.next }))
    } else {
        said(&made)
    });
    Ok(())
}

fn said(made: &Made) -> String {
    let mut text = format!(
        "{}: {}\nnext:\n  cd {}\n",
        made.folder.display(),
        made.files.join(", "),
        made.folder.display()
    );
    for line in &made.next {
        text += &format!("  {line}\n");
    }
    text + "PLUGINS is a folder of plugins_path of the server.\n"
}
