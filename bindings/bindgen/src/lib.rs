//! From the built facade to its bindings: this crate reads uniffi's metadata from the library's symbols.
//!
//! For development only; nothing here goes into an app. [`generate`] writes a language's code. [`surface`] lists the
//! exports in words that change only with the surface.

mod surface;

use std::path::Path;

use uniffi_bindgen::bindings::GenerateOptions;
pub use uniffi_bindgen::bindings::TargetLanguage;

pub use surface::surface;

/// Why no bindings were written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// uniffi's generator needs paths in UTF-8.
    #[error("the path is not UTF-8")]
    Path,
    /// The library cannot be read, or the code cannot be written.
    #[error("uniffi: {0}")]
    Uniffi(Box<dyn std::error::Error + Send + Sync>),
}

/// The SDKs' languages, and Python for the contract test.
pub const LANGUAGES: [TargetLanguage; 3] = [TargetLanguage::Kotlin, TargetLanguage::Swift, TargetLanguage::Python];

/// Writes the bindings of the facade's dynamic `library` in `language` into `folder`. The code is unformatted, because
/// not every machine has a formatter and git does not keep the code.
pub fn generate(library: &Path, language: TargetLanguage, folder: &Path) -> Result<(), Error> {
    let is_swift = matches!(language, TargetLanguage::Swift);
    let options = GenerateOptions {
        languages: vec![language],
        source: text(library)?.into(),
        out_dir: text(folder)?.into(),
        config_override: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/bindgen.toml").into()),
        ..GenerateOptions::default()
    };
    uniffi_bindgen::bindings::generate(options).map_err(|error| Error::Uniffi(error.into()))?;
    if is_swift {
        lower_cases(library, &folder.join("Sotto.swift"))?;
    }
    Ok(())
}

/// Swift's cases begin with a small letter; uniffi writes error cases as classes.
fn lower_cases(library: &Path, file: &Path) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::Uniffi(error.into());
    let mut code = std::fs::read_to_string(file).map_err(failed)?;
    for name in surface::error_cases(library)? {
        let lower = name.chars().take(1).map(|c| c.to_ascii_lowercase()).chain(name.chars().skip(1));
        let lower: String = lower.collect();
        for (upper, lower) in [
            (format!("    case {name}("), format!("    case `{lower}`(")),
            (format!("return .{name}("), format!("return .{lower}(")),
            (format!("case let .{name}("), format!("case let .{lower}(")),
        ] {
            code = code.replace(&upper, &lower);
        }
    }
    std::fs::write(file, code).map_err(failed)
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or(Error::Path)
}
