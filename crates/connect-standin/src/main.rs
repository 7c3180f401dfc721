//! The stand-in server as a program.

fn main() {
    connect_standin::cli::main()
}
