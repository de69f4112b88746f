# Millrace. `make help` lists the targets; `make run` and `make test` are all that a user needs.
#
# Every room is found by wildcard: lib/<room>/*.c becomes a static library, dpdk-app/*.c the
# program, tests/<room>/*.c one test binary, tests/fuzz/fuzz_*.c one fuzzer each, perf/bench_*.c
# one benchmark each. A new file needs no line here.

BUILD ?= build
MODE  ?= release
JOBS  ?= $(shell nproc)
FUZZ_SECONDS ?= 60
ifeq ($(origin CC),default)
CC := gcc
endif

# ---- rooms, lowest first: a room may include only rooms to its left (scripts/tidy.sh) -------------

ROOMS      := base rdd job sched ckpt net io
ROOM_LIBS  := $(foreach r,$(ROOMS),$(if $(wildcard lib/$r/*.c),$(BUILD)/lib$r.a))
APP_SRCS   := $(filter-out dpdk-app/main.c,$(wildcard dpdk-app/*.c))
# A test room that needs the program's own objects, and therefore DPDK.
APP_TESTS  := dpdk-app engine
TEST_ROOMS := $(sort $(filter-out common fuzz e2e tools,$(patsubst tests/%/,%,$(dir $(wildcard tests/*/*.c)))))
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOL_NAMES := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))
PERF_NAMES := $(patsubst perf/%.c,%,$(wildcard perf/bench_*.c))
# Programs of perf/ that scripts run, with what they share.
PERF_TOOLS := port gen arrivals
E2E_TESTS  := $(sort $(shell find tests/e2e -maxdepth 1 -type f -executable 2>/dev/null))

# ---- flags -----------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wpointer-arith -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Werror

# SIMD beyond the base is chosen at run time, by function target attributes. Every CPU with AVX2 has
# AES; the hash of the tables is made of it.
ARCH := -march=x86-64-v3 -maes

ifeq ($(MODE),release)
OPT := -O3
else ifeq ($(MODE),asan)
OPT := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
else ifeq ($(MODE),tsan)
OPT := -O1 -fno-omit-frame-pointer -fsanitize=thread
PLAIN := 1
# One thread, and plain counts that would take minutes.
TEST_ROOMS := $(filter-out perf,$(TEST_ROOMS))
TSAN_APP := -DRTE_USE_C11_MEM_MODEL
ifneq ($(findstring gcc,$(notdir $(CC))),)
WARN += -Wno-tsan
endif
else ifeq ($(MODE),fuzz)
OPT := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
       -fno-sanitize-recover=all
else
$(error MODE is release, asan, tsan or fuzz, not '$(MODE)')
endif

CFLAGS_ALL := -std=gnu17 -g $(OPT) $(WARN) -pthread -Ilib -I. -D_GNU_SOURCE $(CFLAGS)

# DPDK's headers are not ours to warn about; its -march is lower than ours and comes first.
ifneq ($(wildcard dpdk-app/*.c perf/*.c),)
DPDK_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))
DPDK_LIBS   := $(shell pkg-config --libs libdpdk 2>/dev/null)
# Not an error yet: `make run` installs it first and builds in a make of its own.
NO_DPDK     := $(if $(DPDK_LIBS),,libdpdk is not installed: run scripts/setup.sh as root)
endif
LIB_CFLAGS  := $(CFLAGS_ALL) $(ARCH)
APP_CFLAGS  := $(DPDK_CFLAGS) $(CFLAGS_ALL) $(ARCH) -DALLOW_EXPERIMENTAL_API $(TSAN_APP)
TEST_CFLAGS := $(LIB_CFLAGS) $(if $(PLAIN),-DMR_PLAIN_RUNNER)

LINK       := $(CC) -g $(OPT) -pthread $(LDFLAGS) -Wl,--as-needed
LIBS       := -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group -lyaml -lpcap -lpcre2-8 -lnuma -lm
TEST_LIBS  := $(if $(PLAIN),,-lcriterion)

# ---- what is built ---------------------------------------------------------------------------------

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$1)

APP_LIB     := $(if $(APP_SRCS),$(BUILD)/libapp.a)
COMMON_OBJS := $(call obj,$(wildcard tests/common/*.c) $(if $(PLAIN),tests/plain_main.c))
TEST_BINS   := $(addprefix $(BUILD)/tests/,$(TEST_ROOMS))
FUZZ_BINS   := $(addprefix $(BUILD)/fuzz/,$(FUZZ_NAMES))
TOOL_BINS   := $(addprefix $(BUILD)/tools/,$(TOOL_NAMES))
PERF_BINS   := $(addprefix $(BUILD)/perf/,$(PERF_NAMES))
PERF_OBJS   := $(call obj,$(filter-out perf/bench_% $(PERF_TOOLS:%=perf/%.c),$(wildcard perf/*.c)))
PERF_TOOL_BINS := $(addprefix $(BUILD)/perf/,$(PERF_TOOLS))
PERF_TOOL_OBJS := $(call obj,perf/gen_text.c perf/gen_frames.c $(wildcard perf/port_*.c))
# What the tests of perf/ look at: it needs no DPDK.
PERF_TEST_OBJS := $(call obj,perf/blocks.c perf/memory.c $(wildcard perf/feed_*.c perf/gen_*.c \
                  perf/limit_*.c))
PROGRAM     := $(if $(wildcard dpdk-app/main.c),$(BUILD)/millrace)

.PHONY: help all run test check bench bench-growth bench-micro format clean tests unit e2e asan tsan fuzz fuzz-corpus \
        check-format check-tidy check-includes check-clang-tidy check-gcc check-clang programs \
        test-programs fuzzers benches
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile
	@echo "Variables: BUILD=$(BUILD) CC=$(CC) MODE=release|asan|tsan FUZZ_SECONDS=$(FUZZ_SECONDS)" \
	      "INPUT=FILE (run)"

# One parallel sub-make, so that `make all` uses every core without being told.
PARALLEL = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

all: ## the program and its libraries
	@+$(PARALLEL) programs

tests: ## build the tests without running them
	@+$(PARALLEL) test-programs

programs: $(ROOM_LIBS) $(PROGRAM) ; @:
test-programs: programs $(TEST_BINS) $(TOOL_BINS) ; @:
fuzzers: $(FUZZ_BINS) ; @:
benches: $(PERF_BINS) $(PERF_TOOL_BINS) ; @:

# Objects depend on the flags they were made with, so that MODE or CC can change in one BUILD.
FLAGS_TEXT := $(CC) $(APP_CFLAGS) $(TEST_CFLAGS)
$(BUILD)/flags: FORCE
	@$(if $(NO_DPDK),echo '$(NO_DPDK)'; exit 69)
	@mkdir -p $(@D)
	@echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' > $@
FORCE:

# Which flags an object gets follows from its folder.
flags_of = $(if $(filter dpdk-app/% perf/%,$1),$(APP_CFLAGS),$(if \
             $(filter $(addprefix tests/,$(addsuffix /%,$(APP_TESTS))),$1),$(APP_CFLAGS) \
             $(if $(PLAIN),-DMR_PLAIN_RUNNER),$(if $(filter tests/%,$1),$(TEST_CFLAGS),$(LIB_CFLAGS))))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(call flags_of,$<) -MMD -MP -c $< -o $@

define room_rule
$(BUILD)/lib$1.a: $(call obj,$(wildcard lib/$1/*.c))
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$r)))

# The program without its main, for it, its tests and the benchmarks.
$(BUILD)/libapp.a: $(call obj,$(APP_SRCS))
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/millrace: $(BUILD)/obj/dpdk-app/main.o $(APP_LIB) $(ROOM_LIBS)
	@echo "  link  $@"
	@$(LINK) -rdynamic $(filter %.o,$^) $(APP_LIB) $(LIBS) $(DPDK_LIBS) -o $@

define test_rule
$(BUILD)/tests/$1: $(call obj,$(wildcard tests/$1/*.c)) $(COMMON_OBJS) \
                   $(if $(filter $1,$(APP_TESTS)),$(APP_LIB)) $(if $(filter $1,perf),$(PERF_TEST_OBJS)) \
                   $(ROOM_LIBS)
	@mkdir -p $$(@D)
	@echo "  link  $$@"
	@$(LINK) $$(filter %.o,$$^) $(if $(filter $1,$(APP_TESTS)),$(APP_LIB)) $(LIBS) \
	    $(if $(filter $1,$(APP_TESTS)),$(DPDK_LIBS)) $(TEST_LIBS) -o $$@
endef
$(foreach r,$(TEST_ROOMS),$(eval $(call test_rule,$r)))

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(LINK) -fsanitize=fuzzer $(filter %.o,$^) $(LIBS) -o $@

# Programs that end-to-end tests compare with.
$(BUILD)/tools/%: $(BUILD)/obj/tests/tools/%.o $(call obj,$(wildcard tests/common/ref*.c)) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(LINK) $(filter %.o,$^) $(LIBS) -o $@

$(PERF_TOOL_BINS): $(BUILD)/perf/%: $(BUILD)/obj/perf/%.o $(PERF_TOOL_OBJS) $(APP_LIB) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(LINK) $(filter %.o,$^) $(APP_LIB) $(LIBS) $(DPDK_LIBS) -o $@

$(BUILD)/perf/%: $(BUILD)/obj/perf/%.o $(PERF_OBJS) $(APP_LIB) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link  $@"
	@$(LINK) $(filter %.o,$^) $(APP_LIB) $(LIBS) $(DPDK_LIBS) -o $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.SECONDARY:

# ---- running ---------------------------------------------------------------------------------------

run: ## count words of real text, live, over a virtual port (INPUT=FILE for your own text)
	@scripts/setup.sh
	@+$(PARALLEL) programs
	@BUILD=$(BUILD) INPUT="$$INPUT" scripts/run-demo

# A part is run by scripts/part, which times it, keeps its log and fails it on any sanitizer report.
# Whoever has set PARTS in the environment (.ci/run) collects several of these in one table.
export PARTS ?= $(BUILD)/parts
ifeq ($(origin PARTS),file)
FIRST = rm -f $(PARTS)
LAST  = scripts/part --summary
endif
PART = BUILD=$(BUILD) scripts/part
SUB  = $(MAKE) --no-print-directory

test: ## every test but fuzzers and sanitizers, in under ten minutes
	@scripts/setup.sh
	@$(FIRST)
	@+$(PART) build       $(SUB) tests
	@+$(PART) format      $(SUB) check-format
	@+$(PART) tidy        $(SUB) check-tidy
	@+$(PART) unit        $(SUB) unit
	@+$(PART) e2e         $(SUB) e2e
	@$(LAST)

check: ## everything: style, static checks, tests, sanitizers, fuzzers, end-to-end runs
	@$(FIRST)
	@+$(PART) build       $(SUB) tests
	@+$(PART) format      $(SUB) check-format
	@+$(PART) tidy        $(SUB) check-tidy
	@+$(PART) includes    $(SUB) check-includes
	@+$(PART) clang-tidy  $(SUB) check-clang-tidy
	@+$(PART) unit        $(SUB) unit
	@+$(PART) asan        $(SUB) asan
	@+$(PART) tsan        $(SUB) tsan
	@+$(PART) fuzz-corpus $(SUB) fuzz-corpus
	@+$(PART) fuzz        $(SUB) fuzz
	@+$(PART) e2e         $(SUB) e2e
	@$(LAST)

unit: tests ## the unit tests under Criterion
	@BUILD=$(BUILD) scripts/run-tests $(if $(PLAIN),-j $(JOBS)) $(TEST_BINS)

e2e: all ## the end-to-end runs (as root: network namespaces)
	@BUILD=$(BUILD) scripts/run-tests $(E2E_TESTS)

asan: ## the unit tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@+TEST_SECONDS=900 $(SUB) MODE=asan BUILD=$(BUILD)/asan unit

tsan: ## the unit tests with ThreadSanitizer, under the plain runner
	@+TEST_SECONDS=900 $(SUB) MODE=tsan BUILD=$(BUILD)/tsan unit

fuzz-corpus: ## every fuzzer over its stored inputs
	@+$(SUB) MODE=fuzz CC=clang BUILD=$(BUILD)/fuzzing fuzzers -j$(JOBS)
	@BUILD=$(BUILD)/fuzzing scripts/fuzz corpus $(FUZZ_NAMES)

fuzz: ## every fuzzer for FUZZ_SECONDS
	@+$(SUB) MODE=fuzz CC=clang BUILD=$(BUILD)/fuzzing fuzzers -j$(JOBS)
	@BUILD=$(BUILD)/fuzzing scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_NAMES)

bench: ## records/s beside limit programs, and growth as plots (JOB=x: one job; PROFILE=1)
	@+$(PARALLEL) programs benches
	@BUILD=$(BUILD) scripts/bench jobs

bench-growth: ## how cost and memory grow alone, as plots (BUILD/*.svg)
	@+$(PARALLEL) benches
	@BUILD=$(BUILD) scripts/bench growth

bench-micro: ## the cost of each primitive
	@+$(PARALLEL) benches
	@BUILD=$(BUILD) scripts/bench micro

# ---- style and static checks -----------------------------------------------------------------------

C_FILES := $(wildcard lib/*/*.[ch] dpdk-app/*.[ch] tests/*.[ch] tests/*/*.[ch] perf/*.[ch])

check-format: ## clang-format would change nothing
	@[ -z "$(C_FILES)" ] || clang-format --dry-run -Werror $(C_FILES)

format: ## clang-format every file in place
	@[ -z "$(C_FILES)" ] || clang-format -i $(C_FILES)

check-tidy: ## sizes, banned words, include rules (scripts/tidy.sh)
	@scripts/tidy.sh

check-includes: ## rooms include only lower rooms, and every header stands alone
	@scripts/tidy.sh includes
	@for h in $(wildcard lib/*/*.h); do \
	    echo "#include \"$$h\"" | $(CC) $(LIB_CFLAGS) -fsyntax-only -xc - || exit 1; done
	@for h in $(wildcard dpdk-app/*.h); do \
	    echo "#include \"$$h\"" | $(CC) $(APP_CFLAGS) -fsyntax-only -xc - || exit 1; done

check-clang-tidy: ## clang-tidy over lib/ (.clang-tidy lists the checks)
	@printf '%s\n' $(wildcard lib/*/*.c) | xargs -r -P $(JOBS) -n 4 scripts/clang-tidy \
	    $(filter-out -W%,$(LIB_CFLAGS)) --

check-gcc: ## build everything with gcc, warnings being errors
	@+$(SUB) CC=gcc BUILD=$(BUILD) tests

check-clang: ## build everything with clang, warnings being errors
	@+$(SUB) CC=clang BUILD=$(BUILD)/clang tests

bench-latency: ## time past the end of intervals, at half of what make bench found to hold (LOAD=records/s)
	@+$(PARALLEL) benches
	@perf/latency.py $(BUILD) $(LOAD)

clean: ## remove BUILD
	rm -rf $(BUILD)
