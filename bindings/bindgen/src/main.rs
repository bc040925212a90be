//! `sotto-bindgen LIBRARY FOLDER`: writes `FOLDER/{kotlin,swift,python}` and `FOLDER/surface.txt`.

use std::path::Path;
use std::process::ExitCode;

use sotto_bindgen::{LANGUAGES, generate, surface};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(library), Some(folder), None) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: sotto-bindgen LIBRARY FOLDER");
        return ExitCode::from(2);
    };
    match run(Path::new(&library), Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sotto-bindgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(library: &Path, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for language in LANGUAGES {
        let name = format!("{language:?}").to_lowercase();
        generate(library, language, &folder.join(name))?;
    }
    std::fs::write(folder.join("surface.txt"), surface(library)?)?;
    Ok(())
}
