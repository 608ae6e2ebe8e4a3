//! Every file that ships is good.

use std::fs;
use std::path::Path;

fn env(name: &str) -> Option<String> {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        .then(|| name.to_owned())
}

#[test]
fn every_file_passes_the_check() {
    for entry in leeward_catalog::entries() {
        let (source, _) = leeward_config::parse_provider(entry.text, entry.name, &env);
        let provider = source.result.unwrap_or_else(|faults| {
            let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", shown.join("\n"))
        });
        assert_eq!(&*provider.provider, entry.name);
        assert!(
            !provider.resources.is_empty() && !provider.pagination.is_empty(),
            "{}",
            entry.name
        );
    }
}

#[test]
fn every_file_ships() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let shipped: Vec<String> = leeward_catalog::entries()
        .iter()
        .map(|entry| format!("{}.yaml", entry.name))
        .collect();
    assert_eq!(names, shipped);
}

#[test]
fn all_of_them_stand_in_one_directory() {
    let dir = std::env::temp_dir().join(format!("leeward-catalog-{}", std::process::id()));
    fs::create_dir_all(dir.join("providers")).unwrap();
    for entry in leeward_catalog::entries() {
        fs::write(
            dir.join("providers").join(format!("{}.yaml", entry.name)),
            entry.text,
        )
        .unwrap();
    }
    let loaded = leeward_config::load(&dir, &[], &env);
    fs::remove_dir_all(&dir).unwrap();
    assert!(loaded.faults.is_empty(), "{:?}", loaded.faults);
    assert_eq!(loaded.providers.len(), leeward_catalog::entries().len());
}
