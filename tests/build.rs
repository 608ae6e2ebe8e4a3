//! Tells the tests which target this is.

fn main() {
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=LEEWARD_TEST_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
}
