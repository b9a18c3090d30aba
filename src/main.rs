use std::process::ExitCode;

/// Keeps memory flat under many short-lived buffers, where glibc's arenas grow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    parking::cli::run()
}
