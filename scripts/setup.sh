#!/usr/bin/env bash
# Makes a fresh Debian 12 ready to build, run and test Millrace: packages, then hugepages.
#
# Changes only what is missing, so it may be run any number of times. As root it installs; as
# another user it says what is missing. SETUP_HUGEPAGES_MB=0 leaves the hugepages alone.
set -eu
cd "$(dirname "$0")/.."

packages="build-essential pkg-config
    libdpdk-dev dpdk dpdk-dev libhugetlbfs-bin libnuma-dev
    libyaml-dev libpcap-dev libpcre2-dev libcriterion-dev
    clang clang-format clang-tidy libclang-rt-14-dev llvm
    iproute2 ethtool procps python3"

say() { echo "setup: $*"; }

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        say "these packages are missing:$missing"
        say "install them as root: apt-get install$missing"
        exit 69
    fi
    say "installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } \
        >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log"
        say "apt-get failed; its whole output is in $log"
        exit 69
    fi
    rm -f "$log"
    say "installed"
fi

if ! grep -qw avx2 /proc/cpuinfo || ! grep -qw aes /proc/cpuinfo; then
    say "this CPU lacks AVX2 or AES: Millrace needs x86-64-v3 (Intel Haswell, AMD Zen or newer)"
    exit 69
fi

need_mb=${SETUP_HUGEPAGES_MB:-1024}
if [ "$need_mb" != 0 ]; then
    # Without hugepages everything works, slower, with --no-huge: this is not an error.
    scripts/hugepages ensure "$need_mb" || true
fi
