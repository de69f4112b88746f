#!/usr/bin/env bash
# scripts/bind-nic over a made-up machine: what it refuses, and what it writes where.
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export MILLRACE_SYSROOT=$root
pci=$root/sys/bus/pci

fail() { echo "bind_nic: $*"; exit 1; }
nic() { # ADDRESS INTERFACE DRIVER
    mkdir -p "$pci/devices/$1" "$pci/drivers/$3" "$root/sys/class/net/$2" "$root/sys/devices/pci0000:00/$1"
    echo 0x020000 >"$pci/devices/$1/class"
    ln -s "$pci/drivers/$3" "$pci/devices/$1/driver"
    ln -s "$root/sys/devices/pci0000:00/$1" "$root/sys/class/net/$2/device"
}
group() { # NUMBER ADDRESS...
    local at=$root/sys/kernel/iommu_groups/$1/devices address
    mkdir -p "$at"
    for address in "${@:2}"; do
        ln -s "$pci/devices/$address" "$at/$address"
        ln -s "$root/sys/kernel/iommu_groups/$1" "$pci/devices/$address/iommu_group"
    done
}
refuses() { # COMMAND... -- SENTENCE
    local out
    if out=$("${@:1:$#-2}" 2>&1); then fail "$*: was not refused: $out"; fi
    grep -qF "${*: -1}" <<<"$out" || fail "no '${*: -1}' in: $out"
}
writes() { [ "$(cat "$1")" = "$2" ] || fail "$1 holds '$(cat "$1")', not '$2'"; }

nic 0000:01:00.0 eth0 igb
nic 0000:02:00.0 eth1 i40e
nic 0000:03:00.0 eth2 ixgbe
nic 0000:04:00.0 eth3 mlx5_core
nic 0000:05:00.0 eth4 ixgbe
nic 0000:05:00.1 eth5 ixgbe
group 1 0000:01:00.0
group 2 0000:02:00.0
group 5 0000:05:00.0 0000:05:00.1
mkdir -p "$root/proc/net"
printf 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n%s\n' \
    $'eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000' >"$root/proc/net/route"

refuses scripts/bind-nic dpdk eth0 -- 'carries the default route'
refuses scripts/bind-nic dpdk 0000:01:00.0 -- 'carries the default route'
refuses scripts/bind-nic dpdk eth9 -- 'neither a PCI NIC'
refuses scripts/bind-nic dpdk 0000:0f:00.0 -- 'no PCI device'
refuses scripts/bind-nic dpdk eth2 -- 'is in no IOMMU group'
refuses scripts/bind-nic dpdk eth4 -- 'shares its IOMMU group with 0000:05:00.1'
scripts/bind-nic dpdk eth3 | grep -q 'keeps its kernel driver mlx5_core' || fail "a mlx5 was to be bound"
scripts/bind-nic status | grep -q '^0000:01:00.0 *eth0 *igb *carries the default route' || fail "status"

scripts/bind-nic --dry-run dpdk eth1 | grep -q "would write 'vfio-pci'" || fail "the dry run says nothing"
[ ! -e "$pci/devices/0000:02:00.0/driver_override" ] || fail "the dry run wrote"
scripts/bind-nic dpdk eth1 | grep -q 'with DPDK (was: i40e)' || fail "eth1 was not given"
writes "$pci/devices/0000:02:00.0/driver_override" vfio-pci
writes "$pci/drivers/i40e/unbind" 0000:02:00.0
writes "$pci/drivers_probe" 0000:02:00.0

mkdir -p "$pci/drivers/vfio-pci"
ln -sfn "$pci/drivers/vfio-pci" "$pci/devices/0000:02:00.0/driver"
scripts/bind-nic kernel 0000:02:00.0 | grep -q 'back with its kernel driver i40e' || fail "not given back"
writes "$pci/drivers/vfio-pci/unbind" 0000:02:00.0
writes "$pci/devices/0000:02:00.0/driver_override" ''
