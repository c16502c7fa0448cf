//! Link arguments of `liblarder.so`.

fn main() {
    let arguments = [
        // Programs linked with -llarder record this name; a preloaded copy then satisfies it.
        "-Wl,-soname,liblarder.so",
        // Threads may be inside malloc at any time: the text must never be unmapped.
        "-Wl,-z,nodelete",
        // No lazy binding: a first call from inside malloc must not enter the dynamic linker. (Rust's default, stated here so that it stays.)
        "-Wl,-z,now",
        // Keeps the code that runs at load and exit (`.text.startup`) apart: a program that never calls malloc has no other text in memory.
        "-Wl,-z,keep-text-section-prefix",
        // The compiler's start files are not needed, and the work they do at load and exit touches pages.
        "-nostartfiles",
        // The name of this very build: who reads another process's memory must know that it has the same layout.
        "-Wl,--build-id=sha1",
        // An undefined symbol that nothing provides is an error here, not in the user's program.
        "-Wl,-z,defs",
    ];
    for argument in arguments {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
    // The libc crate links libc only without its `std` feature, which other packages of a workspace build may switch on.
    println!("cargo:rustc-link-lib=c");
    println!("cargo:rerun-if-changed=build.rs");
}
