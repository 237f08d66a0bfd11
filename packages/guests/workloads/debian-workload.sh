#!/bin/sh
# The work that a recorded Debian guest does: processor, memory, processes, random numbers, the
# clock and, if there is one, the disk. Every line of output but those marked "varies" is the same
# in every run. Give it to `guest fetch debian --init`. It writes to the disk at /dev/vda, and
# formats it if there is no ext file system on it.
#
# With work=none on the kernel's command line, which the kernel passes on as a variable, it does
# nothing: for a boot alone.

if [ "$work" = none ]; then
  echo "== no work"
  poweroff -f
fi

echo "== sha256sum of 20 MB"
yes casmotion | head -c 20000000 > /tmp/data
sha256sum < /tmp/data

echo "== sort"
awk 'BEGIN { x = 1; for (i = 0; i < 50000; i++) { x = (x * 75) % 65537; print x } }' > /tmp/numbers
sort -n /tmp/numbers | sha256sum

echo "== random bytes (varies)"
dd if=/dev/urandom bs=4096 count=64 2> /dev/null | sha256sum
if [ -e /dev/hwrng ]; then
  dd if=/dev/hwrng bs=64 count=1 2> /dev/null | sha256sum
fi

echo "== date (varies)"
date

echo "== processes"
i=0
while [ "$i" -lt 100 ]; do
  /bin/true
  i=$((i + 1))
done
echo "$i processes"

if [ -b /dev/vda ]; then
  echo "== disk"
  if ! mount -t ext4 /dev/vda /mnt; then
    mke2fs -F /dev/vda > /dev/null
    mount -t ext4 /dev/vda /mnt
  fi
  [ ! -e /mnt/greeting ] || echo "greeting: $(cat /mnt/greeting)"
  cp /tmp/numbers /mnt/numbers
  head -c 2000000 /tmp/data > /mnt/data
  sync
  umount /mnt
  mount -t ext4 /dev/vda /mnt
  cmp /mnt/numbers /tmp/numbers && echo "numbers read back"
  sha256sum < /mnt/data
  umount /mnt
fi

echo "== done"
poweroff -f
