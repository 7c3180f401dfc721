//! The stand-in server as a program; everything is in its library.

fn main() {
    connect_standin::cli::main()
}
