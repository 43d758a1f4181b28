# One word per thing to do. Each target installs the packages it needs (packages.txt) and builds what it runs.
.DEFAULT_GOAL := help
.PHONY: help demo test build bench lint asan fuzz clean

PROMPT ?= Tell me a story about a fox and a lantern.
SECONDS ?= 600

help:
	@echo "make demo    build Halcyon and let it answer a prompt with the model inside it   PROMPT='…'"
	@echo "make test    build and run every test, and fuzz each input format for 30 s"
	@echo "make build   build everything: build/release/halcyon, tests, benchmarks"
	@echo "make bench   run the micro-benchmarks of the kernels; whole models: build/release/halcyon bench"
	@echo "make lint    check layout and analyse the sources              CHANGED=1: only files changed since main"
	@echo "make asan    run every test under the address and undefined-behaviour sanitizers"
	@echo "make fuzz    fuzz each input format for SECONDS=600"
	@echo "make clean   delete build/"

demo:
	@scripts/install-packages.sh build
	@cmake --preset release >/dev/null
	@cmake --build build/release --target halcyon
	@build/release/halcyon run -p "$(PROMPT)"

build:
	@scripts/install-packages.sh build
	@cmake --preset release >/dev/null
	@cmake --build build/release

test: build
	@scripts/install-packages.sh test
	@cmake --preset fuzz >/dev/null
	@cmake --build build/fuzz --target fuzzers
	@scripts/test.py --build build/release --fuzz build/fuzz

asan:
	@scripts/install-packages.sh build test
	@cmake --preset asan >/dev/null
	@cmake --build build/asan
	@scripts/test.py --build build/asan

bench: build
	@build/release/bench/kernel_bench

fuzz:
	@scripts/install-packages.sh build test
	@cmake --preset fuzz >/dev/null
	@cmake --build build/fuzz --target fuzzers
	@scripts/fuzz.py --build build/fuzz --seconds $(SECONDS)

lint:
	@scripts/install-packages.sh build lint
	@cmake --preset release >/dev/null
	@cmake --build build/release --target halcyon_commit >/dev/null
	@scripts/lint.sh $(if $(CHANGED),--changed)

clean:
	rm -rf build
