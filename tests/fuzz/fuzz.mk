# make fuzz: the fuzz targets (tests/fuzz/README.md). Included by the Makefile.
#
# Everything is built once more, by clang, with libFuzzer, AddressSanitizer, UBSan and line coverage. tests/fuzz/run
# runs each target for FUZZ_TIME seconds (10), two at a time, and then holds the corpora against the parsers' lines.

FUZZ = build/fuzz
FUZZ_GOAL = fuzz-targets
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SUPPORT = $(filter-out fuzz_% fuzz toy_dh seeds%,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
# Calls of the product that go to the target itself.
FUZZ_WRAP_options = fopen
FUZZ_WRAP_netlink = recvmsg
FUZZ_WRAP_file = glob open
FUZZ_WRAP_text = calloc malloc strdup open kill readlink stat access
FUZZ_WRAP_socket = clock_ms recvfrom recvmsg sendto
FUZZ_WRAP_output = spawn kill ev_child_start ev_child_stop ev_timer_start ev_timer_stop ev_now
FUZZ_WRAP_hand = pipe2 fork waitpid sibling_path
FUZZ_WRAP_tools = fopen glob getifaddrs freeifaddrs wait daemon_run standard_there standard_written sandbox_enter \
	sandbox_no_core sibling_path netlink_new dh_lib_new keys_generate keys_show
# Tools whose main() is called, as main_NAME.
FUZZ_MAIN_tools = secrets kernel-sa ike-negotiate
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

# toy_dh.o stands for secrets/dh.o, fuzz.o's RAND_bytes for OpenSSL's: nothing of an input's way is left to chance.
FUZZ_OBJECTS = $(foreach s,fuzz toy_dh,$(OBJ)/tests/fuzz/$(s).o)
FUZZ_ARCHIVES = $(OBJ)/tests/fuzz/support.a $(OBJ)/tests/unit/support.a $(LIB) $(foreach t,$(TOOLS),$(OBJ)/$(t)/$(t).a)
FUZZ_LINK = $(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(foreach t,$(FUZZ_TOOL_$*),$(OBJ)/$(t)/$(t).a) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS_TEST)

$(OBJ)/tests/fuzz/support.a: $(foreach s,$(FUZZ_SUPPORT),$(OBJ)/tests/fuzz/$(s).o)
	@rm -f $@
	ar rcs $@ $^

$(OBJ)/tests/fuzz/main_%.o: %/main.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Dmain=main_$(subst -,_,$*) -Wno-missing-prototypes -MMD -MP -c -o $@ $<

$(foreach t,$(FUZZ_TARGETS),$(foreach m,$(FUZZ_MAIN_$(t:fuzz_%=%)),$(eval $(FUZZ)/$(t): $(FUZZ)/obj/tests/fuzz/main_$(m).o)))
$(addprefix $(OUT)/,$(FUZZ_TARGETS)): $(OUT)/fuzz_%: $(OBJ)/tests/fuzz/fuzz_%.o $(FUZZ_OBJECTS) $(FUZZ_ARCHIVES)
	$(FUZZ_LINK) -fsanitize=fuzzer $(addprefix -Wl$(comma)--wrap=,$(FUZZ_WRAP_$*))

FUZZ_SEEDS = $(patsubst %.c,$(OBJ)/%.o,$(wildcard tests/fuzz/seeds*.c))
$(OUT)/seeds: $(FUZZ_SEEDS) $(FUZZ_OBJECTS) $(FUZZ_ARCHIVES)
	$(FUZZ_LINK)

fuzz-write-seeds: $(OUT)/seeds
	LLVM_PROFILE_FILE=/dev/null $< tests/fuzz/corpus

-include $(patsubst %.c,$(OBJ)/%.d,$(wildcard tests/fuzz/*.c))
