//! The program.

use std::process::ExitCode;

// Many small vectors that grow by a quarter: the system's allocator leaves twice the gaps.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ebb::cli::main()
}
