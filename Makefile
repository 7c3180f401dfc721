# Builds libconnectcreds and installs it for C, C++ and whatever else finds libraries by pkg-config or CMake. Needed:
# Rust, a C compiler with binutils, GNU make.
#
#   make              builds the shared and the static library, in target/make, and where doxygen and pandoc are, the
#                     manual pages
#   make install      installs them, the headers, connectcreds.pc and the CMake package
#   make uninstall    removes what `make install` with the same variables installed
#   make check        tests what was built as an installation: tests/install.rs
#   make dist         makes the files of a release and SHA256SUMS, in target/dist: packaging/README.md
#   make clean        removes target/make and target/dist
#
# PREFIX, LIBDIR, INCLUDEDIR, DOCDIR and MANDIR say where to, DESTDIR goes before them. For another machine: TARGET, for
# example `make TARGET=x86_64-unknown-linux-gnu.2.17 CARGO=cargo-zigbuild`, and for another architecture its LD and OBJCOPY.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DOCDIR     ?= $(PREFIX)/share/doc/connectcreds
MANDIR     ?= $(PREFIX)/share/man

CARGO      ?= cargo
CARGOFLAGS ?= --locked
# cargo-zigbuild would take itself for the cargo to call.
unexport CARGO
OBJCOPY    ?= objcopy
INSTALL    ?= install

ifneq ($(words $(PREFIX)) $(words $(LIBDIR)) $(words $(INCLUDEDIR)) $(words $(DOCDIR)) $(words $(MANDIR)),1 1 1 1 1)
$(error PREFIX, LIBDIR, INCLUDEDIR, DOCDIR and MANDIR are single paths without spaces: pkg-config would split them)
endif

VERSION := $(shell sed -n '/^version = /{s/.*"\(.*\)".*/\1/p;q;}' Cargo.toml)
SONAME  := libconnectcreds.so.$(firstword $(subst ., ,$(VERSION)))
SHARED  := libconnectcreds.so.$(VERSION)

TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
# cargo-zigbuild takes a glibc version after the target's name, and leaves its files without.
TRIPLE     := $(firstword $(subst .2., ,$(TARGET)))
BUILT      := $(TARGET_DIR)/$(TRIPLE:%=%/)release
STAGE      := $(TARGET_DIR)/make$(TRIPLE:%=/%)

HEADERS := include/connectcreds.h include/connectcreds.hpp
DOCS    := LICENSE CHANGELOG.md $(wildcard THIRD-PARTY-NOTICES connectcreds.cdx.json)

# The same bytes wherever they are built: no path of this machine, in messages of panics for one, gets into the library.
CARGO_HOME ?= $(HOME)/.cargo
empty      :=
unit       := $(shell printf '\037')
flags      := $(subst $(empty) $(empty),$(unit),$(strip $(RUSTFLAGS)))
remap       = --remap-path-prefix=$(1)=/usr/src/$(2)
export CARGO_ENCODED_RUSTFLAGS := $(or $(CARGO_ENCODED_RUSTFLAGS),$(flags))$(if $(CARGO_ENCODED_RUSTFLAGS)$(flags),$(unit))$(call \
    remap,$(CURDIR),connectcreds-$(VERSION))$(unit)$(call \
    remap,$(TARGET_DIR),connectcreds-$(VERSION)/target)$(unit)$(call \
    remap,$(CARGO_HOME)/registry/src,cargo)$(unit)$(call \
    remap,$(CURDIR)/vendor,cargo/vendor)

ifneq ($(shell sh -c 'command -v doxygen && command -v pandoc && echo both' | grep both),)
MANUAL := $(STAGE)/man/man7/connectcreds.7
endif
FUNCTIONS = $(shell cat tests/symbols.txt)

all: $(STAGE)/$(SHARED) $(STAGE)/libconnectcreds.a $(MANUAL)

# Both in one go, which costs one optimization, but without the Rust library, with which cargo does none at link time.
cargo:
	+$(CARGO) rustc $(CARGOFLAGS) --release --lib --crate-type cdylib,staticlib --features wipe-freed-memory \
	    --target-dir '$(TARGET_DIR)' $(TARGET:%=--target %)

# A copy, because a plain `cargo build --release` leaves its own library where cargo has this one.
$(STAGE)/$(SHARED): cargo
	@mkdir -p '$(STAGE)'
	@cmp -s '$(BUILT)/libconnectcreds.so' '$@' || cp '$(BUILT)/libconnectcreds.so' '$@'

# Two static libraries of Rust in one program define the standard library twice. In this one, all that is not the
# interface becomes local: one object with what the interface needs, in which the other symbols are hidden from linkers.
# The sections of LLVM's that go are the standard library's bitcode, which the plugins of other versions fail to read.
$(STAGE)/libconnectcreds.a: $(BUILT)/libconnectcreds.a tests/symbols.txt Makefile
	@mkdir -p '$(STAGE)'
	$(LD) -r --gc-sections --force-group-allocation $$(sed 's/^/-u /' tests/symbols.txt) \
	    -o '$(STAGE)/connectcreds.o' '$<'
	$(OBJCOPY) --strip-debug --remove-section=.llvmbc --remove-section=.llvmcmd \
	    --keep-global-symbols=tests/symbols.txt '$(STAGE)/connectcreds.o'
	rm -f '$@'
	$(AR) rcD '$@' '$(STAGE)/connectcreds.o'
	rm '$(STAGE)/connectcreds.o'

$(BUILT)/libconnectcreds.a: cargo ;

$(STAGE)/man/man7/connectcreds.7: packaging/manual include/connectcreds.h tests/symbols.txt $(wildcard docs/*.md docs/how/*.md)
	packaging/manual '$(STAGE)/man'

# Root may have no Rust: after `make`, `sudo make install` asks for none.
install:
	@test -f '$(STAGE)/libconnectcreds.a' || $(MAKE) all
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(LIBDIR)/cmake/connectcreds' \
	    '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(DOCDIR)'
	$(INSTALL) -m 755 '$(STAGE)/$(SHARED)' '$(DESTDIR)$(LIBDIR)/$(SHARED)'
	ln -sf $(SHARED) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libconnectcreds.so'
	$(INSTALL) -m 644 '$(STAGE)/libconnectcreds.a' '$(DESTDIR)$(LIBDIR)/libconnectcreds.a'
	$(INSTALL) -m 644 $(HEADERS) '$(DESTDIR)$(INCLUDEDIR)'
	$(INSTALL) -m 644 $(DOCS) '$(DESTDIR)$(DOCDIR)'
	@# Without doxygen and pandoc there are none.
	if test -f '$(STAGE)/man/man7/connectcreds.7'; then \
	    $(INSTALL) -d '$(DESTDIR)$(MANDIR)/man3' '$(DESTDIR)$(MANDIR)/man7' && \
	    $(INSTALL) -m 644 '$(STAGE)'/man/man3/*.3 '$(DESTDIR)$(MANDIR)/man3' && \
	    $(INSTALL) -m 644 '$(STAGE)'/man/man7/*.7 '$(DESTDIR)$(MANDIR)/man7'; fi
	$(call fill,connectcreds.pc,prefix) >'$(DESTDIR)$(LIBDIR)/pkgconfig/connectcreds.pc'
	$(call fill,connectcreds-config.cmake,_connectcreds_prefix) >'$(DESTDIR)$(CMAKEDIR)/connectcreds-config.cmake'
	$(call fill,connectcreds-config-version.cmake,_connectcreds_prefix) >'$(DESTDIR)$(CMAKEDIR)/connectcreds-config-version.cmake'

uninstall:
	rm -f $(foreach name,$(SHARED) $(SONAME) libconnectcreds.so libconnectcreds.a pkgconfig/connectcreds.pc,\
	    '$(DESTDIR)$(LIBDIR)/$(name)') $(foreach header,$(notdir $(HEADERS)),'$(DESTDIR)$(INCLUDEDIR)/$(header)')
	rm -f $(foreach page,$(addprefix man3/,$(addsuffix .3,connectcreds $(FUNCTIONS))) man7/connectcreds.7,\
	    '$(DESTDIR)$(MANDIR)/$(page)')
	rm -rf '$(DESTDIR)$(CMAKEDIR)' '$(DESTDIR)$(DOCDIR)'

CMAKEDIR := $(LIBDIR)/cmake/connectcreds

# Under the prefix, the installation can be moved as a whole: paths are relative to the prefix, and CMake finds that from
# where the package is.
within = $(patsubst $(PREFIX)/%,$(2)/%,$(1))
upward = $(shell printf '%s' '$(CMAKEDIR:$(PREFIX)/%=%)' | sed 's|[^/][^/]*|..|g')
fill   = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' -e 's|@SHARED@|$(SHARED)|g' \
    -e 's|@SONAME@|$(SONAME)|g' -e 's|@LIBDIR@|$(call within,$(LIBDIR),$${$(2)})|g' \
    -e 's|@INCLUDEDIR@|$(call within,$(INCLUDEDIR),$${$(2)})|g' \
    -e 's|@UPWARD@|$(if $(filter $(PREFIX)/%,$(CMAKEDIR)),$${CMAKE_CURRENT_LIST_DIR}/$(upward),$(PREFIX))|g' \
    packaging/$(1).in

check: all
	$(CARGO) test $(CARGOFLAGS) --test install -- --include-ignored

# A release is built with the flags of its own makes.
dist:
	env -u CARGO_ENCODED_RUSTFLAGS packaging/dist

clean:
	rm -rf '$(TARGET_DIR)/make' '$(TARGET_DIR)/dist'

.PHONY: all cargo install uninstall check dist clean
