#!/bin/sh
# The work of the measured Debian guest: processor, memory and processes, nothing that varies, so
# that the same lines are printed on any machine. It needs no disk and no random numbers. Give it to
# `guest fetch debian --init`; apps/bench does.

echo "== begin"
yes casmotion | head -c 10000000 > /tmp/data
sha256sum < /tmp/data

echo "== sort"
awk 'BEGIN { x = 1; for (i = 0; i < 20000; i++) { x = (x * 75) % 65537; print x } }' > /tmp/numbers
sort -n /tmp/numbers | sha256sum

echo "== awk"
awk '{ count[$1 % 97] += $1 } END { for (i = 0; i < 97; i++) sum += i * count[i]; print sum }' \
  /tmp/numbers

echo "== shell"
i=0
sum=0
while [ "$i" -lt 10000 ]; do
  sum=$(((sum * 31 + i) % 1000003))
  i=$((i + 1))
done
echo "$sum"

echo "== processes"
i=0
while [ "$i" -lt 60 ]; do
  /bin/true
  (exit 0)
  i=$((i + 1))
done
echo "$i"

echo "== done"
poweroff -f
