# make lint: every check that reads the sources, each over all of them. Included by the Makefile.
#
# Compilers: gcc and clang with all warnings as errors, and gcc -fanalyzer. Readers: clang-tidy (.clang-tidy says
# what), cppcheck, shellcheck, mandoc. What gcc and clang warn of only when they optimise, `make check` shows: it builds
# everything with gcc, and all but the programs of the bench with clang. A file is read again only when it or a header
# has changed. What fails is shown, the rest goes on, and the end lists what failed.

LINT = build/lint
LINT_JOBS ?= 2
LINT_C = $(wildcard $(addsuffix /*.c,lib $(TOOLS) docs tests/unit tests/fuzz tests/uml tests/bench tests/programs))
# gcc's analyser does not know that cmocka's assertions do not come back.
# And it takes what is stored in a structure that it did not see made for lost: leaks are for ASan to find.
LINT_PRODUCT = $(filter-out tests/%,$(LINT_C))
LINT_H = $(wildcard $(addsuffix /*.h,lib $(TOOLS) docs tests/unit tests/fuzz tests/bench))
LINT_DEFINES = -D_GNU_SOURCE= -DVERSION='"$(VERSION)"' -Ilib -I.
LINT_FLAGS = -std=gnu17 $(LINT_DEFINES)
LINT_GCC = -Wlogical-op -Wduplicated-cond -Wpointer-arith -Wvla -Wmissing-declarations
LINT_CLANG = -Wpointer-arith -Wvla -Wmissing-variable-declarations -Wcomma -Wextra-semi -Wunreachable-code
# Scripts: by name, or by their first line.
LINT_SH = $(sort $(wildcard tests/*.bats tests/*/*.bats tests/*/*.bash) \
	$(shell grep -lE '^\#!.*[ /](ba|da)?sh( |$$)' $(wildcard .ci/* tests/* tests/*/* tests/*/*/* docs/* updown/* \
	$(addsuffix /*,$(TOOLS))) 2>/dev/null | grep -vE '\.(c|h|md|t|[0-9])$$'))
LINT_MAN = $(PAGES)

lint_ok = $(patsubst %,$(LINT)/$(1)/%.ok,$(2))
LINT_ALL = $(call lint_ok,gcc,$(LINT_C)) $(call lint_ok,clang,$(LINT_C)) $(call lint_ok,analyzer,$(LINT_PRODUCT)) \
	$(call lint_ok,tidy,$(LINT_C)) $(call lint_ok,shellcheck,$(LINT_SH)) $(call lint_ok,man,$(LINT_MAN)) \
	$(LINT)/cppcheck.ok

# $(call lint_run,NAME,COMMAND): quiet when good; otherwise shows what was said and notes the name.
define lint_run
@mkdir -p $(@D)
@if $(2) >$@.said 2>&1; then mv $@.said $@; else \
	echo '--- $(1)'; cat $@.said; rm -f $@.said; echo '$(1)' >>$(LINT)/failed; exit 1; fi
endef

lint: build/records.5
	@mkdir -p $(LINT)
	@if flock $(LINT)/lock sh -c 'rm -f $(LINT)/failed; \
		exec $(MAKE) --no-print-directory -k -j$(LINT_JOBS) --output-sync=target lint-all 2>$(LINT)/make'; then \
		echo 'lint: $(words $(LINT_C)) C files, $(words $(LINT_SH)) scripts, $(words $(LINT_MAN)) pages: good'; \
	elif [ -s $(LINT)/failed ]; then \
		echo 'lint: failed:'; sort $(LINT)/failed | sed 's/^/    /'; exit 1; \
	else cat $(LINT)/make; exit 1; fi

lint-all: $(LINT_ALL)

$(LINT)/gcc/%.ok: % $(LINT_H)
	$(call lint_run,gcc $<,gcc $(LINT_FLAGS) $(WARN) $(LINT_GCC) -fsyntax-only $<)

$(LINT)/analyzer/%.ok: % $(LINT_H) tests/lint.h
	$(call lint_run,gcc -fanalyzer $<,gcc $(LINT_FLAGS) -include tests/lint.h -O1 $(WARN) -fanalyzer -Wno-analyzer-malloc-leak -c -o /dev/null $<)

$(LINT)/clang/%.ok: % $(LINT_H)
	$(call lint_run,clang $<,clang $(LINT_FLAGS) $(WARN) $(LINT_CLANG) -fsyntax-only $<)

$(LINT)/tidy/%.ok: % $(LINT_H) .clang-tidy tests/unit/.clang-tidy tests/lint.h
	$(call lint_run,clang-tidy $<,clang-tidy --quiet $< -- $(LINT_FLAGS) -include tests/lint.h)

# uninitvar: it cannot know that the loops of uthash and utlist set their variable; gcc and clang see that.
$(LINT)/cppcheck.ok: $(LINT_C) $(LINT_H) tests/lint.mk tests/cppcheck.cfg
	@mkdir -p $(LINT)/cppcheck
	$(call lint_run,cppcheck,cppcheck --quiet -j2 --cppcheck-build-dir=$(LINT)/cppcheck --std=c11 \
		--enable=warning$(comma)performance$(comma)portability --inline-suppr --error-exitcode=1 \
		--suppress=missingIncludeSystem $(LINT_DEFINES) --library=tests/cppcheck.cfg \
		--suppress=uninitvar --suppress=legacyUninitvar --suppress=ctuuninitvar $(LINT_C))

$(LINT)/shellcheck/%.ok: %
	$(call lint_run,shellcheck $<,shellcheck -x $<)

$(LINT)/man/%.ok: %
	$(call lint_run,mandoc $<,mandoc -Tlint -W warning $<)

comma = ,

.PHONY: lint-all
