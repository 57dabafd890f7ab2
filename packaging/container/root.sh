#!/bin/sh
# Finishes the root file system of the image, whose directory is the first argument.
set -eu

# The user of the server, which is not root.
echo 'connections:x:10001:10001::/var/lib/connections:/usr/sbin/nologin' >> "$1/etc/passwd"
echo 'connections:x:10001:' >> "$1/etc/group"
# The key is kept apart from the database.
install --directory --mode=0700 --owner=10001 --group=10001 "$1/var/lib/connections" "$1/var/lib/connections-key"

# No program in the image may run with more rights than the user who starts it.
find "$1/usr" -type f -perm /6000 -exec chmod a-s {} +

# What belongs to the machine that makes the image. A container engine writes its own files.
rm -f "$1/etc/hostname" "$1/etc/resolv.conf" "$1/etc/apt/sources.list"
