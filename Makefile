# dindbind: `make help` lists the targets.
#
# The tool itself is built with musl where musl-gcc is there, else with the system's compiler, and is static
# in both cases. Tests are built with the ordinary compiler: cmocka is a glibc library on Debian.

CC ?= cc
CLANG ?= clang
PREFIX ?= /usr/local
BUILD = build
MUSL = $(shell command -v musl-gcc 2>/dev/null)
TOOL_CC ?= $(or $(MUSL),$(CC))

WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow
# what gcc 12 was measured to make the smallest tool of; -Oz is as old as that, and x86 alone aligns data more than it needs
OZ = $(shell for f in "-Oz -malign-data=abi" -Oz -Os; do \
	$(TOOL_CC) $$f -E -x c /dev/null >/dev/null 2>&1 && echo $$f && break; done)
SMALL = $(OZ) -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-stack-protector -fno-pie \
	-fno-jump-tables -fno-inline-functions-called-once -fno-expensive-optimizations -fno-optimize-sibling-calls \
	-fno-tree-dominator-opts -fno-tree-loop-optimize -fno-tree-tail-merge -fno-tree-loop-im -fno-caller-saves \
	-fno-if-conversion -fno-forward-propagate -fno-shrink-wrap -fno-partial-inlining -fwhole-program \
	-fno-move-loop-invariants -fno-tree-vrp
# With musl: one section for what is read and one for what is written, which is nothing that does not start as zero, so
# that no page has to be copied at the start. (__default_stacksize would be, were a stack size asked for: SEALED.) Nothing
# needs the discarded ones: there are no constructors, nothing is unwound, and who compiled it is no secret.
SECTIONS = $(if $(filter $(MUSL),$(TOOL_CC)),$(BUILD)/sections.lds)
RELOCATED = *(.got .got.plt .data.rel.local .data.__default_stacksize)
SEALED = $(if $(SECTIONS),-Xlinker -z -Xlinker stack-size=0)
LINK = -static -no-pie -s -Wl,--gc-sections,--build-id=none,-z,noseparate-code,-z,norelro \
	$(addprefix -Xlinker -T -Xlinker ,$(SECTIONS))
SANITIZE = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
STD = -std=gnu11
# memcpy_s and its like exist in no libc that this is built with
TIDY = -*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling

all: dindbind  ## build the static tool

$(BUILD)/sections.lds: Makefile
	@mkdir -p $(BUILD)
	printf 'SECTIONS { %s } INSERT AFTER %s;\n' \
		'.text : { *(.init) *(.text .text.*) *(.fini) *(.rodata .rodata.*) $(RELOCATED) }' .text \
		'.bss : { *(.bss .bss.[!r]*) *(.bss.room*) }' .bss \
		'/DISCARD/ : { *(.comment .eh_frame .init_array .fini_array) }' .bss >$@

dindbind: dindbind.c dindbind.h Makefile $(SECTIONS)
	@$(if $(MUSL),,echo "musl-gcc not found: building with $(TOOL_CC) and the system's libc")
	$(TOOL_CC) $(STD) $(WARN) $(SMALL) $(CFLAGS) $(LINK) $(LDFLAGS) $(SEALED) -o $@ dindbind.c

PROGRAMS = $(addprefix $(BUILD)/,test_dindbind placement formats hostile corners fuzz differential)

$(BUILD)/test_dindbind: test_dindbind.c dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -o $@ test_dindbind.c -lcmocka -lpthread

$(BUILD)/differential: tests/differential.c dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) $(WARN) $(SANITIZE) -DDINDBIND_NO_MAIN -o $@ tests/differential.c dindbind.c

$(BUILD)/placement: tests/placement.c tests/world.h dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -I. -o $@ tests/placement.c -lcmocka -lpthread

$(BUILD)/formats: tests/formats.c tests/world.h dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -I. -o $@ tests/formats.c -lcmocka -lpthread

$(BUILD)/race: tests/race.c tests/world.h dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -I. -o $@ tests/race.c -lpthread

$(BUILD)/hostile: tests/hostile.c tests/world.h dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -I. -o $@ tests/hostile.c -lpthread

$(BUILD)/corners: tests/corners.c dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -I. -o $@ tests/corners.c -lcmocka -lpthread

$(BUILD)/fuzz: tests/fuzz.c dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow $(SANITIZE) -I. -o $@ tests/fuzz.c

$(BUILD)/fuzzer: tests/fuzz.c dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CLANG) $(STD) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -DLIBFUZZER -I. -o $@ tests/fuzz.c

# allocation goes through the test, which sees what is left; a sanitizer would be in the way of the tracer
$(BUILD)/fault: tests/fault.c tests/world.h dindbind.c dindbind.h
	@mkdir -p $(BUILD)
	$(CC) $(STD) -Wall -Wextra -Wshadow -g -O2 -Wno-maybe-uninitialized -fno-omit-frame-pointer -DDINDBIND_NO_MAIN \
		-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free -o $@ tests/fault.c dindbind.c

check: dindbind $(PROGRAMS)  ## run the tests: cmocka, and a short comparison with the kernel's overlayfs
	$(BUILD)/differential
	DINDBIND=$(CURDIR)/dindbind sh tests/rows.sh
	DINDBIND=$(CURDIR)/dindbind $(BUILD)/placement
	DINDBIND=$(CURDIR)/dindbind $(BUILD)/formats
	DINDBIND=$(CURDIR)/dindbind bash tests/examples.sh
	DINDBIND=$(CURDIR)/dindbind $(BUILD)/hostile
	DINDBIND=$(CURDIR)/dindbind $(BUILD)/corners
	$(BUILD)/fuzz tests/corpus
	DINDBIND=$(CURDIR)/dindbind $(BUILD)/test_dindbind

e2e: dindbind  ## runc, crun, containerd, docker and podman mount the answers (root; installs them)
	DINDBIND=$(CURDIR)/dindbind bash tests/e2e.sh
	DINDBIND=$(CURDIR)/dindbind bash tests/examples.sh --docker

takealong: dindbind  ## copied into C, busybox, Go and an empty image; installed and packaged (root installs what it needs)
	DINDBIND=$(CURDIR)/dindbind bash tests/takealong.sh $(PARTS)

differential: $(BUILD)/differential  ## compare layer walk and kernel for ten minutes, from a random seed
	$(BUILD)/differential -t 600 -s $$(od -An -N4 -tu4 /dev/urandom)

race: $(BUILD)/race  ## a million resolutions while a hostile runner swaps names and mounts (five minutes)
	$(BUILD)/race -n 1000000 -s $$(od -An -N4 -tu4 /dev/urandom)

$(BUILD)/refuse: tests/refuse.c
	@mkdir -p $(BUILD)
	$(CC) $(STD) $(WARN) -O2 -o $@ tests/refuse.c

fault: dindbind $(PROGRAMS) $(BUILD)/fault $(BUILD)/refuse  ## fail every system call once, with each error that it can give, and lack the new ones (fifteen minutes)
	DINDBIND=$(CURDIR)/dindbind $(BUILD)/fault -l
	DINDBIND=$(CURDIR)/dindbind sh tests/refuse.sh -l $(BUILD)

TARGETS = body json lines mount mountinfo overlay path runner volume
SECONDS = 180
fuzz: $(BUILD)/fuzzer  ## libFuzzer on every parser, SECONDS=180 for each
	@set -e; for t in $(TARGETS); do mkdir -p $(BUILD)/corpus/$$t; \
		TARGET=$$t $(BUILD)/fuzzer -max_total_time=$(SECONDS) -timeout=10 -print_final_stats=1 -dict=tests/corpus/$$t.dict \
			-artifact_prefix=$(BUILD)/found-$$t- $(BUILD)/corpus/$$t tests/corpus/$$t >$(BUILD)/fuzz-$$t.log 2>&1 || \
			{ tail -n 40 $(BUILD)/fuzz-$$t.log; echo "not ok: $$t"; exit 1; }; \
		echo "ok: $$t, $$(sed -n 's/^stat::number_of_executed_units: *//p' $(BUILD)/fuzz-$$t.log) inputs"; done
	@echo "$(words $(TARGETS)) passed, 0 failed, 0 skipped"

cover:  ## lines and branches of dindbind.c that all suites together go through (gcov, python3; five minutes)
	BUILD=$(BUILD) bash tests/cover.sh

valgrind:  ## memcheck over every rule, place and format: errors, leaks, descriptors
	BUILD=$(BUILD) bash tests/valgrind.sh

cross:  ## aarch64 and arm under qemu-user, i386: built without a warning, and tested (root installs compilers)
	BUILD=$(BUILD) bash tests/cross.sh $(MACHINES)

# its own copy of the tool, built as the tool is
$(BUILD)/bench: bench/bench.c bench/empty.c bench/bare.c tests/world.h dindbind.c dindbind.h Makefile $(SECTIONS)
	@mkdir -p $(BUILD)
	$(TOOL_CC) $(STD) $(SMALL) $(LINK) -o $(BUILD)/bench-tool dindbind.c
	$(TOOL_CC) $(STD) $(SMALL) $(LINK) -o $(BUILD)/bench-empty bench/empty.c
	$(TOOL_CC) $(STD) $(SMALL) $(LINK) -o $(BUILD)/bench-bare bench/bare.c
	$(TOOL_CC) $(STD) $(WARN) -O2 -static -o $@ bench/bench.c

bench: $(BUILD)/bench  ## what it costs, against the bare system calls and what others do (two minutes)
	$(BUILD)/bench

demo: dindbind  ## a throw-away runner, the naive answers beside ours
	DINDBIND=$(CURDIR)/dindbind sh tests/demo.sh

lint: warnings  ## the compilers' warnings, clang-tidy, cppcheck, the man page
	clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' dindbind.c -- $(STD) -I. 2>/dev/null
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem dindbind.c
	# what is filled in only where a call returns 0 is uninitialized to it; memcheck knows better
	gcc $(STD) -O2 -fanalyzer -Wno-analyzer-use-of-uninitialized-value -Werror -c -o $(BUILD)/analyzed.o dindbind.c
	mandoc -Tlint -W warning dindbind.1

warnings:  ## every compiler and libc that is here, all warnings on, none allowed; the header from C++
	@mkdir -p $(BUILD)
	set -e; for cc in "gcc" "$(CLANG)" "musl-gcc" "gcc -std=c11" "gcc -std=gnu17" "gcc -O2" "gcc -DDINDBIND_NO_MAIN" \
		"arm-linux-gnueabihf-gcc"; do \
		command -v $${cc%% *} >/dev/null || { echo "skipped: no $${cc%% *}"; continue; }; \
		echo "$$cc"; $$cc $(WARN) -Werror -c -o $(BUILD)/warnings.o dindbind.c; done
	! command -v g++ >/dev/null || echo '#include "dindbind.h"' | g++ -x c++ -std=c++11 $(WARN) -Werror -I. -c -o $(BUILD)/header.o -

size: dindbind  ## the size of the tool, and its biggest functions
	@stat -c '%s bytes' dindbind
	@$(TOOL_CC) $(STD) $(SMALL) $(filter-out -s,$(LINK)) -o $(BUILD)-sized dindbind.c && \
		nm --size-sort -S $(BUILD)-sized | tail -n 15; rm -f $(BUILD)-sized

install: dindbind  ## into DESTDIR and PREFIX
	install -D -m 755 dindbind "$(DESTDIR)$(PREFIX)/bin/dindbind"
	install -D -m 644 dindbind.1 "$(DESTDIR)$(PREFIX)/share/man/man1/dindbind.1"

uninstall:  ## and out of there
	rm -f "$(DESTDIR)$(PREFIX)/bin/dindbind" "$(DESTDIR)$(PREFIX)/share/man/man1/dindbind.1"

# The same bytes from the same files: named here, so that git is not needed, and dated by the last commit or, in what
# was unpacked, by what that has.
VERSION = $(shell sed -n 's/^.define DINDBIND_VERSION "\(.*\)"/\1/p' dindbind.h)
DIST = .ci .gitignore LICENSE Makefile README.md bench dindbind.1 dindbind.c dindbind.h examples test_dindbind.c tests
EPOCH = $(or $(SOURCE_DATE_EPOCH),$(if $(wildcard .git),$(shell git log -1 --format=%ct 2>/dev/null)),$(shell stat -c %Y dindbind.c))
dist:  ## dindbind-VERSION.tar.gz
	@mkdir -p $(BUILD)
	tar --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=a+rX,u+w,go-w --mtime=@$(EPOCH) \
		--exclude=__pycache__ --transform='s,^,dindbind-$(VERSION)/,' -cf $(BUILD)/dist.tar $(DIST)
	gzip -9n <$(BUILD)/dist.tar >dindbind-$(VERSION).tar.gz

deps:  ## install what the build and the tests need: musl-tools, libcmocka-dev, a compiler, strace, busybox, python3
	@if ! command -v apt-get >/dev/null; then \
		echo "no apt-get here. Install: a C compiler, musl (musl-gcc), cmocka with its headers, strace, util-linux, busybox, python3"; \
	elif ! dpkg -s gcc libc6-dev musl-tools libcmocka-dev strace busybox-static python3 >/dev/null 2>&1; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends \
			gcc libc6-dev musl-tools libcmocka-dev strace busybox-static python3; \
	fi

clean:  ## remove what was built
	rm -rf dindbind dindbind-*.tar.gz $(BUILD)

help:  ## this list
	@sed -n 's/^\([a-z0-9]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

.PHONY: all check bench differential e2e race takealong fault fuzz cover valgrind cross demo lint warnings size install uninstall dist \
	deps clean help
