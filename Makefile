# Steward: build, try, test, install. `make help` lists the targets.

SWIFT ?= swift
PREFIX ?= /usr
DESTDIR ?=

bin = .build/release
service = deploy/systemd
programs = master keeper dbwatch pathwatch dispatch console launch steward
scripts = deploy/demo deploy/install-deps Tests/Container/container .ci/run

.PHONY: help build demo test check fuzz bench install clean

help:
	@echo "make build    release binaries in $(bin)"
	@echo "make demo     a whole Steward with databases and nginx to try; FOR=20 ends it after 20 seconds"
	@echo "make test     install what is missing and run every test"
	@echo "make check    format lint, shellcheck, tests; warnings are errors"
	@echo "make fuzz     libFuzzer on the readers of files and messages, for a minute; FOR=600 for ten"
	@echo "make bench    Steward beside runit, s6 and the uWSGI Emperor; N=50 ROUNDS=1 for a short run"
	@echo "make install  into DESTDIR and PREFIX ($(PREFIX))"
	@echo "make clean    remove everything that was built"

# Swift's libraries are shared, not linked in: five processes with their own copies took 61 MiB (PSS), with shared ones
# 30. `make install` puts them beside the programs. SwiftPM links them to launch, too, which is C and needs none of them:
# it is linked again. Not statically: some tables of accounts (nsswitch.conf(5)) crash such a program.
build:
	@deploy/install-deps --quiet
	$(SWIFT) build -c release
	$(CC) -O2 -Wall -Wextra -Werror -Wl,-z,now -o $(bin)/launch Sources/launch/main.c

demo: build
	@deploy/demo

test:
	@deploy/install-deps --quiet
	$(SWIFT) build --build-tests
	$(SWIFT) test

check:
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift
	@if command -v shellcheck >/dev/null; then shellcheck $(scripts); else echo "shellcheck is not here: skipped"; fi
	@$(MAKE) --no-print-directory test

# The first byte of an input chooses what reads it: h (104 % 13) a user.yaml, i a configuration, t a package.yaml. What is
# found lies in .build/fuzz/crash-…, and is tried again by .build/fuzz/debug/fuzz FILE.
fuzz:
	@deploy/install-deps --quiet
	STEWARD_FUZZ=1 $(SWIFT) build --product fuzz --scratch-path .build/fuzz -Xswiftc -sanitize=fuzzer,address -Xswiftc -use-ld=lld
	@mkdir -p .build/fuzz/corpus
	@(printf h; cat Tests/Fuzz/user.yaml) > .build/fuzz/corpus/user
	@(printf i; cat Tests/Fuzz/steward.yaml) > .build/fuzz/corpus/steward
	@(printf t; cat Tests/Fuzz/package.yaml) > .build/fuzz/corpus/package
	cd .build/fuzz && ASAN_OPTIONS=detect_leaks=0 debug/fuzz -max_total_time=$(or $(FOR),60) -timeout=10 -max_len=4096 corpus

# With BIN= nothing is built: those programs are measured.
bench: $(if $(BIN),,build)
	@deploy/install-deps --quiet bench
	@Benchmarks/bench.py --bin $(or $(BIN),$(bin)) $(if $(N),--users $(N)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH)

# master finds the other programs beside its own executable, so all of them go into one folder, and with them the
# libraries of Swift, which all of them share in memory: linked into each they would cost twice as much. Does not build:
# this may run as root. An operator's steward.yaml stays as it is.
install:
	@test -x $(bin)/master || { echo "make install: nothing is built; run make build first" >&2; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/lib/steward $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(wildcard $(addprefix $(bin)/,$(programs))) $(DESTDIR)$(PREFIX)/lib/steward
	install -m 644 $$(ldd $(bin)/master $(bin)/keeper $(bin)/dbwatch $(bin)/steward | awk '/swift/ && $$2 == "=>" {print $$3}' | sort -u) \
		$(DESTDIR)$(PREFIX)/lib/steward
	ln -sf ../lib/steward/steward $(DESTDIR)$(PREFIX)/bin/steward
	install -d $(addprefix $(DESTDIR)$(PREFIX)/lib/,systemd/system sysusers.d tmpfiles.d) $(DESTDIR)/etc/steward
	sed 's|/usr/lib/steward/|$(PREFIX)/lib/steward/|' $(service)/steward.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/steward.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/steward.service
	install -m 644 $(service)/run_as.conf $(DESTDIR)$(PREFIX)/lib/steward
	install -m 644 $(service)/steward.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/steward.conf
	install -m 644 $(service)/steward.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/steward.conf
	test -e $(DESTDIR)/etc/steward/steward.yaml || install -m 640 $(service)/steward.yaml $(DESTDIR)/etc/steward

clean:
	$(SWIFT) package clean
