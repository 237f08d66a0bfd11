"""Types at a program on a pseudo-terminal and shows what is seen there.

Arguments: the steps as JSON, then the command. A step is [text to wait for, seconds to wait after
that, text to type]. Afterwards the program has 60 s to end. Prints what was seen, then a line
EXIT <code>.
"""
import json
import os
import pty
import select
import sys
import time

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

seen = b""
looked_at = 0


def read(seconds):
    """Reads for so long; False at the end."""
    global seen
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        if left < 0:
            return True
        ready, _, _ = select.select([terminal], [], [], left)
        if not ready:
            return True
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return False
        if not data:
            return False
        seen += data


for wanted, seconds, text in steps:
    for _ in range(600):
        at = seen.find(wanted.encode(), looked_at)
        if at >= 0 or not read(0.1):
            break
    looked_at = max(at, looked_at)
    read(seconds)
    os.write(terminal, text.encode())
for _ in range(600):
    if not read(0.1):
        break
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
print("\nEXIT", os.waitstatus_to_exitcode(status))
