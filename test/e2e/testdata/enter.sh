#!/bin/sh
# Runs a command in another root file system, with mount and process namespaces of its own: enter.sh ROOT COMMAND...
# chroot would not do: in one, the kernel makes no user namespaces.
set -eu
root=$1
shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
cd "$root"
pivot_root . mnt
cd /
umount --lazy /mnt
exec "$@"
