//! The built facade, and service nodes for it to talk through.

#![allow(dead_code, missing_docs)] // each test program uses its part

pub(crate) mod node;

use std::path::PathBuf;

/// The dynamic library that cargo built for these tests, beside their own binaries.
pub(crate) fn library() -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let tests = std::env::current_exe().unwrap();
    let library = tests.with_file_name(format!("{DLL_PREFIX}sotto_ffi{DLL_SUFFIX}"));
    assert!(library.exists(), "{} is missing", library.display());
    library
}
