# pulpimg: how it is built, tried and checked. `make demo` and `make test` set up what they need: as root on Debian, with Go.

GO      ?= go
VERSION ?= $(shell internal/packaging/version.sh)
VERSION := $(VERSION)
ARCHS   := amd64 arm64
HELPERS := $(ARCHS:%=assets/helper/pulp-helper-linux-%)
SUMS    := $(HELPERS:=.sha256)
SOURCES := $(shell find cmd internal pkg assets templates -name '*.go' -o -name '*.tmpl' -o -name '*.aug' -o -name '*.toml') go.mod go.sum
LAB     := bin/lab
# What a release is for. On Linux, the engine is inside.
RELEASE := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'
# What the engine's compilation, the lab and the tests use, each with the package that has it.
TOOLS   := /usr/bin/gcc:gcc /usr/include/seccomp.h:libseccomp-dev /usr/bin/pkg-config:pkg-config /usr/bin/mmdebstrap:mmdebstrap \
           /usr/bin/createrepo_c:createrepo-c /usr/bin/skopeo:skopeo /usr/bin/podman:podman /usr/bin/buildah:buildah /usr/sbin/runc:runc \
           /usr/bin/shellcheck:shellcheck /usr/bin/newuidmap:uidmap /usr/bin/augparse:augeas-tools /usr/bin/python3:python3 /usr/bin/git:git /usr/bin/busybox:busybox \
           /usr/bin/redis-server:redis-server /usr/sbin/ip:iproute2 /usr/lib/postgresql/15/bin/postgres:postgresql \
           /usr/bin/node:nodejs /usr/bin/npm:npm /usr/sbin/nginx:nginx-light /usr/lib/python3.11/ensurepip:python3.11-venv \
           /usr/lib/python3/dist-packages/django:python3-django /usr/lib/python3/dist-packages/celery:python3-celery \
           /usr/lib/python3/dist-packages/redis:python3-redis /usr/lib/python3/dist-packages/gunicorn:gunicorn \
           /usr/lib/python3/dist-packages/whitenoise:python3-whitenoise
# What the cluster of make cluster-test is made of, besides what is compiled.
CLUSTER_TOOLS := /usr/bin/etcd:etcd-server /usr/bin/containerd:containerd /usr/lib/cni/ptp:containernetworking-plugins /usr/sbin/iptables:iptables \
           /usr/sbin/conntrack:conntrack /usr/bin/nsenter:util-linux
CLUSTER := $(addprefix bin/cluster/,kube-apiserver kube-controller-manager kube-proxy kube-scheduler kubectl kubelet)
# Everything that parses, by package; the modules of the tests have more.
FUZZ    := pkg/spec:FuzzParse pkg/spec:FuzzExtends pkg/spec:FuzzParseValues pkg/family:FuzzResolve pkg/family:FuzzHideCredentials pkg/family:FuzzFiles pkg/build:FuzzStream internal/diagnostic:FuzzText internal/download:FuzzDecode internal/outside:FuzzFind internal/treeindex:FuzzDecode internal/treeindex:FuzzRead internal/recipe:FuzzDecode internal/record:FuzzGet internal/recordset:FuzzDecode internal/recordset:FuzzUnpack pkg/startup/contract:FuzzExpand pkg/startup/contract:FuzzRead \
           pkg/startup/settings:FuzzQuote pkg/startup/settings:FuzzValue pkg/startup/serviceurl:FuzzParse pkg/startup/startscript:FuzzParse pkg/startup/startscript:FuzzMarshal pkg/startup/service:FuzzAnswers pkg/startup/command:FuzzShown internal/statcache:FuzzParse cmd/pulpimg:FuzzReadEnvFile \
           pkg/publish:FuzzParseChallenge pkg/publish:FuzzLocation pkg/publish:FuzzNextLink pkg/publish:FuzzCredentials pkg/registries:FuzzHosts pkg/layout:FuzzSources
DEMO    := --push --progress plain

.PHONY: all check demo test docker-test cluster-test lint lint-product fuzz bench setup engine packages release image clean
all: bin/pulpimg

# Builds the four Pulp images against the offline lab, with the spec as it is, and pushes them to the lab's registry.
demo: setup bin/pulpimg $(LAB)
	@$(LAB) run -- sh -euxc 'bin/pulpimg build -f specs/pulp.yaml $(DEMO) --registry "$$LAB_REGISTRY/pulp" --source-policy "$$LAB_POLICY"'

# What needs neither root nor a network, besides Go's modules: for each commit. Tests that need root skip themselves.
check: lint-product
	$(GO) test $$($(GO) list ./... | grep -v /test/) ./test/depcheck ./test/inlab ./test/migrate

# All of check, the same tests with the race detector, and everything else. What test/score has the program print is no input that go knows of.
test: lint bin/pulpimg $(LAB)
	$(GO) test -race $$($(GO) list ./... | grep -v /test/)
	cd internal/packaging && $(GO) test ./...
	cd test/lab && $(GO) test ./...
	cd test/registrytest && $(GO) test -race -timeout 20m ./...
	cd test/schema && $(GO) test ./...
	cd test/kube && $(GO) test ./...
	cd test/compose && $(GO) test ./...
	cd test/score && PULPIMG=$(CURDIR)/bin/pulpimg $(GO) test -count 1 ./...
	PULPIMG=$(CURDIR)/bin/pulpimg $(LAB) run --services -- $(GO) test -p 1 -timeout 30m ./test/...

# Families under a docker daemon and Compose, and images in containerd. Compose and nerdctl take some minutes to compile the first time.
docker-test: TOOLS += /usr/sbin/dockerd:docker.io /usr/bin/containerd:containerd /usr/sbin/iptables:iptables
docker-test: setup bin/pulpimg bin/docker-compose bin/nerdctl $(LAB)
	DOCKER_COMPOSE=$(CURDIR)/bin/docker-compose NERDCTL=$(CURDIR)/bin/nerdctl PULPIMG=$(CURDIR)/bin/pulpimg \
	  $(LAB) run --services -- $(GO) test -timeout 20m -v -run TestDocker ./test/e2e

bin/docker-compose: test/dockercompose/go.mod
	cd test/dockercompose && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o ../../$@ github.com/docker/compose/v2/cmd

bin/nerdctl: test/nerdctl/go.mod
	cd test/nerdctl && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o ../../$@ github.com/containerd/nerdctl/v2/cmd/nerdctl

# What is printed for Kubernetes, in a cluster of one machine: as root, and not part of make test.
cluster-test: TOOLS += $(CLUSTER_TOOLS)
cluster-test: setup bin/pulpimg $(LAB) $(CLUSTER)
	PULPIMG=$(CURDIR)/bin/pulpimg $(LAB) run --services -- $(GO) test -C test/cluster -count 1 -timeout 45m -v .

# Kubernetes' programs, compiled from their Go modules; kept while those are the same.
bin/cluster/%: test/cluster/go.mod test/cluster/go.sum
	cd test/cluster && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$$($(GO) list -m -f '{{.Version}}' k8s.io/kubernetes)" \
	  -o ../../$@ k8s.io/kubernetes/cmd/$*

lint-product: $(SUMS)
	@test -z "$$(gofmt -l .)" || { echo 'not gofmt-ed:'; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=test/lint/go.mod staticcheck ./...
	$(GO) tool -modfile=test/lint/go.mod errcheck -ignoretests -exclude test/lint/errcheck.txt ./...

# The modules of the tests as well, and the program for the systems on which it needs an engine elsewhere.
lint: setup lint-product
	cd test/lint && $(GO) vet ./... && $(GO) build -o ../../bin/elsewhere ./elsewhere
	bin/elsewhere darwin,windows ./cmd/... ./internal/... ./pkg/...
	cd test/lab && $(GO) vet ./...
	cd test/registrytest && $(GO) vet ./...
	cd test/schema && $(GO) vet ./...
	cd test/bench && $(GO) vet ./...
	cd test/kube && $(GO) vet ./...
	cd test/cluster && $(GO) vet ./...
	cd test/compose && $(GO) vet ./...
	cd test/score && $(GO) vet ./...
	cd internal/packaging && $(GO) vet ./...
	shellcheck .ci/run internal/packaging/*.sh internal/packaging/deb/postinst internal/packaging/deb/prerm test/e2e/testdata/enter.sh

# A minute on everything that parses, and what of the tests takes too long for each commit.
fuzz:
	@set -e; for target in $(FUZZ); do \
	  $(GO) test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime 60s -fuzzminimizetime 10x ./$${target%:*}; done
	cd test/schema && $(GO) test -run '^$$' -fuzz '^FuzzBoth$$' -fuzztime 60s -fuzzminimizetime 10x .
	cd test/schema && $(GO) test -run TestGrid . -all
	cd test/kube && $(GO) test -run '^$$' -fuzz '^FuzzAnAPIServer' -fuzztime 60s -fuzzminimizetime 10x .

bench: setup bin/pulpimg $(LAB)
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/...
	cd test/bench && $(GO) build -o ../../bin/bench .
	$(LAB) run --services -- bin/bench

bin/pulpimg: $(SOURCES) $(SUMS) | engine
	$(BUILD) -o $@ ./cmd/pulpimg

# buildkitd and runc, compiled from their Go modules; kept while their inputs are the same.
engine: setup
	$(GO) run ./pkg/engine/bundle/build

assets/helper/pulp-helper-linux-%: $(shell find cmd/pulp-helper internal pkg -name '*.go') go.mod go.sum
	@rm -f $@.sha256
	CGO_ENABLED=0 GOOS=linux GOARCH=$* $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o $@ ./cmd/pulp-helper

# The digests of the helpers, so that not every build computes them.
$(SUMS): %.sha256: %
	{ sha256sum $< 2>/dev/null || shasum -a 256 $<; } >$@.new && cut -c 1-64 $@.new >$@ && rm $@.new

# Archives, packages and checksums of a version in dist/: make release [VERSION=1.2.3]. Two runs for one commit give the same bytes.
release: export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct))
release: setup $(SUMS) bin/packaging
	internal/packaging/version.sh '$(VERSION)'
	@case '$(VERSION)' in *.changed|*-dev*) ;; *) git diff-index --quiet HEAD || { echo 'a release is made of what is committed, and files are changed' >&2; exit 1; };; esac
	set -e; for arch in $(ARCHS); do internal/packaging/engine.sh $$arch; done
	set -e; for platform in $(RELEASE); do \
	  GOOS=$${platform%/*} GOARCH=$${platform#*/} $(BUILD) -o bin/release/$$platform ./cmd/pulpimg; done
	bin/packaging -o dist $(foreach p,$(RELEASE),$(p)=bin/release/$(p))
	@cd dist && sha256sum --check --quiet SHA256SUMS

# pulpimg's own image, of this machine's platform: make image [IMAGE='--push --registry registry.example.com/tools']
# After make release, also of others: make image PLATFORMS=linux/amd64,linux/arm64
NATIVE     = linux/$(shell $(GO) env GOARCH)
PLATFORMS  = $(NATIVE)
IMAGE     :=
comma     := ,
image: bin/pulpimg
	set -e; for p in $(subst $(comma), ,$(PLATFORMS)); do \
	  case $$p in $(NATIVE)) program=bin/pulpimg;; *) program=bin/release/$$p;; esac; \
	  [ -e $$program ] || { echo "$$program is not there: make release compiles it" >&2; exit 1; }; \
	  install -C -D -m 0755 $$program specs/pulpimg/$$p/pulpimg; done
	bin/pulpimg build -f specs/pulpimg/pulpimg.yaml --platform $(PLATFORMS) --tag '$(subst +,-,$(VERSION))' $(IMAGE)

# The packages of this machine's program alone, which the tests install.
packages: bin/packages/SHA256SUMS

bin/packages/SHA256SUMS: export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || echo 0))
bin/packages/SHA256SUMS: bin/pulpimg bin/packaging $(wildcard internal/packaging/*/*) CHANGELOG.md LICENSE README.md
	bin/packaging -formats deb,rpm -o bin/packages linux/$$($(GO) env GOARCH)=bin/pulpimg

bin/packaging: $(wildcard internal/packaging/*.go) internal/packaging/go.mod internal/packaging/go.sum
	cd internal/packaging && CGO_ENABLED=0 $(GO) build -o ../../$@ .

$(LAB): $(shell find test/lab -type f)
	cd test/lab && $(GO) build -o ../../$@ .

# The daemons among them are not started: tests run their own. See invoke-rc.d(8).
setup:
	@missing=; for t in $(TOOLS); do [ -e $${t%%:*} ] || missing="$$missing $${t##*:}"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	  policy=/usr/sbin/policy-rc.d; if [ ! -e $$policy ]; then trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod +x $$policy; fi; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $$missing >/dev/null; fi

clean:
	rm -rf bin dist specs/pulpimg/linux $(HELPERS) $(SUMS)
