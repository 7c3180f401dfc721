# What the scripts of packaging/ share. They run in the repository's top directory.

VERSION=$(sed -n '/^version = /{s/.*"\(.*\)".*/\1/p;q;}' Cargo.toml)
DIST=$PWD/target/dist
WORK=$PWD/target/packaging
# The same bytes at any time: what has a date in it has the commit's. It is not exported to compilers, because some crates
# are compiled again when it changes.
EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
unset SOURCE_DATE_EPOCH

# The oldest glibc a library for other machines asks for: manylinux2014's, older than that of RHEL 8 and Ubuntu 20.04.
readonly OLD_GLIBC=2.17

# Empties the directory $1.
scratch() {
    rm -rf "$1"
    mkdir -p "$1"
}

# Writes the directory $2 of the directory $1 as a tar archive.
archive() {
    tar -c -C "$1" --sort=name --mtime="@$EPOCH" --owner=0 --group=0 --numeric-owner \
        --mode=go=rX,u+rw "$2"
}

# Calls make with $2 and so on for a library for glibc 2.17 on the machine $1. It needs release_tools.
old_glibc_make() {
    local tools=()
    if [[ $1 != "$(uname -m)" ]]; then
        tools=("LD=$1-linux-gnu-ld" "OBJCOPY=$1-linux-gnu-objcopy")
    fi
    make CARGO=cargo-zigbuild "TARGET=$1-unknown-linux-gnu.$OLD_GLIBC" "${tools[@]}" "${@:2}"
}

# Sets up the tools for libraries that run on older systems, in a Python environment of its own; once.
release_tools() {
    local tools=$PWD/target/release-tools
    (
        flock 9
        if ! cmp -s packaging/requirements.txt "$tools/complete"; then
            python3 -m venv --clear "$tools"
            "$tools/bin/pip" install --quiet --no-compile --disable-pip-version-check -r packaging/requirements.txt
            cp packaging/requirements.txt "$tools/complete"
        fi
    ) 9>"$tools.lock"
    PATH=$tools/bin:$PATH
}
