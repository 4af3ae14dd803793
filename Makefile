# plutod: one plain makefile. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
LIBEXEC = $(DESTDIR)$(PREFIX)/libexec/ipsec
MAN = $(DESTDIR)$(PREFIX)/share/man
# Pages that are made: see below.
MADE_PAGES = build/records.5 build/whack.8 build/plutod.8
PAGES = $(filter-out whack/whack.8 plutod/plutod.8,$(wildcard $(addsuffix /*.[578],$(TOOLS) updown docs))) $(MADE_PAGES)
# What shells complete: made, too.
COMPLETIONS = build/completion/ipsec.bash build/completion/_ipsec
SHARE = $(DESTDIR)$(PREFIX)/share
UNIT = $(wildcard plutod/plutod.service)
VERSION := 0.1

TOOLS = plutod ike-negotiate secrets kernel-sa dnskey whack

# Where objects and programs go: programs lie at $(OUT)/TOOL/TOOL.
OUT ?= .
OBJ ?= build/obj

JOBS ?= $(shell nproc)
CC ?= gcc
OPTIMISE ?= -O2 -g
WARN = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wundef -Werror
HARDEN = -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection
CFLAGS ?= $(OPTIMISE)
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Ilib -I. \
	$(CFLAGS) $(WARN) $(HARDEN) $(SANITIZE)
LDFLAGS_ALL = -pie -Wl,-z,relro,-z,now $(LDFLAGS) $(SANITIZE)

LIBS_ike-negotiate = -lev -lnettle -lseccomp -lcap-ng -lbsd
LIBS_secrets = -lev -lcrypto -lnettle -lseccomp -lcap-ng -lbsd
LIBS_kernel-sa = -lev -lmnl -lseccomp -lcap-ng -lbsd
LIBS_dnskey = -lunbound -lldns -lev -lseccomp -lcap-ng -lbsd
LIBS_plutod = -lev -lmnl -lnettle -ljansson -lseccomp -lcap-ng -lbsd
LIBS_whack = -lnettle -lbsd
LIBS_TEST = -lcmocka -lunbound -lldns -lev -ljansson -lcrypto -lnettle -lmnl -lseccomp -lcap-ng -lbsd

LIB_OBJECTS = $(patsubst %.c,$(OBJ)/%.o,$(wildcard lib/*.c))
LIB = $(OBJ)/lib/lib.a
PROGRAMS = $(foreach t,$(TOOLS),$(OUT)/$(t)/$(t))
objects = $(patsubst %.c,$(OBJ)/%.o,$(wildcard $(1)/*.c))
TEST_SUPPORT = $(patsubst %.c,$(OBJ)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
TESTS = $(patsubst %.c,$(OUT)/%.t,$(wildcard tests/unit/test_*.c))
# The load generators of `make bench` and `make flood`.
BENCH = $(foreach p,load pure flood,$(OUT)/tests/bench/$(p))
# What scenarios need and no package has.
TEST_PROGRAMS = $(patsubst %.c,$(OUT)/%,$(wildcard tests/programs/*.c))
ALL_OBJECTS = $(LIB_OBJECTS) $(foreach t,$(TOOLS),$(call objects,$(t)))

.PHONY: all programs check soak bench flood demo asan lint install packages clean help unit
.SECONDEXPANSION:

all: programs $(MADE_PAGES) $(COMPLETIONS)

programs: $(PROGRAMS)

help:
	@echo 'make all      build every tool as TOOL/TOOL'
	@echo 'make demo     install what is missing, build, and show a tunnel working (as root)'
	@echo 'make check    install what is missing, build, and run every test (as root)'
	@echo 'make fuzz     run the fuzz targets, each for FUZZ_TIME=10 seconds (make check does it too)'
	@echo 'make soak     long campaigns: a kill at every message of a negotiation (as root, ten minutes)'
	@echo 'make bench    what a negotiation and many connections cost, in time and memory (as root, some minutes)'
	@echo 'make flood    how honest peers fare while others flood us, five minutes (as root)'
	@echo 'make asan     run the native tests with AddressSanitizer and UBSan'
	@echo 'make lint     gcc and clang warnings, -fanalyzer, clang-tidy, cppcheck, shellcheck'
	@echo 'make install  ipsec to PREFIX/sbin, tools to PREFIX/libexec/ipsec, manual pages and completion to PREFIX/share'

$(OBJ)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

define tool_rules
$(OBJ)/$(1)/$(1).a: $(filter-out %/main.o,$(call objects,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^

$(OUT)/$(1)/$(1): $(OBJ)/$(1)/main.o $(OBJ)/$(1)/$(1).a $(LIB)
	@mkdir -p $$(@D)
	$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(LIBS_$(1))
endef
$(foreach t,$(TOOLS),$(eval $(call tool_rules,$(t))))

# records(5) is made from the schema.
$(OBJ)/docs/%: $(OBJ)/docs/%.o $(LIB)
	$(CC) $(LDFLAGS_ALL) -o $@ $^

build/records.5: $(OBJ)/docs/records-page
	$< > $@.new
	mv $@.new $@

# The option parts of whack(8) and plutod(8) are made from the declaration of the options.
build/%.8: $(OBJ)/docs/options-page
	$< $* <$*/$*.8 >$@.new
	mv $@.new $@
build/whack.8: whack/whack.8
build/plutod.8: plutod/plutod.8

build/completion/ipsec.bash: $(OBJ)/docs/completion
	@mkdir -p $(@D)
	$< bash >$@.new
	mv $@.new $@

build/completion/_ipsec: $(OBJ)/docs/completion
	@mkdir -p $(@D)
	$< zsh >$@.new
	mv $@.new $@

unit: $(TESTS) $(TEST_PROGRAMS) $(BENCH)

# Objects that only a pattern names are kept too: the next make would compile them again.
.PRECIOUS: $(OBJ)/%.o

$(OBJ)/tests/unit/support.a: $(TEST_SUPPORT)
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(OUT)/tests/unit/%.t: $(OBJ)/tests/unit/%.o $(OBJ)/tests/unit/support.a $(LIB) $(foreach t,$(TOOLS),$(OBJ)/$(t)/$(t).a)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TEST)

# What comes out of these is marked for valgrind: constant_time.c.
$(OUT)/tests/programs/constant_time: LDFLAGS += $(foreach f,nettle_memeql_sec CRYPTO_memcmp EVP_PKEY_derive EVP_PKEY_sign record_put_bytes,-Wl,--wrap=$(f))
$(OUT)/tests/programs/%: $(OBJ)/tests/programs/%.o $(OBJ)/tests/unit/support.a $(LIB) $(foreach t,$(TOOLS),$(OBJ)/$(t)/$(t).a)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TEST)

# All peers of a load generator have one Diffie-Hellman value in common: load.c.
BENCH_OBJECTS = $(patsubst %.c,$(OBJ)/%.o,$(filter-out %/load.c %/pure.c %/flood.c,$(wildcard tests/bench/*.c)))
$(OUT)/tests/bench/load: LDFLAGS += -Wl,--wrap=dh_new -Wl,--wrap=dh_free
$(OUT)/tests/bench/%: $(OBJ)/tests/bench/%.o $(BENCH_OBJECTS) $(OBJ)/secrets/secrets.a $(OBJ)/ike-negotiate/ike-negotiate.a $(OBJ)/plutod/plutod.a $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) -o $@ $< $(BENCH_OBJECTS) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TEST)

packages:
	tests/install-packages

# RUN_WORDS: for tests/run.
check: packages
	$(MAKE) -j$(JOBS) all unit fuzz-programs
	tests/run $(RUN_WORDS)

soak: packages
	$(MAKE) all unit
	tests/soak

# Words for tests/bench/bench: make bench WORDS='--docs cost'
bench: packages
	$(MAKE) all $(BENCH)
	tests/bench/bench $(WORDS)

# WORDS='--seconds 10' for a short one.
flood: packages
	$(MAKE) all $(BENCH)
	tests/bench/under-flood $(WORDS)

demo: packages
	$(MAKE) -j$(JOBS) all
	tests/demo

# Pages and the systemd unit name what is installed by where it goes by default: what arrives follows PREFIX.
install_text = sed 's|/usr/local|$(PREFIX)|g' $(1) >$(2) && chmod 644 $(2)
install: all
	install -d $(LIBEXEC) $(foreach n,$(sort $(suffix $(PAGES))),$(MAN)/man$(patsubst .%,%,$(n))) $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 755 $(PROGRAMS) updown/updown $(LIBEXEC)
	install -D -m 755 whack/ipsec $(DESTDIR)$(PREFIX)/sbin/ipsec
	$(foreach page,$(PAGES),$(call install_text,$(page),$(MAN)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page))) &&) true
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions
	install -m 644 build/completion/ipsec.bash $(SHARE)/bash-completion/completions/ipsec
	ln -sf ipsec $(SHARE)/bash-completion/completions/whack
	ln -sf ipsec $(SHARE)/bash-completion/completions/plutod
	install -m 644 build/completion/_ipsec $(SHARE)/zsh/site-functions/_ipsec
	install -D -m 644 docs/status.schema.json $(SHARE)/ipsec/status.schema.json
	install -m 644 docs/plutod.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/plutod.conf
ifneq ($(UNIT),)
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(call install_text,$(UNIT),$(DESTDIR)$(PREFIX)/lib/systemd/system/plutod.service)
endif

# The unit tests and the tools' own tests, with a build in build/asan that watches itself. Its tools lie in build/asan/bin
# as when installed.
ASAN = build/asan
asan: $(MADE_PAGES) $(COMPLETIONS)
	$(MAKE) -j$(JOBS) programs unit OUT=$(ASAN) OBJ=$(ASAN)/obj OPTIMISE='-O1 -g' HARDEN='-fPIE -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all'
	@mkdir -p $(ASAN)/bin
	install -m 755 $(foreach t,$(TOOLS),$(ASAN)/$(t)/$(t)) updown/updown $(ASAN)/bin
	UBSAN_OPTIONS=print_stacktrace=1 BUILD_DIR=$(CURDIR)/$(ASAN) TOOLS_DIR=$(CURDIR)/$(ASAN) \
		IPSEC_DIR=$(CURDIR)/$(ASAN)/bin tests/run --native $(RUN_WORDS) $(addprefix $(ASAN)/,$(TESTS)) tests/*.bats

include tests/fuzz/fuzz.mk
include tests/lint.mk

clean:
	rm -rf build $(PROGRAMS) tests/unit/*.t $(TEST_PROGRAMS)

-include $(ALL_OBJECTS:.o=.d) $(OBJ)/docs/records-page.d $(OBJ)/docs/options-page.d $(OBJ)/docs/completion.d $(patsubst %.c,$(OBJ)/%.d,$(wildcard tests/unit/*.c tests/programs/*.c tests/bench/*.c))
