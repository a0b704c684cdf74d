#!/bin/sh
# Compiles the engine for an architecture: internal/packaging/engine.sh amd64|arm64. For one that is not this machine's, it takes Debian's cross
# compiler, and unpacks Debian's libseccomp of that architecture into bin/: the system does not get a second architecture.
set -eu
cd "$(dirname "$0")/../.."
arch=$1
if [ "$arch" = "$(go env GOHOSTARCH)" ]; then
  exec go run ./pkg/engine/bundle/build
fi
case $arch in
amd64) triple=x86_64-linux-gnu ;;
arm64) triple=aarch64-linux-gnu ;;
*) echo "there is no engine for $arch" >&2; exit 2 ;;
esac

if ! command -v "$triple-gcc" >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "gcc-$(echo $triple | tr _ -)" "libc6-dev-$arch-cross" >/dev/null
fi

sysroot=$PWD/bin/sysroot-$arch
if [ ! -e "$sysroot" ]; then
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial" "$tmp/root"
  cat >"$tmp/apt.conf" <<EOF
APT::Architecture "$arch";
APT::Architectures "$arch";
APT::Sandbox::User "root";
Dir::State::status "/dev/null";
Dir::State::lists "$tmp/lists";
Dir::Cache "$tmp/cache";
EOF
  APT_CONFIG=$tmp/apt.conf apt-get update -qq
  (cd "$tmp" && APT_CONFIG=$tmp/apt.conf apt-get download -qq libseccomp-dev)
  dpkg-deb --extract "$tmp"/libseccomp-dev_*.deb "$tmp/root"
  mv "$tmp/root" "$sysroot"
fi

export CC="$triple-gcc" PKG_CONFIG_SYSROOT_DIR="$sysroot" PKG_CONFIG_LIBDIR="$sysroot/usr/lib/$triple/pkgconfig"
go run ./pkg/engine/bundle/build -arch "$arch"
