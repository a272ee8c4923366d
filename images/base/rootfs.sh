#!/bin/sh
# Makes rootfs.tar in the current directory: Debian trixie as debootstrap (minbase) leaves it. Usage: rootfs.sh [MIRROR]
set -eu

# A run whose controller is gone may still be at it; of one that was killed, half a tree is left.
exec 9> /run/lock/modelhub-rootfs
flock 9
rm -rf rootfs rootfs.tar

# debootstrap mounts /proc and /sys in the tree. In a namespace of its own nothing of that outlives it.
if unshare --mount true 2> /dev/null; then private='unshare --mount'; else private=; fi
$private debootstrap --variant=minbase trixie rootfs "$@"

# Name resolution and host name are this host's, not the image's.
tar --create --file=rootfs.tar --directory=rootfs --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
    --exclude=./etc/hostname --exclude=./etc/resolv.conf .
rm -rf rootfs
