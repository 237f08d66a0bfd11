/** The /init of the Debian guest: the first program that the kernel starts. */

/** Where the caller's script lies in the guest. */
export const USER_INIT_PATH = 'init.user';
/** Where the names of the modules lie in the guest, one a line, in loading order. */
export const MODULE_ORDER_PATH = 'lib/modules/order';

/**
 * Sets up the file systems, loads the modules, with parameters from the kernel's command line as
 * modprobe takes them (`MODULE.NAME=VALUE`, the module's name with `_`), then runs the caller's
 * script if there is one, else a shell on the console. Whichever way that ends, the machine is
 * powered off.
 */
export const INIT_SCRIPT = `#!/bin/busybox sh
export PATH=/bin:/sbin HOME=/root TERM=linux
/bin/busybox mkdir -p /proc /sys /dev /tmp /root /mnt /etc
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
# The root file system's size is set before all memory is known: some kernels make it small.
mount -t tmpfs tmpfs /tmp
read -r cmdline < /proc/cmdline
set -f
while read -r module; do
  parameters=
  for word in $cmdline; do
    case $word in "$module".*) parameters="$parameters \${word#*.}";; esac
  done
  insmod "/lib/modules/$module.ko" $parameters || echo "init: module $module is not loaded"
done < /${MODULE_ORDER_PATH}
set +f
cd /root
# cttyhack gives the program the console as its terminal, so that Ctrl-C works.
if [ -e /${USER_INIT_PATH} ]; then
  setsid cttyhack /${USER_INIT_PATH}
else
  echo "casmotion: Debian's kernel $(uname -r); leave with exit or poweroff -f"
  setsid cttyhack sh
fi
sync
poweroff -f
`;
