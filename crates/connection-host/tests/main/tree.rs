//! That no file of these tests is forgotten in `main.rs`.

#[test]
fn every_file_of_the_tests_is_a_module() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main");
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || main.contains(&format!("mod {module};")), "{name} is not in main.rs");
    }
}
