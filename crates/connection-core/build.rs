//! Embeds a migration that was added or changed: cargo does not see that the source names the directory.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
