# Makefile - builds dindbind, tests it, installs it; `make help` lists the targets
#
# SPDX-License-Identifier: 0BSD
#
#   make                        ./dindbind, static: with musl where musl-gcc is there, else with cc and its libc
#   make CC=clang CFLAGS=-O2    another compiler, other flags; CPPFLAGS likewise, and LDFLAGS, which strips by default (-s)
#   make TEST_CC=clang check    the tests have a compiler of their own: Debian's cmocka is a glibc library

PREFIX ?= /usr/local
BUILD = build
BUILT = dindbind dist examples/go/dindbind.example examples/go/proxy/proxy examples/go/proxy/dindbind $(BUILD)

# All rules are in this file: with make's own ones `make formats` would build ./formats, without the flags.
MAKEFLAGS += -r

# ---- The tool ---------------------------------------------------------------------------------------
#
# CC is looked for when a recipe needs it, not when the Makefile is read: `make deps demo` installs musl-gcc in between.

ifeq ($(origin CC),default)
CC = $(if $(shell command -v musl-gcc 2>/dev/null),musl-gcc,cc)
ADVICE = `make deps` installs what it needs
else
ADVICE = install that, or leave CC out
endif
CFLAGS ?= -Os
LDFLAGS ?= -s

STD = -std=gnu11
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow

# Bytes that each saves of 130,696 (musl, gcc 12): code for one place in memory 2,096 (also said when gcc links, because
# on Alpine it makes a static pie of -static; clang does not know that word); functions that nobody calls 1,104; tables
# for unwinding, which C does not do, 12,288; pages of padding between code and data 8,192; up to 4,096 of padding around
# what a start-up could make read-only with one more system call, which musl's of a static program does not do.
PLAIN = -fno-pie -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
NO_PIE := $(shell $(CC) -dumpspecs >/dev/null 2>&1 && echo -no-pie)
LINK = -static $(NO_PIE) -Wl,--gc-sections -Wl,-z,noseparate-code -Wl,-z,norelro

COMPILE = $(CC) $(STD) $(PLAIN) $(CPPFLAGS) $(CFLAGS)
TOOL = $(COMPILE) $(WARN) -o dindbind dindbind.c $(LINK) $(LDFLAGS)

# What was built, in words. The limits on size and system calls hold for musl, x86_64 and the flags above.
LIBC = $(shell printf '\043include <features.h>\n' | $(COMPILE) -E -dM -x c - 2>/dev/null | \
	awk '/__GLIBC__/ { libc = "glibc" } END { print libc ? libc : "musl" }')
MACHINE = $(shell $(CC) -dumpmachine)
OWN_FLAGS = $(CPPFLAGS)$(filter-out file,$(origin CFLAGS) $(origin LDFLAGS))
LIMITS = $(or \
	$(if $(filter glibc,$(LIBC)),built with glibc), \
	$(if $(filter-out x86_64%,$(MACHINE)),built for $(MACHINE)), \
	$(if $(OWN_FLAGS),built with other flags than the default ones), \
	hold)

all: dindbind  ##use build ./dindbind

# Two files remember the commands, so that another CC, TEST_CC or CFLAGS builds anew. A mere `make install` installs what
# was built: root, and those who make packages (dh_auto_install), do not say CC=... again.
ifneq ($(MAKECMDGOALS)$(filter command,$(origin CC) $(origin CFLAGS) $(origin LDFLAGS)),install)
$(BUILD)/command: always
endif
$(BUILD)/command:
	$(call remember,$(TOOL))
$(BUILD)/test-command: always
	$(call remember,$(TEST_CC) $(SANITIZE))

quoted = '$(subst ','\'',$1)'
remember = @mkdir -p $(BUILD); printf '%s\n' $(call quoted,$1) | cmp -s - $@ || printf '%s\n' $(call quoted,$1) >$@

dindbind: dindbind.c dindbind.h Makefile $(BUILD)/command
	@printf '%s\n' $(call quoted,$(TOOL))
	@{ $(TOOL); } || { echo 'int main(void) { return 0; }' | $(CC) -static -x c -o /dev/null - 2>/dev/null || \
		echo 'make: $(CC) is missing, or has no static libc: $(ADVICE)' >&2; exit 1; }
	@echo "dindbind: $$(stat -c %s $@) bytes, static, $(LIBC); next: ./dindbind -h, or make demo"

install: dindbind  ##use the tool and its man page below PREFIX=/usr/local; DESTDIR for packages
	install -D -m 755 dindbind "$(DESTDIR)$(PREFIX)/bin/dindbind"
	install -D -m 644 dindbind.1 "$(DESTDIR)$(PREFIX)/share/man/man1/dindbind.1"

uninstall:  ##use remove what install put there
	rm -f "$(DESTDIR)$(PREFIX)/bin/dindbind" "$(DESTDIR)$(PREFIX)/share/man/man1/dindbind.1"

demo: dindbind  ##use mounts of a throw-away runner, translated, the naive answers beside ours
	@$(RUN) sh tests/demo.sh

deps:  ##use install what the build and the tests need
	@sh tests/deps.sh

# With both on one command line, also with -j: first the packages, then what needs them.
ifneq ($(filter deps,$(MAKECMDGOALS)),)
$(BUILD)/command $(BUILD)/test-command: | deps
endif

clean:  ##use remove what was built
	rm -rf $(BUILT)

help:  ##use this list
	@for group in use check release; do echo "$$group:"; \
		sed -n "s/^\([a-z0-9]*\):.*  ##$$group /  \1\t/p" Makefile | expand -t 16; done

# ---- Test programs ----------------------------------------------------------------------------------
#
# build/NAME is made from tests/NAME.c; build/test_dindbind and build/bench from where they lie (VPATH). Most of them
# include dindbind.c.

VPATH = tests bench
TEST_CC ?= cc
CLANG ?= clang
SANITIZE = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

TEST_FLAGS = $(SANITIZE) -DDINDBIND_CHECKED
TEST_REST = -lcmocka -lpthread
TEST_HEADERS = $(wildcard tests/*.h)

$(BUILD)/%: %.c dindbind.c dindbind.h $(TEST_HEADERS) Makefile $(BUILD)/test-command
	@echo "$(TEST_CC): $@"
	@$(TEST_CC) $(STD) -Wall -Wextra -Wshadow $(TEST_FLAGS) -I. -o $@ $< $(TEST_REST)

# Linked with dindbind.c, as programs of its users are.
$(BUILD)/differential: TEST_REST = -DDINDBIND_NO_MAIN dindbind.c
$(BUILD)/batch: TEST_REST = -DDINDBIND_NO_MAIN dindbind.c -lcmocka
# Allocation goes through the test, which sees what is left; a sanitizer would be in the tracer's way.
$(BUILD)/fault: TEST_FLAGS = -g -O2 -Wno-maybe-uninitialized -fno-omit-frame-pointer
$(BUILD)/fault: TEST_REST = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free -DDINDBIND_NO_MAIN dindbind.c
$(BUILD)/old_kernel: TEST_FLAGS = -O2
$(BUILD)/fuzzer: fuzz.c dindbind.c dindbind.h Makefile $(BUILD)/test-command
	@echo "$(CLANG): $@"
	@$(CLANG) $(STD) $(SANITIZE) -fsanitize=fuzzer -DLIBFUZZER -I. -o $@ $<

# ---- Tests ------------------------------------------------------------------------------------------

RUN = DINDBIND=$(call quoted,$(CURDIR)/dindbind)
# In a plain chroot there is nothing to build for.
namespaces:
	@. tests/shell.sh; why=$$(no_namespaces); [ -z "$$why" ] || { echo "check: $$why" >&2; exit 1; }

PROGRAMS = test_dindbind covered_rows batch host_and_stage stage_life formats descriptions hostile_runner command_line fuzz \
	differential

check: namespaces dindbind $(PROGRAMS:%=$(BUILD)/%)  ##check the tests of this machine; as root, and as an ordinary user
	@$(RUN) LIMITS="$(LIMITS)" BUILD=$(BUILD) sh tests/check.sh

ENGINES = here
e2e: dindbind  ##check runc, crun, containerd, docker and podman mount the answers; ENGINES=here, or those of trixie, sid (root)
	$(RUN) bash tests/engines.sh $(ENGINES)

oracle: dindbind  ##check -c against Go's encoding/json, BODIES=100000 generated bodies (go; eight minutes)
	@$(RUN) bash tests/oracle.sh

fresh:  ##check the README's commands in bare Debian roots, RELEASES="bookworm trixie" (root; debootstrap)
	@bash tests/fresh.sh $(RELEASES)

builds:  ##check each compiler and libc that is here builds the tool without a warning
	@bash tests/builds.sh

takealong: dindbind  ##check copied into C, busybox, Go and an empty image; installed and packaged (root installs what it needs)
	$(RUN) bash tests/takealong.sh $(PARTS)

differential: $(BUILD)/differential  ##check layer walk and kernel compared for ten minutes, from a random seed
	$(BUILD)/differential -t 600 -s $$(od -An -N4 -tu4 /dev/urandom)

race: $(BUILD)/race  ##check a million resolutions while a hostile runner swaps names and mounts (five minutes)
	$(BUILD)/race -n 1000000 -s $$(od -An -N4 -tu4 /dev/urandom)

fault: dindbind $(PROGRAMS:%=$(BUILD)/%) $(BUILD)/fault $(BUILD)/old_kernel  ##check every system call fails once, or is missing (fifteen minutes)
	$(RUN) $(BUILD)/fault -l
	$(RUN) sh tests/old_kernel.sh -l $(BUILD)

TARGETS = body json lines mount mountinfo overlay path runner volume
SECONDS = 180
fuzz: $(BUILD)/fuzzer  ##check libFuzzer on every parser, SECONDS=180 for each
	@BUILD=$(BUILD) SECONDS_EACH=$(SECONDS) bash tests/fuzz.sh $(TARGETS)

valgrind:  ##check memcheck over every rule, place and format: errors, leaks, descriptors
	BUILD=$(BUILD) bash tests/valgrind.sh

cross:  ##check aarch64 and arm under qemu-user, i386: built without a warning, and tested (root installs compilers)
	BUILD=$(BUILD) bash tests/cross.sh $(MACHINES)

cover:  ##check lines and branches of dindbind.c that all suites together go through (gcov, python3; five minutes)
	BUILD=$(BUILD) bash tests/cover.sh

bench: $(BUILD)/bench  ##check what it costs, against the bare system calls and what others do (two minutes)
	$(BUILD)/bench

# It compares with an empty program and one that makes the bare calls. Both are built with the tool's flags.
$(BUILD)/bench: bench.c empty.c bare.c tests/world.h dindbind.c dindbind.h Makefile $(BUILD)/command
	$(COMPILE) -o $(BUILD)/bench-tool dindbind.c $(LINK) $(LDFLAGS)
	$(COMPILE) -o $(BUILD)/bench-empty bench/empty.c $(LINK) $(LDFLAGS)
	$(COMPILE) -o $(BUILD)/bench-bare bench/bare.c $(LINK) $(LDFLAGS)
	$(CC) $(STD) $(WARN) -O2 -static -o $@ bench/bench.c

# ---- Release ----------------------------------------------------------------------------------------

# memcpy_s and its like exist in no libc that this is built with
TIDY = -*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling

lint: builds $(BUILD)/command  ##release the compilers' warnings, clang-tidy, cppcheck, gcc's analyzer, the man page, the rooms
	clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' dindbind.c -- $(STD) -I. 2>/dev/null
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem dindbind.c
	# what is filled in only where a call returns 0 is uninitialized to it; memcheck knows better
	gcc $(STD) -O2 -fanalyzer -Wno-analyzer-use-of-uninitialized-value -Werror -c -o $(BUILD)/analyzed.o dindbind.c
	mandoc -Tlint -W warning dindbind.1
	python3 tests/rooms.py

size: dindbind  ##release the size of the tool, and its biggest functions
	@stat -c '%s bytes' dindbind
	@$(COMPILE) -o $(BUILD)/sized dindbind.c $(LINK) $(filter-out -s,$(LDFLAGS)) && nm --size-sort -S $(BUILD)/sized | tail -n 15

# The same bytes from the same files: what git has or, in what was unpacked, all but what was built; dated by the last
# commit or by what was unpacked. (S: what a link leads to keeps its name.)
VERSION = $(shell sed -n 's/^.define DINDBIND_VERSION "\(.*\)"/\1/p' dindbind.h)
NAME = dindbind-$(VERSION)
FILES = $(if $(wildcard .git),git ls-files, \
	find . \( $(BUILT:%=-path './%' -o) -name __pycache__ \) -prune -o ! -type d -printf '%P\n')
EPOCH = $(or $(SOURCE_DATE_EPOCH),$(if $(wildcard .git),$(shell git log -1 --format=%ct 2>/dev/null)),$(shell stat -c %Y dindbind.c))

# A compiler and a musl of Debian's for each machine, also for this one: with the flags of `make`, its musl-gcc gives the
# same bytes. What is missing is said before anything is made, and dist is there when all of it is made.
dist: override CC = $$m-linux-gnu-gcc -specs /usr/lib/$$m-linux-musl/musl-gcc.specs
dist: override NO_PIE = -no-pie
dist:  ##release dist/: the source, static tools for x86_64 and aarch64, their checksums (cross compiler)
	@for m in x86_64:amd64 aarch64:arm64; do arch=$${m#*:} m=$${m%:*} missing=; \
		command -v $$m-linux-gnu-gcc >/dev/null || missing=" gcc-$$(echo $$m | tr _ -)-linux-gnu"; \
		[ -e /usr/lib/$$m-linux-musl/musl-gcc.specs ] || missing="$$missing musl-dev:$$arch"; \
		[ -z "$$missing" ] || { echo "make dist: for $$m, do as root:" \
			"dpkg --add-architecture $$arch; apt-get update; apt-get install$$missing" >&2; exit 1; }; \
	done
	@rm -rf $(BUILD)/dist && mkdir -p $(BUILD)/dist
	$(FILES) >$(BUILD)/files && LC_ALL=C sort -o $(BUILD)/files $(BUILD)/files
	tar --format=ustar --owner=0 --group=0 --numeric-owner --mode=a+rX,u+w,go-w --mtime=@$(EPOCH) --no-recursion \
		--transform='s,^,$(NAME)/,S' -T $(BUILD)/files -cf $(BUILD)/dist.tar
	gzip -9n <$(BUILD)/dist.tar >$(BUILD)/dist/$(NAME).tar.gz
	for m in x86_64 aarch64; do $(COMPILE) $(WARN) -o $(BUILD)/dist/$(NAME)-$$m dindbind.c $(LINK) $(LDFLAGS) || exit; done
	cd $(BUILD)/dist && sha256sum $(NAME)* >SHA256SUMS && chmod -R u+w,a+rX .
	rm -rf dist && mv $(BUILD)/dist dist

.PHONY: all always bench builds check clean cover cross demo deps differential dist e2e fault fresh fuzz help install lint \
	namespaces oracle race size takealong uninstall valgrind
