# wastap: build, check, test. `make help` lists the verbs.
BIN := node_modules/.bin
PREBUILDS := prebuilds/linux-x64

all: build

build: node_modules generate dist native library shim precompile manifest

node_modules: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch node_modules

dist: node_modules
	$(BIN)/tsc
	@chmod +x dist/cli/main.js
	@touch dist
.PHONY: all build dist

help:
	@echo "make           build everything"
	@echo "make demo      install what is missing and show a call tree of PHP"
	@echo "make test      all tests; make check: lint, types, formats, generated files"

.PHONY: help
