# wastap: build, check, test, demonstrate. `make help` lists the verbs.

BIN := node_modules/.bin
PREBUILDS := prebuilds/linux-x64
RUN := node --enable-source-maps dist/scripts

# node-gyp builds against the headers that came with this Node, if they did; else it fetches them.
NODE_PREFIX := $(shell node -p "require('path').resolve(process.execPath, '../..')")
ifneq ($(wildcard $(NODE_PREFIX)/include/node/node_api.h),)
export npm_config_nodedir := $(NODE_PREFIX)
endif

NATIVE_SOURCES := binding.gyp $(wildcard base/*.cc compiler/dwarf/*.cc compiler/dwarf/*.h compiler/dwarf/*.def wasm-runtime/aot/*.cc shim/mutator/*.cc shim/mutator/*.h)
SHIM_SOURCES := $(shell find shim/inject -name '*.[chS]' -o -name '*.ld')
LIBRARY_SOURCES := $(wildcard wasm-runtime/library/*.ts wasm-runtime/library/gen/*.ts) wasm-runtime/library-abi.ts
C_SOURCES := $(shell git ls-files '*.c' '*.h' '*.cc' 2>/dev/null | grep -v '/gen/')

all: bundle

.PHONY: all setup dist bundle generate check format test test-run golden fuzz fuzz-dwarf fuzz-dwarf-asan bench demo install-local clean help

setup: ## install the Debian packages that building and testing need (asks for root through sudo)
	scripts/setup.sh

node_modules/.installed: package.json package-lock.json
	npm install --no-save --ignore-scripts --no-audit --no-fund
	@touch $@

dist: node_modules/.installed
	$(BIN)/tsc

$(PREBUILDS)/wastap.node: $(NATIVE_SOURCES) | dist
	$(BIN)/prebuildify --napi --strip --target 20.0.0 --quiet
	@touch $@

$(PREBUILDS)/shim.bin: $(SHIM_SOURCES) | dist
	$(RUN)/build-shim.js

$(PREBUILDS)/library.wasm: $(LIBRARY_SOURCES) | dist
	$(RUN)/build-library.js

# elfutils' shared libraries, shipped beside the addon with their licence (LGPL-3.0-or-later).
$(PREBUILDS)/libdw.so.1: scripts/copy-libdw.sh | $(PREBUILDS)/wastap.node
	scripts/copy-libdw.sh $(PREBUILDS)

$(PREBUILDS)/manifest.json: dist $(PREBUILDS)/wastap.node $(PREBUILDS)/libdw.so.1 $(PREBUILDS)/shim.bin $(PREBUILDS)/library.wasm
	$(RUN)/write-manifest.js

# What users start: the program in one file, with V8's code cache for this Node.
bundle: $(PREBUILDS)/manifest.json
	$(RUN)/bundle.js
	$(RUN)/write-code-cache.js

generate: dist ## write generated files (layout.h, AssemblyScript layout and texts, host types)
	$(RUN)/generate-layout.js
	$(RUN)/build-library.js

check: all ## lint, format, types, generated files current
	$(BIN)/biome check --error-on-warnings
	clang-format-14 --dry-run --Werror $(C_SOURCES)
	$(RUN)/generate-layout.js --check
	$(RUN)/build-library.js --check

format: ## format everything
	$(BIN)/biome check --write
	clang-format-14 -i $(C_SOURCES)

test: setup all ## all tests
	$(RUN)/run-tests.js --floor $(if $(TESTS),1,$(FLOOR)) --timeout 600 $(TESTS)

test-run: all ## only the end-to-end tests
	$(RUN)/run-tests.js run/

golden: all ## rewrite expected outputs; review the diff as code
	WASTAP_GOLDEN=write $(RUN)/run-tests.js unit/

fuzz: dist ## a million inputs for the parser; FUZZ_INPUTS=N, FUZZ_SECONDS=N bound it
	node --enable-source-maps dist/test/fuzz/main.js --inputs $(FUZZ_INPUTS) --seconds $(FUZZ_SECONDS)

fuzz-dwarf: all ## 20,000 damaged files for the DWARF reader; FUZZ_FILES=N, FUZZ_SECONDS=N bound it
	node --enable-source-maps dist/test/fuzz/dwarf.js --inputs $(FUZZ_FILES) --seconds $(FUZZ_SECONDS)

fuzz-dwarf-asan: all ## the same with an addon that has AddressSanitizer
	scripts/build-asan.sh build/asan
	LD_PRELOAD=$$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 \
	  node --enable-source-maps build/asan/dist/test/fuzz/dwarf.js --inputs $(FUZZ_FILES) --seconds $(FUZZ_SECONDS)

bench: all ## cost of a hit, of starting, compiling, debug information and unwinding
	node --enable-source-maps dist/test/bench/hit.js
	node --enable-source-maps dist/test/bench/start.js
	node --enable-source-maps dist/test/bench/aot.js
	node --enable-source-maps dist/test/bench/compile.js
	node --enable-source-maps dist/test/bench/arm.js
	node --enable-source-maps dist/test/bench/dwarf.js
	node --enable-source-maps dist/test/bench/unwind.js

demo: setup all ## call tree of a PHP program, traced live
	docs/examples/php-calls.sh

install-local: all ## put wastap on PATH
	npm link

clean: ## remove what was built
	rm -rf dist build prebuilds node_modules

help: ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /make \1	/' | expand -t 22

# Fewest tests that may pass: guards against suites that silently ran nothing.
FLOOR ?= 900

# Bounds of `make fuzz` and `make fuzz-dwarf`; 0 seconds is no bound.
FUZZ_INPUTS ?= 1000000
FUZZ_FILES ?= 20000
FUZZ_SECONDS ?= 0
