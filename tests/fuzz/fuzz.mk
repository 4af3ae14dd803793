# make fuzz: the fuzz targets (tests/fuzz/README.md). Included by the Makefile.
#
# Everything is built once more, by clang, with libFuzzer, AddressSanitizer, UBSan and line coverage. tests/fuzz/run
# runs each target for FUZZ_TIME seconds (10), two at a time, and then holds the corpora against the parsers' lines.

FUZZ = build/fuzz
FUZZ_GOAL = fuzz-targets
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SUPPORT = $(filter-out fuzz_% seeds,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
# Calls of the product that go to the target itself.
FUZZ_WRAP_options = fopen
FUZZ_WRAP_netlink = recvmsg
FUZZ_WRAP_file = glob
# The tool whose names are meant where two tools have the same one.
FUZZ_TOOL_options = whack

.PHONY: fuzz fuzz-programs fuzz-targets fuzz-seeds fuzz-write-seeds

fuzz: packages
	$(MAKE) fuzz-programs
	tests/run --fuzz

# Writes the seeds that a program makes (tests/fuzz/seeds.c).
fuzz-seeds: FUZZ_GOAL = fuzz-write-seeds
fuzz-programs fuzz-seeds:
	$(MAKE) --no-print-directory $(FUZZ_GOAL) CC=clang OUT=$(FUZZ) OBJ=$(FUZZ)/obj OPTIMISE='-O1 -g' \
		HARDEN='-fPIE -fno-omit-frame-pointer' \
		SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
			-fprofile-instr-generate -fcoverage-mapping'

# Walks through tables: to watch each comparison there costs more than all the rest, and shows a fuzzer nothing.
FUZZ_WALKS = $(addprefix $(FUZZ)/obj/,lib/record.o lib/schema.o kernel-sa/policies.o)
$(FUZZ_WALKS): override SANITIZE += -fno-sanitize-coverage=trace-cmp

fuzz-targets: $(addprefix $(OUT)/,$(FUZZ_TARGETS))

FUZZ_OBJECTS = $(foreach s,$(FUZZ_SUPPORT),$(OBJ)/tests/fuzz/$(s).o)
FUZZ_ARCHIVES = $(OBJ)/tests/unit/support.a $(LIB) $(foreach t,$(TOOLS),$(OBJ)/$(t)/$(t).a)
FUZZ_LINK = $(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(foreach t,$(FUZZ_TOOL_$*),$(OBJ)/$(t)/$(t).a) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TEST)

# toy_dh.o stands for secrets/dh.o, fuzz.o's RAND_bytes for OpenSSL's: nothing of an input's way is left to chance.
$(addprefix $(OUT)/,$(FUZZ_TARGETS)): $(OUT)/fuzz_%: $(OBJ)/tests/fuzz/fuzz_%.o $(FUZZ_OBJECTS) $(FUZZ_ARCHIVES)
	$(FUZZ_LINK) -fsanitize=fuzzer $(addprefix -Wl$(comma)--wrap=,$(FUZZ_WRAP_$*))

$(OUT)/seeds: $(foreach s,seeds fuzz toy_dh,$(OBJ)/tests/fuzz/$(s).o) $(FUZZ_ARCHIVES)
	$(FUZZ_LINK)

fuzz-write-seeds: $(OUT)/seeds
	LLVM_PROFILE_FILE=/dev/null $< tests/fuzz/corpus

-include $(patsubst %.c,$(OBJ)/%.d,$(wildcard tests/fuzz/*.c))
