# SPDX-License-Identifier: GPL-2.0-only
# The two modules by themselves need only the headers of a kernel; everything
# else goes through rig/, which fetches and builds what it needs.

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.12-stock
PREFIX ?= /usr/local

.PHONY: modules
modules: ## build both modules for the running kernel, or for KDIR=...
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

.PHONY: modules_install
modules_install: ## install them for that kernel and run depmod
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install
	@# without the kernel's System.map, as on Debian, Kbuild leaves this out
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) \
		"$$($(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)"

.PHONY: tool
tool: ## build nvme-lmctl for this machine (cmake, g++ 14, CLI11, fmt, nlohmann-json)
	cmake -S harness -B build/tool -DNVME_LM_TESTS=OFF -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build build/tool --target nvme-lmctl

.PHONY: install
install: tool ## install nvme-lmctl, its manual and its completion (PREFIX, DESTDIR)
	cmake --install build/tool --component nvme-lmctl

.PHONY: clean
clean: ## remove what builds left in the tree (the cache stays)
	rm -rf build
	find drivers tests -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name modules.order | xargs -r rm -f
	rm -f Module.symvers modules.order .Module.symvers.cmd .modules.order.cmd .module-common.o

.PHONY: demo
demo: ## a running guest migrates there and back (KERNEL=..., DEMO="--iommu iommufd --multifd")
	@rig/demo/demo --kernel $(KERNEL) $(DEMO)

.PHONY: check
check: ## every test (TESTS="NAME..." for some); ends in "N passed, N failed"
	@rig/get host
	@rig/check $(TESTS)

.PHONY: check-list
check-list: ## the names of the tests of make check
	@rig/check --list

.PHONY: bench
bench: ## measure against the raw limit (ROWS="NAME...", SIZES=64,1024, KERNEL=6.12-fast, QUICK=1)
	@rig/get host
	@rig/bench/bench $(if $(QUICK),--quick) --kernel $(if $(filter file,$(origin KERNEL)),7.3-fast,$(KERNEL)) \
		$(if $(DOMAIN),--domain $(DOMAIN)) $(if $(SIZES),--sizes $(SIZES)) $(ROWS)

.PHONY: lint
lint: ## checkpatch, sparse, W=1 on both kernels, clang-format, shellcheck
	@rig/get host
	@rig/lint

.PHONY: kunit
kunit: ## the KUnit suites in user mode Linux, in seconds
	@rig/get host
	@tests/kunit/run-uml

.PHONY: fuzz
fuzz: ## fuzz the stream decoder in user space, MINUTES=5
	@rig/get host
	@tests/fuzz/run --minutes $(or $(MINUTES),5)

.PHONY: soak
soak: ## random walks on the debug kernel, MINUTES=n, MIGRATIONS=n, WRITES=n, SEED=n
	@rig/get host
	@rig/soak $(if $(MINUTES)$(MIGRATIONS)$(WRITES),,--minutes 10) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(MIGRATIONS),--migrations $(MIGRATIONS)) $(if $(WRITES),--writes $(WRITES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(filter command% environment%,$(origin KERNEL)),--kernel $(KERNEL))

.PHONY: mutation
mutation: ## test the tests: break the driver in many ways, see each noticed
	@rig/get host
	@tests/mutation/run $(BREAKAGES)

.PHONY: coverage
coverage: ## which lines of both modules the tests in the rig run
	@rig/get host
	@tests/coverage/run

.PHONY: harness
harness: ## build the C++ test harness
	@rig/get host
	@rig/build-harness

.PHONY: rig-modules
rig-modules: ## build the modules against a kernel of the rig, KERNEL=6.12-stock
	@rig/get host
	@rig/build-modules $(KERNEL)

.PHONY: rig-shell
rig-shell: rig-modules ## a shell in the emulated server, KERNEL=6.12-stock
	@rig/run --kernel $(KERNEL) --hmlm --name shell --shell

.PHONY: recording
recording: ## record nvme-lmctl on a terminal anew, for the README
	@rig/get host
	@rig/recording/record

.PHONY: cache-list
cache-list: ## what the cache of the rig holds, and how much
	@rig/get --list

.PHONY: cache-prune
cache-prune: ## remove from the cache what was not used for a week
	@rig/get --prune

.PHONY: cache-clean
cache-clean: ## remove the whole cache
	@rig/get --clean

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z_-]*\):.* ## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
